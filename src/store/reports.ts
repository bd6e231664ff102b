// Reports of the engine. As for fills: the state for a batch is read in one statement, the reports are judged in TypeScript, and one statement
// writes the decisions where nobody wrote the order's row since. A statement that stores a report or an exception writes the row too, so
// that nobody decides on what was stored before.

import { amountFromSql, formatAmount } from '../domain/decimal.ts'
import type { JudgedOrder } from '../domain/order.ts'
import type { Report, ReportContent, ReportExceptionDisposition, ReportKind, ReportRecord } from '../domain/report.ts'
import type { Source } from './fills.ts'
import { judgedColumns, stateOf, type JudgedRow, type JudgedState } from './judged.ts'
import { textArray, type Sql } from './sql.ts'

/** A report, where it came from, and its bytes: an exception stores them unchanged. */
export type ReceivedReport = { report: Report; source: Source; key: Uint8Array | null; message: Uint8Array }

/** The state against which a batch of reports is judged, all from one snapshot. Its records: by order id, then by report id. */
export type ReportState = JudgedState<ReportRecord>

/** What is stored of a report that was judged. */
type SettledState = 'APPLIED' | 'STALE' | 'INCOMPLETE' | 'MISMATCH'

/** A report that was taken when it arrived. */
type TakenReport = { received: ReceivedReport; state: 'WAITING' | 'APPLIED' | 'STALE' }
/** A report that waited, and what it came to. */
type SettledReport = { orderId: string; reportId: string; state: SettledState }
export type ReportException = {
  id: string
  disposition: ReportExceptionDisposition
  reason: string
  received: ReceivedReport
}

/**
 * `after`: the order to write, unchanged if only reports or exceptions are stored. `stamp`: that of the row on which it was decided.
 * `endedBy`: the report that ends the order; null: none does.
 */
export type ReportMove = { after: JudgedOrder; stamp: string; endedBy: Source | null }

type ExceptionContent = [ReportKind, string, string | null]
type StateRow = JudgedRow & {
  report_id: string
  report_kind: ReportKind | null
  report_ticker: string
  report_quantity: string | null
  exceptions: ExceptionContent[] | null
}

const reportQuantity = (text: string | null) => (text === null ? null : amountFromSql(text))
export const contentOf = ([kind, ticker, quantity]: ExceptionContent): ReportContent => ({
  kind,
  ticker,
  cumulativeQuantity: reportQuantity(quantity),
})

const recordFromRow = (row: StateRow): ReportRecord => ({
  report: row.report_kind === null ? null : contentOf([row.report_kind, row.report_ticker, row.report_quantity]),
  exceptions: (row.exceptions ?? []).map(contentOf),
})

/** Reads the orders, reports and exceptions of these (order, report) pairs in one snapshot. Unknown orders are left out. */
export const readReportState = async (
  sql: Sql,
  pairs: readonly { orderId: string; reportId: string }[],
): Promise<ReportState> => {
  const rows = await sql<StateRow[]>`
    select ${judgedColumns(sql)}, i.report_id,
           r.kind as report_kind, r.ticker as report_ticker, r.cumulative_quantity as report_quantity,
           (select json_agg(json_build_array(e.kind, e.ticker, e.cumulative_quantity::text))
            from report_exceptions e where e.order_id = o.id and e.report_id = i.report_id) as exceptions
    from unnest(
      ${textArray(pairs.map((pair) => pair.orderId))}::text[],
      ${textArray(pairs.map((pair) => pair.reportId))}::text[]
    ) as i (order_id, report_id)
    join orders o on o.id = i.order_id::uuid
    left join ingested_reports r on r.order_id = o.id and r.report_id = i.report_id`
  return stateOf(rows, (row) => row.report_id, recordFromRow)
}

const moveInput = (sql: Sql, moves: readonly ReportMove[]) => {
  const text = (of: (move: ReportMove) => string | null) => textArray(moves.map(of))
  const causeOf = ({ topic, partition, offset }: Source): string =>
    JSON.stringify({ kind: 'report', topic, partition, offset: String(offset) })
  return sql`unnest(
    ${text((m) => m.after.id)}::text[],
    ${text((m) => m.stamp)}::text[],
    ${text((m) => String(m.after.version))}::text[],
    ${text((m) => m.after.status)}::text[],
    ${text((m) => m.after.reason?.code ?? null)}::text[],
    ${text((m) => m.after.reason?.text ?? null)}::text[],
    ${text((m) => m.after.updatedAt.toISOString())}::text[],
    ${text((m) => (m.endedBy === null ? null : causeOf(m.endedBy)))}::text[]
  ) as m (id, stamp, version, status, reason_code, reason_text, updated_at, cause)`
}

const hex = (bytes: Uint8Array | null): string | null => (bytes === null ? null : Buffer.from(bytes).toString('hex'))
const quantityText = ({ report }: ReceivedReport): string | null =>
  report.cumulativeQuantity === null ? null : formatAmount(report.cumulativeQuantity)

