// Checks the engine's reports: each has its disposition, or a row in which it waits, before its offset is committed; in the end none waits; and
// an order that a report ended has the fills that the report counts, unless it waited as long as it may.

import { amountFromSql } from '../../../src/domain/decimal.ts'
import type { Journal, ReportFact } from '../journal.ts'
import { topics, type Broker } from '../kafka/broker.ts'
import type { Plan } from '../plan.ts'
import type { ChangeRecord, OrderRecord, Postgres, ReportRecord } from '../postgres/state.ts'
import { epochMs } from '../world.ts'

type Facts = { db: Postgres; broker: Broker; plan: Plan; journal: Journal; broken: (what: string) => void }
type SoundReport = Extract<ReportFact, { malformed: false }>

const hundredths = 1_000_000n

const sameContent = (
  row: { kind: string; ticker: string; cumulative_quantity: string | null },
  { kind, ticker, cumulative }: SoundReport,
): boolean =>
  row.kind === kind &&
  row.ticker === ticker &&
  (row.cumulative_quantity === null ? null : amountFromSql(row.cumulative_quantity)) ===
    (cumulative === null ? null : BigInt(cumulative) * hundredths)

const hasLetter = (broker: Broker, letterId: string): boolean =>
  broker.logs
    .get(topics.reportLetters)!
    .flat()
    .some(({ headers }) => headers.get('x-dead-letter-id') === letterId)

/** Whether the report was taken or is listed, with its content; or is a dead letter, if it belongs there. */
const isSettled = ({ db, broker, plan }: Facts, fact: ReportFact, letterId: string): boolean => {
  if (fact.malformed) return hasLetter(broker, letterId)
  const { orderId, reportId } = fact
  if (!db.orders.has(orderId)) return !plan.unknownToDeadLetters || hasLetter(broker, letterId)
  const taken = db.reports.get(`${orderId} ${reportId}`)
  const listed = db.reportExceptions.filter((row) => row.order_id === orderId && row.report_id === reportId)
  return [...(taken === undefined ? [] : [taken]), ...listed].some((row) => sameContent(row, fact))
}

/** Called when the group moves the offset of a partition of the reports. */
export const checkReportCommit = (facts: Facts, partition: number, from: number, to: number): void => {
  for (let offset = from; offset < to; offset++) {
    const fact = facts.journal.reports.get(partition)![offset]!
    if (!isSettled(facts, fact, `${topics.reports}-${partition}-${offset}`))
      facts.broken(`report ${partition}@${offset} was committed before its disposition`)
  }
}

/** Whether every report has its disposition, and none waits. */
export const reportsRest = (facts: Facts): boolean =>
  facts.db.reports.values().every(({ state }) => state !== 'WAITING') &&
  facts.journal.reports
    .entries()
    .every(([partition, all]) =>
      all.every((fact, offset) => isSettled(facts, fact, `${topics.reports}-${partition}-${offset}`)),
    )

/** The fills that came too late for the end, though they were on the topic at this time. Times of the database, in ms. */
const checkLate = ({ db, broker, broken }: Facts, order: OrderRecord, until: number): void => {
  for (const fill of db.ledger.get(order.id) ?? []) {
    const { appendedAt } = broker.logs.get(topics.trades)![fill.kafka_partition]![Number(fill.kafka_offset)]!
    if (fill.late && epochMs + appendedAt < until)
      broken(`${fill.trade_id} is late for order ${order.id}, and its report should have waited for it`)
  }
}

const checkEnd = (facts: Facts, order: OrderRecord, change: ChangeRecord, report: ReportRecord): void => {
  const { plan, broken } = facts
  const { state, kind, cumulative_quantity, arrived_at } = report
  const name = `order ${order.id}, ended by report ${report.report_id} (${state}, ${cumulative_quantity ?? '-'}),`
  if (kind !== order.status || change.reason_code !== `ENGINE_${kind}`) broken(`${name} is ${order.status}`)
  const [filled, counted] = [amountFromSql(change.filled_quantity), amountFromSql(cumulative_quantity ?? '0')]
  if (kind === 'REJECTED') {
    if (filled !== 0n) broken(`${name} was rejected with fills`)
    return
  }
  if (state === 'APPLIED' && cumulative_quantity !== null) {
    if (filled !== counted) broken(`${name} has ${change.filled_quantity} filled`)
    return
  }
  if (state === 'INCOMPLETE' && filled >= counted) broken(`${name} has what the report counts`)
  checkLate(facts, order, state === 'INCOMPLETE' ? arrived_at + plan.reportWaitMs : arrived_at)
}

const checkOrder = (facts: Facts, order: OrderRecord, ending: readonly ReportRecord[]): void => {
  const change = facts.db.changes.get(order.id)?.find(({ kind }) => kind === order.status)
  const cause = JSON.parse(change?.cause ?? '{}') as { kind?: string; partition?: number; offset?: string }
  const isByReport = cause.kind === 'report'
  if (ending.length !== (isByReport ? 1 : 0))
    facts.broken(`${ending.length} reports ended order ${order.id}, which is ${order.status}`)
  const [report] = ending
  if (change === undefined || report === undefined) return
  if (report.kafka_partition !== cause.partition || String(report.kafka_offset) !== cause.offset)
    facts.broken(`the end of order ${order.id} names another record than its report`)
  checkEnd(facts, order, change, report)
}

export const checkReports = (facts: Facts): void => {
  const { db, journal, broken } = facts
  const ended = [...db.reports.values()].filter(({ state }) => state === 'APPLIED' || state === 'INCOMPLETE')
  const byOrder = Map.groupBy(ended, ({ order_id }) => order_id)
  for (const order of db.orders.values()) checkOrder(facts, order, byOrder.get(order.id) ?? [])
  for (const { order_id, report_id, kafka_partition, kafka_offset } of db.reports.values()) {
    const fact = journal.reports.get(kafka_partition)?.[Number(kafka_offset)]
    if (fact === undefined || fact.malformed || fact.orderId !== order_id || fact.reportId !== report_id)
      broken(`report ${report_id} of ${order_id} was never on the topic`)
  }
  const incomplete = [...db.reports.values()].filter(({ state }) => state === 'INCOMPLETE').length
  if (db.reportExceptions.filter(({ disposition }) => disposition === 'INCOMPLETE').length !== incomplete)
    broken(`${incomplete} reports are INCOMPLETE, and not as many are listed`)
}
