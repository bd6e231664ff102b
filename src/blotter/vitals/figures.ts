// The figures of a moment, made of readings of /metrics: rates and quantiles of the last seconds, and what is now.

import { increaseOf, quantileOf } from './histogram.ts'
import type { Reading } from './reading.ts'

/** Null: nothing can be said, because nothing happened or the process is another one since. */
export type Figures = {
  /** Milliseconds of the browser's clock. */
  at: number
  ordersPerSecond: number | null
  acceptingP50Seconds: number | null
  acceptingP99Seconds: number | null
} & Pick<
  Reading,
  | 'outboxRows'
  | 'outboxAgeSeconds'
  | 'tradesLagMessages'
  | 'tradesLagSeconds'
  | 'exceptionsOpen'
  | 'streamsOpen'
  | 'streamsMax'
>

/** Rates and quantiles are of so long: shorter is restless, longer hides what has just begun. */
const windowMs = 10_000

const unknown = { ordersPerSecond: null, acceptingP50Seconds: null, acceptingP99Seconds: null } as const

const sinceThen = (before: Reading, now: Reading) => {
  const accepting = increaseOf(before.accepting, now.accepting)
  return {
    ordersPerSecond: (now.placed - before.placed) / ((now.at - before.at) / 1000),
    acceptingP50Seconds: quantileOf(0.5, accepting),
    acceptingP99Seconds: quantileOf(0.99, accepting),
  }
}

/** `readings`: ascending, the last is the one that the figures are of. */
export const figuresOf = (readings: readonly Reading[]): Figures => {
  const { startedAt: _startedAt, placed: _placed, accepting: _accepting, ...now } = readings.at(-1)!
  const last = readings.at(-1)!
  const before = readings.find(({ at, startedAt }) => at >= last.at - windowMs && startedAt === last.startedAt)
  return { ...now, ...(before === undefined || before === last ? unknown : sinceThen(before, last)) }
}
