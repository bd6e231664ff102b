// The test's own side of Kafka: creates topics, publishes, and reads a whole topic as it stands, without a consumer group, so
// that what a test sees is what the broker holds. Nothing of src/ is in here.

import {
  Admin,
  ConfigResourceTypes,
  Consumer,
  IncrementalAlterConfigOperationTypes,
  ProduceAcks,
  Producer,
} from '@platformatic/kafka'
import { positiveHash } from '../engine/murmur2.ts'
import { distinct } from './identity.ts'
import { endsOf, fetchOnce, startsOf, type FetchedRecord } from './topicFetch.ts'
import { until } from './until.ts'

export type Received = {
  topic: string
  partition: number
  offset: bigint
  key: string | null
  /** The bytes as text; null for a tombstone. */
  value: string | null
  bytes: Buffer | null
  headers: Record<string, string>
  /** As they stand in the record: repeated ones too, and values that are null. */
  headerEntries: readonly (readonly [Buffer | null, Buffer | null])[]
  /** Milliseconds; by the broker's clock if the topic has message.timestamp.type=LogAppendTime. */
  appendedAt: bigint
}

export type Outgoing = {
  topic: string
  /** It determines the partition, as in the Java client, unless `partition` is present. */
  key?: string | null
  value: string | Uint8Array | null
  partition?: number
  /** Null: a header without a value. */
  headers?: Record<string, string | null>
  /** Milliseconds since 1970; now if absent. */
  timestamp?: bigint
}

export type TestKafka = {
  bootstrap: string
  createTopics: (names: readonly string[], options?: TopicOptions) => Promise<void>
  deleteTopics: (names: readonly string[]) => Promise<void>
  topicNames: () => Promise<string[]>
  partitionsOf: (topic: string) => Promise<number>
  alterTopic: (topic: string, settings: Record<string, string>) => Promise<void>
  /** Sends one request for each partition, so messages of a partition keep this order. */
  publish: (messages: readonly Outgoing[]) => Promise<void>
  /** All that the topic holds now, by partition and offset: repeats too, which every sender may make. */
  readAll: (topic: string) => Promise<Received[]>
  /** The same, each event and dead letter once, however often it was sent (identity.ts). */
  read: (topic: string) => Promise<Received[]>
  /** Repeats `read` until there are at least `enough` messages, or until `enough` answers true. */
  readUntil: (topic: string, enough: number | ((messages: Received[]) => boolean)) => Promise<Received[]>
  /** The offsets that the group committed, by partition; -1n where there is none. */
  committed: (group: string, topic: string) => Promise<bigint[]>
  /** Resolves when the group committed everything that the topic holds now. */
  consumed: (group: string, topic: string) => Promise<void>
  /** The group starts over at the beginning; it must have no member. */
  rewind: (group: string, topic: string) => Promise<void>
  close: () => Promise<void>
}

type TopicOptions = { partitions?: number; settings?: Record<string, string> }

const base = (bootstrap: string) => ({
  clientId: 'test',
  bootstrapBrokers: bootstrap.split(','),
  timeout: 20_000,
  requestTimeout: 20_000,
  connectTimeout: 5_000,
  retries: 10,
  retryDelay: 200,
  metadataMaxAge: 500,
})

const configsOf = (settings: Record<string, string>) =>
  Object.entries(settings).map(([name, value]) => ({ name, value }))

/** The library writes null correctly; only its type leaves null out. */
const bytesOrNull = (text: string | null): Buffer => (text === null ? null : Buffer.from(text)) as Buffer

const text = (buffer: Buffer | null): string | null => (buffer === null ? null : buffer.toString())

/** A consumer that is only asked to fetch never joins a group. */
const readAll = async (bootstrap: string, topic: string): Promise<Received[]> => {
  const consumer = new Consumer({ ...base(bootstrap), groupId: `test-${crypto.randomUUID()}`, maxWaitTime: 100 })
  try {
    const [starts, ends] = [await startsOf(consumer, topic), await endsOf(consumer, topic)]
    const next = new Map(starts.entries())
    const found: Received[] = []
    const onRecord = ({ partition, offset, record, appendedAt }: FetchedRecord): void => {
      found.push({
        topic,
        partition,
        offset: BigInt(offset),
        key: text(record.key),
        value: text(record.value),
        bytes: record.value,
        headers: Object.fromEntries(record.headers.map(([name, value]) => [text(name), text(value)])),
        headerEntries: record.headers,
        appendedAt: BigInt(appendedAt),
      })
    }
    for (;;) {
      for (const [partition, offset] of next) if (offset >= ends[partition]!) next.delete(partition)
      if (next.size === 0) break
      await fetchOnce(consumer, { topic, next, maxBytes: 4_000_000, onRecord })
    }
    return found.toSorted((a, b) => a.partition - b.partition || Number(a.offset - b.offset))
  } finally {
    await consumer.close(true)
  }
}

