// The vital signs: what each shows of the figures, what its plot draws, and beyond which number its alert fires.

import { alertThresholds } from './alertThresholds.ts' with { type: 'macro' }
import type { Figures } from './figures.ts'
import { countText, durationText, unknownText } from './words.ts'

type Curve = { label: string; of: (figures: Figures) => number | null }

/** `threshold`: null where no alert watches it. `format`: of the plotted numbers. */
export type Sign = {
  title: string
  /** The figure of now, and what else belongs to it. */
  now: (figures: Figures) => readonly [figure: string, rest: string]
  /** The first is drawn strongly. */
  curves: readonly [Curve, ...Curve[]]
  format: (value: number) => string
  threshold: (figures: Figures) => number | null
}

const thresholds = alertThresholds()

const known = (value: number | null, format: (value: number) => string): string =>
  value === null ? unknownText : format(value)

export const signs: readonly Sign[] = [
  {
    title: 'Orders placed',
    now: ({ ordersPerSecond }) => [known(ordersPerSecond, countText), 'a second'],
    curves: [{ label: 'orders a second', of: ({ ordersPerSecond }) => ordersPerSecond }],
    format: countText,
    threshold: () => null,
  },
  {
    title: 'Accepting an order',
    now: ({ acceptingP50Seconds, acceptingP99Seconds }) => [
      known(acceptingP99Seconds, durationText),
      `for 99 of 100; ${known(acceptingP50Seconds, durationText)} for half of them`,
    ],
    curves: [
      { label: '99 of 100 take less', of: ({ acceptingP99Seconds }) => acceptingP99Seconds },
      { label: 'half of them take less', of: ({ acceptingP50Seconds }) => acceptingP50Seconds },
    ],
    format: durationText,
    threshold: () => thresholds.acceptingP99Seconds,
  },
  {
    title: 'Waiting to be published',
    now: ({ outboxRows, outboxAgeSeconds }) => [
      countText(outboxRows),
      `events; the oldest for ${durationText(outboxAgeSeconds)}`,
    ],
    curves: [{ label: 'age of the oldest', of: ({ outboxAgeSeconds }) => outboxAgeSeconds }],
    format: durationText,
    threshold: () => thresholds.outboxAgeSeconds,
  },
  {
    title: 'Trades behind',
    now: ({ tradesLagMessages, tradesLagSeconds }) => [
      countText(tradesLagMessages),
      `messages; the oldest for ${durationText(tradesLagSeconds)}`,
    ],
    curves: [{ label: 'age of the oldest', of: ({ tradesLagSeconds }) => tradesLagSeconds }],
    format: durationText,
    threshold: () => thresholds.tradesLagSeconds,
  },
  {
    title: 'Exceptions open',
    now: ({ exceptionsOpen }) => [countText(exceptionsOpen), 'of trades and reports'],
    curves: [{ label: 'exceptions', of: ({ exceptionsOpen }) => exceptionsOpen }],
    format: countText,
    threshold: () => thresholds.exceptionsOpen,
  },
  {
    title: 'Streams',
    now: ({ streamsOpen, streamsMax }) => [countText(streamsOpen), `open, of ${countText(streamsMax)}`],
    curves: [{ label: 'streams', of: ({ streamsOpen }) => streamsOpen }],
    format: countText,
    threshold: ({ streamsMax }) => thresholds.streamsShare * streamsMax,
  },
]

/** Whether the newest value of its first curve is beyond the threshold. */
export const isBeyond = (sign: Sign, figures: Figures): boolean => {
  const value = sign.curves[0].of(figures)
  const threshold = sign.threshold(figures)
  return value !== null && threshold !== null && value > threshold
}
