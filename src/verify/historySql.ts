// Verifies the history of every order: its acceptance, its rows of the ledger and those of order_changes are one sequence of versions
// without a gap, each says what those up to it add up to, and the order's own row is as the last one left it. Each statement judges a page
// of orders, like those of ordersSql.ts, which hold orders against the ledger.

import type { Fragment, Sql } from '../store/sql.ts'
import { boundsOfPage, ordersOfPage, violationsOf, type Page } from './ordersSql.ts'
import type { Violation } from './violation.ts'

/** `highest`: the highest position on the page, as text. */
export type HistoryPage = Page<string> & { highest: string }

/** `floor`: transaction ids of rows above this position mean something in this cluster and are checked; null: none are. */
export type HistoryQuery = { after: string; limit: number; floor: string | null }

/** The rows of the orders of the page, one a version. `complete`: it says which amounts it left; a ledger row of 1.2 does not. */
const eventsOfPage = (sql: Sql, after: string): Fragment => sql`
  select f.order_id, f.order_version as version, 'FILLED' as kind, f.quantity, f.price, f.cumulative_quantity as filled_quantity,
         f.cumulative_notional as filled_notional, f.price as last_fill_price, f.cumulative_quantity is not null as complete,
         f.applied_at as at, null as reason_code, null as reason_text, f.xact, f.position, f.xmin::text::bigint as writer
  from ingested_fills f where f.order_id > ${after}::uuid and f.order_id <= (select last from bounds)
  union all
  select c.order_id, c.version, c.kind, 0, null, c.filled_quantity, c.filled_notional, c.last_fill_price, true, c.at, c.reason_code,
         c.reason_text, c.xact, c.position, c.xmin::text::bigint
  from order_changes c where c.order_id > ${after}::uuid and c.order_id <= (select last from bounds)`

/** Each event with what all up to it add up to. The last price rides along in the second place of an array. */
const stepsOfPage = (sql: Sql): Fragment => sql`
  select e.*, sum(e.quantity) over so_far as quantity_so_far, sum(coalesce(e.quantity * e.price, 0)) over so_far as notional_so_far,
         (max(case when e.price is not null then array[e.version, e.price] end) over so_far)[2] as price_so_far,
         max(e.position) over earlier as position_before, lag(e.xact) over so_far as xact_before
  from event e
  window so_far as (partition by e.order_id order by e.version),
         earlier as (partition by e.order_id order by e.version, e.position rows between unbounded preceding and 1 preceding)`

/** The steps of each order, in one row. `at` and `complete` are those of the last. */
const foldOfSteps = (sql: Sql): Fragment => sql`
  select s.order_id, count(*) as rows, count(distinct s.version) as versions, max(s.version)::bigint as last,
         count(*) filter (where s.ends) as ends, max(s.kind) filter (where s.ends) as ended_as,
         max(s.reason_code) filter (where s.ends) as reason_code, max(s.reason_text) filter (where s.ends) as reason_text,
         max(s.at) filter (where s.kind = 'TRIGGERED') as triggered_at, count(*) filter (where s.kind = 'TRIGGERED') as triggers,
         (array_agg(s.at order by s.version desc))[1] as at, (array_agg(s.complete order by s.version desc))[1] as complete
  from (select *, kind in ('CANCELED', 'REJECTED', 'EXPIRED') as ends from step) s
  group by s.order_id`

/**
 * The rules of an order, each as the value that its events imply and, under the same name in `found`, the value that is there. `unwritten`
 * is 1 if the order ended before there was a log: then one version, that of its end, has no row.
 */
const rules = (sql: Sql) => ({
  expected: sql`
    select greatest(f.last, u.unwritten) - u.unwritten as history_versions,
           f.versions as history_rows,
           p.ended - u.unwritten as history_ends,
           case when p.ended = 1 then p.status end as history_ends_as,
           case when p.refused then p.reason_code else f.reason_code end as reason_code,
           case when p.refused then p.reason_text else f.reason_text end as reason_text,
           f.triggered_at as triggered_at,
           case when p.triggered_at is null then 0 else 1 end::bigint as history_triggers,
           case when f.complete then f.at when f.rows is null and p.accepted_in_log and p.ended = 0 then p.created_at
                else p.updated_at end as updated_at,
           case when p.accepted_in_log then 'above 0' else '0' end as log_position`,
  found: sql`
    select coalesce(f.versions, 0) as history_versions,
           f.rows as history_rows,
           coalesce(f.ends, 0) as history_ends,
           case when u.unwritten = 1 then p.status else f.ended_as end as history_ends_as,
           p.reason_code as reason_code,
           p.reason_text as reason_text,
           p.triggered_at as triggered_at,
           coalesce(f.triggers, 0) as history_triggers,
           p.updated_at as updated_at,
           case when p.position > 0 then 'above 0' else p.position::text end as log_position`,
})

/**
 * What is wrong with one event. Within one transaction, 1.2 wrote the fills of an order in any order. The writer of a row is in its xmin,
 * which is that of its transaction: the service uses no savepoints.
 */
