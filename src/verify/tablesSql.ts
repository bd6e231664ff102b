// Verifies the tables beside the orders: events that wait in the outbox, legs that are stored as exceptions, and gaps in the trade topic.

import { useOwnSettings, type Sql } from '../store/sql.ts'
import { idOfTriggered, isPublished, kindTable, wrongStatus } from './kindsSql.ts'
import { violationsOf, type Page } from './page.ts'
import type { Violation } from './violation.ts'

type PageRow<Cursor> = { next: Cursor | null; violations: Violation[] }

/**
 * Makes the session a reader: its statements can change no table except its own temporary ones. Plans are made anew for every page, because
 * a plan that is made for all pages is bad for each.
 */
export const beReader = async (sql: Sql): Promise<void> => {
  await useOwnSettings(sql)
  await sql`
    select set_config('default_transaction_read_only', 'on', false), set_config('plan_cache_mode', 'force_custom_plan', false),
           set_config('jit', 'off', false)`
}

/** A page of waiting events, by position. */
export const verifyOutboxPage = async (
  sql: Sql,
  { after, limit }: { after: string; limit: number },
): Promise<Page<string>> => {
  const faults = sql`
    select 'outbox row' as subject, p.position::text as id, 'order' as rule, 'an order with id ' || p.order_id as expected, null as found
    from page p where p.status is null
    union all
    select 'outbox row', p.position::text, 'status of order ' || p.order_id,
           case p.ends when 'yes' then 'ended by the service' else 'one that an engine may execute' end, p.wrong_status
    from page p where p.wrong_status is not null
    union all
    select 'outbox row', p.position::text, 'event id of order ' || p.order_id, p.id_of_triggered::text, p.event_id::text
    from page p where p.event_id <> p.id_of_triggered
    union all
    select 'outbox row', p.position::text, 'ticker of order ' || p.order_id, p.order_ticker, p.ticker
    from page p where p.ticker <> p.order_ticker`
  const [row] = await sql<PageRow<string>[]>`
    with page as materialized (
      select x.position, x.event_id, ${idOfTriggered(sql)} as id_of_triggered, x.order_id, x.ticker, o.status, o.ticker as order_ticker, k.ends,
             case when o.id is null then null when k.ends = 'yes' then ${wrongStatus(sql, sql`x.reason_code`)}
                  when ${isPublished(sql)} then null else o.status end as wrong_status
      from (select * from outbox where position > ${after}::bigint order by position limit ${limit}::integer) x
      left join orders o on o.id = x.order_id
      left join ${kindTable(sql)} on k.kind = x.kind
    )
    select (select max(position) from page having count(*) >= ${limit}::integer) as next, ${violationsOf(sql, faults)} as violations`
  return { next: row!.next, violations: row!.violations }
}

/** A page of exceptions, by id: each has its order, and no OVERFILL or CONFLICT is in the ledger with the same content. */
export const verifyExceptionsPage = async (
  sql: Sql,
  { after, limit }: { after: string; limit: number },
): Promise<Page<string>> => {
  const faults = sql`
    select 'exception' as subject, p.id::text as id, 'order' as rule, 'an order with id ' || p.order_id as expected, null as found
    from page p where not exists (select from orders o where o.id = p.order_id)
    union all
    select 'exception', p.id::text, p.disposition || ' of order ' || p.order_id || ', trade ' || p.trade_id,
           'not in the ledger with this content', 'applied as version ' || f.order_version
    from page p
    join ingested_fills f on f.order_id = p.order_id and f.trade_id = p.trade_id and f.side = p.side and f.ticker = p.ticker
                         and f.quantity = p.quantity and f.price = p.price
    where p.disposition in ('OVERFILL', 'CONFLICT')`
  const [row] = await sql<PageRow<string>[]>`
    with page as materialized (
      select id, disposition, order_id, trade_id, side, ticker, quantity, price
      from exceptions where id > ${after}::uuid order by id limit ${limit}::integer
    )
    select (select id from page where (select count(*) from page) >= ${limit}::integer order by id desc limit 1) as next,
           ${violationsOf(sql, faults)} as violations`
  return { next: row!.next, violations: row!.violations }
}

/** Messages of the trade topic that were lost unread and that nobody has settled yet. */
export const verifyGaps = async (sql: Sql): Promise<Violation[]> => {
  const rows = await sql<{ id: string; found: string }[]>`
    select topic || '-' || kafka_partition || '-' || first_offset as id,
           (next_offset - first_offset) || ' messages deleted before they were read (offsets ' || first_offset || ' to '
             || next_offset - 1 || '), noticed at ' || noticed_at as found
    from trade_gaps where settled_by is null order by noticed_at`
  return rows.map(({ id, found }) => ({
    subject: 'trade',
    id,
    rule: 'retention',
    expected: 'read by the group, or settled in trade_gaps',
    found,
  }))
}
