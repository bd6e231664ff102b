// Reads topics from one offset to another and leaves no trace: it joins no group, commits nothing and moves nobody's place.

import { findErrorBy, ListOffsetTimestamps } from './library.ts'
import type { ClusterMetadata, RecordsBatch } from '@platformatic/kafka'
import { sleep } from '../app/sleep.ts'
import { createFetcher, type KafkaConfig, type RawConsumer } from './client.ts'

type Header = readonly [name: Buffer | null, value: Buffer | null]

export type TopicRecord = {
  topic: string
  partition: number
  offset: bigint
  /** Milliseconds since 1970, by the publisher or the broker, as the topic has it. */
  publishedAtMs: number
  key: Buffer | null
  value: Buffer | null
  headers: readonly Header[]
}

/** What there is of one partition: `start` is the lowest offset that is still kept, `end` the next one to be given. */
export type Span = { start: bigint; end: bigint }

export type TopicReader = {
  /** What each partition of a topic holds now. Fails with TopicAbsent where there is no such topic. */
  spans: (topic: string) => Promise<Span[]>
  /**
   * Gives every record within the spans (by partition; an empty one is left out), in order within a partition. It fetches no
   * further before `onRecords` is done with what it got. What retention deletes meanwhile is left out.
   */
  read: (topic: string, spans: readonly Span[], onRecords: (records: TopicRecord[]) => Promise<void>) => Promise<void>
  /** The offsets that the group committed, by partition; null where there is none. */
  committed: (topic: string, partitions: number) => Promise<(bigint | null)[]>
  close: () => Promise<void>
}

class TopicAbsent extends Error {
  override name = 'TopicAbsent'
}

const bytesMax = 4_000_000
const partitionBytesMax = 1_000_000
const waitMs = 250
const triesMax = 10
const retryPauseMs = 500
/** Answers in a row that bring nothing though there is more. */
const idleAnswersMax = 60
/** The attribute of a batch that holds no messages but the marks of a transaction. */
const controlBatch = 0x20

type FetchResponse = Awaited<ReturnType<RawConsumer['fetch']>>
/** The next offset to read and the one to stop at, by partition. */
type Places = Map<number, { next: bigint; end: bigint }>

/** Brokers may be moving about: tries again for some seconds. */
const persist = async <T>(consumer: RawConsumer, work: () => Promise<T>): Promise<T> => {
  for (let tries = 1; ; tries++) {
    try {
      return await work()
    } catch (error) {
      if (tries >= triesMax || error instanceof TopicAbsent) throw error
      consumer.clearMetadata()
      await sleep(retryPauseMs)
    }
  }
}

/** The broker's code, or the library's own words for it. */
const isUnknownTopic = (error: unknown): boolean =>
  error instanceof Error &&
  (findErrorBy(error, 'apiId', 'UNKNOWN_TOPIC_OR_PARTITION') !== null || error.message.startsWith('Unknown topic'))

const describeTopic = async (consumer: RawConsumer, topic: string) => {
  try {
    const metadata: ClusterMetadata = await consumer.metadata({ topics: [topic] })
    return metadata.topics.get(topic)!
  } catch (error) {
    if (isUnknownTopic(error)) throw new TopicAbsent(`the topic ${topic} does not exist`, { cause: error })
    throw error
  }
}

const fetchOnce = async (consumer: RawConsumer, topic: string, places: Places): Promise<FetchResponse[]> => {
  const { id, partitions } = await describeTopic(consumer, topic)
  const byLeader = Map.groupBy(places, ([partition]) => partitions[partition]!.leader)
  return Promise.all(
    byLeader.entries().map(([node, wanted]) =>
      consumer.fetch({
        node,
        topics: [
          {
            topicId: id,
            partitions: wanted.map(([partition, { next }]) => ({
              partition,
              fetchOffset: next,
              currentLeaderEpoch: -1,
              lastFetchedEpoch: -1,
              partitionMaxBytes: partitionBytesMax,
            })),
          },
        ],
        minBytes: 1,
        maxBytes: bytesMax,
        maxWaitTime: waitMs,
      }),
    ),
  )
}

