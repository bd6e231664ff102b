// Runs several statements that are sent as one text: what is between `begin` and `commit` in it happens as a whole, or not at all.

import type { Sql } from '../store/sql.ts'

/** The text is of this room alone, and has no value in it that came from a user without being quoted. */
export const runScript = async (sql: Sql, text: string): Promise<void> => {
  try {
    await sql.unsafe(text)
  } catch (error) {
    await sql.unsafe('rollback').catch(() => undefined)
    throw error
  }
}
