// The publisher of the log, if its topic is set, with a pool and a producer of its own: it holds up nobody's statements and requests.

import type { Config } from '../config/config.ts'
import { topicsOf } from '../config/kafkaSettings.ts'
import type { BatchProducer } from '../kafka/batchProducer.ts'
import { createProducer, type KafkaConfig } from '../kafka/client.ts'
import { createLogSender } from '../kafka/logSender.ts'
import type { Observers } from '../metrics/observers.ts'
import { createPublisher, type Publisher } from '../publisher/publisher.ts'
import type { Pool } from '../store/sql.ts'
import type { Log } from '../telemetry/log.ts'
import { openPool } from './service.ts'

export type PublisherParts = { config: Config; log: Log; observers: Observers; kafka: KafkaConfig; replicaId: string }

/** `publisher`: null if the topic is not set; then there is nothing to close. */
export type OpenPublisher = { publisher: Publisher | null; pools: Record<string, Pool>; producers: BatchProducer[] }

export const openPublisher = ({ config, log, observers, kafka, replicaId }: PublisherParts): OpenPublisher => {
  const topic = topicsOf(config).orderEvents
  if (topic === null) return { publisher: null, pools: {}, producers: [] }
  const pool = openPool(config, 'publisher', observers)
  const producer = createProducer(kafka)
  const publisher = createPublisher({
    db: pool,
    sender: createLogSender({ producer, topic, ceSource: config.CE_SOURCE, log }),
    replicaId,
    leaseTtlMs: config.RELAY_LEASE_MS,
    batchMax: config.RELAY_BATCH_MAX_EVENTS,
    clock: () => performance.now(),
    log,
  })
  return { publisher, pools: { publisher: pool }, producers: [producer] }
}
