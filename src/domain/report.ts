// A report of the engine: that it ended an order. Each gets exactly one disposition, or waits for the fills that came before it. The guards
// stand in the order of the contract.

import type { Amount } from './decimal.ts'
import { decide, isFinal, isPublished, later, type JudgedOrder, type OrderEvent } from './order.ts'
import type { Reason } from './reason.ts'

/** How the engine ended an order. */
export const reportKinds = ['REJECTED', 'CANCELED', 'EXPIRED'] as const
export type ReportKind = (typeof reportKinds)[number]

export const reportDispositions = [
  'MALFORMED',
  'UNKNOWN_ORDER',
  'DUPLICATE',
  'CONFLICT',
  'MISMATCH',
  'STALE',
  'INCOMPLETE',
  'APPLIED',
] as const
export type ReportDisposition = (typeof reportDispositions)[number]

/** The dispositions of reports that an operator has to look at. */
export const reportExceptions = ['CONFLICT', 'MISMATCH', 'INCOMPLETE'] as const satisfies readonly ReportDisposition[]
export type ReportExceptionDisposition = (typeof reportExceptions)[number]

/** Two reports with one id about one order are the same if these values are equal. `cumulativeQuantity`: null if the engine leaves it out. */
export type ReportContent = { kind: ReportKind; ticker: string; cumulativeQuantity: Amount | null }

/** `orderId` is canonical if it is a UUID, else as received. */
export type Report = ReportContent & {
  reportId: string
  orderId: string
  /** The engine's words for people. */
  reason: string | null
  /** ISO-8601 UTC, cut to microseconds. */
  reportedAt: string
}

/** All that is stored for one (order, report): the report itself, if it was taken, and the contents of its exceptions. */
export type ReportRecord = { report: ReportContent | null; exceptions: readonly ReportContent[] }

/**
 * How far the trade topic was applied, seen from a report. `reachesArrival`: up to its end as it was when the report arrived.
 * `reachesLimit`: up to its end as it was when the report had waited as long as it may.
 */
export type Tape = { reachesArrival: boolean; reachesLimit: boolean }

/** What a report that was taken comes to in the end. `APPLIED` and `INCOMPLETE` carry the order after its end. */
export type Settlement<T extends JudgedOrder = JudgedOrder> =
  | { disposition: 'STALE' }
  | { disposition: 'MISMATCH'; reason: string }
  | { disposition: 'APPLIED'; order: T }
  | { disposition: 'INCOMPLETE'; reason: string; order: T }
/** It waits for fills. */
type Waiting = { disposition: 'WAITING' }

export type ReportJudgement<T extends JudgedOrder = JudgedOrder> =
  | Settlement<T>
  | Waiting
  | { disposition: 'UNKNOWN_ORDER' | 'DUPLICATE' }
  | { disposition: 'CONFLICT'; reason: string }

const ends = {
  REJECTED: { event: 'reject', code: 'ENGINE_REJECTED' },
  CANCELED: { event: 'cancel', code: 'ENGINE_CANCELED' },
  EXPIRED: { event: 'expire', code: 'ENGINE_EXPIRED' },
} as const satisfies Record<ReportKind, { event: OrderEvent; code: string }>

const sameContent = (a: ReportContent, b: ReportContent): boolean =>
  a.kind === b.kind && a.ticker === b.ticker && a.cumulativeQuantity === b.cumulativeQuantity

/** The reason with which an order ends by this report. */
const reasonOf = ({ kind, reason }: Report): Reason => ({ code: ends[kind].code, text: reason })

/** The order as the report ends it; null: the table of transitions does not allow that. */
const endBy = <T extends JudgedOrder>(order: T, report: Report, now: Date): T | null => {
  const decision = decide(order.status, ends[report.kind].event)
  if (!decision.ok) return null
  const updatedAt = later(order.updatedAt, now)
  return { ...order, status: decision.next, reason: reasonOf(report), updatedAt, version: order.version + 1 }
}

const moreFilled = 'more of the order is filled than the report says'

