// A page of orders, read once with all that happened to them, and judged by every rule there is of an order: one statement, so a page is one
// snapshot, and the service may go on working meanwhile. Postgres computes the sums: the code that wrote the rows takes no part in judging them.

import type { Fragment, Sql } from '../store/sql.ts'
import type { Violation } from './violation.ts'

/** Ids above `after` and up to `last`. */
export type Range = { after: string; last: string }

export type Page<Cursor> = { violations: Violation[]; next: Cursor | null }

export const lowestId = '00000000-0000-0000-0000-000000000000'
export const highestId = 'ffffffff-ffff-ffff-ffff-ffffffffffff'

/**
 * A set of rules. `tables`: what it makes of `page` (the orders) and `event` (their rows of the ledger and of order_changes), as common table
 * expressions, which the sets behind it may read; `faults`: a query of (subject, id, rule, expected, found), all texts.
 */
export type Judge = { tables: readonly Fragment[]; faults: Fragment }

const joined = (sql: Sql, parts: readonly Fragment[], between: Fragment): Fragment =>
  parts.reduce((all, part) => sql`${all} ${between} ${part}`)

/**
 * Turns the rows of a query of (subject, id, rule, expected, found) into one JSON value. The columns are texts, so that no digit is lost on
 * the way.
 */
export const violationsOf = (sql: Sql, query: Fragment): Fragment => sql`
  coalesce((select json_agg(json_build_object('subject', v.subject, 'id', v.id, 'rule', v.rule, 'expected', v.expected, 'found', v.found)
                            order by v.id, v.rule, v.expected)
            from (${query}) v), '[]'::json)`

/** The rules that are broken, as a query of violations. `wrong`: a table of `id`, and of `expected` and `found` as one JSON object each, with the same names. */
export const brokenRules = (sql: Sql, subject: string, wrong: string): Fragment => sql`
  select ${subject}::text as subject, w.id::text as id, e.key as rule, e.value as expected, s.value as found
  from ${sql(wrong)} w
  cross join lateral jsonb_each_text(w.expected) e
  join lateral jsonb_each_text(w.found) s on s.key = e.key and s.value is distinct from e.value`

/** Orders of one id are two where its key is gone. An order that a rule of business refused began as it is. */
const pageTable = (sql: Sql, { after, last }: Range): Fragment => sql`
  page as materialized (
    select o.id, o.user_id, o.client_order_id, o.ticker, o.side, o.quantity, o.filled_quantity, o.filled_notional, o.last_fill_price, o.status,
           o.created_at, o.updated_at, o.version, o.triggered_at, o.reason_code, o.reason_text, o.rules_epoch, o.origin, o.xact, o.position,
           o.status in ('CANCELED', 'REJECTED', 'EXPIRED') as ended,
           o.status = 'REJECTED' and o.version = 0 and o.reason_code is not null as refused
    from orders o where o.id > ${after}::uuid and o.id <= ${last}::uuid
  )`

/** What happened to the orders of the page, one row a version. `complete`: it says which amounts it left; a ledger row of 1.2 does not. */
const eventTable = (sql: Sql, { after, last }: Range): Fragment => sql`
  event as materialized (
    select f.order_id, f.order_version as version, 'FILLED' as kind, f.trade_id, f.side, f.ticker, f.late, f.quantity, f.price,
           f.cumulative_quantity as filled_quantity, f.cumulative_notional as filled_notional, f.price as last_fill_price,
           f.cumulative_quantity is not null as complete, f.applied_at as at, null as reason_code, null as reason_text,
           null::bigint as rules_epoch, f.xact, f.position, f.xmin::text::bigint as writer
    from ingested_fills f where f.order_id > ${after}::uuid and f.order_id <= ${last}::uuid
    union all
    select c.order_id, c.version, c.kind, null, null, null, null, 0, null, c.filled_quantity, c.filled_notional, c.last_fill_price, true, c.at,
           c.reason_code, c.reason_text, c.rules_epoch, c.xact, c.position, c.xmin::text::bigint
    from order_changes c where c.order_id > ${after}::uuid and c.order_id <= ${last}::uuid
  )`

/** `highest`: the highest position of a row on the page. */
export type Judged = { orders: number; fills: number; highest: bigint; violations: Violation[] }

export const judgePage = async (sql: Sql, range: Range, judges: readonly Judge[]): Promise<Judged> => {
  const tables = [pageTable(sql, range), eventTable(sql, range), ...judges.flatMap((judge) => judge.tables)]
  const faults = judges.map((judge) => judge.faults)
  const [row] = await sql<{ orders: string; fills: string; highest: string; violations: Violation[] }[]>`
    with ${joined(sql, tables, sql`,`)}
    select (select count(*) from page) as orders, (select count(*) from event where kind = 'FILLED') as fills,
           greatest((select max(position) from page), (select max(position) from event), 0) as highest,
           ${violationsOf(sql, joined(sql, faults, sql`union all`))} as violations`
  const { orders, fills, highest, violations } = row!
  return { orders: Number(orders), fills: Number(fills), highest: BigInt(highest), violations }
}

/** The id up to which a page of about `limit` orders behind `after` goes: `last` if there are no more. */
export const endOfPage = async (sql: Sql, { after, last }: Range, limit: number): Promise<string> => {
  const [row] = await sql<{ id: string }[]>`
    select id from orders where id > ${after}::uuid and id <= ${last}::uuid order by id offset ${limit - 1}::integer limit 1`
  return row?.id ?? last
}

/** About how many orders there are, for a progress bar; null if Postgres has not counted them yet. */
export const estimateOrders = async (sql: Sql): Promise<number | null> => {
  const [row] = await sql<
    { rows: number }[]
  >`select reltuples::float8 as rows from pg_class where oid = to_regclass('orders')`
  return row === undefined || row.rows <= 0 ? null : row.rows
}

/** The id that half of the orders are below, as Postgres has counted them; null: it has not. */
export const readMiddleId = async (sql: Sql): Promise<string | null> => {
  const [row] = await sql<{ id: string | null }[]>`
    select (s.histogram_bounds::text::uuid[])[array_length(s.histogram_bounds::text::uuid[], 1) / 2] as id
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    join pg_stats s on s.schemaname = n.nspname and s.tablename = c.relname and s.attname = 'id'
    where c.oid = to_regclass('orders')`
  return row?.id ?? null
}
