// Fills a table with orders as the service would have left them: of every ten, four are NEW with room for any number of fills, one is
// PARTIALLY_FILLED, three are FILLED and two CANCELED, with the ledger that says so. `verify` finds nothing to say about them.

import postgres from 'postgres'
import { tickerCount, userCount } from '../mix/orderMix.ts'
import { zipfSql } from '../mix/zipf.ts'

/**
 * The id of the n-th order: UUIDv7 in shape and rising, and of decimal digits without padding, so that pgbench, Lua and SQL can
 * write it too. Its first 48 bits are a time in 2024, and the order's.
 */
export const loadedId = (n: number): string =>
  `0190${1_000 + Math.floor(n / 9_000)}-${1_000 + (n % 9_000)}-7000-8000-000000000000`

/** Numbers above this are nobody's, in any table. */
export const unknownFrom = 50_000_000

/** Orders with these last digits of their number are open. */
export const openDigits = [1, 2, 3, 4] as const

const chunk = 100_000
const sessions = 2

const changesSql = `
    insert into order_changes (order_id, version, kind, at, reason_code, cause, filled_quantity, filled_notional)
    select id, 1, 'CANCELED', at, 'USER_CANCELED', '{"kind": "request"}', 0, 0
    from made where status = 'CANCELED' and (select count(*) from placed) > 0 order by n`

const keysSql = `
    insert into order_keys (user_id, client_order_id, order_id)
    select user_id, client_order_id, id from placed where client_order_id is not null`

/**
 * No trigger and no foreign key checks these rows: they are inserted in their last state, not in their first. `hasLog`: the schema is that
 * of 1.3 or newer; `hasKeys`: of 1.5. The orders are counted so that they are there, with their places in the log, before anything that came after them.
 */
const loadSql = ({ hasLog, hasKeys }: { hasLog: boolean; hasKeys: boolean }): string => `
  with drawn as materialized (
    select n, ('0190' || 1000 + n / 9000 || '-' || 1000 + n % 9000 || '-7000-8000-000000000000')::uuid as id, n % 10 as digit,
           ${zipfSql(tickerCount)} as ticker, random() < 0.8 as is_limit, random() < 0.5 as is_keyed, random(0, ${userCount - 1}) as user_number,
           random(9900, 10100) / 100.0 as price, (array['GTC', 'IOC', 'FOK', 'DAY'])[random(1, 4)] as tif
    from generate_series($1::integer, $2::integer) n
  ), made as materialized (
    select *, uuid_extract_timestamp(id) as at,
           case when digit between 1 and 4 then 'NEW' when digit = 5 then 'PARTIALLY_FILLED' when digit between 6 and 8 then 'FILLED' else 'CANCELED' end as status,
           case when digit between 1 and 4 then 1000000 else 100 end as quantity,
           case when digit = 5 then 40 when digit between 6 and 8 then 100 else 0 end as filled
    from drawn
  ), placed as (
    insert into orders (id, user_id, client_order_id, ticker, side, type, time_in_force, quantity, price, filled_quantity, last_fill_price,
                        filled_notional, status, created_at, updated_at, version${hasLog ? ', reason_code' : ''})
    select id, ('0b5e0000-0000-4000-8000-00000000' || 1000 + user_number)::uuid, case when is_keyed then 'loaded-' || n end, 'T' || ticker,
           case when n % 2 = 0 then 'BUY' else 'SELL' end, case when is_limit then 'LIMIT' else 'MARKET' end, tif, quantity,
           case when is_limit then price end, filled, case when filled > 0 then price end, filled * price, status, at, at,
           case when status = 'NEW' then 0 else 1 end${hasLog ? ", case when status = 'CANCELED' then 'USER_CANCELED' end" : ''}
    from made order by n
    returning id, user_id, client_order_id
  )${hasKeys ? `, keyed as (${keysSql})` : ''}${hasLog ? `, changed as (${changesSql})` : ''}
  insert into ingested_fills (order_id, trade_id, side, ticker, ts, quantity, price, late, applied_at, order_version, kafka_partition, kafka_offset
                              ${hasLog ? ', cumulative_quantity, cumulative_notional' : ''})
  select id, 'loaded-' || n, case when n % 2 = 0 then 'BUY' else 'SELL' end, 'T' || ticker, at, filled, price, false, at, 1, 0, n
         ${hasLog ? ', filled, filled * price' : ''}
  from made where filled > 0 and (select count(*) from placed) > 0 order by n`

/** Adds the orders numbered `from` + 1 to `to`, and settles the table: statistics, visibility map, no dirty pages. */
export const loadOrders = async (
  url: string,
  { from, to }: { from: number; to: number },
  onProgress: (done: number) => void,
): Promise<void> => {
  const connection = { session_replication_role: 'replica', synchronous_commit: 'off' }
  const sql = postgres(url, { max: sessions, connection, onnotice: () => undefined })
  const [schema] = await sql<{ hasLog: boolean; hasKeys: boolean }[]>`
    select to_regclass('order_changes') is not null as "hasLog", to_regclass('order_keys') is not null as "hasKeys"`
  const statement = loadSql(schema!)
  let next = from
  const session = async (): Promise<void> => {
    while (next < to) {
      const first = next + 1
      next = Math.min(to, next + chunk)
      await sql.unsafe(statement, [first, next])
      onProgress(next)
    }
  }
  try {
    await Promise.all(Array.from({ length: sessions }, session))
    await sql.unsafe('vacuum analyze orders')
    await sql.unsafe('vacuum analyze ingested_fills')
    await sql.unsafe('checkpoint')
  } finally {
    await sql.end()
  }
}
