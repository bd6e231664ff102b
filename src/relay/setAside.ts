// Tickers that could not be sent. They stay out of the way of the others, and each is tried again on its own schedule.

import type { SetAsideTicker } from '../store/leases.ts'

export type SetAside = {
  /** Tries again later, each time after a longer pause. */
  put: (ticker: string, shard: number) => void
  /** The ticker is read with the others again. True if it was set aside. */
  remove: (ticker: string) => boolean
  /** Drops the tickers of shards that are not ours any more: their new holder deals with them. */
  keepOnly: (shards: readonly number[]) => void
  /** Makes every ticker due at once: the broker answers again. */
  hurry: () => void
  tickers: () => string[]
  all: () => SetAsideTicker[]
  due: () => string[]
  /** When the next ticker is due, in ms from now; null when none is set aside. */
  nextInMs: () => number | null
}

const firstPauseMs = 250
const longestPauseMs = 5_000
/** How many tickers one read tries. */
const dueMax = 200

type Entry = { shard: number; pauseMs: number; dueAt: number }

/** `clock`: monotonic milliseconds. */
export const createSetAside = (clock: () => number): SetAside => {
  const entries = new Map<string, Entry>()
  return {
    put(ticker, shard) {
      const pauseMs = Math.min(longestPauseMs, (entries.get(ticker)?.pauseMs ?? firstPauseMs / 2) * 2)
      entries.set(ticker, { shard, pauseMs, dueAt: clock() + pauseMs })
    },
    remove: (ticker) => entries.delete(ticker),
    keepOnly(shards) {
      for (const [ticker, { shard }] of entries) if (!shards.includes(shard)) entries.delete(ticker)
    },
    hurry() {
      for (const entry of entries.values()) entry.dueAt = Math.min(entry.dueAt, clock())
    },
    tickers: () => [...entries.keys()],
    all: () =>
      entries
        .entries()
        .map(([ticker, { shard }]) => ({ ticker, shard }))
        .toArray(),
    due() {
      const now = clock()
      const due: string[] = []
      for (const [ticker, { dueAt }] of entries) {
        if (dueAt <= now) due.push(ticker)
        if (due.length === dueMax) break
      }
      return due
    },
    nextInMs() {
      if (entries.size === 0) return null
      const now = clock()
      let next = longestPauseMs
      for (const { dueAt } of entries.values()) next = Math.min(next, dueAt - now)
      return Math.max(0, next)
    },
  }
}
