// The orders table: placing and reading sets of orders, one statement each. What moves them is in moves.ts and fills.ts.

import { amountFromSql, notionalFromSql } from '../domain/decimal.ts'
import { doorText, type Door } from '../domain/door.ts'
import type { Order, Status } from '../domain/order.ts'
import { keyInput, type OrderKey } from './keys.ts'
import { placeText } from './placeText.ts'
import { sparseArray, textArray, type Fragment, type Sql } from './sql.ts'
import { sqlText } from './sqlText.ts'
import { termArrays, termColumns, termsFromRow, type TermsRow } from './terms.ts'

/** What the outbox needs to know of an event, decided before the first attempt so that a retry repeats it. */
export type NewEvent = { eventId: string; traceparent: string | null }

/** What is stored of the request that placed an order. `subject`: who sent it, if callers identify themselves. `door`: absent: HTTP. */
export type Origin = { requestId: string | null; subject: string | null; door?: Door }

export type OrderRow = TermsRow & {
  id: string
  filled_quantity: string
  last_fill_price: string | null
  filled_notional: string
  status: Status
  triggered_at: Date | null
  reason_code: string | null
  reason_text: string | null
  created_at: Date
  updated_at: Date
  version: number
}

const columnsOfOrder = sqlText([
  `
  o.id, ${termColumns(({ column }) => `o.${column}`)}, o.filled_quantity,
  o.last_fill_price, o.filled_notional, o.status, o.triggered_at, o.reason_code, o.reason_text, o.created_at, o.updated_at, o.version`,
])

/** The columns of OrderRow, of the table or set called `o`. */
export const orderColumns = (sql: Sql): Fragment => sql(columnsOfOrder)

export const orderFromRow = (row: OrderRow): Order => ({
  ...termsFromRow(row),
  id: row.id,
  filledQuantity: amountFromSql(row.filled_quantity),
  lastFillPrice: row.last_fill_price === null ? null : amountFromSql(row.last_fill_price),
  filledNotional: notionalFromSql(row.filled_notional),
  status: row.status,
  triggeredAt: row.triggered_at,
  reason: row.reason_code === null ? null : { code: row.reason_code, text: row.reason_text },
  createdAt: row.created_at,
  updatedAt: row.updated_at,
  version: row.version,
})

export type NewOrder = { order: Order; origin: Origin; event: NewEvent }

/** The parameters of placeText that the orders of every door have. */
export const insertArrays = (placements: readonly NewOrder[]): string[] => {
  const orders = placements.map(({ order }) => order)
  return [
    textArray(orders.map(({ id }) => id)),
    ...termArrays(orders),
    textArray(orders.map(({ createdAt }) => createdAt.toISOString())),
    sparseArray(placements.map(({ origin }) => origin.requestId)),
    sparseArray(placements.map(({ origin }) => origin.subject)),
    sparseArray(orders.map(({ reason }) => reason?.code ?? null)),
    sparseArray(orders.map(({ reason }) => reason?.text ?? null)),
    textArray(placements.map(({ event }) => event.eventId)),
    sparseArray(placements.map(({ event }) => event.traceparent)),
  ]
}

/**
 * `epoch`: of the rules by which the orders were judged. `keysFilled`: see KeyFill. `fresh`: no earlier attempt can have stored any of these
 * orders; if one is stored all the same, the insert may fail.
 */
export type InsertOptions = { epoch: string; keysFilled: boolean; fresh?: boolean }

/** `epoch`: the one in force. If it is another one than that of the orders, nothing was stored. `stored`: the ids that are new. */
export type Inserted = { epoch: string; stored: Set<string> }

/**
 * Stores new orders, their keys and their events. A refused order and a stop have no event: no engine is told of them. An order that passed
 * the gate and was not stored met a row with its id (of an earlier attempt whose answer was lost), or its key is held: readKeyHolders tells
 * which.
 *
 * Keys go in by key and orders by id, so that two statements with the same of them cannot deadlock; positions of log and outbox are drawn in
 * order of arrival.
 */
export const insertOrders = async (
  sql: Sql,
  placements: readonly NewOrder[],
  { epoch, ...options }: InsertOptions,
): Promise<Inserted> => {
  const origins = placements.map(({ origin: { door } }) => (door === undefined ? null : doorText(door)))
  const ofHttp = origins.every((origin) => origin === null)
  const rows = await sql<{ epoch: string; id: string | null }[]>(
    placeText(ofHttp ? 'http' : 'door', options),
    ...insertArrays(placements),
    ...(ofHttp ? [] : [textArray(origins)]),
    epoch,
  )
  return { epoch: rows[0]!.epoch, stored: new Set(rows.flatMap(({ id }) => (id === null ? [] : [id]))) }
}

/** The orders that hold these ids, or the keys of these orders. Run after insertOrders: it cannot see the winner itself. */
export const readKeyHolders = async (
  sql: Sql,
  orders: readonly ({ id: string } & OrderKey)[],
  keysFilled: boolean,
): Promise<Order[]> => {
  const rows = await sql<OrderRow[]>`
    select ${orderColumns(sql)} from orders o where o.id = any (${textArray(orders.map(({ id }) => id))}::text[]::uuid[])
    union
    ${ordersByKey(sql, orders, keysFilled)}`
  return rows.map(orderFromRow)
}

/** The orders that hold these keys, in no order. */
export const readByKey = async (sql: Sql, keys: readonly OrderKey[], keysFilled: boolean): Promise<Order[]> => {
  const rows = await sql<OrderRow[]>`${ordersByKey(sql, keys, keysFilled)}`
  return rows.map(orderFromRow)
}

/** Each key is looked up by itself, whatever the tables held when this was planned: hence the limits. */
const ordersByKey = (sql: Sql, keys: readonly OrderKey[], keysFilled: boolean): Fragment => {
  const input = keyInput(sql, keys)
  const byTable = sql`
    select ${orderColumns(sql)} from ${input}
    cross join lateral (
      select order_id from order_keys
      where user_id = k.user_id::uuid and client_order_id = k.client_order_id limit 1
    ) h
    cross join lateral (select * from orders where id = h.order_id limit 1) o`
  if (keysFilled) return byTable
  return sql`${byTable}
    union
    select ${orderColumns(sql)} from ${input}
    cross join lateral (
      select * from orders where user_id = k.user_id::uuid and client_order_id = k.client_order_id limit 1
    ) o`
}

/** One order, and whether the server that was read is a standby, so that it may lack what is committed. */
export const lookUpOrder = async (sql: Sql, id: string): Promise<{ order: Order | null; standby: boolean }> => {
  const [row] = await sql<((OrderRow | { id: null }) & { standby: boolean })[]>`
    select ${orderColumns(sql)}, s.standby
    from (select pg_is_in_recovery() as standby) s left join orders o on o.id = ${id}::text::uuid`
  const { standby } = row!
  return { order: row!.id === null ? null : orderFromRow(row!), standby }
}

/** The orders with these ids, in no order; absent ones are left out. */
export const readOrders = async (sql: Sql, ids: readonly string[]): Promise<Order[]> => {
  const rows = await sql<OrderRow[]>`
    select ${orderColumns(sql)} from orders o where o.id = any (${textArray(ids)}::text[]::uuid[])`
  return rows.map(orderFromRow)
}
