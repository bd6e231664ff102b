// The last minutes of the figures, for the plots. They stay while another panel is open.

import { figuresOf, type Figures } from './figures.ts'
import type { Reading } from './reading.ts'

/** Milliseconds that a plot shows. */
export const shownMs = 10 * 60_000
/** A plot joins no points that are further apart: nobody looked meanwhile. */
const apartMs = 10_000

export type History = {
  /** Ascending; null: nobody looked for a while. */
  readonly figures: readonly (Figures | null)[]
  readonly readings: readonly Reading[]
}

export const noHistory: History = { figures: [], readings: [] }

/** The history with one more reading, without what is too old to be shown. */
export const withReading = ({ figures, readings }: History, reading: Reading): History => {
  const since = reading.at - shownMs
  const kept = [...readings.filter(({ at }) => at >= since), reading]
  const last = readings.at(-1)
  const isApart = last !== undefined && reading.at - last.at > apartMs
  const recent = figures.filter((one, at) => (one ?? figures[at + 1])!.at >= since)
  return { readings: kept, figures: [...recent, ...(isApart ? [null] : []), figuresOf(kept)] }
}
