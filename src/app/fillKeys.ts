// Fills the keys of older orders into the table of keys, beside everything else. Every replica runs this loop; one of them at a time has the
// row that says how far it came. Once that row says that all are filled in, the loop ends for ever.

import { fillKeys, readFillProgress, type FillProgress } from '../store/keyFill.ts'
import type { Database } from '../store/sql.ts'
import { describe, type Log } from '../telemetry/log.ts'
import { sleep } from './sleep.ts'

/** `obstacle`: why the last batch failed, or null. */
type FillState = FillProgress & { obstacle: string | null }

export type KeyFilling = {
  /** Ends once all keys are filled in, or when `signal` is aborted. */
  run: (signal: AbortSignal) => Promise<void>
  /** As this replica knows it. Before its first look nothing is finished. */
  state: () => FillState
}

/** `clock`: milliseconds that only go up. */
export type KeyFillingOptions = { db: Database; clock: () => number; log: Log }

/** Orders a statement: some tens of milliseconds. */
export const fillBatchMax = 2_000
/** The loop rests as long as a batch took, and this long at least: half of one connection is the most that it takes. */
const restMinMs = 5
const rivalPauseMs = 2_000
const errorPauseMs = 1_000
const logEveryMs = 30_000

export const createKeyFilling = ({ db, clock, log }: KeyFillingOptions): KeyFilling => {
  let state: FillState = { finished: false, orders: 0, ordersAbout: 0, obstacle: null }
  let loggedAt = -Infinity
  let own = 0

  const become = (progress: FillProgress): void => {
    state = { ...progress, obstacle: null }
    const { orders, ordersAbout } = progress
    if (progress.finished && own > 0) log.info('the keys of older orders are filled in', { orders })
    if (progress.finished || clock() - loggedAt < logEveryMs) return
    loggedAt = clock()
    log.info('the keys of older orders are being filled in', { orders, ordersAbout })
  }

  /** One batch, and how long to rest after it, in ms. */
  const turn = async (): Promise<number> => {
    const startedAt = clock()
    try {
      const filled = await db.run((sql) => fillKeys(sql, fillBatchMax))
      if (filled === null) {
        become(await db.run(readFillProgress))
        return rivalPauseMs
      }
      own++
      become(filled)
      return Math.max(restMinMs, clock() - startedAt)
    } catch (error) {
      state = { ...state, obstacle: describe(error).error }
      log.rarely('warn', 'key fill', 'the keys of older orders cannot be filled in now', describe(error))
      return errorPauseMs
    }
  }

  return {
    state: () => state,
    async run(signal) {
      while (!signal.aborted) {
        const restMs = await turn()
        if (state.finished) return
        await sleep(restMs, signal)
      }
    },
  }
}
