// Handles a batch of reports of the engine: decodes and applies them, reports the outcomes, and makes the dead letters.

import { createLockedOrders } from '../../app/lockedOrders.ts'
import {
  applyOrderReports,
  applyReports,
  type OrderReports,
  type ReportContext,
  type ReportOutcome,
} from '../../app/report.ts'
import type { ReportDisposition, ReportExceptionDisposition } from '../../domain/report.ts'
import type { ReceivedReport } from '../../store/reports.ts'
import type { Database } from '../../store/sql.ts'
import { describe, type Log } from '../../telemetry/log.ts'
import { noTracing, type Tracing } from '../../telemetry/tracing.ts'
import { coordinatesText } from '../../wire/coordinates.ts'
import type { DeadLetter } from '../inbound/deadLetters.ts'
import {
  createHandler,
  letterOf,
  sourceOf,
  undecodable,
  type HandleBatch,
  type Hold,
  type Messages,
} from '../inbound/handle.ts'
import { bySignal, holdBack, patienceMs } from '../inbound/holdBack.ts'
import { endSpans, startSpans, traceOf, type Trace } from '../inbound/spans.ts'
import { decodeReport } from '../reportSchema.ts'

export type ReportBatchOptions = Pick<ReportContext, 'now' | 'newId'> & {
  db: Database
  /** False if the orders of other services share the topic: reports of unknown orders are then only counted. */
  unknownToDeadLetters: boolean
  /** Called for every report that has its disposition, and for every message that could not be decoded. */
  onDisposition: (disposition: ReportDisposition) => void
  /** Called for every exception when it is first stored. */
  onException: (disposition: ReportExceptionDisposition) => void
  /** Called when reports have begun to wait for fills. */
  onWaiting: () => void
  /** Called with the reason when a batch cannot be applied now. The batch is tried again until it is applied. */
  onRetry?: (error: unknown) => void
  log: Log
  tracing?: Tracing
}

/** An exception may hide an order that is open here and nowhere else, so it is logged with everything that is needed to find it. */
export const logReportException = (
  log: Log,
  { report, source }: ReceivedReport,
  exception: { disposition: ReportDisposition; reason: string },
  trace: Trace = {},
): void =>
  log.error('a report of the engine is kept as an exception', {
    ...exception,
    orderId: report.orderId,
    reportId: report.reportId,
    kind: report.kind,
    source: coordinatesText(source),
    ...trace,
  })

/** The reports that can be decoded, and a letter for each message that cannot be decoded. */
const decode = (messages: Messages, { onDisposition, log }: ReportBatchOptions) => {
  const reports: ReceivedReport[] = []
  const letters: DeadLetter[] = []
  for (const [at, message] of messages) {
    const report = undecodable(message) ?? decodeReport(message.value)
    if ('malformed' in report) {
      onDisposition('MALFORMED')
      const fields = { reason: report.malformed, source: at, ...traceOf(message) }
      log.rarely('warn', 'malformed report', 'a message on the report topic cannot be decoded', fields)
      letters.push(letterOf(message, { disposition: 'MALFORMED', reason: report.malformed, legs: [] }))
    } else reports.push({ report, source: sourceOf(message), key: message.key, message: message.value! })
  }
  return { reports, letters }
}

const observe = (outcome: ReportOutcome, trace: () => Trace, options: ReportBatchOptions): void => {
  const { received, disposition, reason, fresh } = outcome
  const { onDisposition, onException, onWaiting, log } = options
  if (disposition === 'WAITING') return onWaiting()
  onDisposition(disposition)
  switch (disposition) {
    case 'CONFLICT':
    case 'MISMATCH':
    case 'INCOMPLETE':
      if (!fresh) break
      logReportException(log, received, { disposition, reason: reason! }, trace())
      onException(disposition)
      break
    case 'UNKNOWN_ORDER':
    case 'MALFORMED':
      log.rarely('warn', `report ${disposition}`, 'a report of the engine cannot be applied', {
        disposition,
        reason,
        orderId: received.report.orderId.slice(0, 64),
        source: coordinatesText(received.source),
        ...trace(),
      })
      break
    case 'APPLIED':
    case 'STALE':
    case 'DUPLICATE':
      break
  }
}

const letterFor = (messages: Messages, { received, disposition, reason }: ReportOutcome): DeadLetter =>
  letterOf(messages.get(coordinatesText(received.source))!, {
    disposition: disposition === 'MALFORMED' ? 'MALFORMED' : 'UNKNOWN_ORDER',
    reason: reason ?? 'no such order here',
    legs: [`ORDER:${received.report.orderId}`],
  })

export const createReportHandler = (options: ReportBatchOptions): HandleBatch => {
  const { db, unknownToDeadLetters, log, now, newId, tracing = noTracing } = options
  const onRetry = (error: unknown): void => {
    options.onRetry?.(error)
    log.rarely('warn', 'reports', 'reports cannot be applied now and are tried again', describe(error))
  }

  const lockedOrdersOf = bySignal((signal) => {
    const context = { now, newId, signal, onRetry }
    return createLockedOrders(
      {
        apply: (groups: readonly OrderReports[], leaving) => applyOrderReports(db, groups, context, leaving),
        orderIdOf: ({ received }: ReportOutcome) => received.report.orderId,
      },
      context,
    )
  })

  /** Says what became of reports; returns the letters that it makes. */
  const settle = (outcomes: readonly ReportOutcome[], messages: Messages): DeadLetter[] => {
    for (const outcome of outcomes)
      observe(outcome, () => traceOf(messages.get(coordinatesText(outcome.received.source))!), options)
    return outcomes
      .filter(
        ({ disposition }) => disposition === 'MALFORMED' || (disposition === 'UNKNOWN_ORDER' && unknownToDeadLetters),
      )
      .map((outcome) => letterFor(messages, outcome))
  }

  const handle = async (messages: Messages, signal: AbortSignal, hold?: Hold): Promise<DeadLetter[]> => {
    const spans = startSpans(messages, tracing)
    const { reports, letters } = decode(messages, options)
    const locked = lockedOrdersOf(signal)
    await locked.room()
    const left: OrderReports[] = []
    const outcomes = await applyReports(
      db,
      reports,
      { now, newId, signal, onRetry },
      { isBehind: locked.isBehind, patienceMs: patienceMs(hold), onLeft: (some) => left.push(...some) },
    )
    letters.push(...settle(outcomes, messages))
    if (left.length > 0 && hold !== undefined)
      holdBack({ left, sourceOf: ({ source }) => source, locked, byPlace: messages, hold }, settle)
    const waiting = left.flatMap(({ items }) => items.map((received) => ({ received, disposition: 'LOCKED' })))
    endSpans(spans, [...outcomes, ...waiting])
    return letters
  }

  return createHandler({ handle, onUnexpected: () => options.onDisposition('MALFORMED'), log })
}
