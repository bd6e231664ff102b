// Orders of another replica: written straight into the table at a steady rate, and without their events, so that the service that is
// measured has nothing to do but to show them to its streams.

import postgres from 'postgres'
import { tickerCount, userCount } from '../mix/orderMix.ts'
import { zipfSql } from '../mix/zipf.ts'

const everyMs = 20

const insertSql = `
  insert into orders (id, user_id, ticker, side, type, time_in_force, quantity, price, filled_quantity, filled_notional, status, created_at,
                      updated_at, version)
  select uuidv7(), ('0b5e0000-0000-4000-8000-00000000' || 1000 + random(0, ${userCount - 1}))::uuid, 'T' || ${zipfSql(tickerCount)},
         case when n % 2 = 0 then 'BUY' else 'SELL' end, 'LIMIT', 'GTC', 100, 100.25, 0, 0, 'NEW', statement_timestamp(), statement_timestamp(), 0
  from generate_series(1, $1::integer) n`

/**
 * By a session that no trigger checks, as the loader's. Returns how many were written, and how long that took: more than `seconds` where
 * Postgres could not keep up.
 */
export const writeOrders = async (
  databaseUrl: string,
  { perSecond, seconds }: { perSecond: number; seconds: number },
): Promise<{ written: number; tookSeconds: number }> => {
  const sql = postgres(databaseUrl, { max: 1, connection: { session_replication_role: 'replica' } })
  const total = perSecond * seconds
  const startedAt = performance.now()
  const elapsedMs = (): number => performance.now() - startedAt
  let written = 0
  try {
    while (written < total) {
      const due = Math.min(total, Math.floor((elapsedMs() / 1000) * perSecond)) - written
      if (due > 0) await sql.unsafe(insertSql, [due])
      written += due
      await Bun.sleep(everyMs - (elapsedMs() % everyMs))
    }
  } finally {
    await sql.end()
  }
  return { written, tookSeconds: elapsedMs() / 1000 }
}
