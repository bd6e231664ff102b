// The fake of src/store/reports.ts and waitingReports.ts: what the engine says of the end of an order.

import { refuse, sqlState } from './errors.ts'
import { explained, holdOrders, rowsOf } from './filling.ts'
import { amountText, checkUpdate } from './guards.ts'
import { appendChange } from './moving.ts'
import { readUntil } from './settling.ts'
import type { OrderRecord, Postgres, ReportExceptionRecord, ReportRecord } from './state.ts'
import { lockKey, putOrder, take, type Steps, type Tx } from './transactions.ts'

type Column = (string | null)[]
type Row = (string | null)[]

const keyOf = (orderId: string, reportId: string): string => `${orderId} ${reportId}`

const isOpen = ({ status }: OrderRecord): boolean => status === 'NEW' || status === 'PARTIALLY_FILLED'

export const readReportState = (db: Postgres, orderIds: Column, reportIds: Column): object[] =>
  orderIds.flatMap((orderId, i) => {
    const order = db.orders.get(orderId!)
    if (order === undefined) return []
    const reportId = reportIds[i]!
    const report = db.reports.get(keyOf(orderId!, reportId))
    const exceptions = db.reportExceptions
      .filter((row) => row.order_id === orderId && row.report_id === reportId)
      .map(({ kind, ticker, cumulative_quantity }) => [kind, ticker, cumulative_quantity])
    return {
      ...order,
      stamp: String(db.stamps.get(order.id)),
      report_id: reportId,
      report_kind: report?.kind ?? null,
      report_ticker: report?.ticker ?? null,
      report_quantity: report?.cumulative_quantity ?? null,
      exceptions: exceptions.length === 0 ? null : exceptions,
    }
  })

type Received = Omit<ReportRecord, 'state' | 'arrived_at' | 'settled_at'>

const receivedOf = (row: Row): Received => ({
  order_id: row[0]!,
  report_id: row[1]!,
  kind: row[2]!,
  ticker: row[3]!,
  reason_text: row[4]!,
  cumulative_quantity: row[5] === null ? null : amountText(row[5]!),
  reported_at: row[6]!,
  kafka_topic: row[7]!,
  kafka_partition: Number(row[8]),
  kafka_offset: BigInt(row[9]!),
  message_key: row[10]!,
  message: row[11]!,
})
const receivedColumns = 12

const sameException = (a: ReportExceptionRecord, b: ReportExceptionRecord): boolean =>
  a.order_id === b.order_id &&
  a.report_id === b.report_id &&
  a.disposition === b.disposition &&
  a.kind === b.kind &&
  a.ticker === b.ticker &&
  a.cumulative_quantity === b.cumulative_quantity

/** On conflict do nothing; answers with those that it stored. */
const keepExceptions = (db: Postgres, tx: Tx, rows: readonly ReportExceptionRecord[]): ReportExceptionRecord[] => {
  const own: ReportExceptionRecord[] = []
  for (const row of rows)
    if (![...db.reportExceptions, ...own].some((other) => sameException(other, row))) own.push(row)
  tx.writes.push(() => void db.reportExceptions.push(...own))
  return own
}

function* takeReports(db: Postgres, tx: Tx, rows: readonly Row[], now: number): Steps<void> {
  const own = new Set<string>()
  for (const row of rows) {
    const [received, state] = [receivedOf(row), row[receivedColumns]!]
    const key = keyOf(received.order_id, received.report_id)
    refuse(db.reports.has(key) || own.has(key), sqlState.uniqueViolation, 'duplicate key: "ingested_reports_pkey"')
    own.add(key)
    const record = { ...received, state, arrived_at: now, settled_at: state === 'WAITING' ? null : now }
    tx.writes.push(() => void db.reports.set(key, record))
    yield null
  }
}

const settle = (db: Postgres, tx: Tx, [orderId, reportId, state]: Row, now: number): void => {
  const key = keyOf(orderId!, reportId!)
  const before = db.reports.get(key)
  if (before === undefined || before.settled_at !== null) return
  tx.writes.push(() => void db.reports.set(key, { ...before, state: state!, settled_at: now }))
}

/** Its cause; null: the order stays as it is, and its row is written all the same. */
type Moved = { after: OrderRecord; cause: string | null }