/** The columns of `received`, which receivedColumns names. `keeps`: whether the bytes of the n-th are kept. */
const receivedInput = (sql: Sql, received: readonly ReceivedReport[], keeps: (n: number) => boolean = () => true) => {
  const text = (of: (each: ReceivedReport, n: number) => string | null) => textArray(received.map(of))
  return sql`
    ${text(({ report }) => report.orderId)}::text[],
    ${text(({ report }) => report.reportId)}::text[],
    ${text(({ report }) => report.kind)}::text[],
    ${text(({ report }) => report.ticker)}::text[],
    ${text(({ report }) => report.reason)}::text[],
    ${text(quantityText)}::text[],
    ${text(({ report }) => report.reportedAt)}::text[],
    ${text(({ source }) => source.topic)}::text[],
    ${text(({ source }) => String(source.partition))}::text[],
    ${text(({ source }) => String(source.offset))}::text[],
    ${text(({ key }, n) => (keeps(n) ? hex(key) : null))}::text[],
    ${text(({ message }, n) => (keeps(n) ? hex(message) : null))}::text[]`
}
const receivedColumns = (sql: Sql) => sql`
    order_id, report_id, kind, ticker, reason_text, cumulative_quantity, reported_at, kafka_topic, kafka_partition, kafka_offset, message_key, message`
/** The same as the columns of a row called `i`, with their types; the order is the one that is held. */
const castColumns = (sql: Sql) => sql`
    h.id, i.report_id, i.kind, i.ticker, i.reason_text, i.cumulative_quantity::numeric, i.reported_at::timestamptz, i.kafka_topic,
    i.kafka_partition::integer, i.kafka_offset::bigint, decode(i.message_key, 'hex'), decode(i.message, 'hex')`

const takenInput = (sql: Sql, taken: readonly TakenReport[]) => sql`unnest(
    ${receivedInput(
      sql,
      taken.map(({ received }) => received),
      (n) => taken[n]!.state === 'WAITING',
    )},
    ${textArray(taken.map(({ state }) => state))}::text[]
  ) as i (${receivedColumns(sql)}, state)`

const exceptionInput = (sql: Sql, exceptions: readonly ReportException[]) => sql`unnest(
    ${receivedInput(
      sql,
      exceptions.map(({ received }) => received),
    )},
    ${textArray(exceptions.map(({ id }) => id))}::text[],
    ${textArray(exceptions.map(({ disposition }) => disposition))}::text[],
    ${textArray(exceptions.map(({ reason }) => reason))}::text[]
  ) as i (${receivedColumns(sql)}, id, disposition, reason)`

const settledInput = (sql: Sql, settled: readonly SettledReport[]) => sql`unnest(
    ${textArray(settled.map(({ orderId }) => orderId))}::text[],
    ${textArray(settled.map(({ reportId }) => reportId))}::text[],
    ${textArray(settled.map(({ state }) => state))}::text[]
  ) as s (order_id, report_id, state)`

export type ReportWrites = {
  moves: readonly ReportMove[]
  taken: readonly TakenReport[]
  settled: readonly SettledReport[]
  exceptions: readonly ReportException[]
}

/**
 * Writes the decisions on the orders whose row nobody has written since it was read and nobody locks right now; returns their ids, and the
 * ids of the exceptions that are new. Every other order has to be decided again. It never waits for a lock. An order that ends here publishes
 * nothing: its engine knows.
 */
export const writeReports = async (
  sql: Sql,
  { moves, taken, settled, exceptions }: ReportWrites,
): Promise<{ written: Set<string>; newExceptions: Set<string> }> => {
  const rows = await sql<{ kind: 'order' | 'exception'; id: string }[]>`
    with move as materialized (select * from ${moveInput(sql, moves)}),
    held as materialized (
      select o.id from orders o join move m on o.id = m.id::uuid
      where o.xmin = m.stamp::xid
      order by o.id
      for update of o skip locked
    ), clock as materialized (
      select clock_timestamp() as now
    ), moved as (
      update orders o
      set status = m.status, updated_at = greatest(o.updated_at, m.updated_at::timestamptz), version = m.version::integer,
          reason_code = m.reason_code, reason_text = m.reason_text
      from move m join held h on h.id = m.id::uuid
      where o.id = h.id
      returning o.id, o.version, o.status, o.updated_at, o.reason_code, o.reason_text, o.filled_quantity, o.filled_notional, o.last_fill_price,
                m.cause
    ), logged as (
      insert into order_changes (order_id, version, kind, at, reason_code, reason_text, cause, filled_quantity, filled_notional, last_fill_price)
      select id, version, status, updated_at, reason_code, reason_text, cause::jsonb, filled_quantity, filled_notional, last_fill_price
      from moved where cause is not null order by id
    ), taken as (
      insert into ingested_reports (${receivedColumns(sql)}, state, arrived_at, settled_at)
      select ${castColumns(sql)}, i.state, c.now, case when i.state <> 'WAITING' then c.now end
      from ${takenInput(sql, taken)} join held h on h.id = i.order_id::uuid cross join clock c
      order by h.id, i.report_id
    ), settled as (
      update ingested_reports r set state = s.state, settled_at = c.now
      from ${settledInput(sql, settled)} join held h on h.id = s.order_id::uuid cross join clock c
      where r.order_id = h.id and r.report_id = s.report_id and r.settled_at is null
    ), kept as (
      insert into report_exceptions (${receivedColumns(sql)}, id, disposition, reason, recorded_at)
      select ${castColumns(sql)}, i.id::uuid, i.disposition, i.reason, c.now
      from ${exceptionInput(sql, exceptions)} join held h on h.id = i.order_id::uuid cross join clock c
      on conflict do nothing
      returning id
    )
    select 'order' as kind, id from held union all select 'exception', id from kept`
  const idsOf = (kind: 'order' | 'exception') => new Set(rows.filter((row) => row.kind === kind).map((row) => row.id))
  return { written: idsOf('order'), newExceptions: idsOf('exception') }
}
