// Reads topics from one offset to another and leaves no trace: it joins no group, commits nothing and moves nobody's place.

import { sleep } from '../app/sleep.ts'
import { createFetcher, type KafkaConfig, type RawConsumer, type RawMessage } from './client.ts'
import { faults, fetchFrom, type Answer } from './fetching.ts'
import { ListOffsetTimestamps } from './library.ts'
import { committedOf } from './places.ts'
import { isUnknownTopic } from './topics.ts'

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

const waitMs = 250
const triesMax = 10
const retryPauseMs = 500
/** Answers in a row that bring nothing though there is more. */
const idleAnswersMax = 60
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

const describeTopic = async (consumer: RawConsumer, topic: string) => {
  try {
    const { topics } = await consumer.metadata({ topics: [topic] })
    return topics.get(topic)!
  } catch (error) {
    if (isUnknownTopic(error)) throw new TopicAbsent(`the topic ${topic} does not exist`, { cause: error })
    throw error
  }
}

const fetchOnce = async (consumer: RawConsumer, topic: string, places: Places): Promise<Answer[]> => {
  const { id, partitions } = await describeTopic(consumer, topic)
  const wanted = [...places].map(([partition, { next }]) => ({ partition, next }))
  const byLeader = Map.groupBy(wanted, ({ partition }) => partitions[partition]!.leader)
  const asking = { fetcher: consumer, topic, topicId: id, waitMs }
  const answers = byLeader.entries().map(([node, own]) => fetchFrom({ ...asking, node }, own))
  return (await Promise.all(answers)).flat()
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

/** What was read, within the spans. `outrun`: retention was faster than the reading. `refused`: a broker gave nothing. */
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
      // Brokers before 3.1 are asked by name, which the client knows of the topics that it tracks.
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
