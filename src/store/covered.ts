// The open orders that a cancel of many means: those of its scope that were committed before it began. It takes many statements, and orders
// are placed between them; a snapshot of its beginning says which orders were there.

import type { Side } from '../domain/terms.ts'
import { beginEpoch } from './log.ts'
import { newestFirst, openOrders, ranges, scannedRowsMax } from './orderPage.ts'
import { parseSnapshot, writeSnapshot, type Snapshot } from './snapshot.ts'
import type { Fragment, Sql } from './sql.ts'

/** Null: any. */
export type CancelScope = { userId: string | null; ticker: string | null; side: Side | null }

/**
 * A moment in the life of the table. An order was there if its transaction was finished in `snapshot`, or if its position is at most `floor`:
 * it belongs to an earlier epoch of the log, whose transaction ids mean nothing here. `below`: no order from this position on was there; null: the
 * snapshot alone says it.
 */
export type Moment = { snapshot: string; floor: string; below: string | null }

type MomentRow = { snapshot: string; standby: boolean; floor: string; ours: boolean; head: string | null }

const readHere = async (sql: Sql): Promise<MomentRow> => {
  const [row] = await sql<MomentRow[]>`
    select pg_current_snapshot()::text as snapshot, pg_is_in_recovery() as standby, p.floor::text as floor,
           coalesce(p.xmin::text::numeric = mod(p.xact::text::numeric, 4294967296), false) as ours,
           (select o.xact::text from orders o where o.xact > '3' and o.xact < pg_snapshot_xmax(pg_current_snapshot())
            order by o.xact desc limit 1) as head
    from (select 1) one left join (select floor, xact, xmin from log_epochs order by epoch desc limit 1) p on true`
  return row!
}

/** As if nothing had been finished from this transaction on. */
const endAt = ({ xmax, xip }: Snapshot, end: bigint): Snapshot =>
  end >= xmax ? { xmax, xip } : { xmax: end, xip: xip.filter((xact) => xact < end) }

/**
 * This moment. Null: the server is a standby, which may lack what is committed. The snapshot ends behind the highest transaction of an order:
 * a crash of Postgres gives ids out again whose end was not on disk yet, and an order that is placed then must not count as one that was there.
 */
export const readMoment = async (sql: Sql): Promise<Moment | null> => {
  let row = await readHere(sql)
  if (row.standby) return null
  if (!row.ours) {
    await beginEpoch(sql)
    row = await readHere(sql)
  }
  const snapshot = endAt(parseSnapshot(row.snapshot)!, BigInt(row.head ?? 3) + 1n)
  return { snapshot: writeSnapshot(snapshot), floor: row.floor, below: null }
}

/** Whether the order called `o` was there. */
const wasThere = (sql: Sql, { snapshot, floor, below }: Moment): Fragment =>
  sql`(${below}::text::bigint is null or o.position < ${below}::text::bigint)
      and (o.position <= ${floor}::text::bigint or pg_visible_in_snapshot(o.xact, ${snapshot}::text::pg_snapshot))`

/** `next`: the place to go on from; null: there is nothing below. `now`: the database's time. */
export type CoveredPage = { ids: string[]; next: string | null; now: Date }

type PageQuery = {
  scope: CancelScope
  moment: Moment
  /** Places below this one only: the `next` of the page before. */
  before: string | undefined
  limit: number
  /** By the clock of this replica; see store/orderPage.ts. */
  now: Date
}

/**
 * At most `limit` open orders of the scope that were there, newest first. The scope names a user or a ticker: without, no index has the open orders
 * together. A page may be short, even empty, and still have a `next`: it looks at a bounded number of rows.
 */
export const readCoveredPage = async (
  sql: Sql,
  { scope, moment, before, limit, now }: PageQuery,
): Promise<CoveredPage> => {
  const filter = openOrders({ userId: scope.userId ?? undefined, ticker: scope.ticker ?? undefined }, before)
  const direction = newestFirst(sql, filter)
  const parts = ranges(sql, filter, now).map(
    ({ place, where }) =>
      sql`(select o.id, o.ticker, o.side, o.xact, o.position, ${place} as place from orders o where ${where}
           order by ${place} ${direction} limit ${scannedRowsMax}::integer)`,
  )
  const all = parts.reduce((joined, next) => sql`${joined} union all ${next}`)
  const rows = await sql<{ id: string | null; place: string; end_place: string | null; at: Date }[]>`
    with page as materialized (
      select o.id, o.place
      from (select * from (${all}) o order by o.place ${direction} limit ${scannedRowsMax}::integer) o
      where (${scope.ticker}::text is null or o.ticker = ${scope.ticker}::text) and (${scope.side}::text is null or o.side = ${scope.side}::text)
        and ${wasThere(sql, moment)}
      order by o.place ${direction}
      limit ${limit + 1}::integer
    ), scan as (
      select case when (select count(*) from page) <= ${limit}::integer then (
        select o.place from (${all}) o order by o.place ${direction} offset ${scannedRowsMax - 1}::integer limit 1
      ) end as end_place
    )
    select p.id, p.place, scan.end_place, clock_timestamp() as at from scan left join page p on true order by p.place desc`
  const found = rows.filter(({ id }) => id !== null)
  const next = found.length > limit ? found[limit - 1]!.place : rows[0]!.end_place
  return { ids: found.slice(0, limit).map(({ id }) => id!), next, now: rows[0]!.at }
}

/** `next`: the ticker to go on after; null: there is none behind. */
export type TickerPage = { tickers: string[]; next: string | null }

/** How many tickers one page of them looks at. */
const tickersLookedAtMax = 5_000

/** The tickers with an open order, by name, after this one. Each is found by two probes of the index by ticker, however many orders it has. */
export const readOpenTickers = async (
  sql: Sql,
  { after, limit }: { after: string; limit: number },
): Promise<TickerPage> => {
  const rows = await sql<{ ticker: string; is_open: boolean; number: number }[]>`
    with recursive walk (ticker, number) as (
      (select o.ticker, 1 from orders o where o.ticker > ${after}::text order by o.ticker limit 1)
      union all
      select (select o.ticker from orders o where o.ticker > w.ticker order by o.ticker limit 1), w.number + 1
      from walk w where w.ticker is not null and w.number < ${tickersLookedAtMax}::integer
    ), looked as (
      select w.ticker, exists (select from orders o where o.ticker = w.ticker and o.open) as is_open, w.number
      from walk w where w.ticker is not null
    )
    select ticker, is_open, number from looked
    where is_open or number = ${tickersLookedAtMax}::integer
    limit ${limit}::integer`
  const last = rows.at(-1)
  return {
    tickers: rows.filter(({ is_open }) => is_open).map(({ ticker }) => ticker),
    next: last !== undefined && (rows.length === limit || last.number === tickersLookedAtMax) ? last.ticker : null,
  }
}
