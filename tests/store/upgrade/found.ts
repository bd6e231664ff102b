// What the tests of an upgrade look at: the files of the tables, the orders, and what verify finds.

import { brokenGuards } from '../../../src/store/brokenGuards.ts'
import { openSession } from '../../../src/store/sql.ts'
import { verifyTables } from '../../../src/verify/tables.ts'
import type { Violation } from '../../../src/verify/violation.ts'
import type { TestDatabase } from '../../support/database.ts'

/** The file of each table and of each index that 1.2 made and that stays. One that was rewritten has another number. */
export const filesOf = async ({ sql }: TestDatabase): Promise<Record<string, number>> => {
  const rows = await sql<{ name: string; file: number }[]>`
    select c.relname as name, c.relfilenode as file from pg_class c
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'i') and c.relname ~ '^(orders|ingested_fills|exceptions|outbox)'
      and c.relname !~ '(_xact|_sorted|_stops|_expiry|_immediate|_by_client_order_id|_keys.*|_gate.*)$' order by 1`
  return Object.fromEntries(rows.map(({ name, file }) => [name, file]))
}

/** Indexes that are no good: their building was cut off. */
export const invalidIndexesOf = async ({ sql }: Pick<TestDatabase, 'sql'>): Promise<string[]> => {
  const rows = await sql<{ name: string }[]>`
    select indexrelid::regclass::text as name from pg_index
    where indrelid in ('orders'::regclass, 'ingested_fills'::regclass) and not indisvalid`
  return rows.map(({ name }) => name)
}

/** What is wrong in the database: guards that are not in force, indexes that are not valid, and all that verify finds. */
export const faultsOf = async ({ sql, target }: Pick<TestDatabase, 'sql' | 'target'>): Promise<unknown[]> => {
  const session = openSession(target, 10_000)
  const violations: Violation[] = []
  try {
    await verifyTables(session, {
      onViolations: async (found) => void violations.push(...found),
      onNote: async (note) =>
        void violations.push({ subject: 'note', id: '', rule: note, expected: null, found: null }),
      onProgress: () => undefined,
    })
    return [...(await brokenGuards(session)), ...violations, ...(await invalidIndexesOf({ sql }))]
  } finally {
    await session.end({ timeout: 1 })
  }
}

/** The orders as 1.2 stored them, in order of their ids. */
export const ordersOf = async ({ sql }: TestDatabase) => [
  ...(await sql`
    select id, status, quantity, price, filled_quantity, filled_notional, last_fill_price, version, created_at, updated_at
    from orders order by id`),
]
