// Counts the exceptions that nobody has resolved yet, at a slow and steady pace.

import { countOpenExceptions } from '../store/exceptions.ts'
import type { Database } from '../store/sql.ts'
import { sleep } from './sleep.ts'

export type OpenExceptions = { run: (signal: AbortSignal) => Promise<void>; count: () => number }

const countEveryMs = 10_000
/** Older exceptions are not counted, so that a count costs the same however many there are. */
const newestMax = 10_000

export const createOpenExceptions = (db: Database): OpenExceptions => {
  let open = 0
  return {
    count: () => open,
    async run(signal) {
      while (!signal.aborted) {
        // While Postgres is away, the count stays what it was. (The monitor reports that Postgres is away.)
        open = await db.run((sql) => countOpenExceptions(sql, newestMax)).catch(() => open)
        await sleep(countEveryMs, signal)
      }
    },
  }
}
