// Verifies that every order is the fold of its ledger. Each statement judges a page of orders, so a page is one snapshot and the service
// may go on working meanwhile. Postgres computes the sums: the code that wrote the rows takes no part in judging them.

import type { Fragment, Sql } from '../store/sql.ts'
import type { Violation } from './violation.ts'

export type Page<Cursor> = { violations: Violation[]; next: Cursor | null }
export type OrdersPage = Page<string> & { orders: number; fills: number }

export const lowestId = '00000000-0000-0000-0000-000000000000'
const highestId = 'ffffffff-ffff-ffff-ffff-ffffffffffff'

/**
 * Turns the rows of a query of (subject, id, rule, expected, found) into one JSON value. The columns are texts, so that no digit is lost on
 * the way.
 */
export const violationsOf = (sql: Sql, query: Fragment): Fragment => sql`
  coalesce((select json_agg(json_build_object('subject', v.subject, 'id', v.id, 'rule', v.rule, 'expected', v.expected, 'found', v.found)
                            order by v.id, v.rule)
            from (${query}) v), '[]'::json)`

/**
 * The orders of a page of about `limit`, by id, those of one id together. `columns`: those that are judged, so that a page that is kept is narrow;
 * without it, all.
 */
export const ordersOfPage = (
  sql: Sql,
  { after, limit, columns = sql`*` }: { after: string; limit: number; columns?: Fragment },
): Fragment => sql`
  select ${columns} from orders where id > ${after}::uuid order by id fetch first (${limit}::integer) rows with ties`

/** Of a query with such a `page`: the id after which the next one begins (null: there is none), and the last id of this one. */
export const boundsOfPage = (sql: Sql, limit: number): Fragment => sql`
  select case when (select count(*) from page) >= ${limit}::integer then (select id from page order by id desc limit 1) end as next,
         case when (select count(*) from page) >= ${limit}::integer then (select id from page order by id desc limit 1)
              else ${highestId}::uuid end as last`

/**
 * The rules, each as the value that the ledger implies and, under the same name in `found`, the value that is stored. `changes`: how many
 * versions are neither the acceptance nor a fill; `end_version`: that of the end of the order, if it has one. Only a trigger and an end may
 * come before the first fill, and only an end behind the last.
 */
const rules = (sql: Sql) => ({
  expected: sql`
    select 1::bigint as rows_with_this_id,
           trim_scale(coalesce(f.quantity, 0)) as filled_quantity,
           trim_scale(coalesce(f.notional, 0)) as filled_notional,
           trim_scale(f.last_price) as last_fill_price,
           case when p.ended then p.status when f.quantity is null then 'NEW'
                when f.quantity >= p.quantity then 'FILLED' else 'PARTIALLY_FILLED' end as status,
           coalesce(f.fills, 0) + p.changes as version,
           1 + p.triggered + case when p.end_version = 1 + p.triggered then 1 else 0 end + 0 * f.fills as first_ledger_step,
           f.fills + p.changes - case when p.end_version = f.fills + p.changes then 1 else 0 end as last_ledger_step,
           f.fills as distinct_ledger_steps,
           f.fills as distinct_trades,
           case when f.fills is null then null when p.end_version is null then 0 else
             (select count(*) from ingested_fills g where g.order_id = p.id and g.order_version > p.end_version) end as late_fills,
           case when f.fills > 0 then p.side end as ledger_side,
           case when f.fills > 0 then p.ticker end as ledger_ticker,
           true as filled_at_most_quantity,
           true as unfilled_if_rejected,
           true as updated_after_created`,
  found: sql`
    select p.twins as rows_with_this_id,
           trim_scale(p.filled_quantity) as filled_quantity,
           trim_scale(p.filled_notional) as filled_notional,
           trim_scale(p.last_fill_price) as last_fill_price,
           p.status as status,
           p.version::bigint as version,
           f.first_step::bigint as first_ledger_step,
           f.last_step::bigint as last_ledger_step,
           f.steps as distinct_ledger_steps,
           f.trades as distinct_trades,
           f.late as late_fills,
           case when f.side_from = f.side_to then f.side_from else f.side_from || ' and ' || f.side_to end as ledger_side,
           case when f.ticker_from = f.ticker_to then f.ticker_from else f.ticker_from || ' and ' || f.ticker_to end as ledger_ticker,
           greatest(f.quantity, p.filled_quantity) <= p.quantity as filled_at_most_quantity,
           p.status <> 'REJECTED' or f.fills is null as unfilled_if_rejected,
           p.updated_at >= p.created_at as updated_after_created`,
})

