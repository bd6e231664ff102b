// Verifies the history of every order: its acceptance, its rows of the ledger and those of order_changes are one sequence of versions
// without a gap, each says what those up to it add up to, and the order's own row is as the last one left it.

import type { Fragment, Sql } from '../store/sql.ts'
import { brokenRules, type Judge } from './page.ts'
import type { Violation } from './violation.ts'

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
           u.ended - u.unwritten as history_ends,
           case when u.ended = 1 then p.status end as history_ends_as,
           case when p.refused then p.reason_code else f.reason_code end as reason_code,
           case when p.refused then p.reason_text else f.reason_text end as reason_text,
           f.triggered_at as triggered_at,
           case when p.triggered_at is null then 0 else 1 end::bigint as history_triggers,
           case when f.complete then f.at when f.rows is null and u.accepted_in_log and u.ended = 0 then p.created_at
                else p.updated_at end as updated_at,
           case when u.accepted_in_log then 'above 0' else '0' end as log_position`,
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

/** `ended` is 1 if the end of the order is one of its versions: one that a rule of business refused began as it is. */
const wrongHistory = (sql: Sql): Fragment => {
  const { expected, found } = rules(sql)
  return sql`
    wrong_history as (
      select p.id, to_jsonb(expected) as expected, to_jsonb(found) as found
      from page p
      left join history f on f.order_id = p.id
      cross join lateral (
        select x.ended, x.accepted_in_log, case when x.ended = 1 and not x.accepted_in_log and coalesce(f.ends, 0) = 0 then 1 else 0 end::bigint as unwritten
        from (select (p.ended and not p.refused)::integer::bigint as ended, p.xact > '3' as accepted_in_log) x
      ) u
      cross join lateral (${expected}) expected
      cross join lateral (${found}) found
      where expected is distinct from found
    )`
}

/** Every order against its history. `floor`: transaction ids of rows above this position mean something in this cluster and are checked; null: none are. */
export const historyJudge = (sql: Sql, floor: string | null): Judge => ({
  tables: [
    sql`step as materialized (${stepsOfPage(sql)})`,
    sql`history as materialized (${foldOfSteps(sql)})`,
    wrongHistory(sql),
  ],
  faults: sql`
    ${brokenRules(sql, 'history', 'wrong_history')}
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
    where x.position > ${floor}::bigint and x.xact >= x.next`,
})

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
