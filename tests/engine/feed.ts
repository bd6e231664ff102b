// Reads whole topics from their beginning: every partition, positions kept here, no consumer group, nothing
// committed. One poll is one fetch per broker. A poll that fails has moved no position and may simply be called
// again: there is no stream that could die silently, and the library's pool opens new connections by itself.

import { Consumer, FetchIsolationLevels, findErrorBy, ListOffsetTimestamps } from '@platformatic/kafka'
import type { ClusterMetadata, RecordsBatch } from '@platformatic/kafka'

export type Message = {
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
  /** Milliseconds, the record's. */
  readonly timestamp: number
  readonly headers: readonly Header[]
  readonly value: Buffer | null
}

type Header = readonly [name: Buffer | null, value: Buffer | null]

export type Offsets = Map<string, bigint[]>
/** Positions are the next offset to read, by topic and partition. */
export type Feed = { readonly consumer: Consumer; readonly positions: Offsets }

type FetchResponse = Awaited<ReturnType<Consumer['fetch']>>

const MAX_BYTES = 4_000_000
const PARTITION_MAX_BYTES = 1_000_000
const MAX_WAIT_MS = 250
const METADATA_MAX_AGE_MS = 30_000
const TIMEOUT_MS = 10_000
const CONTROL_BATCH = 0x20

export const openFeed = (options: { brokers: string[]; group: string; onError: (error: Error) => void }): Feed => {
  const { brokers, group, onError } = options
  const consumer = new Consumer({
    clientId: group,
    groupId: group,
    bootstrapBrokers: brokers,
    metadataMaxAge: METADATA_MAX_AGE_MS,
    timeout: TIMEOUT_MS,
    requestTimeout: TIMEOUT_MS,
    retries: 0,
    strict: true,
  })
  consumer.on('error', onError)
  return { consumer, positions: new Map() }
}

/** The end of each partition now: the offset that its next message will get. Fails while a topic does not exist. */
export const endOffsets = async (feed: Feed, topics: readonly string[]): Promise<Offsets> =>
  feed.consumer.listOffsets({ topics: [...topics], timestamp: ListOffsetTimestamps.LATEST })

const positionOf = (feed: Feed, topic: string, partition: number): bigint =>
  feed.positions.get(topic)?.[partition] ?? 0n

/** Whether everything below these offsets has been polled. */
export const hasReached = (feed: Feed, topic: string, ends: Offsets): boolean =>
  (ends.get(topic) ?? []).every((end, partition) => positionOf(feed, topic, partition) >= end)

const requestsByLeader = (feed: Feed, metadata: ClusterMetadata, topics: readonly string[]) => {
  const byLeader = new Map<number, Parameters<Consumer['fetch']>[0]['topics']>()
  for (const topic of topics) {
    const { id, partitions } = metadata.topics.get(topic) ?? { id: '', partitions: [] }
    for (const [partition, { leader }] of partitions.entries()) {
      const requests = byLeader.get(leader) ?? []
      const fetchOffset = positionOf(feed, topic, partition)
      const epochs = { currentLeaderEpoch: -1, lastFetchedEpoch: -1 }
      const request = { partition, fetchOffset, partitionMaxBytes: PARTITION_MAX_BYTES, ...epochs }
      byLeader.set(leader, [...requests, { topicId: id, partitions: [request] }])
    }
  }
  return [...byLeader]
}

const setPosition = (feed: Feed, at: { topic: string; partition: number; offset: bigint }): void => {
  const offsets = feed.positions.get(at.topic) ?? []
  offsets[at.partition] = at.offset
  feed.positions.set(at.topic, offsets)
}

/**
 * Positions stand between batches, so a batch is new as a whole (after a repair it may be a repeat, which the engine
 * knows).
 */
const takeBatch = (
  feed: Feed,
  from: { topic: string; partition: number; batch: RecordsBatch },
  into: Message[],
): void => {
  const { topic, partition, batch } = from
  setPosition(feed, { topic, partition, offset: batch.firstOffset + BigInt(batch.lastOffsetDelta) + 1n })
  if ((batch.attributes & CONTROL_BATCH) !== 0) return
  for (const record of batch.records) {
    const offset = batch.firstOffset + BigInt(record.offsetDelta)
    const timestamp = Number(batch.firstTimestamp + record.timestampDelta)
    into.push({ topic, partition, offset, timestamp, headers: record.headers, value: record.value })
  }
}

const takeMessages = (feed: Feed, metadata: ClusterMetadata, response: FetchResponse): Message[] => {
  const topicNames = new Map([...metadata.topics].map(([name, { id }]) => [id, name]))
  const messages: Message[] = []
  for (const { topicId, partitions } of response.responses) {
    const topic = topicNames.get(topicId)
    if (topic === undefined) continue
    for (const { partitionIndex, records } of partitions) {
      for (const batch of records ?? []) takeBatch(feed, { topic, partition: partitionIndex, batch }, messages)
    }
  }
  return messages
}

/** After retention or a topic made anew: a position outside its log starts again at the log's beginning. */
const repairPositions = async (feed: Feed, topics: readonly string[]): Promise<void> => {
  const starts = await feed.consumer.listOffsets({ topics: [...topics], timestamp: ListOffsetTimestamps.EARLIEST })
  const ends = await endOffsets(feed, topics)
  for (const [topic, partitions] of starts) {
    for (const [partition, start] of partitions.entries()) {
      const position = positionOf(feed, topic, partition)
      const isInside = position >= start && position <= (ends.get(topic)?.[partition] ?? 0n)
      if (!isInside) setPosition(feed, { topic, partition, offset: start })
    }
  }
}

/** The next messages of these topics, in order per partition; none after a quarter of a second without any. */
export const poll = async (feed: Feed, topics: readonly string[]): Promise<Message[]> => {
  // `metadata` sorts the array that it is given.
  const metadata = await feed.consumer.metadata({ topics: [...topics] })
  try {
    const responses = await Promise.all(
      requestsByLeader(feed, metadata, topics).map(([node, partitions]) =>
        feed.consumer.fetch({
          node,
          topics: partitions,
          minBytes: 1,
          maxBytes: MAX_BYTES,
          maxWaitTime: MAX_WAIT_MS,
          isolationLevel: FetchIsolationLevels.READ_UNCOMMITTED,
        }),
      ),
    )
    return responses.flatMap((response) => takeMessages(feed, metadata, response))
  } catch (error) {
    feed.consumer.clearMetadata()
    if (error instanceof Error && findErrorBy(error, 'apiId', 'OFFSET_OUT_OF_RANGE') !== null)
      await repairPositions(feed, topics)
    throw error
  }
}

/** The text of the first header of this name, or null. */
export const headerOf = (message: Message, name: string): string | null =>
  message.headers.find(([candidate]) => String(candidate) === name)?.[1]?.toString() ?? null

/** An error of the library with the causes inside it, as plain values for a log line. */
export const describe = (error: unknown): unknown => {
  if (!(error instanceof Error)) return String(error)
  const inner = error instanceof AggregateError ? error.errors : error.cause === undefined ? [] : [error.cause]
  const apiId = 'apiId' in error ? { apiId: error.apiId } : {}
  return { message: error.message, ...apiId, ...(inner.length > 0 ? { causes: inner.map(describe) } : {}) }
}