const move = (db: Postgres, tx: Tx, row: Row): Moved => {
  const before = db.orders.get(row[0]!)!
  const [, , version, status, reasonCode, reasonText, updatedAt, cause] = row
  const moved = {
    ...before,
    status: status as OrderRecord['status'],
    version: Number(version),
    reason_code: reasonCode!,
    reason_text: reasonText!,
    updated_at: new Date(Math.max(Date.parse(updatedAt!), before.updated_at.getTime())),
  }
  const after = explained(db, tx, before, moved)
  checkUpdate(before, after)
  take(db, tx, lockKey.newVersion(before.id))
  putOrder(db, tx, before, after)
  return { after, cause: cause! }
}

export type ReportInput = { moves: Column[]; taken: Column[]; settled: Column[]; exceptions: Column[] }

export function* writeReports(db: Postgres, tx: Tx, input: ReportInput): Steps<object[]> {
  const moves = yield* holdOrders(db, tx, rowsOf(input.moves))
  const ids = new Set(moves.map(([id]) => id))
  const isHeld = ([id]: Row): boolean => ids.has(id!)
  const exceptions = rowsOf(input.exceptions)
    .filter(isHeld)
    .map((row): ReportExceptionRecord => {
      const [id, disposition, reason] = row.slice(receivedColumns)
      return { ...receivedOf(row), id: id!, disposition: disposition!, reason: reason! }
    })
  const kept = keepExceptions(db, tx, exceptions)
  const now = db.clock()
  yield null
  // Parts of the statement whose rows nobody reads run last, the last of them first.
  for (const row of rowsOf(input.settled).filter(isHeld)) settle(db, tx, row, now)
  yield* takeReports(db, tx, rowsOf(input.taken).filter(isHeld), now)
  const moved: Moved[] = []
  for (const row of moves) {
    moved.push(move(db, tx, row))
    yield null
  }
  for (const { after, cause } of moved.toSorted((a, b) => (a.after.id < b.after.id ? -1 : 1)))
    if (cause !== null) appendChange(db, tx, after, { cause })
  return [...moves.map(([id]) => ({ kind: 'order', id })), ...kept.map(({ id }) => ({ kind: 'exception', id }))]
}

const bytesOf = (hex: string | null): Buffer | null => (hex === null ? null : Buffer.from(hex, 'hex'))

export type ReadyQuery = { topic: string; waitMs: number; limit: number }

export const readReadyReports = (db: Postgres, { topic, waitMs, limit }: ReadyQuery): object[] => {
  const end = readUntil(db, topic)
  return [...db.reports.values()]
    .filter(({ settled_at }) => settled_at === null)
    .map((report) => ({
      report,
      order: db.orders.get(report.order_id)!,
      reaches_arrival: end !== null && end >= report.arrived_at,
      reaches_limit: end !== null && end >= report.arrived_at + waitMs,
    }))
    .filter(({ report, order, reaches_arrival, reaches_limit }) => {
      const quantity = report.cumulative_quantity
      if (!isOpen(order) || reaches_limit) return true
      return quantity === null ? reaches_arrival : Number(order.filled_quantity) >= Number(quantity)
    })
    .toSorted(
      (a, b) =>
        a.report.arrived_at - b.report.arrived_at ||
        (keyOf(a.report.order_id, a.report.report_id) < keyOf(b.report.order_id, b.report.report_id) ? -1 : 1),
    )
    .slice(0, limit)
    .map(({ report, order, ...reaches }) => ({
      ...order,
      ...reaches,
      stamp: String(db.stamps.get(order.id)),
      report_id: report.report_id,
      report_kind: report.kind,
      report_ticker: report.ticker,
      report_reason: report.reason_text,
      report_quantity: report.cumulative_quantity,
      reported_at: report.reported_at,
      kafka_topic: report.kafka_topic,
      kafka_partition: report.kafka_partition,
      kafka_offset: String(report.kafka_offset),
      message_key: bytesOf(report.message_key),
      message: bytesOf(report.message),
    }))
}

export const readReportsBacklog = (db: Postgres, max: number): object[] => {
  const waiting = [...db.reports.values()].filter(({ settled_at }) => settled_at === null).slice(0, max)
  const ages = waiting.map(({ arrived_at }) => db.clock() - arrived_at)
  return [{ reports: waiting.length, oldest_ms: Math.max(0, ...ages) }]
}
