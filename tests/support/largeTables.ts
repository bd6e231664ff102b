// Tables as after a long time in service, written by SQL alone: the rows of all kinds in which a statement may get lost.

import type postgres from 'postgres'

/** `orders`: how many; a fifteenth of them is open, two thirds are filled, a sixth canceled. */
export type LargeTables = { orders: number; perTransaction: number }

export const deskUser = '00000000-0000-4000-8000-000000000000'
export const userOf = (n: number): string => `00000000-0000-4000-8000-${n.toString(16).padStart(12, '0')}`
export const fixSessionId = 'desk'

/** The orders of one transaction: `first` to `last`. Every tenth of a kind is of the one large user or the one large ticker. */
const storeOrders = (sql: postgres.Sql, first: number, last: number, all: number) => sql`
  with row as materialized (
    select n, abs(hashint4(n)) % 60 as fate, abs(hashint4(n + 10000000)) % 20 as kind, abs(hashint4(n + 20000000)) % 10 as size,
           now() - (${all}::integer - n) * interval '10 seconds' as at
    from generate_series(${first}::integer, ${last}::integer) n
  ), told as materialized (
    select r.*, fate < 4 as is_open, order_sort_key(gen_random_uuid(), at) as id,
           case when size < 2 then 0 else 1 + n % 2000 end as person,
           case when size in (2, 3) then 'AAPL' else 'T' || n % 200 end as ticker,
           case when fate < 4 then case when kind < 2 then 'STOP' when kind = 2 or kind = 5 then 'GTD' when kind = 3 then 'DAY' when kind = 4 then 'IOC' end end as special
    from row r
  ), placed as (
    insert into orders (rules_epoch, id, user_id, client_order_id, ticker, side, type, time_in_force, quantity, price, stop_price, expires_at,
                        created_at, updated_at, status, version, filled_quantity, filled_notional, last_fill_price, reason_code)
    select 1, id, ('00000000-0000-4000-8000-' || lpad(to_hex(person), 12, '0'))::uuid, case when n % 10 < 7 then 'key-' || n end, ticker,
           case when n % 2 = 0 then 'BUY' else 'SELL' end,
           case special when 'STOP' then 'STOP' else 'LIMIT' end,
           case special when 'GTD' then 'GTD' when 'DAY' then 'DAY' when 'IOC' then 'IOC' else 'GTC' end,
           100, case when special is distinct from 'STOP' then 10 end, case when special = 'STOP' then 1000 + n % 100 end,
           case when special = 'GTD' and kind = 5 then at + interval '1 second' when special in ('GTD', 'DAY') then now() + interval '1 day' end,
           at, at, case when is_open then 'NEW' when fate < 44 then 'FILLED' when fate < 54 then 'CANCELED' else 'REJECTED' end,
           case when is_open or fate >= 54 then 0 else 1 end,
           case when fate between 4 and 43 then 100 else 0 end, case when fate between 4 and 43 then 1000 else 0 end, case when fate between 4 and 43 then 10 end,
           case when fate between 44 and 53 then 'USER_CANCELED' when fate >= 54 then 'HALTED' end
    from told order by n
  ), keyed as (
    insert into order_keys (user_id, client_order_id, order_id)
    select ('00000000-0000-4000-8000-' || lpad(to_hex(person), 12, '0'))::uuid, 'key-' || n, id from told where n % 10 < 7
  ), filled as (
    insert into ingested_fills (order_id, trade_id, side, ticker, ts, quantity, price, late, applied_at, order_version, kafka_partition, kafka_offset,
                                cumulative_quantity, cumulative_notional)
    select id, 'trade-' || n, case when n % 2 = 0 then 'BUY' else 'SELL' end, ticker, at, 100, 10, false, at, 1, 0, n, 100, 1000
    from told where fate between 4 and 43 order by n
  ), changed as (
    insert into order_changes (order_id, version, kind, at, reason_code, cause, filled_quantity, filled_notional)
    select id, 1, 'CANCELED', at, 'USER_CANCELED', '{"kind": "request"}', 0, 0 from told where fate between 44 and 53 order by n
  ), reported as (
    insert into ingested_reports (order_id, report_id, kind, ticker, cumulative_quantity, reported_at, state, arrived_at, settled_at, kafka_topic,
                                  kafka_partition, kafka_offset)
    select id, 'report-' || n, 'CANCELED', ticker, 0, at, 'STALE', at, at, 'reports', 0, n from told where fate between 50 and 53
  ), excepted as (
    insert into exceptions (id, disposition, reason, order_id, trade_id, side, ticker, ts, quantity, price, kafka_topic, kafka_partition,
                            kafka_offset, message, recorded_at)
    select order_sort_key(gen_random_uuid(), at), case when n % 2 = 0 then 'OVERFILL' else 'CONFLICT' end, 'of a test', id, 'bad-' || n, 'BUY', ticker, at, 1, 1, 'trades', 0, n, '\\x7b7d', at
    from told where fate = 10
  ), excepted_reports as (
    insert into report_exceptions (id, disposition, reason, order_id, report_id, kind, ticker, reported_at, kafka_topic, kafka_partition, kafka_offset,
                                   message, recorded_at)
    select order_sort_key(gen_random_uuid(), at), 'CONFLICT', 'of a test', id, 'bad-' || n, 'CANCELED', ticker, at, 'reports', 0, n, '\\x7b7d', at
    from told where fate = 51
  )
  select`

