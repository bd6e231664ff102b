// Verifies that every order is the fold of its ledger.

import type { Fragment, Sql } from '../store/sql.ts'
import { brokenRules, type Judge } from './page.ts'

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
           coalesce(f.fills, 0) + c.changes as version,
           1 + c.triggered + case when c.end_version = 1 + c.triggered then 1 else 0 end + 0 * f.fills as first_ledger_step,
           f.fills + c.changes - case when c.end_version = f.fills + c.changes then 1 else 0 end as last_ledger_step,
           f.fills as distinct_ledger_steps,
           f.fills as distinct_trades,
           case when c.end_version is null then 0 * f.fills when c.end_version = 0 then f.fills else f.behind_end end as late_fills,
           case when f.fills > 0 then p.side end as ledger_side,
           case when f.fills > 0 then p.ticker end as ledger_ticker,
           true as filled_at_most_quantity,
           true as unfilled_if_rejected,
           true as updated_after_created`,
  found: sql`
    select coalesce(t.rows, 1) as rows_with_this_id,
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

/** Before the log, only an order of which nothing was filled could end, and no row says so: its end is version 1. */
const endWithoutRow = 1

const endingTable = (sql: Sql): Fragment => sql`
  ending as materialized (
    select order_id, max(version)::bigint as version from event where kind in ('CANCELED', 'REJECTED', 'EXPIRED') group by order_id
  )`

/** The ledger of each order. The last price is that of the highest version: it rides along in the second place of an array. */
const ledgerTable = (sql: Sql): Fragment => sql`
  ledger as materialized (
    select f.order_id, count(*) as fills, sum(f.quantity) as quantity, sum(f.quantity * f.price) as notional,
           (max(array[f.version, f.price]))[2] as last_price, min(f.version) as first_step,
           max(f.version) as last_step, count(distinct f.version) as steps, count(distinct f.trade_id) as trades,
           count(*) filter (where f.late) as late, count(*) filter (where f.version > coalesce(e.version, ${endWithoutRow}::integer)) as behind_end,
           min(f.side) as side_from, max(f.side) as side_to, min(f.ticker) as ticker_from, max(f.ticker) as ticker_to
    from event f left join ending e on e.order_id = f.order_id
    where f.kind = 'FILLED'
    group by f.order_id
  )`

/** Every order against its ledger, and every fill against the orders. */
export const ledgerJudge = (sql: Sql): Judge => {
  const { expected, found } = rules(sql)
  return {
    tables: [
      endingTable(sql),
      ledgerTable(sql),
      sql`
        twin as materialized (select id, count(*) as rows from page group by id having count(*) > 1)`,
      sql`
        wrong_order as (
          select p.id, to_jsonb(expected) as expected, to_jsonb(found) as found
          from page p
          left join ledger f on f.order_id = p.id
          left join ending e on e.order_id = p.id
          left join twin t on t.id = p.id
          cross join lateral (
            select x.triggered, x.end_version, x.triggered + case when x.end_version > 0 then 1 else 0 end as changes
            from (select case when p.triggered_at is null then 0 else 1 end::bigint as triggered,
                         case when not p.ended then null when p.refused then 0
                              else coalesce(e.version, ${endWithoutRow}::integer) end::bigint as end_version) x
          ) c
          cross join lateral (${expected}) expected
          cross join lateral (${found}) found
          where expected is distinct from found
        )`,
    ],
    faults: sql`
      ${brokenRules(sql, 'order', 'wrong_order')}
      union all
      select 'fill', f.order_id::text, 'order', 'an order with this id', null
      from ledger f where not exists (select from page p where p.id = f.order_id)`,
  }
}
