// What release 1.4 does to a database, replayed: its schema, and the statement by which it places, as it sent it. The text beside this file is
// what it sent; it never changes.

import { textArray, type Sql } from '../../../src/store/sql.ts'
import { newId } from '../../support/builders.ts'
import { filesBefore, filesSince } from './release12.ts'
import placeText from './release14/place.sql' with { type: 'text' }

export const migrationsOf14 = filesBefore('0019_keys.sql')
export const filesSince14 = filesSince('0019_keys.sql')

/** `id`: absent, one of now. */
type OrderOf14 = { id?: string; userId: string; clientOrderId: string | null; price?: number }

export type Replica14 = {
  /** Places orders in one batch: BUY 10 AAPL at 150; answers the ids that are new. */
  place: (...orders: OrderOf14[]) => Promise<string[]>
}

/** A running replica of 1.4. Its statement is prepared once a connection, so it lives through a migration. */
export const replicaOf14 = (sql: Sql): Replica14 => ({
  async place(...orders) {
    const all = (value: (order: OrderOf14) => string | null): string => textArray(orders.map(value))
    const same = (value: string | null): string => all(() => value)
    const at = new Date().toISOString()
    const rows = await sql.unsafe<{ id: string }[]>(
      placeText,
      [
        all(({ id }) => id ?? newId()),
        all(({ userId }) => userId),
        all(({ clientOrderId }) => clientOrderId),
        ...['AAPL', 'BUY', 'LIMIT', 'GTC', '10'].map(same),
        all(({ price = 150 }) => String(price)),
        ...[null, null, null, null].map(same),
        same(at),
        ...[null, null, null, null].map(same),
        all(() => newId()),
        same(null),
      ],
      { prepare: true },
    )
    return rows.map(({ id }) => id)
  },
})
