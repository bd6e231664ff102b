// Reports of the engine that wait for fills: which of them need wait no longer, and how many there are.

import type { JudgedOrder } from '../domain/order.ts'
import type { ReportKind, Tape } from '../domain/report.ts'
import { judgedColumns, judgedFromRow, type JudgedRow } from './judged.ts'
import { contentOf, type ReceivedReport } from './reports.ts'
import type { Sql } from './sql.ts'
import { isoFromSql } from './time.ts'

/** A report that waits, with its order as it is now. */
export type WaitingReport = { received: ReceivedReport; order: JudgedOrder; stamp: string; tape: Tape }

type WaitingRow = JudgedRow & {
  report_id: string
  report_kind: ReportKind
  report_ticker: string
  report_reason: string | null
  report_quantity: string | null
  reported_at: string
  kafka_topic: string
  kafka_partition: number
  kafka_offset: string
  message_key: Uint8Array | null
  message: Uint8Array
  reaches_arrival: boolean
  reaches_limit: boolean
}

const waitingFromRow = (row: WaitingRow): WaitingReport => ({
  received: {
    report: {
      reportId: row.report_id,
      orderId: row.id,
      ...contentOf([row.report_kind, row.report_ticker, row.report_quantity]),
      reason: row.report_reason,
      reportedAt: isoFromSql(row.reported_at),
    },
    source: { topic: row.kafka_topic, partition: row.kafka_partition, offset: BigInt(row.kafka_offset) },
    key: row.message_key,
    message: row.message,
  },
  order: judgedFromRow(row),
  stamp: row.stamp,
  tape: { reachesArrival: row.reaches_arrival, reachesLimit: row.reaches_limit },
})

/**
 * Reads up to `limit` reports that need wait no longer, the oldest first: their order ended, or the ledger has what they count, or the
 * trade topic was applied far enough.
 */
export const readReadyReports = async (
  sql: Sql,
  { tradeTopic, waitMs, limit }: { tradeTopic: string; waitMs: number; limit: number },
): Promise<WaitingReport[]> => {
  const rows = await sql<WaitingRow[]>`
    with ready as materialized (
      select r.*, coalesce(t.read_until >= r.arrived_at, false) as reaches_arrival,
             coalesce(t.read_until >= r.arrived_at + ${waitMs}::float8 * interval '1 millisecond', false) as reaches_limit
      from ingested_reports r
      cross join (select min(read_until) as read_until from tape_marks where topic = ${tradeTopic}::text) t
      where r.settled_at is null
    )
    select ${judgedColumns(sql)}, r.report_id, r.kind as report_kind, r.ticker as report_ticker,
           r.reason_text as report_reason, r.cumulative_quantity as report_quantity,
           to_char(r.reported_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as reported_at,
           r.kafka_topic, r.kafka_partition, r.kafka_offset, r.message_key, r.message, r.reaches_arrival, r.reaches_limit
    from ready r join orders o on o.id = r.order_id
    where not o.open or o.filled_quantity >= r.cumulative_quantity or r.reaches_limit
       or (r.cumulative_quantity is null and r.reaches_arrival)
    order by r.arrived_at, r.order_id, r.report_id
    limit ${limit}::integer`
  return rows.map(waitingFromRow)
}

/** How many reports wait, at most `max`, and since when the oldest does, in ms by the database's clock (0: none waits). */
export const readReportsBacklog = async (sql: Sql, max: number): Promise<{ reports: number; oldestMs: number }> => {
  const [row] = await sql<{ reports: number; oldest_ms: number }[]>`
    select count(*)::integer as reports,
           coalesce(greatest(0, extract(epoch from clock_timestamp() - min(arrived_at)) * 1000), 0)::float8 as oldest_ms
    from (select arrived_at from ingested_reports where settled_at is null order by arrived_at limit ${max}::integer) r`
  return { reports: row!.reports, oldestMs: row!.oldest_ms }
}
