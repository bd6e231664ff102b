// Exceptions of reports: what an engine reported and what does not fit, each with its resolution once an operator has dealt with it.

import { amountFromSql, type Amount } from '../domain/decimal.ts'
import type { ReportExceptionDisposition, ReportKind } from '../domain/report.ts'
import { resolutionFromRow, type Resolution, type ResolutionRow } from './exceptions.ts'
import { textArray, type Sql } from './sql.ts'
import { isoFromSql } from './time.ts'

/** Times are ISO-8601 UTC. `reportReason`: the words of the engine. `message`: the text as received. */
export type StoredReportException = {
  id: string
  disposition: ReportExceptionDisposition
  reason: string
  orderId: string
  reportId: string
  kind: ReportKind
  ticker: string
  reportReason: string | null
  cumulativeQuantity: Amount | null
  reportedAt: string
  recordedAt: string
  topic: string
  partition: number
  offset: number
  key: Uint8Array | null
  message: string
  resolution: Resolution | null
}

export type ReportExceptionFilter = {
  id: string | undefined
  orderId: string | undefined
  reportId: string | undefined
  /** Empty: any. */
  dispositions: readonly ReportExceptionDisposition[]
  resolved: boolean | undefined
  /** Ids below this one only. */
  before: string | undefined
}

type Row = ResolutionRow & {
  id: string
  disposition: ReportExceptionDisposition
  reason: string
  order_id: string
  report_id: string
  kind: ReportKind
  ticker: string
  reason_text: string | null
  cumulative_quantity: string | null
  report_time: string
  recorded_at: Date
  kafka_topic: string
  kafka_partition: number
  kafka_offset: string
  message_key: Uint8Array | null
  message: Uint8Array
}

const exceptionFromRow = (row: Row): StoredReportException => ({
  id: row.id,
  disposition: row.disposition,
  reason: row.reason,
  orderId: row.order_id,
  reportId: row.report_id,
  kind: row.kind,
  ticker: row.ticker,
  reportReason: row.reason_text,
  cumulativeQuantity: row.cumulative_quantity === null ? null : amountFromSql(row.cumulative_quantity),
  reportedAt: isoFromSql(row.report_time),
  recordedAt: row.recorded_at.toISOString(),
  topic: row.kafka_topic,
  partition: row.kafka_partition,
  offset: Number(row.kafka_offset),
  key: row.message_key,
  message: Buffer.from(row.message).toString(),
  resolution: resolutionFromRow(row),
})

const conditions = (sql: Sql, filter: ReportExceptionFilter) => sql`
  ${filter.id === undefined ? sql`true` : sql`e.id = ${filter.id}::uuid`}
  and ${filter.orderId === undefined ? sql`true` : sql`e.order_id = ${filter.orderId}::uuid`}
  and ${filter.reportId === undefined ? sql`true` : sql`e.report_id = ${filter.reportId}`}
  and ${filter.dispositions.length === 0 ? sql`true` : sql`e.disposition = any (${textArray(filter.dispositions)}::text[])`}
  and ${filter.resolved === undefined ? sql`true` : sql`(r.exception_id is not null) = ${filter.resolved}`}
  and ${filter.before === undefined ? sql`true` : sql`e.id < ${filter.before}::uuid`}`

/** The columns of Row, of the exception called `e` and its resolution called `r`. */
const exceptionColumns = (sql: Sql) => sql`
  e.id, e.disposition, e.reason, e.order_id, e.report_id, e.kind, e.ticker, e.reason_text, e.cumulative_quantity, e.recorded_at,
  to_char(e.reported_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as report_time,
  e.kafka_topic, e.kafka_partition, e.kafka_offset, e.message_key, e.message, r.resolved_by, r.note, r.resolved_at`

/** At most `limit` exceptions, newest first. */
export const readReportExceptions = async (
  sql: Sql,
  filter: ReportExceptionFilter,
  limit: number,
): Promise<StoredReportException[]> => {
  const rows = await sql<Row[]>`
    select ${exceptionColumns(sql)}
    from report_exceptions e left join report_exception_resolutions r on r.exception_id = e.id
    where ${conditions(sql, filter)}
    order by e.id desc
    limit ${limit}::integer`
  return rows.map(exceptionFromRow)
}

/** How many of the newest `max` exceptions nobody has resolved. */
export const countOpenReportExceptions = async (sql: Sql, max: number): Promise<number> => {
  const [row] = await sql<{ open: number }[]>`
    select count(*)::integer as open
    from (select id from report_exceptions order by id desc limit ${max}::integer) e
    where not exists (select from report_exception_resolutions r where r.exception_id = e.id)`
  return row!.open
}

/** As insertResolution of the exceptions of trades: the first resolution stands, and one statement stores and reads. */
export const insertReportResolution = async (
  sql: Sql,
  { id, resolvedBy, note, now }: { id: string; resolvedBy: string; note: string; now: Date },
): Promise<StoredReportException | undefined> => {
  const [row] = await sql<Row[]>`
    with stored as (
      insert into report_exception_resolutions (exception_id, resolved_by, note, resolved_at)
      select id, ${resolvedBy}, ${note}, ${now.toISOString()}::timestamptz from report_exceptions where id = ${id}::uuid
      on conflict do nothing
      returning exception_id, resolved_by, note, resolved_at
    ), r as (
      select exception_id, resolved_by, note, resolved_at from stored
      union all
      select exception_id, resolved_by, note, resolved_at from report_exception_resolutions where exception_id = ${id}::uuid
    )
    select ${exceptionColumns(sql)}
    from report_exceptions e left join r on r.exception_id = e.id
    where e.id = ${id}::uuid`
  return row === undefined ? undefined : exceptionFromRow(row)
}
