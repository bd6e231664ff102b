// The measurements of a run so far, written whole after each one, so that an interruption costs only the one under way.

import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { StackError } from '../stack/stackError.ts'
import type { Measurement, Scale } from './bench.ts'
import type { Machine } from './world/machine.ts'

export type BenchState = {
  startedAt: string
  scale: Scale
  machine: Machine | null
  measurements: Measurement[]
}

const fileIn = (dir: string): string => join(dir, 'state.json')

export const newState = (scale: Scale): BenchState => ({
  startedAt: new Date().toISOString(),
  scale,
  machine: null,
  measurements: [],
})

export const writeState = (dir: string, state: BenchState): void => {
  mkdirSync(dir, { recursive: true })
  writeFileSync(`${fileIn(dir)}.new`, JSON.stringify(state))
  renameSync(`${fileIn(dir)}.new`, fileIn(dir))
}

/** The run to resume, in the scale that it began with. */
export const readState = (dir: string): BenchState => {
  if (!existsSync(fileIn(dir))) throw new StackError('USAGE', 'there is no run to resume: start one without --resume')
  return JSON.parse(readFileSync(fileIn(dir), 'utf8')) as BenchState
}

/** A report may be hours of work: an earlier one is put aside, not overwritten. */
export const keepReport = (dir: string): void => {
  const file = join(dir, 'report', 'report.json')
  if (!existsSync(file)) return
  const { startedAt } = JSON.parse(readFileSync(file, 'utf8')) as BenchState
  const archive = join(`${dir}-earlier`, startedAt.replaceAll(':', '-'))
  mkdirSync(dirname(archive), { recursive: true })
  renameSync(dirname(file), archive)
}