/** A broker answers with whole batches, so some records may lie below what was asked for, and some above the end. */
const takeBatch = (
  { topic, partition, batch }: { topic: string; partition: number; batch: RecordsBatch },
  place: { next: bigint; end: bigint },
): TopicRecord[] => {
  const { next, end } = place
  const after = batch.firstOffset + BigInt(batch.lastOffsetDelta) + 1n
  if (after > next) place.next = after
  if ((batch.attributes & controlBatch) !== 0) return []
  return batch.records
    .map((record) => ({
      topic,
      partition,
      offset: batch.firstOffset + BigInt(record.offsetDelta),
      publishedAtMs: Number(batch.firstTimestamp + record.timestampDelta),
      key: record.key,
      value: record.value,
      headers: record.headers,
    }))
    .filter(({ offset }) => offset >= next && offset < end)
}

const take = (topic: string, places: Places, responses: readonly FetchResponse[]): TopicRecord[] => {
  const records: TopicRecord[] = []
  for (const { partitionIndex, records: batches } of responses.flatMap(({ responses }) =>
    responses.flatMap(({ partitions }) => partitions),
  )) {
    const place = places.get(partitionIndex)
    if (place === undefined) continue
    for (const batch of batches ?? []) records.push(...takeBatch({ topic, partition: partitionIndex, batch }, place))
    if (place.next >= place.end) places.delete(partitionIndex)
  }
  return records
}

export const openTopicReader = (config: KafkaConfig, group: string): TopicReader => {
  const consumer = createFetcher(config, group)
  const offsetsAt = async (topic: string, timestamp: bigint): Promise<bigint[]> => {
    const offsets = await consumer.listOffsets({ topics: [topic], timestamp })
    return offsets.get(topic)!
  }

  const spans = async (topic: string): Promise<Span[]> => {
    await describeTopic(consumer, topic)
    const starts = await offsetsAt(topic, ListOffsetTimestamps.EARLIEST)
    const ends = await offsetsAt(topic, ListOffsetTimestamps.LATEST)
    return starts.map((start, partition) => ({ start, end: ends[partition]! }))
  }

  /** Retention was faster: goes on with what is left. */
  const skipDeleted = async (topic: string, places: Places): Promise<void> => {
    const now = await spans(topic)
    for (const [partition, place] of places) {
      const { start } = now[partition]!
      if (start > place.next) place.next = start
      if (place.next >= place.end) places.delete(partition)
    }
  }

  return {
    spans: (topic) => persist(consumer, () => spans(topic)),
    async read(topic, within, onRecords) {
      const places: Places = new Map()
      within.forEach(({ start, end }, partition) => start < end && places.set(partition, { next: start, end }))
      const placesText = (): string => [...places].map(([partition, { next }]) => `${partition}:${next}`).join()
      for (let idle = 0; places.size > 0;) {
        const before = placesText()
        const records = await persist(consumer, async () => {
          try {
            return take(topic, places, await fetchOnce(consumer, topic, places))
          } catch (error) {
            if (!(error instanceof Error) || findErrorBy(error, 'apiId', 'OFFSET_OUT_OF_RANGE') === null) throw error
            await skipDeleted(topic, places)
            return []
          }
        })
        idle = placesText() === before ? idle + 1 : 0
        if (idle > idleAnswersMax) throw new Error(`the brokers gave nothing more of ${topic} though it has more`)
        if (records.length > 0) await onRecords(records)
      }
    },
    committed: (topic, partitions) =>
      persist(consumer, async () => {
        const asked = Array.from({ length: partitions }, (_, partition) => partition)
        const offsets = (await consumer.listCommittedOffsets({ topics: [{ topic, partitions: asked }] })).get(topic)
        return asked.map((partition) => {
          const offset = offsets?.[partition] ?? -1n
          return offset < 0n ? null : offset
        })
      }),
    close: () => consumer.close(true),
  }
}

/** The text of the first header of this name, or null. */
export const headerOf = ({ headers }: Pick<TopicRecord, 'headers'>, name: string): string | null =>
  headers.find(([candidate]) => candidate?.toString() === name)?.[1]?.toString() ?? null
