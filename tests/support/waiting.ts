// Waits until statements wait for a lock, and for the failure of a promise; counts those that waited in vain.

import { isLockTimeout } from '../../src/store/faults.ts'
import type { Database, Sql } from '../../src/store/sql.ts'
import { until } from './until.ts'

/** Resolves once `count` statements with `part` in their text wait for a lock in this database. */
export const untilBlocked = (sql: Sql, part: string, count = 1): Promise<boolean> =>
  until(
    async () => {
      const [row] = await sql<{ waiting: number }[]>`
        select count(*)::integer as waiting from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock' and position(${part} in query) > 0
          and pid <> pg_backend_pid()`
      return row!.waiting >= count
    },
    { what: `${count} statements with "${part}" wait for a lock` },
  )

/** The error that a promise fails with. */
export const failureOf = async (promise: PromiseLike<unknown>): Promise<unknown> => {
  try {
    await promise
  } catch (error) {
    return error
  }
  throw new Error('this should have failed')
}

/** A pool, and how many statements waited for a lock on it as long as they may. */
export const countingLockTimeouts = (db: Database): { db: Database; timeouts: () => number } => {
  let count = 0
  const run = async <T>(statement: (some: Sql) => Promise<T>): Promise<T> => {
    try {
      return await db.run(statement)
    } catch (error) {
      if (isLockTimeout(error)) count += 1
      throw error
    }
  }
  return { db: { ...db, run }, timeouts: () => count }
}
