// Opens what reads the engine's reports, and what settles those that wait for fills.

import { createWaitingReports, type WaitingReports } from '../app/waitingReports.ts'
import { reportGroup, topicsOf } from '../config/kafkaSettings.ts'
import { createConsumer, type Consumer } from '../kafka/inbound/consumer.ts'
import { createDeadLetters, type DeadLetters } from '../kafka/inbound/deadLetters.ts'
import { observeBatches, observeLetters } from '../kafka/inbound/observe.ts'
import { createReportHandler, logReportException } from '../kafka/reports/batch.ts'
import { insertGap } from '../store/gaps.ts'
import type { Database } from '../store/sql.ts'
import { describe } from '../telemetry/log.ts'
import { keptPlaces, lettersObstacle, type TradesParts } from './trades.ts'

/** `waiting` works without the others too: the engine may have lost the feature while some of its reports wait. */
export type Reports = {
  waiting: WaitingReports
  /** Null: the engine sends no reports. */
  consumer: Consumer | null
  letters: Pick<DeadLetters, 'state'>
}

/** Reports are few, and each is one row: one lane, a small queue. */
const limits = { lanes: 1, messagesMax: 5_000, bytesMax: 16_777_216 }

const openWaiting = (
  { config, log, observers, db, now, newId, onCommitted }: TradesParts,
  reads: Database,
): WaitingReports =>
  createWaitingReports({
    reads,
    db,
    tradeTopic: topicsOf(config).trades,
    waitMs: config.REPORT_WAIT_MS,
    now,
    newId,
    onSettled(received, { disposition, reason }) {
      observers.reports.onDisposition(disposition)
      if (disposition !== 'INCOMPLETE' && disposition !== 'MISMATCH') return
      logReportException(log, received, { disposition, reason: reason! })
      observers.reports.onException(disposition)
    },
    onCommitted,
    clock: () => performance.now(),
    log,
  })

/** Reads them from `topic`; what cannot be applied goes to `letterTopic`. */
const openConsumer = (
  parts: TradesParts,
  waiting: WaitingReports,
  { topic, letterTopic, onWaiting }: { topic: string; letterTopic: string; onWaiting: () => void },
): Omit<Reports, 'waiting'> => {
  const { config, log, observers, tracing, kafka, producer, db, now, newId, onCommitted } = parts
  const deadLetters = observeLetters(createDeadLetters(producer, letterTopic, { log, now }), observers.reports.onLetter)
  /** Why reports cannot be applied now; null once a batch is applied. */
  let obstacle: string | null = null
  const handleBatch = createReportHandler({
    db,
    unknownToDeadLetters: config.TRADE_UNKNOWN_TO_DLQ,
    ...observers.reports,
    onWaiting() {
      waiting.ring()
      onWaiting()
    },
    onRetry: (error) => (obstacle = describe(error).error),
    log,
    tracing,
    now,
    newId,
  })
  const consumer = createConsumer({
    subject: 'reports',
    kafka,
    group: reportGroup(config),
    topic,
    handleBatch: observeBatches(handleBatch, {
      onBatch(batch) {
        obstacle = null
        onCommitted()
        observers.reports.onBatch(batch)
      },
      onApplied: observers.reports.onApplied,
      now,
    }),
    sendLetters: deadLetters.send,
    keepGap: (gap) => db.run((sql) => insertGap(sql, gap)),
    kept: keptPlaces(db, topic),
    obstacle: (partition) => lettersObstacle(deadLetters, partition) ?? obstacle,
    batchMax: config.TRADES_BATCH_MAX_MESSAGES,
    limits,
    log,
  })
  return { consumer, letters: deadLetters }
}

/** `pages`: the pool in which those that wait are read. `onWaiting`: called when a report has begun to wait. */
export const openReports = (
  parts: TradesParts,
  { pages, onWaiting }: { pages: Database; onWaiting: () => void },
): Reports => {
  const waiting = openWaiting(parts, pages)
  const { reports: topic, reportLetters: letterTopic } = topicsOf(parts.config)
  if (topic === null || letterTopic === null) return { waiting, consumer: null, letters: { state: () => [] } }
  return { waiting, ...openConsumer(parts, waiting, { topic, letterTopic, onWaiting }) }
}