const faultsOfSteps = (sql: Sql, floor: string | null): Fragment => sql`
  select s.order_id::text as id, x.rule || ' of version ' || s.version as rule, x.expected, x.found
  from step s
  join page p on p.id = s.order_id
  cross join lateral (
    select 'filled_quantity' as rule, trim_scale(s.quantity_so_far)::text as expected, trim_scale(s.filled_quantity)::text as found
    where s.complete and s.filled_quantity <> s.quantity_so_far
    union all
    select 'filled_notional', trim_scale(s.notional_so_far)::text, trim_scale(s.filled_notional)::text
    where s.complete and s.filled_notional <> s.notional_so_far
    union all
    select 'last_fill_price', trim_scale(s.price_so_far)::text, trim_scale(s.last_fill_price)::text
    where s.last_fill_price is distinct from s.price_so_far
    union all
    select 'log_position', 'above ' || greatest(s.position_before, p.position), s.position::text
    where s.xact > '3' and s.position <= greatest(s.position_before, p.position)
      and (s.complete or s.xact is distinct from s.xact_before)
    union all
    select 'xact', 'that of its writer, ' || s.writer, s.xact::text
    where s.position > ${floor}::bigint and s.xact::text::numeric % 4294967296 <> s.writer
  ) x`

/** The page of about `limit` orders with ids above `after`. `next` is null after the last page. */
export const verifyHistoryPage = async (sql: Sql, { after, limit, floor }: HistoryQuery): Promise<HistoryPage> => {
  const { expected, found } = rules(sql)
  const faults = sql`
    select 'history' as subject, w.id::text as id, e.key as rule, e.value as expected, s.value as found
    from wrong w
    cross join lateral jsonb_each_text(w.expected) e
    join lateral jsonb_each_text(w.found) s on s.key = e.key and s.value is distinct from e.value
    union all
    select 'history', s.id, s.rule, s.expected, s.found from (${faultsOfSteps(sql, floor)}) s
    union all
    select 'history', e.order_id::text, 'order of version ' || e.version, 'an order with this id', null
    from event e where e.kind <> 'FILLED' and not exists (select from page p where p.id = e.order_id)
    union all
    select 'history', x.id::text, 'xact of version ' || x.version, 'below ' || x.next, x.xact::text
    from (
      select p.id, 0 as version, p.xact, p.position, pg_snapshot_xmax(pg_current_snapshot()) as next from page p
      union all
      select e.order_id, e.version, e.xact, e.position, pg_snapshot_xmax(pg_current_snapshot()) from event e
    ) x
    where x.position > ${floor}::bigint and x.xact >= x.next`
  const [row] = await sql<{ next: string | null; highest: string; violations: Violation[] }[]>`
    with page as materialized (
      select o.id, o.status, o.reason_code, o.reason_text, o.triggered_at, o.created_at, o.updated_at, o.xact, o.position,
             o.xact > '3' as accepted_in_log, x.refused,
             (o.status in ('CANCELED', 'REJECTED', 'EXPIRED') and not x.refused)::integer::bigint as ended
      from (${ordersOfPage(sql, { after, limit })}) o
      -- By a rule of business: the order began as it is.
      cross join lateral (select o.status = 'REJECTED' and o.version = 0 and o.reason_code is not null as refused) x
    ), bounds as materialized (${boundsOfPage(sql, limit)}
    ), event as materialized (${eventsOfPage(sql, after)}
    ), step as materialized (${stepsOfPage(sql)}
    ), fold as materialized (${foldOfSteps(sql)}
    ), wrong as (
      select p.id, to_jsonb(expected) as expected, to_jsonb(found) as found
      from page p
      left join fold f on f.order_id = p.id
      cross join lateral (
        select case when p.ended = 1 and not p.accepted_in_log and coalesce(f.ends, 0) = 0 then 1 else 0 end::bigint as unwritten
      ) u
      cross join lateral (${expected}) expected
      cross join lateral (${found}) found
      where expected is distinct from found
    )
    select (select next from bounds) as next,
           greatest((select max(position) from page), (select max(position) from event), 0) as highest, ${violationsOf(sql, faults)} as violations`
  return row!
}

/** `floor`: of the last epoch. `ours`: that epoch was begun in this cluster. */
export type LastEpoch = { floor: string; ours: boolean }

/** Null: there is no epoch. */
export const readLastEpoch = async (sql: Sql): Promise<LastEpoch | null> => {
  const [row] = await sql<LastEpoch[]>`
    select floor, xmin::text::numeric = mod(xact::text::numeric, 4294967296) as ours from log_epochs order by epoch desc limit 1`
  return row ?? null
}

/** `highest`: the highest position of a row. A sequence that stands below it, or below the floor, gives positions out again that nobody reads. */
export const verifyLogPosition = async (
  sql: Sql,
  { highest, floor }: { highest: string; floor: string },
): Promise<Violation[]> => {
  const [row] = await sql<{ value: string; lowest: string; is_behind: boolean }[]>`
    select p.value, b.lowest, p.value < b.lowest as is_behind
    from (select case when is_called then last_value else 0 end as value from log_position) p,
         (select greatest(${highest}::bigint, ${floor}::bigint) as lowest) b`
  const { value, lowest, is_behind } = row!
  if (!is_behind) return []
  return [
    {
      subject: 'guard',
      id: 'log_position',
      rule: 'value of the sequence',
      expected: `at least ${lowest}`,
      found: value,
    },
  ]
}
