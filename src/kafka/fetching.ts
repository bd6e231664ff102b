// One fetch from one broker: the messages that follow these offsets of a topic. The answer for a partition has its messages and the
// next offset, or the reason why there are none. A batch that cannot be read (an unknown codec, broken bytes) becomes a message of its own,
// so that it fails neither its neighbours nor its partition.

import type { RawMessage } from './client.ts'
import { createCommitted, isControl, timestampOf } from './committedRecords.ts'
import type { Fetched, FetchRequest, Place } from './fetchRequest.ts'
import { recordsIn, type BatchRecord, type RecordBatch, batchesIn } from './recordBatches.ts'

export type { Place }

/** What is read of one partition. `next`, `epoch`: the next place to read. The rest: see Fetched. */
export type Answer = Pick<Fetched, 'partition' | 'fault' | 'start' | 'stable' | 'end' | 'diverged'> & {
  messages: RawMessage[]
  next: bigint
  epoch: number
}

/** The protocol's error codes that this service acts on. */
export const faults = {
  offsetOutOfRange: 1,
  unknownTopic: 3,
  leaderNotAvailable: 5,
  notLeader: 6,
  fencedLeaderEpoch: 74,
  unknownLeaderEpoch: 75,
  unknownTopicId: 100,
  inconsistentTopicId: 103,
} as const

/** Newer brokers know a topic by its id. Throws the errors of the network, and that of the whole request. */
export type Fetch = (request: FetchRequest) => Promise<readonly Fetched[]>

export type FetchOptions = Omit<FetchRequest, 'places' | 'partitionBytesMax'> & { fetcher: { fetch: Fetch } }

const partitionBytesMax = 1_000_000
/** What is unpacked of one partition at a time. The rest of a batch is fetched again. */
const room = { records: 10_000, bytes: 16_000_000 } as const

type Options = Pick<FetchOptions, 'topic'>

const messageOf = ({ topic }: Options, partition: number, batch: RecordBatch, record: BatchRecord): RawMessage => ({
  topic,
  partition,
  offset: record.offset,
  timestamp: timestampOf(batch, record.timestampDelta),
  key: record.key,
  value: record.value,
  headers: new Map(record.headers),
  leaderEpoch: batch.leaderEpoch,
  unreadable: null,
})

/** A message that stands for a batch of which no record can be read. It has no value, and its offset is the first of the batch. */
const unreadableMessage = ({ topic }: Options, partition: number, from: bigint, batch: RecordBatch): RawMessage => {
  const last = batch.last < from ? from : batch.last
  const records = last === from ? `${from}` : `${from} to ${last}`
  return {
    topic,
    partition,
    offset: from,
    timestamp: -1n,
    key: null,
    value: null,
    headers: new Map(),
    leaderEpoch: -1,
    unreadable: { reason: `the batch with the records ${records} cannot be read: ${batch.unreadable}`, last },
  }
}

const messageText = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** The key of a control record. A marker that cannot be read is taken for one of no kind that is known. */
const markerKeyOf = (batch: RecordBatch): Buffer | null => {
  try {
    return recordsIn(batch, batch.firstOffset, { records: 1, bytes: 0 }).records[0]?.key ?? null
  } catch {
    return null
  }
}

/** `mended`: whether the batch may be whole when it is fetched again. */
type Broken = { batch: RecordBatch; mended: boolean }
type Reading = { messages: RawMessage[]; next: bigint; epoch: number; broken: Broken | null }

/** Reads up to the first batch that cannot be read, which is `broken`, or as much as there is room for. */
const readFetched = (options: Options, { partition, aborted, records, end }: Fetched, place: Place): Reading => {
  const counts = createCommitted(aborted)
  const reading: Reading = { messages: [], next: place.next, epoch: place.epoch, broken: null }
  let left: { records: number; bytes: number } = { ...room }
  for (const batch of batchesIn(records, end)) {
    const isOurs = batch.last >= reading.next
    if (batch.unreadable !== null) {
      if (!isOurs) continue
      reading.broken = { batch, mended: true }
      return reading
    }
    // Asked of every batch: transactions may have begun before the offset.
    const isCounted = counts(batch, () => markerKeyOf(batch))
    if (!isOurs) continue
    if (isCounted && !isControl(batch)) {
      if (left.records <= 0 || left.bytes <= 0) return reading
      try {
        const read = recordsIn(batch, reading.next, left)
        for (const record of read.records) reading.messages.push(messageOf(options, partition, batch, record))
        left = { records: left.records - read.records.length, bytes: left.bytes - read.bytes }
        if (read.next !== null) return { ...reading, next: read.next, epoch: batch.leaderEpoch }
      } catch (error) {
        // Its checksum is right: this is how it was written.
        reading.broken = { batch: { ...batch, unreadable: messageText(error) }, mended: false }
        return reading
      }
    }
    reading.next = batch.last + 1n
    reading.epoch = batch.leaderEpoch
  }
  return reading
}

/** A batch is fetched again this often before it counts as unreadable: bytes that broke on the way are whole the next time. */
const triesMax = 3

const fetchPlaces = (options: FetchOptions, places: readonly Place[], waitMs: number): Promise<readonly Fetched[]> => {
  const { fetcher, topic, topicId, node } = options
  return fetcher.fetch({ topic, topicId, node, places, waitMs, partitionBytesMax })
}

const answerOf = async (options: FetchOptions, first: Fetched, place: Place): Promise<Answer> => {
  let fetched = first
  for (let tries = 1; ; tries++) {
    const { records: _, aborted: __, ...rest } = fetched
    const { messages, next, epoch, broken } = readFetched(options, fetched, place)
    const answer: Answer = { ...rest, messages, next, epoch }
    if (broken === null || next > place.next || rest.fault !== 0) return answer
    if (tries > triesMax || !broken.mended) {
      const message = unreadableMessage(options, rest.partition, place.next, broken.batch)
      return { ...answer, messages: [message], next: message.unreadable!.last + 1n, epoch: message.leaderEpoch }
    }
    const again = await fetchPlaces(options, [place], 0)
    fetched = again.find((one) => one.partition === place.partition) ?? fetched
  }
}

/** Fetches once. Throws the errors of the network, never the fault of a single partition. */
export const fetchFrom = async (options: FetchOptions, places: readonly Place[]): Promise<Answer[]> => {
  const placeOf = new Map(places.map((place) => [place.partition, place]))
  const answers: Answer[] = []
  for (const fetched of await fetchPlaces(options, places, options.waitMs)) {
    const place = placeOf.get(fetched.partition)
    if (place !== undefined) answers.push(await answerOf(options, fetched, place))
  }
  return answers
}
