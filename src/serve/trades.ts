// Opens the consumer of trades and connects it to the use case, the dead letters and the metrics of both.

import type { Config } from '../config/config.ts'
import { topicsOf } from '../config/kafkaSettings.ts'
import type { BatchProducer } from '../kafka/batchProducer.ts'
import type { KafkaConfig } from '../kafka/client.ts'
import { createConsumer, type Consumer } from '../kafka/inbound/consumer.ts'
import { createDeadLetters, type DeadLetters } from '../kafka/inbound/deadLetters.ts'
import type { HandleBatch } from '../kafka/inbound/handle.ts'
import { ageOf, observeBatches, observeLetters } from '../kafka/inbound/observe.ts'
import type { KeptPlaces } from '../kafka/places.ts'
import { createBatchHandler } from '../kafka/trades/batch.ts'
import type { Observers } from '../metrics/observers.ts'
import { insertGap } from '../store/gaps.ts'
import type { Database } from '../store/sql.ts'
import { raiseTapeMarks, readTapeNeed } from '../store/tapeMarks.ts'
import { keepTopicPlaces, readTopicPlaces } from '../store/topicPlaces.ts'
import { describe, type Log } from '../telemetry/log.ts'
import type { Tracing } from '../telemetry/tracing.ts'

export type TradesParts = {
  config: Config
  log: Log
  observers: Observers
  tracing: Tracing
  kafka: KafkaConfig
  producer: BatchProducer
  db: Database
  /** See StopPools. */
  looks: Database
  now: () => Date
  newId: (at: Date) => string
  /** Fills may have been committed. */
  onCommitted: () => void
  /** A stop was triggered, or a late fill tells the engine of an end again: an event waits in the outbox. */
  onEvent: () => void
  /** Whether somebody may wait for the marks of the topic: while nobody does, Postgres is not asked. */
  needsTape: () => boolean
}

const openHandler = (
  { config, log, observers, tracing, db, looks, now, newId, onEvent }: TradesParts,
  onRetry: (error: unknown) => void,
): HandleBatch =>
  createBatchHandler({
    db,
    looks,
    unknownToDeadLetters: config.TRADE_UNKNOWN_TO_DLQ,
    stopToleranceMs: config.STOP_TRADE_TOLERANCE_MS,
    ...observers.legs,
    onDisposition(disposition) {
      if (disposition === 'LATE') onEvent()
      observers.legs.onDisposition(disposition)
    },
    onTriggered({ timestamp }) {
      onEvent()
      observers.stopTriggered(ageOf(timestamp, now()))
    },
    onRetry,
    log,
    tracing,
    now,
    newId,
  })

/** Why dead letters hold back the offset of a partition; null: they do not. */
export const lettersObstacle = (letters: Pick<DeadLetters, 'state'>, partition: number): string | null => {
  const waiting = letters.state().find((each) => each.partition === partition)
  return waiting === undefined ? null : `its dead letters cannot be written: ${waiting.reason}`
}

export const keptPlaces = (db: Database, topic: string): KeptPlaces => ({
  read: () => db.run((sql) => readTopicPlaces(sql, topic)),
  keep: (places) => db.run((sql) => keepTopicPlaces(sql, { topic, places })),
})

export const openTrades = (parts: TradesParts): { trades: Consumer; letters: Pick<DeadLetters, 'state'> } => {
  const { config, log, observers, kafka, producer, db, now, onCommitted, needsTape } = parts
  const topics = topicsOf(config)
  const deadLetters = observeLetters(createDeadLetters(producer, topics.deadLetters, { log, now }), observers.letter)
  /** Why trades cannot be applied now; null once a batch is applied. */
  let obstacle: string | null = null
  const { onBatch, onApplied } = observers.tradeBatches
  const handleBatch = openHandler(parts, (error) => (obstacle = describe(error).error))
  const trades = createConsumer({
    subject: 'trades',
    kafka,
    group: config.KAFKA_CONSUMER_GROUP,
    topic: topics.trades,
    handleBatch: observeBatches(handleBatch, {
      onBatch(batch) {
        obstacle = null
        onCommitted()
        onBatch(batch)
      },
      onApplied,
      now,
    }),
    sendLetters: deadLetters.send,
    keepGap: (gap) => db.run((sql) => insertGap(sql, gap)),
    kept: keptPlaces(db, topics.trades),
    obstacle: (partition) => lettersObstacle(deadLetters, partition) ?? obstacle,
    tape: {
      need: async () => (needsTape() ? db.run(readTapeNeed) : null),
      raise: (raised) => db.run((sql) => raiseTapeMarks(sql, { topic: topics.trades, ...raised })),
    },
    batchMax: config.TRADES_BATCH_MAX_MESSAGES,
    limits: {
      lanes: config.TRADES_LANES,
      messagesMax: config.TRADES_QUEUE_MAX_MESSAGES,
      bytesMax: config.TRADES_QUEUE_MAX_BYTES,
    },
    log,
  })
  return { trades, letters: deadLetters }
}
