// Pages of an order's fills, newest first.

import { amountFromSql } from '../domain/decimal.ts'
import type { Side } from '../domain/terms.ts'
import type { Sql } from './sql.ts'
import { isoFromSql } from './time.ts'

/** A row of the ledger as the API shows it. Times are ISO-8601 UTC. */
export type Fill = {
  tradeId: string
  side: Side
  ticker: string
  quantity: bigint
  price: bigint
  tradedAt: string
  appliedAt: string
  late: boolean
  orderVersion: number
}

type FillRow = {
  trade_id: string
  side: Side
  ticker: string
  quantity: string
  price: string
  ts: string
  applied_at: Date
  late: boolean
  order_version: number
}

/** One page of an order's fills, newest first, those with an order version below `before`. Null: no such order. */
export const readFills = async (
  sql: Sql,
  { orderId, before, limit }: { orderId: string; before: number; limit: number },
): Promise<Fill[] | null> => {
  const rows = await sql<(FillRow | { trade_id: null })[]>`
    select f.trade_id, f.side, f.ticker, f.quantity, f.price, f.applied_at, f.late, f.order_version,
           to_char(f.ts at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as ts
    from orders o
    left join lateral (
      select * from ingested_fills where order_id = o.id and order_version < ${before}::integer order by order_version desc limit ${limit}::integer
    ) f on true
    where o.id = ${orderId}::uuid
    order by f.order_version desc`
  if (rows.length === 0) return null
  return rows
    .filter((row): row is FillRow => row.trade_id !== null)
    .map((row) => ({
      tradeId: row.trade_id,
      side: row.side,
      ticker: row.ticker,
      quantity: amountFromSql(row.quantity),
      price: amountFromSql(row.price),
      tradedAt: isoFromSql(row.ts),
      appliedAt: row.applied_at.toISOString(),
      late: row.late,
      orderVersion: row.order_version,
    }))
}
