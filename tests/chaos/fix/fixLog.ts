// What the firms were told and sent, a file for each session, a JSON line for each message, written before anything follows from it.

import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { FixEvidence, FixLine } from '../checker/evidence.ts'

export type FixLog = {
  write: (line: FixLine) => void
  /** Whether the session came to its end, at a full check. */
  drained: (drained: boolean) => void
  close: () => void
}

export const fixDir = (runDir: string): string => join(runDir, 'fix')

export const openFixLog = (dir: string, session: string): FixLog => {
  mkdirSync(dir, { recursive: true })
  const descriptor = openSync(join(dir, `${session}.jsonl`), 'a')
  // An earlier run may have been cut within a line.
  writeSync(descriptor, '\n')
  const write = (line: unknown): void => void writeSync(descriptor, `${JSON.stringify(line)}\n`)
  return { write, drained: (drained) => write({ drained }), close: () => closeSync(descriptor) }
}

type Line = FixLine | { drained: boolean }

const isMessage = (line: Line): line is FixLine => !('drained' in line)

const readLog = (file: string): Line[] =>
  readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('{') && line.endsWith('}'))
    .map((line) => JSON.parse(line) as Line)

export const readFixLogs = (dir: string): FixEvidence[] =>
  readdirSync(dir)
    .filter((name) => name.endsWith('.jsonl'))
    .toSorted()
    .map((name) => {
      const all = readLog(join(dir, name))
      const last = all.at(-1)
      const drained = last !== undefined && 'drained' in last && last.drained
      return { session: name.slice(0, -'.jsonl'.length), lines: all.filter(isMessage), drained }
    })
