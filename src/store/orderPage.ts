// Pages of orders, newest first. Every page is read from an index that already stands in id order, so it costs the same at any
// depth; filters that no index carries are checked on a bounded number of rows a page.

import { closedStatuses, openStatuses, type Order, type Status } from '../domain/order.ts'
import type { Side } from '../domain/terms.ts'
import { orderColumns, orderFromRow, type OrderRow } from './orders.ts'
import { textArray, type Fragment, type Sql } from './sql.ts'

export type OrderFilter = {
  userId: string | undefined
  ticker: string | undefined
  side: Side | undefined
  clientOrderId: string | undefined
  /** Empty: any. */
  statuses: readonly Status[]
  /** True if all of `statuses` are open, false if all are closed: the index keeps the two apart. Else undefined. */
  open: boolean | undefined
  /** Ids below this one only (exclusive). */
  before: string | undefined
  /** Ids from this one on (inclusive). */
  from: string | undefined
}

export type OrderPage = { orders: Order[]; nextBefore: string | null }

/** How many rows one page may look at. */
export const scannedRowsMax = 10_000

const all = (sql: Sql, conditions: Fragment[]): Fragment =>
  conditions.reduce((joined, next) => sql`${joined} and ${next}`, sql`true`)

/** True if every row of the ranges belongs to the page, so that no more rows have to be read than the page shows. */
const isExact = ({ userId, ticker, side, clientOrderId, statuses, open }: OrderFilter): boolean => {
  if (side !== undefined || (userId !== undefined && ticker !== undefined)) return false
  if (userId === undefined && (clientOrderId !== undefined || (ticker === undefined && statuses.length > 0)))
    return false
  return (
    statuses.length === 0 || (open !== undefined && statuses.length === (open ? openStatuses : closedStatuses).length)
  )
}

/**
 * The order of the index that the page is read from. The indexes by user and by ticker are sorted NULLS LAST, the primary key is not. So
 * NULLS LAST keeps Postgres from the primary key, along which it may walk all orders backwards and drop everybody else's.
 */
const newestFirst = (sql: Sql, { userId, ticker, clientOrderId }: OrderFilter): Fragment => {
  const byKey = userId === undefined ? ticker !== undefined : clientOrderId === undefined
  return byKey ? sql`o.id desc nulls last` : sql`o.id desc`
}

/** The ranges of one index that hold the page. */
const ranges = (sql: Sql, filter: OrderFilter): Fragment[] => {
  const within = all(sql, [
    ...(filter.before === undefined ? [] : [sql`o.id < ${filter.before}::uuid`]),
    ...(filter.from === undefined ? [] : [sql`o.id >= ${filter.from}::uuid`]),
  ])
  if (filter.userId !== undefined && filter.clientOrderId !== undefined)
    return [sql`o.user_id = ${filter.userId}::uuid and o.client_order_id = ${filter.clientOrderId} and ${within}`]
  const keyed =
    filter.userId !== undefined
      ? sql`o.user_id = ${filter.userId}::uuid`
      : filter.ticker !== undefined
        ? sql`o.ticker = ${filter.ticker}`
        : undefined
  if (keyed === undefined) return [within]
  const opens =
    filter.open === undefined ? [sql`o.open`, sql`not o.open`] : [filter.open ? sql`o.open` : sql`not o.open`]
  return opens.map((open) => sql`${keyed} and ${open} and ${within}`)
}

/** At most `rowsMax` rows of each of the ranges, each in order, as a subquery. */
const scanned = (sql: Sql, filter: OrderFilter, rowsMax: number): Fragment => {
  const parts = ranges(sql, filter).map(
    (range) =>
      sql`(select ${orderColumns(sql)}, o.open from orders o where ${range} order by ${newestFirst(sql, filter)} limit ${rowsMax}::integer)`,
  )
  return parts.reduce((joined, next) => sql`${joined} union all ${next}`)
}

const residual = (sql: Sql, filter: OrderFilter): Fragment =>
  all(sql, [
    ...(filter.userId === undefined ? [] : [sql`o.user_id = ${filter.userId}::uuid`]),
    ...(filter.ticker === undefined ? [] : [sql`o.ticker = ${filter.ticker}`]),
    ...(filter.side === undefined ? [] : [sql`o.side = ${filter.side}`]),
    ...(filter.clientOrderId === undefined ? [] : [sql`o.client_order_id = ${filter.clientOrderId}`]),
    ...(filter.statuses.length === 0 ? [] : [sql`o.status = any (${textArray(filter.statuses)}::text[])`]),
  ])

/**
 * One page of at most `limit` orders. A page may be short, even empty, and still have a `nextBefore`: the scan met its bound. One statement
 * reads page and bound: in a snapshot of its own, the bound would step over orders while others close. The bound is read only if the page
 * is short.
 */
export const readOrderPage = async (sql: Sql, filter: OrderFilter, limit: number): Promise<OrderPage> => {
  const rowsMax = isExact(filter) ? limit + 1 : scannedRowsMax
  const order = newestFirst(sql, filter)
  const rows = await sql<(OrderRow & { end_id: string | null })[]>`
    with page as materialized (
      select ${orderColumns(sql)}
      from (select * from (${scanned(sql, filter, rowsMax)}) o order by ${order} limit ${rowsMax}::integer) o
      where ${residual(sql, filter)}
      order by ${order}
      limit ${limit + 1}::integer
    ), scan as (
      select case when ${!isExact(filter)}::boolean and (select count(*) from page) <= ${limit}::integer then (
        select o.id from (${scanned(sql, filter, rowsMax)}) o order by ${order} offset ${rowsMax - 1}::integer limit 1
      ) end as end_id
    )
    select o.*, scan.end_id from scan left join page o on true order by o.id desc`
  const orders = rows.filter(({ id }) => id !== null).map(orderFromRow)
  if (orders.length > limit) return { orders: orders.slice(0, limit), nextBefore: orders[limit - 1]!.id }
  return { orders, nextBefore: rows[0]!.end_id }
}