/**
 * The ledger of the ids in (`after`, last of the page]. The last price is that of the highest version: it rides along in the second place
 * of an array.
 */
const foldedLedger = (sql: Sql, after: string) => sql`
  select f.order_id, count(*) as fills, sum(f.quantity) as quantity, sum(f.quantity * f.price) as notional,
         (max(array[f.order_version, f.price]))[2] as last_price, min(f.order_version) as first_step,
         max(f.order_version) as last_step, count(distinct f.order_version) as steps, count(distinct f.trade_id) as trades,
         count(*) filter (where f.late) as late, min(f.side) as side_from, max(f.side) as side_to,
         min(f.ticker) as ticker_from, max(f.ticker) as ticker_to
  from ingested_fills f
  where f.order_id > ${after}::uuid and f.order_id <= (select last from bounds)
  group by f.order_id`

/**
 * The page of about `limit` orders with ids above `after`, judged against their ledger. It also finds the fills between these ids whose
 * order does not exist. `next` is null after the last page.
 */
export const verifyOrdersPage = async (
  sql: Sql,
  { after, limit }: { after: string; limit: number },
): Promise<OrdersPage> => {
  const { expected, found } = rules(sql)
  const faults = sql`
    select 'order' as subject, w.id::text as id, e.key as rule, e.value as expected, s.value as found
    from wrong w
    cross join lateral jsonb_each_text(w.expected) e
    join lateral jsonb_each_text(w.found) s on s.key = e.key and s.value is distinct from e.value
    union all
    select 'fill', f.order_id::text, 'order', 'an order with this id', null
    from fold f where not exists (select from page p where p.id = f.order_id)`
  const [row] = await sql<{ orders: string; fills: string; next: string | null; violations: Violation[] }[]>`
    with page as materialized (
      select o.id, o.ticker, o.side, o.quantity, o.filled_quantity, o.last_fill_price, o.filled_notional, o.status, o.created_at,
             o.updated_at, o.version, count(*) over (partition by o.id) as twins,
             x.ended, x.triggered, x.end_version, x.triggered + case when x.end_version > 0 then 1 else 0 end as changes
      from (${ordersOfPage(sql, { after, limit })}) o
      cross join lateral (
        select o.status in ('CANCELED', 'REJECTED', 'EXPIRED') as ended,
               case when o.triggered_at is null then 0 else 1 end::bigint as triggered,
               -- Before the log, only an order of which nothing was filled could end. An order that a rule refused ends as it begins.
               case when o.status not in ('CANCELED', 'REJECTED', 'EXPIRED') then null
                    when o.status = 'REJECTED' and o.version = 0 and o.reason_code is not null then 0
                    else coalesce((select max(c.version) from order_changes c
                                   where c.order_id = o.id and c.kind in ('CANCELED', 'REJECTED', 'EXPIRED')), 1) end::bigint as end_version
      ) x
    ), bounds as materialized (${boundsOfPage(sql, limit)}
    ), fold as materialized (${foldedLedger(sql, after)}
    ), wrong as (
      select p.id, to_jsonb(expected) as expected, to_jsonb(found) as found
      from page p
      left join fold f on f.order_id = p.id
      cross join lateral (${expected}) expected
      cross join lateral (${found}) found
      where expected is distinct from found
    )
    select (select count(*) from page) as orders, (select coalesce(sum(fills), 0) from fold) as fills,
           (select next from bounds) as next, ${violationsOf(sql, faults)} as violations`
  return { orders: Number(row!.orders), fills: Number(row!.fills), next: row!.next, violations: row!.violations }
}

/** About how many orders there are, for a progress bar; null if Postgres has not counted them yet. */
export const estimateOrders = async (sql: Sql): Promise<number | null> => {
  const [row] = await sql<
    { rows: number }[]
  >`select reltuples::float8 as rows from pg_class where oid = to_regclass('orders')`
  return row === undefined || row.rows <= 0 ? null : row.rows
}
