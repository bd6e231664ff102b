// The Kafka clients with every limit passed explicitly.

import type { BaseOptions } from '@platformatic/kafka'
import { dealOut } from './assigner.ts'
import { createBatchProducer, type BatchProducer } from './batchProducer.ts'
import type { Lane } from './brokerRequests.ts'
import type { Fetch } from './fetching.ts'
import {
  fetchKey,
  fetchVersion,
  isFlexibleFetch,
  readFetched,
  versionFor,
  writeFetch,
  type Place,
} from './fetchRequest.ts'
import { createLeaders } from './leaders.ts'
import {
  Admin,
  ConnectionPool,
  Consumer,
  FetchIsolationLevels,
  NetworkError,
  protocolErrorsCodesById,
  UnsupportedApiError,
} from './library.ts'
import { produceVersion } from './produceRequest.ts'
import { exchange, type ApiVersions } from './request.ts'

export type KafkaConfig = {
  bootstrapServers: readonly string[]
  clientId: string
  /** How long one request to a broker, or a connection to it, may take. */
  requestTimeoutMs: number
  /**
   * PEM texts. The broker's certificate must be signed by `ca` (by a public authority if `ca` is missing) and name its host. A connection that
   * is opened has what they are then, and so it is with the password.
   */
  tls?: { ca: string | undefined; cert: string | undefined; key: string | undefined }
  sasl?: { mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512'; username: string; password: string }
}

export type RawConsumer = Consumer
/** A message as it arrives. Kafka's format allows the key, the value (a tombstone) and the value of a header to be absent. */
export type RawMessage = {
  topic: string
  partition: number
  offset: bigint
  /** Milliseconds since 1970 as the record has it, which may be any number that the publisher wrote; -1 if it has no time. */
  timestamp: bigint
  key: Buffer | null
  value: Buffer | null
  headers: ReadonlyMap<Buffer | null, Buffer | null>
  leaderEpoch: number
  /** Set if this message stands for a batch that cannot be read, up to and including the offset `last`. */
  unreadable: { reason: string; last: bigint } | null
}

const retries = 3
const retryDelayMs = 200
/** New partitions are noticed at most this much later. */
const metadataMaxAgeMs = 5_000
const connectTimeoutMs = 3_000

/** What the clients of one cluster know of it together. Only our patch of the library knows of it. */
type Seen = { brokers: { host: string; port: number }[]; silentAt: Map<string, number> }

/**
 * The brokers that a client of this configuration saw last, and when one let a question wait until its time-out. A client that is new, or
 * has forgotten the cluster after an error, finds it although the addresses in the configuration are away.
 */
const seenBy = new WeakMap<KafkaConfig, Seen>()
const seenOf = (config: KafkaConfig): Seen => {
  const seen = seenBy.get(config) ?? { brokers: [], silentAt: new Map() }
  seenBy.set(config, seen)
  return seen
}

/** Its members may be other ones for the next connection (config/liveFiles.ts): they are not copied before. */
const verifying = (tls: NonNullable<KafkaConfig['tls']>): NonNullable<BaseOptions['tls']> =>
  // Explicit, so that the environment of the process (NODE_TLS_REJECT_UNAUTHORIZED) cannot switch the check off.
  Object.defineProperties<NonNullable<BaseOptions['tls']>>(
    { rejectUnauthorized: true, minVersion: 'TLSv1.2' },
    Object.getOwnPropertyDescriptors(tls),
  )

const base = (config: KafkaConfig): BaseOptions & { seen: Seen } => ({
  seen: seenOf(config),
  clientId: config.clientId,
  bootstrapBrokers: [...config.bootstrapServers],
  connectTimeout: connectTimeoutMs,
  requestTimeout: config.requestTimeoutMs,
  timeout: config.requestTimeoutMs,
  retries,
  retryDelay: retryDelayMs,
  metadataMaxAge: metadataMaxAgeMs,
  autocreateTopics: false,
  // Its validators would be asked at each call: see validators.ts.
  strict: false,
  ...(config.tls && { tls: verifying(config.tls) }),
  ...(config.sasl && { sasl: config.sasl }),
})

export const createAdmin = (config: KafkaConfig): Admin => new Admin(base(config))

/** The questions about the cluster are small: a broker that takes longer than this stands still, and the next one is asked. */
const questionTimeoutMs = 3_000

/** The options of a client that asks questions only. */
const asking = (config: KafkaConfig): BaseOptions => {
  const timeoutMs = Math.min(config.requestTimeoutMs, questionTimeoutMs)
  return { ...base(config), requestTimeout: timeoutMs, timeout: timeoutMs }
}

const openLane = (config: KafkaConfig): Lane => {
  const pool = new ConnectionPool(config.clientId, base(config))
  return {
    connection: (broker) => pool.get(broker),
    // What is under way on a connection ends with an error of its own.
    close: () => void pool.close().catch(() => undefined),
  }
}

type ChooseVersion = (apis: readonly ApiVersions[]) => number | null

/** Asks the brokers for the version of a request once, and again after a failure. */
const askVersion = (
  client: Pick<Admin, 'listApis'>,
  request: string,
  choose: ChooseVersion,
): (() => Promise<number>) => {
  let version: Promise<number> | null = null
  const ask = async (): Promise<number> => {
    const found = choose(await client.listApis())
    if (found === null)
      throw new UnsupportedApiError(`the brokers know no version of the ${request} request that is known here`)
    return found
  }
  return () =>
    (version ??= ask().catch((error: unknown) => {
      version = null
      throw error
    }))
}

/**
 * A producer of record batches with acks=all. Its owner keeps at most one batch a ticker outstanding. Its questions have a client of
 * their own: on a connection of batches they would wait behind them.
 */
export const createProducer = (config: KafkaConfig): BatchProducer => {
  const { requestTimeoutMs } = config
  const client = new Admin(asking(config))
  return createBatchProducer({
    leaders: createLeaders(client),
    version: askVersion(client, 'produce', produceVersion),
    openLane: () => openLane(config),
    requestTimeoutMs,
    close: async () => client.close(),
  })
}

/**
 * A member of `group`. The group assigns the partitions, expects heartbeats and keeps the committed offsets. The member never
 * fetches: a fetch waits for messages, and later requests on the same connection would wait behind it.
 *
 * The Java client offers `range` by default, and version 1.0 of this service offered `roundrobin`: the members of a group must have
 * one protocol name in common. The name does not decide which member gets which partition: the leader does.
 */
export const createMember = (config: KafkaConfig, group: string): RawConsumer =>
  new Consumer({
    ...base(config),
    groupId: group,
    autocommit: false,
    // A question for the end of a topic means the end of all its records, those of open transactions included.
    isolationLevel: FetchIsolationLevels.READ_UNCOMMITTED,
    protocols: [
      { name: 'range', version: 1 },
      { name: 'roundrobin', version: 1 },
    ],
    partitionAssigner: dealOut,
    sessionTimeout: 10_000,
    rebalanceTimeout: 15_000,
    heartbeatInterval: 1_000,
  })

/** A client that fetches; see createFetcher. */
export type FetchClient = Pick<RawConsumer, 'topics' | 'metadata' | 'clearMetadata' | 'listOffsets'> & {
  fetch: Fetch
  /** The places that the group committed, of those of these partitions that have one. */
  committedPlaces: (topic: string, partitions: readonly number[]) => Promise<Place[]>
  close: (force: boolean) => Promise<void>
}

/**
 * Fetches by offsets that its owner keeps. It can read the committed offsets of `group`, but never joins it. The owner repeats a
 * failed fetch. Fetches have connections of their own: a question behind one would wait with it.
 */
export const createFetcher = (config: KafkaConfig, group: string): FetchClient => {
  const consumer = new Consumer({ ...asking(config), groupId: group, autocommit: false, retries: 0 })
  const version = askVersion(consumer, 'fetch', fetchVersion)
  const lane = openLane(config)
  // The consumer leaves the epochs out.
  const admin = new Admin({ ...asking(config), retries: 0 })
  const fetch: Fetch = async (request) => {
    const { brokers } = await consumer.metadata({ topics: [request.topic] })
    const broker = brokers.get(request.node)
    if (broker === undefined) throw new NetworkError(`the broker ${request.node} is not in the cluster any more`)
    const used = versionFor(await version(), request)
    const connection = await lane.connection({ ...broker, id: request.node })
    const { fault, partitions } = await exchange(connection, {
      key: fetchKey,
      version: used,
      flexible: isFlexibleFetch(used),
      write: () => writeFetch(used, request),
      read: (reader) => readFetched(used, reader),
    })
    if (fault !== 0) throw new NetworkError(`the broker answers ${protocolErrorsCodesById[fault] ?? fault}`)
    return partitions
  }
  return {
    topics: consumer.topics,
    metadata: consumer.metadata.bind(consumer),
    clearMetadata: () => consumer.clearMetadata(),
    listOffsets: consumer.listOffsets.bind(consumer),
    async committedPlaces(topic, partitions) {
      if (partitions.length === 0) return []
      const wanted = { groupId: group, topics: [{ name: topic, partitionIndexes: [...partitions] }] }
      const [found] = await admin.listConsumerGroupOffsets({ groups: [wanted] })
      return found!.topics
        .flatMap((each) => each.partitions)
        .filter(({ committedOffset }) => committedOffset >= 0n)
        .map(({ partitionIndex, committedOffset, committedLeaderEpoch }) => ({
          partition: partitionIndex,
          next: committedOffset,
          epoch: committedLeaderEpoch,
        }))
    },
    fetch,
    async close(force: boolean) {
      lane.close()
      await Promise.all([admin.close(), consumer.close(force)])
    },
  }
}
