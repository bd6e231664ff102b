// Pages of orders, newest first. Every page is read from indexes that already stand in that order, so it costs the same at any depth;
// filters that no index carries are checked on a bounded number of rows a page.
//
// The place of an order is its id, which begins with the time of the order. The id of an order that was taken over has no time in it, so
// its place is its sort key. So is that of an order from a clock that stood before 2024. Each of the two kinds has indexes of its own, and a page merges them.

import { leastIdAt } from '../domain/ids.ts'
import { closedStatuses, openStatuses, type Order, type Status } from '../domain/order.ts'
import type { OrderType, Side, TimeInForce } from '../domain/terms.ts'
import { idByKey } from './keys.ts'
import { orderColumns, orderFromRow, type OrderRow } from './orders.ts'
import { textArray, type Fragment, type Sql } from './sql.ts'

export type OrderFilter = {
  userId: string | undefined
  ticker: string | undefined
  side: Side | undefined
  clientOrderId: string | undefined
  type?: OrderType | undefined
  timeInForce?: TimeInForce | undefined
  /** Orders with a stop price only: true if it was met, false if it was not. */
  triggered?: boolean | undefined
  /** Orders that end by the clock before this instant only (exclusive). */
  expiresBefore?: Date | undefined
  /** Empty: any. */
  statuses: readonly Status[]
  /** True if all of `statuses` are open, false if all are closed: the index keeps the two apart. Else undefined. */
  open: boolean | undefined
  /** Places below this one only (exclusive). */
  before: string | undefined
  /** Places from this one on (inclusive). */
  from: string | undefined
}

/** The open orders of a user and of a ticker; undefined: of any. `before`: see OrderFilter. */
export const openOrders = (
  { userId, ticker }: Partial<Pick<OrderFilter, 'userId' | 'ticker'>>,
  before: string | undefined,
): OrderFilter => ({
  userId,
  ticker,
  side: undefined,
  clientOrderId: undefined,
  statuses: openStatuses,
  open: true,
  before,
  from: undefined,
})

/** `now`: no replica's clock is more than a year ahead of it. */
type PageOptions = { limit: number; now: Date }

/** `standby`: the server that was read is one, so it may lack what is committed. */
export type OrderPage = { orders: Order[]; nextBefore: string | null; standby: boolean }

/** How many rows one page may look at. */
export const scannedRowsMax = 10_000

const all = (sql: Sql, conditions: Fragment[]): Fragment =>
  conditions.reduce((joined, next) => sql`${joined} and ${next}`, sql`true`)

/** True if every row of the ranges belongs to the page, so that no more rows have to be read than the page shows. */
const isExact = ({ userId, ticker, clientOrderId, statuses, open, ...filter }: OrderFilter): boolean => {
  const { side, type, timeInForce, triggered, expiresBefore } = filter
  if ([side, type, timeInForce, triggered, expiresBefore].some((value) => value !== undefined)) return false
  if (userId !== undefined && ticker !== undefined) return false
  if (userId === undefined && (clientOrderId !== undefined || (ticker === undefined && statuses.length > 0)))
    return false
  return (
    statuses.length === 0 || (open !== undefined && statuses.length === (open ? openStatuses : closedStatuses).length)
  )
}

/** A range of one index: the rows in it, and the column by which they stand. */
type Range = { place: Fragment; where: Fragment }

/** The places of this column between two bounds. */
const within = (sql: Sql, place: Fragment, { before, from }: Pick<OrderFilter, 'before' | 'from'>): Fragment =>
  all(sql, [
    ...(before === undefined ? [] : [sql`${place} < ${before}::uuid`]),
    ...(from === undefined ? [] : [sql`${place} >= ${from}::uuid`]),
  ])

/** Older orders have a sort key, whoever placed them: the trigger orders_early gives it to them. */
const firstPlace = leastIdAt(Date.UTC(2024, 0, 1))
const yearMs = 365 * 86_400_000

/**
 * The two kinds of orders, each with the column that is its place. Ids of orders that were taken over stand between those of ours in the
 * indexes by id, at random: of a million, six thousand lie below the ids of today. They would be walked through page after page, so ours
 * are read only where they can be: with three years of them, that leaves 340 of the million, and 110 of the year to come. Replicas whose
 * clocks jumped ahead have placed orders there.
 */
const kindsOfOrder = (sql: Sql, { before, from }: OrderFilter, now: Date): Range[] => {
  const end = leastIdAt(now.getTime() + yearMs)
  const ours = {
    before: before === undefined || before > end ? end : before,
    from: from === undefined || from < firstPlace ? firstPlace : from,
  }
  const [id, sortKey] = [sql`o.id`, sql`o.sort_key`]
  return [
    { place: id, where: sql`o.sort_key is null and ${within(sql, id, ours)}` },
    { place: sortKey, where: sql`o.sort_key is not null and ${within(sql, sortKey, { before, from })}` },
  ]
}

