// Looks at Postgres and the outbox at a steady pace. Health answers from the last look. Placing is refused while more events wait in
// the outbox than its bound allows; if only the events of one ticker cannot be published, only that ticker is refused.

import { storeFault } from '../store/faults.ts'
import { readBacklog, type OutboxBacklog, type OutboxBound } from '../store/outbox.ts'
import type { Database } from '../store/sql.ts'
import { describe, type Log } from '../telemetry/log.ts'
import { sleep } from './sleep.ts'

/** A port that the relay implements: at or below this position, only events of tickers that are set aside wait. 0 is always right. */
export type OutboxFloor = () => bigint
/** A port of placing: whether there is room for another order of this ticker. It is called for each order, so it never waits. */
export type Admission = (ticker: string) => boolean

type Look = { database: { up: boolean; detail: string }; outbox: OutboxBacklog; outboxFull: boolean }
/** `uncountedMs`: how long ago the outbox was counted last, or the monitor was created. */
type MonitorState = Look & { uncountedMs: number }
export type Monitor = {
  run: (signal: AbortSignal) => Promise<void>
  state: () => MonitorState
  /** Resolves with the first look that Postgres answers. */
  reached: Promise<void>
  /** By the last count of the outbox: false while too much waits, or waits for too long. */
  hasRoom: Admission
}

const lookEveryMs = 1_000
/** Counting a long outbox takes a while: never spend more than one part in this many on it. */
const dutyCycle = 10

export type MonitorOptions = {
  db: Database
  bound: OutboxBound
  floor: OutboxFloor
  /** Called after each count while events wait: an idle relay need not look for those that others committed. */
  onWaiting?: () => void
  log: Log
}

export const createMonitor = ({ db, bound, floor, onWaiting, log }: MonitorOptions): Monitor => {
  let state: Look = {
    database: { up: false, detail: 'not reached yet' },
    outbox: { rows: 0, ageMs: 0, sendableAgeMs: 0, overdue: [] },
    outboxFull: false,
  }
  let overdue = new Set<string>()
  let countedAt = performance.now()
  const { promise: reached, resolve: onReached } = Promise.withResolvers<void>()

  const look = async (): Promise<Look> => {
    try {
      const outbox = await db.run((sql) => readBacklog(sql, bound, floor()))
      countedAt = performance.now()
      if (outbox.rows > 0) onWaiting?.()
      const outboxFull = outbox.rows > bound.rowsMax || outbox.sendableAgeMs > bound.ageMaxMs
      return { database: { up: true, detail: 'answers' }, outbox, outboxFull }
    } catch (error) {
      // Postgres answered, even though the count took too long.
      if (storeFault(error) === 'contention') {
        log.rarely('warn', 'backlog', 'the outbox could not be counted in time', describe(error))
        return { ...state, database: { up: true, detail: 'answers' } }
      }
      return { ...state, database: { up: false, detail: describe(error).error } }
    }
  }

  const become = (next: Look): void => {
    const { up, detail } = next.database
    if (up && !state.database.up) log.info('postgres is reachable', { detail })
    if (!up && state.database.up) log.error('postgres is not reachable', { detail })
    const { rows, ageMs } = next.outbox
    if (next.outboxFull && !state.outboxFull)
      log.error('the outbox passed its bound: new orders are refused', { rows, ageMs })
    if (!next.outboxFull && state.outboxFull)
      log.info('the outbox is within its bound again: new orders are taken', { rows, ageMs })
    const tickers = next.outbox.overdue.filter((ticker) => !overdue.has(ticker))
    if (tickers.length > 0)
      log.error('events of these tickers wait past the bound of the outbox: their new orders are refused', { tickers })
    overdue = new Set(next.outbox.overdue)
    state = next
    if (up) onReached()
  }

  return {
    state: () => ({ ...state, uncountedMs: performance.now() - countedAt }),
    reached,
    hasRoom: (ticker) => !state.outboxFull && !overdue.has(ticker),
    async run(signal) {
      while (!signal.aborted) {
        const startedAt = performance.now()
        become(await look())
        // A look that failed has counted nothing, it only waited for its deadline. The next look must not be put off for that: it is the
        // one that makes this replica ready again.
        const countMs = state.database.up ? performance.now() - startedAt : 0
        await sleep(Math.max(lookEveryMs, countMs * dutyCycle), signal)
      }
    },
  }
}
