// What the service has to end, as conditions on the order called `o`.

import type { Fragment, Sql } from './sql.ts'

/** An open order whose time is over. */
export const isDue = (sql: Sql): Fragment =>
  sql`o.open and o.expires_at is not null and o.expires_at <= statement_timestamp()`

/** An open order that an engine executes at once or not at all. */
export const isImmediate = (sql: Sql): Fragment =>
  sql`o.open and (o.time_in_force in ('IOC', 'FOK') or o.type = 'MARKET' or (o.type = 'STOP' and o.triggered_at is not null))`

/**
 * Whether the order called `o` has no ending. A subquery of its own costs one look by key for each order. As a join it may become a comparison of
 * every order with every ending.
 */
export const hasNoEnding = (sql: Sql): Fragment =>
  sql`(select true from order_endings e where e.order_id = o.id) is null`