/** What stands beside orders. Endings, events and reports that wait are of open orders. */
const storeOthers = async (sql: postgres.Sql): Promise<void> => {
  await sql`
    insert into exception_resolutions (exception_id, resolved_by, note, resolved_at)
    select id, 'ops', 'of a test', now() from exceptions order by id limit (select count(*) / 2 from exceptions)`
  await sql`
    insert into report_exception_resolutions (exception_id, resolved_by, note, resolved_at)
    select id, 'ops', 'of a test', now() from report_exceptions order by id limit (select count(*) / 2 from report_exceptions)`
  await sql`
    insert into outbox (event_id, kind, order_id, ticker, occurred_at, written_at)
    select gen_random_uuid(), 'PLACED', id, ticker, created_at, now()
    from orders where open and stop_price is null and expires_at is null and time_in_force = 'GTC' order by id limit 5000`
  await sql`
    insert into cancel_sweeps (user_id, reason_code, cause, done_at)
    select gen_random_uuid(), 'CANCEL_AFTER', '{"kind": "request"}', now() from generate_series(1, 5000)`
  await sql`
    insert into cancel_after (user_id, fires_at, cause, attempt)
    select gen_random_uuid(), case when n % 2 = 0 then now() + interval '1 day' end, '{"kind": "request"}', gen_random_uuid()
    from generate_series(1, 5000) n`
  await sql`
    insert into cancel_after (user_id, fires_at, cause, attempt)
    select ('00000000-0000-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, now() - interval '1 second', '{"kind": "request"}', gen_random_uuid()
    from generate_series(1001, 1020) n`
  await sql`update rules_gate set epoch = 5001`
  await sql`
    insert into instruments (ticker, listed, epoch, changed_at, changed_by, note)
    select 'I' || n, n % 10 <> 0, n + 1, now(), 'ops', 'of a test' from generate_series(1, 5000) n`
  await sql`
    insert into trading_states (ticker, state, since, epoch, changed_at, changed_by, note)
    select 'I' || n, case when n % 5 = 0 then 'HALTED' else 'ACTIVE' end, now(), n + 1, now(), 'ops', 'of a test' from generate_series(1, 5000) n`
  await sql`
    insert into rules_changes (epoch, at, attempt, what, ticker, before, after, changed_by, note, request_id, halted_since)
    select n + 1, now(), gen_random_uuid(), 'TRADING', 'I' || n, '{}', '{}', 'ops', 'of a test', 'r', case when n % 2 = 0 then now() end
    from generate_series(1, 5000) n`
  await sql`
    insert into fix_sessions (id, next_in, next_out) values (${fixSessionId}, 1, 20001), ('other', 1, 20001)`
  await sql`
    insert into fix_sent (session, series, number, order_id, version, at)
    select s.id, 1, row_number() over (partition by s.id order by o.id), o.id, 0, o.created_at
    from fix_sessions s cross join (select * from orders where user_id = ${deskUser} order by id limit 10000) o`
}

/** Reports that wait though their order has what they count: each can be settled at once. */
export const storeReadyReports = (sql: postgres.Sql, count: number) => sql`
  insert into ingested_reports (order_id, report_id, kind, ticker, cumulative_quantity, reported_at, state, arrived_at, kafka_topic, kafka_partition,
                                kafka_offset, message)
  select id, 'ready', 'CANCELED', ticker, 0, now(), 'WAITING', now(), 'reports', 0, row_number() over (order by id), '\\x7b7d'
  from orders where open and time_in_force = 'GTC' and stop_price is null and not exists (select from outbox x where x.order_id = orders.id)
  order by id desc limit ${count}::integer`

/** Fills an empty schema. Guards are of the service's statements; they are off meanwhile. */
export const fillTables = async (sql: postgres.Sql, { orders, perTransaction }: LargeTables): Promise<void> => {
  const session = await sql.reserve()
  try {
    await session`set session_replication_role = replica`
    await session`set synchronous_commit = off`
    for (let first = 1; first <= orders; first += perTransaction)
      await storeOrders(session, first, Math.min(orders, first + perTransaction - 1), orders)
    await storeOthers(session)
  } finally {
    await session`reset session_replication_role`
    session.release()
  }
}
