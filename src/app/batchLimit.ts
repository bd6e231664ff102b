// How many rows a statement takes at a time, by how Postgres gets on with them.

import { isTooSlow } from '../store/faults.ts'

/** Runs a statement with the limit that holds now. */
type BatchLimit = <T>(statement: (limit: number) => Promise<T>) => Promise<T>

/**
 * At most `max` rows. After a statement that took longer than its time-out the limit halves, down to one row; after one that got through it
 * doubles. Else a loop whose batch is too large for a slow disk would try the same one for ever. Throws what the statement throws.
 */
export const createBatchLimit = (max: number): BatchLimit => {
  let limit = max
  return async (statement) => {
    try {
      const answer = await statement(limit)
      limit = Math.min(max, limit * 2)
      return answer
    } catch (error) {
      if (isTooSlow(error)) limit = Math.max(1, limit >> 1)
      throw error
    }
  }
}
