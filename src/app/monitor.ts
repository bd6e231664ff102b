// Looks at Postgres and the outbox at a steady pace. Health answers from what it saw last, and placing is refused while more
// waits in the outbox than its bound allows.

import { describe, type Log } from '../log.ts'
import { readBacklog, type OutboxBacklog } from '../store/outbox.ts'
import type { Database } from '../store/sql.ts'
import { sleep } from './sleep.ts'

export type OutboxBound = { rowsMax: number; ageMaxMs: number }

export type MonitorState = { database: { up: boolean; detail: string }; outbox: OutboxBacklog; outboxFull: boolean }
export type Monitor = { run: (signal: AbortSignal) => Promise<void>; state: () => MonitorState }

const lookEveryMs = 1_000
/** Counting a long outbox takes a while: never spend more than one part in this many on it. */
const dutyCycle = 10

export const createMonitor = (db: Database, bound: OutboxBound, log: Log): Monitor => {
  let state: MonitorState = {
    database: { up: false, detail: 'not reached yet' },
    outbox: { rows: 0, ageMs: 0 },
    outboxFull: false,
  }

  const look = async (): Promise<MonitorState> => {
    try {
      const outbox = await db.run((sql) => readBacklog(sql, bound.rowsMax + 1))
      const outboxFull = outbox.rows > bound.rowsMax || outbox.ageMs > bound.ageMaxMs
      return { database: { up: true, detail: 'answers' }, outbox, outboxFull }
    } catch (error) {
      return { ...state, database: { up: false, detail: describe(error).error } }
    }
  }

  const become = (next: MonitorState): void => {
    if (next.database.up !== state.database.up)
      log[next.database.up ? 'info' : 'error'](
        next.database.up ? 'postgres is reachable' : 'postgres is not reachable',
        { detail: next.database.detail },
      )
    if (next.outboxFull && !state.outboxFull)
      log.error('the outbox passed its bound: new orders are refused', { ...next.outbox })
    if (!next.outboxFull && state.outboxFull)
      log.info('the outbox is within its bound again: new orders are taken', { ...next.outbox })
    state = next
  }

  return {
    state: () => state,
    async run(signal) {
      while (!signal.aborted) {
        const startedAt = performance.now()
        become(await look())
        await sleep(Math.max(lookEveryMs, (performance.now() - startedAt) * dutyCycle), signal)
      }
    },
  }
}
