// The Kafka clients with every limit passed explicitly.

import type { BaseOptions, Message } from '@platformatic/kafka'
import { Admin, Consumer, ProduceAcks, Producer } from './library.ts'

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
/** As it arrives; the library's own type leaves out that a key or a value (a tombstone) may be absent. */
export type RawMessage = Omit<Message, 'key' | 'value'> & {
  key: Buffer | null | undefined
  value: Buffer | null | undefined
}

const retries = 3
const retryDelayMs = 200
const metadataMaxAgeMs = 30_000
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
  new Producer({ ...base(config), acks: ProduceAcks.ALL, autocreateTopics: false })

/** A member of `group` that commits nothing by itself and, without a committed offset, starts at the earliest message. */
export const createConsumer = (config: KafkaConfig, group: string): RawConsumer =>
  new Consumer({
    ...base(config),
    groupId: group,
    autocommit: false,
    sessionTimeout: 10_000,
    rebalanceTimeout: 15_000,
    heartbeatInterval: 1_000,
    minBytes: 1,
    maxBytes: 4_000_000,
    maxWaitTime: 500,
    highWaterMark: 1_024,
  })

/**
 * Fetches by offsets that its owner keeps, and never joins `group`, whose committed offsets it can read. Its owner tries again:
 * the library would repeat a failed request from offsets of its own.
 */
export const createFetcher = (config: KafkaConfig, group: string): RawConsumer =>
  new Consumer({ ...base(config), groupId: group, autocommit: false, retries: 0 })
