// The clients' log: append-only, one JSON line for every request before it leaves and one for every answer after it was read.
// Each line is one write, so what a client knew survives the harness itself.

import { closeSync, existsSync, openSync, readFileSync, writeSync } from 'node:fs'
import type { ControlRequest } from './checker/controlEvidence.ts'
import type { Answer, FixOrigin, LogLine, Terms } from './checker/evidence.ts'

export type Request =
  | { op: 'place'; terms: Terms; fix?: FixOrigin }
  | { op: 'cancel' | 'delete' | 'get'; orderId: string; fix?: FixOrigin }
  | ControlRequest

export type ClientLog = {
  /** Numbers the request. */
  sent: (request: Request) => number
  answered: (answer: Answer) => void
  close: () => void
}

/** An incomplete last line counts as never written: that request has no answer. */
const parse = (text: string): LogLine[] =>
  text
    .split('\n')
    .filter((line) => line.startsWith('{') && line.endsWith('}'))
    .map((line) => JSON.parse(line) as LogLine)

/** Gives nothing if there is no file yet. */
export const readClientLog = (file: string): LogLine[] => (existsSync(file) ? parse(readFileSync(file, 'utf8')) : [])

export const openClientLog = (file: string): ClientLog => {
  const earlier = readClientLog(file)
  let requests = earlier.reduce((most, line) => Math.max(most, 'sent' in line ? line.sent : 0), 0)
  const descriptor = openSync(file, 'a')
  writeSync(descriptor, '\n')
  const write = (line: LogLine): void => void writeSync(descriptor, `${JSON.stringify(line)}\n`)
  return {
    sent(request) {
      const sent = ++requests
      write({ sent, ...request })
      return sent
    },
    answered: write,
    close: () => closeSync(descriptor),
  }
}
