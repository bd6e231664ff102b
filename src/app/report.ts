// Applies reports of the engine: reads the state of a batch's orders, judges every report, writes the decisions for the orders that nobody
// changed meanwhile, and decides the rest again, until each report has its disposition or waits.

import { canonicalUuid } from '../domain/ids.ts'
import { foldReports, type ReportDisposition, type ReportJudgement, type ReportRecord } from '../domain/report.ts'
import {
  readReportState,
  writeReports,
  type ReceivedReport,
  type ReportException,
  type ReportMove,
  type ReportState,
  type ReportWrites,
} from '../store/reports.ts'
import type { Database } from '../store/sql.ts'
import { leaveNone, settleByOrder, type Applied, type Leaving, type OrderItems } from './byOrder.ts'
import type { SettleContext } from './settle.ts'

/** `fresh`: false if an earlier delivery has left this result already, else true. */
export type ReportOutcome = {
  received: ReceivedReport
  disposition: ReportDisposition | 'WAITING'
  reason: string | null
  fresh: boolean
}

export type ReportContext = SettleContext & {
  now: () => Date
  newId: (at: Date) => string
}

export type OrderReports = OrderItems<ReceivedReport>

/** The reports of a batch by order, in the order they came. An id that is not a UUID cannot be that of an order of ours. */
const groupByOrder = (reports: readonly ReceivedReport[]): { groups: OrderReports[]; foreign: ReportOutcome[] } => {
  const isOurs = ({ report }: ReceivedReport): boolean => canonicalUuid(report.orderId) !== null
  const groups = Map.groupBy(reports.filter(isOurs), ({ report }) => report.orderId)
  return {
    groups: [...groups].map(([orderId, some]) => ({ orderId, items: some })),
    foreign: reports
      .filter((received) => !isOurs(received))
      .map((received) => ({
        received,
        disposition: 'UNKNOWN_ORDER',
        reason: 'the order id is no UUID',
        fresh: true,
      })),
  }
}

type DecidedReport = { received: ReceivedReport; judgement: ReportJudgement; exceptionId: string }
/** The decisions on the reports of one order, before anything is written. `move`: null if nothing has to be written. */
type Decision = { group: OrderReports; reports: DecidedReport[]; move: ReportMove | null }

const isStored = ({ disposition }: ReportJudgement): boolean =>
  disposition !== 'DUPLICATE' && disposition !== 'UNKNOWN_ORDER'

const noRecords: ReadonlyMap<string, ReportRecord> = new Map()

const decide = (group: OrderReports, state: ReportState, { now, newId }: ReportContext): Decision => {
  const at = now()
  const before = state.orders.get(group.orderId)
  const records = state.records.get(group.orderId) ?? noRecords
  const { order, judgements } = foldReports(
    before,
    group.items.map(({ report }) => report),
    records,
    at,
  )
  const reports = judgements.map((judgement, i): DecidedReport => {
    return { received: group.items[i]!, judgement, exceptionId: newId(at) }
  })
  const ending = reports.find(({ judgement }) => 'order' in judgement)
  const move = judgements.some(isStored)
    ? { after: order!, stamp: state.stamps.get(group.orderId)!, endedBy: ending?.received.source ?? null }
    : null
  return { group, reports, move }
}

/** The rows that a batch of decisions writes. */
const rowsOf = (decisions: readonly Decision[]): ReportWrites => {
  const moves = decisions.flatMap(({ move }) => (move === null ? [] : [move]))
  const reports = decisions.flatMap((decision) => decision.reports)
  const exceptions = reports.flatMap(({ received, judgement, exceptionId }): ReportException[] =>
    judgement.disposition === 'CONFLICT' || judgement.disposition === 'MISMATCH'
      ? [{ id: exceptionId, disposition: judgement.disposition, reason: judgement.reason, received }]
      : [],
  )
  const taken = reports.flatMap(({ received, judgement: { disposition } }) =>
    disposition === 'APPLIED' || disposition === 'STALE' || disposition === 'WAITING'
      ? [{ received, state: disposition }]
      : [],
  )
  return { moves, taken, settled: [], exceptions }
}

const outcomeOf = (
  { received, judgement, exceptionId }: DecidedReport,
  newExceptions: ReadonlySet<string>,
): ReportOutcome => {
  const { disposition } = judgement
  const isException = disposition === 'CONFLICT' || disposition === 'MISMATCH'
  return {
    received,
    disposition,
    reason: 'reason' in judgement ? judgement.reason : null,
    fresh: isException ? newExceptions.has(exceptionId) : disposition !== 'DUPLICATE',
  }
}

const nothingWritten: Awaited<ReturnType<typeof writeReports>> = { written: new Set(), newExceptions: new Set() }

const attempt = async (db: Database, groups: readonly OrderReports[], context: ReportContext) => {
  const pairs = groups.flatMap(({ orderId, items }) =>
    [...new Set(items.map(({ report }) => report.reportId))].map((reportId) => ({ orderId, reportId })),
  )
  const state = await db.run((sql) => readReportState(sql, pairs))
  const decisions = groups.map((group) => decide(group, state, context))
  const rows = rowsOf(decisions)
  const { written, newExceptions } =
    rows.moves.length === 0 ? nothingWritten : await db.run((sql) => writeReports(sql, rows))
  const isSettled = ({ move, group }: Decision): boolean => move === null || written.has(group.orderId)
  return {
    settled: decisions
      .filter(isSettled)
      .flatMap(({ reports }) => reports.map((each) => outcomeOf(each, newExceptions))),
    again: decisions.filter((decision) => !isSettled(decision)).map(({ group }) => group),
  }
}

const unstorable = (groups: readonly OrderReports[], reason: string): ReportOutcome[] =>
  groups.flatMap(({ items }) =>
    items.map((received) => ({ received, disposition: 'MALFORMED' as const, reason, fresh: true })),
  )

/** Gives reports their dispositions, or rows in which they wait, but for those that are left. */
export const applyOrderReports = (
  db: Database,
  groups: readonly OrderReports[],
  context: ReportContext,
  leaving: Leaving,
): Promise<Applied<ReceivedReport, ReportOutcome>> =>
  settleByOrder(groups, { attempt: (some) => attempt(db, some, context), unstorable }, context, leaving)

/**
 * Gives every report its disposition, or a row in which it waits; returns one outcome a report, in no particular order. Reports come in
 * partition order. While Postgres is away, or somebody has an order locked, it waits and tries again; only `context.signal` ends it early,
 * with SettleAborted. `leaving`: it does not wait for locked orders. `onLeft` is called with their reports, which have no outcome then.
 */
export const applyReports = async (
  db: Database,
  reports: readonly ReceivedReport[],
  context: ReportContext,
  leaving: Leaving & { onLeft?: (left: readonly OrderReports[]) => void } = leaveNone,
): Promise<ReportOutcome[]> => {
  const { groups, foreign } = groupByOrder(reports)
  const { outcomes, left } = await applyOrderReports(db, groups, context, leaving)
  if (left.length > 0) leaving.onLeft?.(left)
  return [...foreign, ...outcomes]
}
