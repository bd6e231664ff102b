// Points at which a crash is worth the most to a test. A release has none: its build defines ORDERS_CRASH_POINTS as 'none', and each call
// then calls an empty function. A build with crash points (tests/support/binary.ts) has them, and so does a run from the sources.
//
// ORDERS_TEST_CRASH=<point>@<n> kills the process, as SIGKILL does, when it passes that point for the n-th time, after it has appended the
// point's name to the file ORDERS_TEST_CRASH_LOG.

import { appendFileSync } from 'node:fs'

const crashPoints = [
  /** Orders and their events are committed, no client has its answer. */
  'after-commit-before-answer',
  /** The broker has the events, and the outbox still has them too. */
  'after-ack-before-delete',
  /** The ledger has the fills, their offsets are not committed. */
  'after-ledger-before-offset',
  /** The reports have their rows, their offsets are not committed. */
  'after-report-before-offset',
  /** Some stops of a batch are triggered, its offsets are not committed. */
  'after-trigger-before-offset',
  /** A sweep has canceled a page of orders, and is not done. */
  'after-page-of-sweep',
  /** Of a take-over: the schema of the copy exists, and is empty. */
  'after-schema-of-copy',
  /** It has our tables. */
  'before-sources',
  /** Topics and transactions are read. */
  'before-copy',
  /** The copy is committed, and nobody has verified it. */
  'after-copy',
  /** Of the way back: nothing was written yet. */
  'before-back',
] as const
export type CrashPoint = (typeof crashPoints)[number]

let passes = 0

const crashIfArmed = (point: CrashPoint): void => {
  const [armed, nth] = (process.env['ORDERS_TEST_CRASH'] ?? '').split('@')
  if (point !== armed || ++passes < Number(nth ?? 1)) return
  const log = process.env['ORDERS_TEST_CRASH_LOG']
  if (log !== undefined) appendFileSync(log, `${point}\n`)
  process.kill(process.pid, 'SIGKILL')
}

/** Kills the process if this point is armed and its turn has come; does nothing in a release. */
export const passCrashPoint = (point: CrashPoint): void => {
  if (process.env.ORDERS_CRASH_POINTS !== 'none') crashIfArmed(point)
}