const mismatchReason = (order: JudgedOrder, report: Report): string | null => {
  const { cumulativeQuantity: cumulative } = report
  if (report.ticker !== order.ticker) return `the report is of ${report.ticker}, the order of ${order.ticker}`
  if (report.kind === 'REJECTED' && (order.filledQuantity > 0n || (cumulative ?? 0n) > 0n))
    return 'an order with fills cannot be rejected'
  if (!isPublished(order)) return 'the order was never published'
  if (cumulative !== null && cumulative < order.filledQuantity) return moreFilled
  return null
}

/**
 * What a report that was taken comes to as its order and the trade topic are now. An order with fills to come waits for them, so that they
 * do not come late; but no longer than the tape's limit.
 */
export const settleReport = <T extends JudgedOrder>(
  order: T,
  report: Report,
  tape: Tape,
  now: Date,
): Settlement<T> | Waiting => {
  if (isFinal(order.status)) return { disposition: 'STALE' }
  const { cumulativeQuantity: cumulative } = report
  if (cumulative !== null && cumulative < order.filledQuantity) return { disposition: 'MISMATCH', reason: moreFilled }
  const after = endBy(order, report, now)
  if (after === null) return { disposition: 'MISMATCH', reason: `a ${order.status} order cannot become ${report.kind}` }
  const isComplete = cumulative === null ? tape.reachesArrival : cumulative === order.filledQuantity
  if (report.kind === 'REJECTED' || isComplete) return { disposition: 'APPLIED', order: after }
  if (cumulative === null || !tape.reachesLimit) return { disposition: 'WAITING' }
  return { disposition: 'INCOMPLETE', reason: 'fills that the report counts have not come', order: after }
}

/** A report that has just arrived: nothing is known of the trade topic yet. */
const atArrival: Tape = { reachesArrival: false, reachesLimit: false }

/** Judges a report that has arrived against its order (undefined: this service has no such order) and what is stored under its id. */
export const judgeReport = <T extends JudgedOrder>(
  order: T | undefined,
  report: Report,
  record: ReportRecord,
  now: Date,
): ReportJudgement<T> => {
  if (order === undefined) return { disposition: 'UNKNOWN_ORDER' }
  const contents = record.report === null ? record.exceptions : [record.report, ...record.exceptions]
  if (contents.some((content) => sameContent(content, report))) return { disposition: 'DUPLICATE' }
  if (record.report !== null)
    return { disposition: 'CONFLICT', reason: 'a report with this id and other content was taken before' }
  const mismatch = mismatchReason(order, report)
  if (mismatch !== null) return { disposition: 'MISMATCH', reason: mismatch }
  return settleReport(order, report, atArrival, now)
}

const emptyRecord: ReportRecord = { report: null, exceptions: [] }

/** The record of a report after this judgement. */
const addTo = (record: ReportRecord, report: Report, { disposition }: ReportJudgement): ReportRecord => {
  switch (disposition) {
    case 'APPLIED':
    case 'WAITING':
    case 'STALE':
    case 'INCOMPLETE':
      return { ...record, report }
    case 'CONFLICT':
    case 'MISMATCH':
      return { ...record, exceptions: [...record.exceptions, report] }
    case 'DUPLICATE':
    case 'UNKNOWN_ORDER':
      return record
  }
}

/**
 * Judges the reports of one order one after the other. `records` maps a report id to its record for this order; it is not changed. Returns
 * one judgement a report, and the order after all of them.
 */
export const foldReports = <T extends JudgedOrder>(
  order: T | undefined,
  reports: readonly Report[],
  records: ReadonlyMap<string, ReportRecord>,
  now: Date,
): { order: T | undefined; judgements: ReportJudgement<T>[] } => {
  const recordsNow = new Map(records)
  let current = order
  const judgements = reports.map((report) => {
    const record = recordsNow.get(report.reportId) ?? emptyRecord
    const judgement = judgeReport(current, report, record, now)
    recordsNow.set(report.reportId, addTo(record, report, judgement))
    if ('order' in judgement) current = judgement.order
    return judgement
  })
  return { order: current, judgements }
}
