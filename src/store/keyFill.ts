// Fills the keys of orders from before the table of keys into it, in order of their ids, a batch a statement.

import type { Sql } from './sql.ts'

/** `orders`: how many were looked through, those without a key too. `ordersAbout`: how many there are, as Postgres estimates. */
export type FillProgress = { finished: boolean; orders: number; ordersAbout: number }

type ProgressRow = { finished: boolean; orders: string; about: number }

const progressOf = ({ finished, orders, about }: ProgressRow): FillProgress => ({
  finished,
  orders: Number(orders),
  ordersAbout: Math.max(Number(orders), about),
})

export const readFillProgress = async (sql: Sql): Promise<FillProgress> => {
  const [row] = await sql<ProgressRow[]>`
    select finished_at is not null as finished, orders,
           (select reltuples::float8 from pg_class where oid = to_regclass('orders')) as about
    from order_keys_fill where slot`
  return progressOf(row!)
}

/**
 * Fills in the keys of the next orders by id, at most `limit` orders, and keeps how far that came. Null: another replica is at it, or it is
 * finished. A key that is there already stays as it is: orders that are placed now bring theirs along. No placing waits for this: it takes no
 * key that an older order holds.
 */
export const fillKeys = async (sql: Sql, limit: number): Promise<FillProgress | null> => {
  const [row] = await sql<ProgressRow[]>`
    with place as materialized (
      select filled_to from order_keys_fill where slot and finished_at is null for update skip locked
    ), page as materialized (
      select o.id, o.user_id, o.client_order_id from orders o
      where o.id > (select filled_to from place)
      order by o.id
      limit ${limit}::integer
    ), filled as (
      insert into order_keys (user_id, client_order_id, order_id)
      select user_id, client_order_id, id from page where client_order_id is not null
      order by user_id, client_order_id
      on conflict do nothing
    )
    update order_keys_fill f
    set filled_to = coalesce((select id from page order by id desc limit 1), f.filled_to),
        orders = f.orders + (select count(*) from page),
        finished_at = case when (select count(*) from page) < ${limit}::integer then clock_timestamp() end
    from place
    where f.slot
    returning f.finished_at is not null as finished, f.orders,
              (select reltuples::float8 from pg_class where oid = to_regclass('orders')) as about`
  return row === undefined ? null : progressOf(row)
}

/** How long the fill has to be finished before its index goes: until then every replica knows that it is (app/keyFill.ts). */
const knownAfterMs = 60_000

/** Whether the unique index of orders decides nothing any more and still stands. */
export const isOldIndexIdle = async (sql: Sql): Promise<boolean> => {
  const [row] = await sql<{ idle: boolean }[]>`
    select to_regclass('orders_by_client_order_id') is not null
           and exists (select from order_keys_fill where slot and finished_at < clock_timestamp() - make_interval(secs => ${knownAfterMs / 1000}))
           as idle`
  return row!.idle
}

/**
 * Drops that index beside all work. It waits for statements that may use it, each for 2 s at most. Cut off, it leaves an index that is no
 * good, which the next call drops.
 */
export const dropOldIndex = async (sql: Sql): Promise<void> => {
  await sql`set lock_timeout = '2s'`
  try {
    await sql`drop index concurrently if exists orders_by_client_order_id`.simple()
  } finally {
    await sql`set lock_timeout = 0`
  }
}
