// Reads topics from one offset to another and leaves no trace: it joins no group and commits no offset.

import { sleep } from '../app/sleep.ts'
import { PartitionUnavailable } from './blame.ts'
import { createFetcher, type FetchClient, type KafkaConfig, type RawMessage } from './client.ts'
import { faults, fetchFrom, type Answer } from './fetching.ts'
import { ListOffsetTimestamps } from './library.ts'
import { committedOf, unknownEpoch } from './places.ts'
import { isUnknownTopic } from './topics.ts'

type Header = readonly [name: Buffer | null, value: Buffer | null]

export type TopicRecord = {
  topic: string
  partition: number
  offset: bigint
  /** Milliseconds since 1970: the publisher's time or the broker's, as the topic is configured. */
  publishedAtMs: number
  key: Buffer | null
  value: Buffer | null
  headers: readonly Header[]
}

/**
 * The records of one partition: `start` is the lowest offset that is still kept, `end` the offset that the next record will get. `begins`: what
 * stands before it is not ours; absent: all is.
 */
export type Span = { start: bigint; end: bigint; begins?: bigint }

export type TopicReader = {
  /** The span of each partition of a topic now. Throws TopicAbsent if there is no such topic. */
  spans: (topic: string) => Promise<Span[]>
  /**
   * Calls `onRecords` with every record within the spans (the index is the partition; an empty span is skipped), one partition after the
   * other, each in order. It fetches no further until `onRecords` has resolved. Records that retention deletes meanwhile are left out.
   */
  read: (topic: string, spans: readonly Span[], onRecords: (records: TopicRecord[]) => Promise<void>) => Promise<void>
  /** The group's committed offsets, by partition; null if a partition has none. */
  committed: (topic: string, partitions: number) => Promise<(bigint | null)[]>
  close: () => Promise<void>
}

class TopicAbsent extends Error {
  override name = 'TopicAbsent'
}

const waitMs = 250
const triesMax = 10
const retryPauseMs = 500
/** How many answers in a row may bring nothing although there is more to read. */
const idleAnswersMax = 60
/** The next offset to read and the one to stop at, by partition. */
type Places = Map<number, { next: bigint; end: bigint }>

/** Tries again for some seconds, because leadership may be moving between brokers. */
const persist = async <T>(consumer: FetchClient, work: () => Promise<T>): Promise<T> => {
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

const describeTopic = async (consumer: FetchClient, topic: string) => {
  try {
    const { topics } = await consumer.metadata({ topics: [topic] })
    return topics.get(topic)!
  } catch (error) {
    if (isUnknownTopic(error)) throw new TopicAbsent(`the topic ${topic} does not exist`, { cause: error })
    throw error
  }
}

/** The broker that leads it. Throws PartitionUnavailable if none does. */
const leaderOf = (topic: string, partition: number, leader: number): number => {
  if (leader >= 0) return leader
  throw new PartitionUnavailable(`partition ${partition} of ${topic} has no leader`)
}

/** One partition at a time, so that the memory of a reader does not grow with the number of partitions. */
const fetchOnce = async (consumer: FetchClient, topic: string, places: Places): Promise<Answer[]> => {
  const { id, partitions } = await describeTopic(consumer, topic)
  const [first] = places
  if (first === undefined) return []
  const [partition, { next }] = first
  const node = leaderOf(topic, partition, partitions[partition]!.leader)
  return fetchFrom({ fetcher: consumer, topic, topicId: id, waitMs, node }, [{ partition, next, epoch: unknownEpoch }])
}

const recordOf = ({ topic, partition, offset, timestamp, key, value, headers }: RawMessage): TopicRecord => ({
  topic,
  partition,
  offset,
  publishedAtMs: Number(timestamp),
  key,
  value,
  headers: [...headers],
})

/** Takes the records within the spans and moves the places. `outrun`: retention deleted unread records. `refused`: a broker answered a fault. */
const take = (places: Places, answers: readonly Answer[]) => {
  const records: TopicRecord[] = []
  let [outrun, refused] = [false, false]
  for (const { partition, fault, next, messages } of answers) {
    const place = places.get(partition)
    if (place === undefined) continue
    if (fault === faults.offsetOutOfRange) outrun = true
    else if (fault !== 0) refused = true
    for (const message of messages) if (message.offset < place.end) records.push(recordOf(message))
    place.next = next
    if (place.next >= place.end) places.delete(partition)
  }
  return { records, outrun, refused }
}

export const openTopicReader = (config: KafkaConfig, group: string): TopicReader => {
  const consumer = createFetcher(config, group)
  const offsetsAt = async (topic: string, timestamp: bigint): Promise<bigint[]> => {
    const offsets = await consumer.listOffsets({ topics: [topic], timestamp })
    return offsets.get(topic)!
  }

  const spans = async (topic: string): Promise<Span[]> => {
    const { partitions } = await describeTopic(consumer, topic)
    partitions.forEach(({ leader }, partition) => leaderOf(topic, partition, leader))
    const starts = await offsetsAt(topic, ListOffsetTimestamps.EARLIEST)
    const ends = await offsetsAt(topic, ListOffsetTimestamps.LATEST)
    return starts.map((start, partition) => ({ start, end: ends[partition]! }))
  }

  /** Goes on with the records that retention has left. */
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
      // Brokers before 3.1 are asked by name, and the client knows the names only of the topics that it tracks.
      consumer.topics.track(topic)
      const places: Places = new Map()
      within.forEach(({ start, end }, partition) => start < end && places.set(partition, { next: start, end }))
      const placesText = (): string => [...places].map(([partition, { next }]) => `${partition}:${next}`).join()
      for (let idle = 0; places.size > 0;) {
        const before = placesText()
        const answers = await persist(consumer, () => fetchOnce(consumer, topic, places))
        const { records, outrun, refused } = take(places, answers)
        if (outrun) await persist(consumer, () => skipDeleted(topic, places))
        if (refused) {
          consumer.clearMetadata()
          await sleep(retryPauseMs)
        }
        idle = placesText() === before ? idle + 1 : 0
        if (idle > idleAnswersMax) throw new Error(`the brokers gave nothing more of ${topic} though it has more`)
        if (records.length > 0) await onRecords(records)
      }
    },
    committed: (topic, partitions) =>
      persist(consumer, async () => {
        const all = Array.from({ length: partitions }, (_, partition) => partition)
        const offsets = await committedOf(consumer, topic, all)
        return all.map((partition) => offsets.get(partition) ?? null)
      }),
    close: () => consumer.close(true),
  }
}

/** The text of the first header of this name, or null. */
export const headerOf = ({ headers }: Pick<TopicRecord, 'headers'>, name: string): string | null =>
  headers.find(([candidate]) => candidate?.toString() === name)?.[1]?.toString() ?? null
