// How many exceptions wait for somebody to deal with them, counted at a slow and steady pace.

import { countOpenExceptions } from '../store/exceptions.ts'
import type { Database } from '../store/sql.ts'
import { sleep } from './sleep.ts'

export type OpenExceptions = { run: (signal: AbortSignal) => Promise<void>; count: () => number }

const countEveryMs = 10_000
/** Older ones are not looked at, so that a count costs the same however many there ever were. */
const newestMax = 10_000

export const createOpenExceptions = (db: Database): OpenExceptions => {
  let open = 0
  return {
    count: () => open,
    async run(signal) {
      while (!signal.aborted) {
        // While Postgres is away, which the monitor says, it stays what it was.
        open = await db.run((sql) => countOpenExceptions(sql, newestMax)).catch(() => open)
        await sleep(countEveryMs, signal)
      }
    },
  }
}