/** Clients are made when first needed: a test may name a broker that does not run yet. */
export const openKafka = (bootstrap: string): TestKafka => {
  let adminClient: Admin | null = null
  let producerClient: Producer | null = null
  const admin = (): Admin => (adminClient ??= new Admin(base(bootstrap)))
  const producer = (): Producer => (producerClient ??= new Producer({ ...base(bootstrap), acks: ProduceAcks.ALL }))

  const partitionsOf = async (topic: string): Promise<number> =>
    (await admin().metadata({ topics: [topic], forceUpdate: true })).topics.get(topic)!.partitionsCount
  const everyPartition = (count: number): number[] => Array.from({ length: count }, (_, partition) => partition)

  const kafka: TestKafka = {
    bootstrap,
    async createTopics(names, { partitions = 3, settings = {} } = {}) {
      await admin().createTopics({ topics: [...names], partitions, replicas: 1, configs: configsOf(settings) })
      // The broker confirms a new topic a moment before it can serve it.
      await until(async () => (await Promise.all(names.map(partitionsOf))).every((count) => count === partitions), {
        what: `topics ${names.join(', ')} are there`,
      })
    },
    deleteTopics: async (names) => admin().deleteTopics({ topics: [...names] }),
    topicNames: () => admin().listTopics(),
    partitionsOf,
    async alterTopic(topic, settings) {
      await admin().incrementalAlterConfigs({
        resources: [
          {
            resourceType: ConfigResourceTypes.TOPIC,
            resourceName: topic,
            configs: Object.entries(settings).map(([name, value]) => ({
              name,
              value,
              configOperation: IncrementalAlterConfigOperationTypes.SET,
            })),
          },
        ],
      })
    },
    async publish(messages) {
      const counts = new Map<string, number>()
      for (const topic of new Set(messages.map((message) => message.topic)))
        counts.set(topic, await partitionsOf(topic))
      const records = messages.map(({ topic, key = null, value, partition, headers = {}, timestamp }) => ({
        topic,
        ...(key === null ? {} : { key: Buffer.from(key) }),
        ...(value === null ? {} : { value: Buffer.from(value as Uint8Array) }),
        partition: partition ?? (key === null ? 0 : positiveHash(Buffer.from(key)) % counts.get(topic)!),
        headers: new Map(Object.entries(headers).map(([name, text]) => [Buffer.from(name), bytesOrNull(text)])),
        ...(timestamp === undefined ? {} : { timestamp }),
      }))
      // If one partition is not ready, as on a new topic, the client repeats the whole send.
      const sends = Map.groupBy(records, ({ topic, partition }) => `${topic}:${partition}`).values()
      await Promise.all(sends.map((own) => producer().send({ messages: own })))
    },
    readAll: (topic) => readAll(bootstrap, topic),
    read: async (topic) => distinct(await readAll(bootstrap, topic)),
    readUntil: (topic, enough) =>
      until(
        async () => {
          const found = distinct(await readAll(bootstrap, topic))
          return (typeof enough === 'number' ? found.length >= enough : enough(found)) && found
        },
        { what: `enough on ${topic}` },
      ),
    async committed(group, topic) {
      const count = await partitionsOf(topic)
      const groups = await admin().listConsumerGroupOffsets({
        groups: [{ groupId: group, topics: [{ name: topic, partitionIndexes: everyPartition(count) }] }],
      })
      const found = new Map(
        groups[0]!.topics[0]!.partitions.map(({ partitionIndex, committedOffset }) => [
          partitionIndex,
          committedOffset,
        ]),
      )
      return everyPartition(count).map((partition) => found.get(partition) ?? -1n)
    },
    async consumed(group, topic) {
      const records = await readAll(bootstrap, topic)
      const ends = new Map(records.map(({ partition, offset }) => [partition, offset + 1n]))
      await until(
        async () => {
          const offsets = await kafka.committed(group, topic)
          return [...ends].every(([partition, end]) => offsets[partition]! >= end)
        },
        { what: `${group} has committed all of ${topic}` },
      )
    },
    async rewind(group, topic) {
      const partitionOffsets = everyPartition(await partitionsOf(topic)).map((partition) => ({ partition, offset: 0n }))
      // A member that was just stopped may be on the group's list for a moment.
      await until(
        async () => {
          await admin().alterConsumerGroupOffsets({ groupId: group, topics: [{ name: topic, partitionOffsets }] })
          return true
        },
        { what: `${group} is empty and starts over` },
      )
    },
    async close() {
      await adminClient?.close()
      await producerClient?.close()
    },
  }
  return kafka
}
