// The Kafka clients with every limit passed explicitly.

import type { BaseOptions, Producer } from '@platformatic/kafka'
import { Admin, Consumer, FetchIsolationLevels, ProduceAcks } from './library.ts'
import { createSingleSendProducer } from './producer.ts'

export type KafkaConfig = {
  bootstrapServers: readonly string[]
  clientId: string
  /** How long one request to a broker may take, and connecting to it. */
  requestTimeoutMs: number
  /** PEM texts. The broker's certificate must be of `ca` (else of an authority that everybody trusts) and name its host. */
  tls?: { ca: string | undefined; cert: string | undefined; key: string | undefined }
  sasl?: { mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512'; username: string; password: string }
}

export type RawProducer = Producer
export type RawConsumer = Consumer
/** As it arrives. Kafka's format allows a key, a value (a tombstone) and the value of a header to be absent. */
export type RawMessage = {
  topic: string
  partition: number
  offset: bigint
  /** Milliseconds since 1970, whatever the publisher wrote; -1 where there is none. */
  timestamp: bigint
  key: Buffer | null
  value: Buffer | null
  headers: ReadonlyMap<Buffer | null, Buffer | null>
  leaderEpoch: number
  /** Set where it stands for a batch that cannot be read, up to the offset `last`. */
  unreadable: { reason: string; last: bigint } | null
}

const retries = 3
const retryDelayMs = 200
/** Also how late partitions that are added are noticed at the most. */
const metadataMaxAgeMs = 5_000
const connectTimeoutMs = 3_000

const base = (config: KafkaConfig): BaseOptions => ({
  clientId: config.clientId,
  bootstrapBrokers: [...config.bootstrapServers],
  connectTimeout: connectTimeoutMs,
  requestTimeout: config.requestTimeoutMs,
  timeout: config.requestTimeoutMs,
  retries,
  retryDelay: retryDelayMs,
  metadataMaxAge: metadataMaxAgeMs,
  autocreateTopics: false,
  strict: true,
  // Said here, and not left to what the environment of the process makes of it (NODE_TLS_REJECT_UNAUTHORIZED).
  ...(config.tls && { tls: { ...config.tls, rejectUnauthorized: true, minVersion: 'TLSv1.2' } }),
  ...(config.sasl && { sasl: config.sasl }),
})

export const createAdmin = (config: KafkaConfig): Admin => new Admin(base(config))

/** A producer that answers only when all in-sync replicas have the batch. Its owner keeps one send a ticker outstanding. */
export const createProducer = (config: KafkaConfig): RawProducer =>
  createSingleSendProducer({ ...base(config), acks: ProduceAcks.ALL })

/**
 * A member of `group`, which deals out the partitions, hears heartbeats and keeps committed offsets. It never fetches: a fetch
 * waits for messages, and what follows it on the same connection would wait with it.
 *
 * `range` is what the Java client offers by default, `roundrobin` what version 1.0 of this service did: a group has to have one
 * name in common. It says nothing of who gets what, which the leader decides.
 */
export const createMember = (config: KafkaConfig, group: string): RawConsumer =>
  new Consumer({
    ...base(config),
    groupId: group,
    autocommit: false,
    // Whoever asks it for the end of a topic means all that is there, open transactions included.
    isolationLevel: FetchIsolationLevels.READ_UNCOMMITTED,
    protocols: [
      { name: 'range', version: 1 },
      { name: 'roundrobin', version: 1 },
    ],
    sessionTimeout: 10_000,
    rebalanceTimeout: 15_000,
    heartbeatInterval: 1_000,
  })

/**
 * Fetches by offsets that its owner keeps, and never joins `group`, whose committed offsets it can read. Its owner tries again:
 * the library would repeat a failed request from offsets of its own.
 */
export const createFetcher = (config: KafkaConfig, group: string): RawConsumer =>
  new Consumer({ ...base(config), groupId: group, autocommit: false, retries: 0 })