/**
 * The direction of the indexes that the page is read from. The indexes by user and by ticker are sorted NULLS LAST, those by age are not.
 * So NULLS LAST keeps Postgres from an index by age, along which it may walk all orders backwards and drop everybody else's.
 */
export const newestFirst = (sql: Sql, { userId, ticker }: Pick<OrderFilter, 'userId' | 'ticker'>): Fragment =>
  userId !== undefined || ticker !== undefined ? sql`desc nulls last` : sql`desc`

/** The ranges that hold the page. */
export const ranges = (sql: Sql, filter: OrderFilter, now: Date): Range[] => {
  const { userId, clientOrderId, before, from } = filter
  if (userId !== undefined && clientOrderId !== undefined) {
    const place = sql`coalesce(o.sort_key, o.id)`
    const holder = idByKey(sql, { userId, clientOrderId })
    return [{ place, where: sql`o.id = ${holder} and ${within(sql, place, { before, from })}` }]
  }
  const kinds = kindsOfOrder(sql, filter, now)
  const keyed =
    filter.userId !== undefined
      ? sql`o.user_id = ${filter.userId}::uuid`
      : filter.ticker !== undefined
        ? sql`o.ticker = ${filter.ticker}`
        : undefined
  if (keyed === undefined) return kinds
  const opens =
    filter.open === undefined ? [sql`o.open`, sql`not o.open`] : [filter.open ? sql`o.open` : sql`not o.open`]
  return kinds.flatMap(({ place, where }) =>
    opens.map((open) => ({ place, where: sql`${keyed} and ${open} and ${where}` })),
  )
}

type Scan = { filter: OrderFilter; rowsMax: number; now: Date }

/** At most `rowsMax` rows of each of the ranges, each in order, as a subquery. */
const scanned = (sql: Sql, { filter, rowsMax, now }: Scan): Fragment => {
  const direction = newestFirst(sql, filter)
  const parts = ranges(sql, filter, now).map(
    ({ place, where }) =>
      sql`(select ${orderColumns(sql)}, ${place} as place from orders o where ${where} order by ${place} ${direction} limit ${rowsMax}::integer)`,
  )
  return parts.reduce((joined, next) => sql`${joined} union all ${next}`)
}

const residual = (sql: Sql, filter: OrderFilter): Fragment =>
  all(sql, [
    ...(filter.userId === undefined ? [] : [sql`o.user_id = ${filter.userId}::uuid`]),
    ...(filter.ticker === undefined ? [] : [sql`o.ticker = ${filter.ticker}`]),
    ...(filter.side === undefined ? [] : [sql`o.side = ${filter.side}`]),
    ...(filter.clientOrderId === undefined ? [] : [sql`o.client_order_id = ${filter.clientOrderId}`]),
    ...(filter.type === undefined ? [] : [sql`o.type = ${filter.type}`]),
    ...(filter.timeInForce === undefined ? [] : [sql`o.time_in_force = ${filter.timeInForce}`]),
    ...(filter.triggered === undefined
      ? []
      : [sql`o.stop_price is not null and (o.triggered_at is not null) = ${filter.triggered}::boolean`]),
    ...(filter.expiresBefore === undefined
      ? []
      : [sql`o.expires_at < ${filter.expiresBefore.toISOString()}::timestamptz`]),
    ...(filter.statuses.length === 0 ? [] : [sql`o.status = any (${textArray(filter.statuses)}::text[])`]),
  ])

/**
 * One page of at most `limit` orders. A page may be short, even empty, and still have a `nextBefore`: the scan met its bound. One statement
 * reads page and bound: in a snapshot of its own, the bound would step over orders while others close. The bound is read only if the page
 * is short.
 */
export const readOrderPage = async (sql: Sql, filter: OrderFilter, { limit, now }: PageOptions): Promise<OrderPage> => {
  const rowsMax = isExact(filter) ? limit + 1 : scannedRowsMax
  const order = sql`o.place ${newestFirst(sql, filter)}`
  const scan = { filter, rowsMax, now }
  const rows = await sql<(OrderRow & { place: string; end_place: string | null; standby: boolean })[]>`
    with page as materialized (
      select *
      from (select * from (${scanned(sql, scan)}) o order by ${order} limit ${rowsMax}::integer) o
      where ${residual(sql, filter)}
      order by ${order}
      limit ${limit + 1}::integer
    ), scan as (
      select case when ${!isExact(filter)}::boolean and (select count(*) from page) <= ${limit}::integer then (
        select o.place from (${scanned(sql, scan)}) o order by ${order} offset ${rowsMax - 1}::integer limit 1
      ) end as end_place
    )
    select o.*, scan.end_place, pg_is_in_recovery() as standby from scan left join page o on true order by o.place desc`
  const found = rows.filter(({ id }) => id !== null)
  const orders = found.slice(0, limit).map(orderFromRow)
  const { end_place: endPlace, standby } = rows[0]!
  return { orders, nextBefore: found.length > limit ? found[limit - 1]!.place : endPlace, standby }
}
