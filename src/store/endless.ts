// Open orders that no clock ends: those of before 1.4, and GTC orders where GTC_MAX_DAYS is not set. For `orders expire`.

import type { Sql } from './sql.ts'

/** `before`: when it must have been accepted (ISO-8601). Null: any user, any ticker. */
export type EndlessQuery = { before: string; userId: string | null; ticker: string | null }

/** `isWaiting`: a stop that waits for its price. `now`: the database's time. */
export type EndlessOrder = { id: string; version: number; isWaiting: boolean; now: Date }

/** The moment `ageMs` ago, by the database's clock, with its microseconds. */
export const readMomentAgo = async (sql: Sql, ageMs: number): Promise<string> => {
  const [row] = await sql<{ moment: string }[]>`
    select to_char((clock_timestamp() - ${ageMs}::float8 * interval '1 millisecond') at time zone 'UTC',
                   'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as moment`
  return row!.moment
}

/** For a session of its own: a page is read along an index, and a walk over the table may take long. */
export const walkByIndex = async (sql: Sql): Promise<void> => {
  await sql`select set_config('enable_seqscan', 'off', false), set_config('enable_sort', 'off', false)`
}

/** The next of them by id, after this one; those that have an ending already are left out. */
export const readEndless = async (
  sql: Sql,
  { before, userId, ticker }: EndlessQuery,
  { after, limit }: { after: string; limit: number },
): Promise<EndlessOrder[]> => {
  const rows = await sql<{ id: string; version: number; is_waiting: boolean; now: Date }[]>`
    select o.id, o.version, o.stop_price is not null and o.triggered_at is null as is_waiting, clock_timestamp() as now
    from orders o
    where o.id > ${after}::uuid and o.open and o.expires_at is null and o.created_at < ${before}::text::timestamptz
      and (${userId}::uuid is null or o.user_id = ${userId}::uuid)
      and (${ticker}::text is null or o.ticker = ${ticker}::text)
      and not exists (select from order_endings e where e.order_id = o.id)
    order by o.id
    limit ${limit}::integer`
  return rows.map(({ id, version, is_waiting, now }) => ({ id, version, isWaiting: is_waiting, now }))
}
