// Counts the exceptions that nobody has resolved yet, at a slow and steady pace.

import type { Database, Sql } from '../store/sql.ts'
import { sleep } from './sleep.ts'

export type OpenExceptions = { run: (signal: AbortSignal) => Promise<void>; count: () => number }

const countEveryMs = 10_000
/** Older exceptions are not counted, so that a count costs the same however many there are. */
const newestMax = 10_000

/** `countOpen`: counts those of the newest `max` that nobody has resolved. */
export const createOpenExceptions = (
  db: Database,
  countOpen: (sql: Sql, max: number) => Promise<number>,
): OpenExceptions => {
  let open = 0
  return {
    count: () => open,
    async run(signal) {
      while (!signal.aborted) {
        // While Postgres is away, the count stays what it was. (The monitor reports that Postgres is away.)
        open = await db.run((sql) => countOpen(sql, newestMax)).catch(() => open)
        await sleep(countEveryMs, signal)
      }
    },
  }
}
