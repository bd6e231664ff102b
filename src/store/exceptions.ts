// Exceptions: legs that were not applied although their order is ours, each with its resolution once an operator has dealt with it.

import { amountFromSql, type Amount } from '../domain/decimal.ts'
import type { ExceptionDisposition } from '../domain/leg.ts'
import type { Side } from '../domain/terms.ts'
import { textArray, type Sql } from './sql.ts'
import { isoFromSql } from './time.ts'

export type Resolution = { resolvedBy: string; note: string; resolvedAt: string }

/** Times are ISO-8601 UTC. `message`: the text as received. */
export type TradeException = {
  id: string
  disposition: ExceptionDisposition
  reason: string
  orderId: string
  tradeId: string
  side: Side
  ticker: string
  quantity: Amount
  price: Amount
  tradedAt: string
  recordedAt: string
  topic: string
  partition: number
  offset: number
  key: Uint8Array | null
  message: string
  resolution: Resolution | null
}

export type ExceptionFilter = {
  id: string | undefined
  orderId: string | undefined
  tradeId: string | undefined
  /** Empty: any. */
  dispositions: readonly ExceptionDisposition[]
  resolved: boolean | undefined
  /** Ids below this one only. */
  before: string | undefined
}

type Row = ResolutionRow & {
  id: string
  disposition: ExceptionDisposition
  reason: string
  order_id: string
  trade_id: string
  side: Side
  ticker: string
  quantity: string
  price: string
  traded_at: string
  recorded_at: Date
  kafka_topic: string
  kafka_partition: number
  kafka_offset: string
  message_key: Uint8Array | null
  message: Uint8Array
}

/** The columns of a resolution; `resolved_by` is null if there is none. */
export type ResolutionRow = { resolved_by: string | null; note: string; resolved_at: Date }

export const resolutionFromRow = ({ resolved_by, note, resolved_at }: ResolutionRow): Resolution | null =>
  resolved_by === null ? null : { resolvedBy: resolved_by, note, resolvedAt: resolved_at.toISOString() }

const exceptionFromRow = (row: Row): TradeException => ({
  id: row.id,
  disposition: row.disposition,
  reason: row.reason,
  orderId: row.order_id,
  tradeId: row.trade_id,
  side: row.side,
  ticker: row.ticker,
  quantity: amountFromSql(row.quantity),
  price: amountFromSql(row.price),
  tradedAt: isoFromSql(row.traded_at),
  recordedAt: row.recorded_at.toISOString(),
  topic: row.kafka_topic,
  partition: row.kafka_partition,
  offset: Number(row.kafka_offset),
  key: row.message_key,
  message: Buffer.from(row.message).toString(),
  resolution: resolutionFromRow(row),
})

const conditions = (sql: Sql, filter: ExceptionFilter) => sql`
  ${filter.id === undefined ? sql`true` : sql`e.id = ${filter.id}::uuid`}
  and ${filter.orderId === undefined ? sql`true` : sql`e.order_id = ${filter.orderId}::uuid`}
  and ${filter.tradeId === undefined ? sql`true` : sql`e.trade_id = ${filter.tradeId}`}
  and ${filter.dispositions.length === 0 ? sql`true` : sql`e.disposition = any (${textArray(filter.dispositions)}::text[])`}
  and ${filter.resolved === undefined ? sql`true` : sql`(r.exception_id is not null) = ${filter.resolved}`}
  and ${filter.before === undefined ? sql`true` : sql`e.id < ${filter.before}::uuid`}`

/** The columns of Row, of the exception called `e` and its resolution called `r`. */
const exceptionColumns = (sql: Sql) => sql`
  e.id, e.disposition, e.reason, e.order_id, e.trade_id, e.side, e.ticker, e.quantity, e.price, e.recorded_at,
  to_char(e.ts at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as traded_at,
  e.kafka_topic, e.kafka_partition, e.kafka_offset, e.message_key, e.message, r.resolved_by, r.note, r.resolved_at`

/** At most `limit` exceptions, newest first. */
export const readExceptions = async (sql: Sql, filter: ExceptionFilter, limit: number): Promise<TradeException[]> => {
  const rows = await sql<Row[]>`
    select ${exceptionColumns(sql)}
    from exceptions e left join exception_resolutions r on r.exception_id = e.id
    where ${conditions(sql, filter)}
    order by e.id desc
    limit ${limit}::integer`
  return rows.map(exceptionFromRow)
}

/** How many of the newest `max` exceptions nobody has resolved. */
export const countOpenExceptions = async (sql: Sql, max: number): Promise<number> => {
  const [row] = await sql<{ open: number }[]>`
    select count(*)::integer as open
    from (select id from exceptions order by id desc limit ${max}::integer) e
    where not exists (select from exception_resolutions r where r.exception_id = e.id)`
  return row!.open
}

/**
 * Stores a resolution if the exception exists and has none, and returns the exception as it is then: one statement, so that nothing can
 * fail between the two. The first resolution stands. Undefined: there is no such exception. If the exception comes without a resolution,
 * another one was stored while this statement ran, and the statement cannot see it.
 */
export const insertResolution = async (
  sql: Sql,
  { id, resolvedBy, note, now }: { id: string; resolvedBy: string; note: string; now: Date },
): Promise<TradeException | undefined> => {
  const [row] = await sql<Row[]>`
    with stored as (
      insert into exception_resolutions (exception_id, resolved_by, note, resolved_at)
      select id, ${resolvedBy}, ${note}, ${now.toISOString()}::timestamptz from exceptions where id = ${id}::uuid
      on conflict do nothing
      returning exception_id, resolved_by, note, resolved_at
    ), r as (
      select exception_id, resolved_by, note, resolved_at from stored
      union all
      select exception_id, resolved_by, note, resolved_at from exception_resolutions where exception_id = ${id}::uuid
    )
    select ${exceptionColumns(sql)}
    from exceptions e left join r on r.exception_id = e.id
    where e.id = ${id}::uuid`
  return row === undefined ? undefined : exceptionFromRow(row)
}
