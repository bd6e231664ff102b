// Inserts many orders and their ledger by one statement past the triggers, as the service would have left them, a quarter each
// NEW, PARTIALLY_FILLED, FILLED and CANCELED (every other one of these with a late fill). The last order of a page has fills.

import type { Sql } from '../../src/store/sql.ts'

export const seedOrders = async (sql: Sql, count: number): Promise<void> => {
  await sql.unsafe(`
    set local session_replication_role = replica;
    with made as (
      select n, ('01900000' || lpad(to_hex(n), 8, '0') || '8000800000000000')::uuid as id, (n + 1) % 4 as kind, (n + 1) % 8 = 7 as late,
             now() - interval '1 hour' + n * interval '1 millisecond' as created_at
      from generate_series(1, ${count}) n
    ), placed as (
      insert into orders (rules_epoch, id, user_id, ticker, side, type, time_in_force, quantity, price, filled_quantity, last_fill_price,
                          filled_notional, status, created_at, updated_at, version, reason_code, position)
      select 1, id, gen_random_uuid(), 'T' || n % 50, case n % 2 when 0 then 'BUY' else 'SELL' end, 'LIMIT', 'GTC', 100, 10.5,
             case when kind = 1 or late then 60.00000001 when kind = 2 then 100 else 0 end,
             case when kind = 1 or late then 10.25 when kind = 2 then 10.5 end,
             case when kind = 1 or late then 60.00000001 * 10.25 when kind = 2 then 60.00000001 * 10.25 + 39.99999999 * 10.5 else 0 end,
             (array['NEW', 'PARTIALLY_FILLED', 'FILLED', 'CANCELED'])[kind + 1],
             created_at, case kind when 0 then created_at else now() end,
             case kind when 0 then 0 when 1 then 1 when 2 then 2 else case when late then 2 else 1 end end,
             case kind when 3 then 'USER_CANCELED' end, 3 * n
      from made
    ), canceled as (
      insert into order_changes (order_id, version, kind, at, reason_code, cause, filled_quantity, filled_notional, position)
      select id, 1, 'CANCELED', now(), 'USER_CANCELED', '{"kind": "request"}', 0, 0, 3 * n + 1 from made where kind = 3
    )
    insert into ingested_fills (order_id, trade_id, side, ticker, ts, quantity, price, late, applied_at, order_version, kafka_partition,
                                kafka_offset, cumulative_quantity, cumulative_notional, position)
    select id, 't' || step, case n % 2 when 0 then 'BUY' else 'SELL' end, 'T' || n % 50, now(),
           case step when 1 then 60.00000001 else 39.99999999 end, case step when 1 then 10.25 else 10.5 end, late, now(),
           case when late then 2 else step end, 0, n,
           case step when 1 then 60.00000001 else 100 end,
           60.00000001 * 10.25 + case step when 1 then 0 else 39.99999999 * 10.5 end, 3 * n + case when late then 2 else step end
    from made, generate_series(1, 2) step
    where (step = 1 and (kind in (1, 2) or late)) or (step = 2 and kind = 2);
    select setval('log_position', 3 * ${count} + 2)`)
}

/** Runs SQL, as one transaction, with every trigger and foreign key off, as no ordinary session can. */
export const corrupt = async (sql: Sql, statement: string): Promise<void> => {
  await sql.unsafe(`set local session_replication_role = replica; ${statement}`)
}
