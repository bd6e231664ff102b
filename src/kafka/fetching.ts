// One fetch from one broker: the messages that follow these offsets of a topic. The answer for a partition has its messages and the
// next offset, or the reason why there are none. A batch that cannot be read (an unknown codec, broken bytes) becomes an answer of
// its own, so it does not fail its neighbours.

import type { RecordsBatch } from '@platformatic/kafka'
import type { RawConsumer, RawMessage } from './client.ts'
import { committedBatches, timestampOf } from './committedRecords.ts'
import { findErrorBy } from './library.ts'

/** A partition and the next offset to read from it. */
export type Place = { partition: number; next: bigint }

/**
 * A broker's answer for one partition. `next`: the next offset to read. `start`: the first offset that the broker keeps. `stable`:
 * the end of the records that no open transaction holds back. `end`: the end of the partition. The three are -1 if they are unknown.
 * `fault`: the error code, 0 if there is no error.
 */
export type Answer = {
  partition: number
  messages: RawMessage[]
  next: bigint
  start: bigint
  stable: bigint
  end: bigint
  fault: number
}

/** The protocol's error codes that this service acts on. */
export const faults = {
  offsetOutOfRange: 1,
  unknownTopic: 3,
  leaderNotAvailable: 5,
  notLeader: 6,
  fencedLeaderEpoch: 74,
  unknownLeaderEpoch: 76,
  unknownTopicId: 100,
  inconsistentTopicId: 103,
} as const

export type FetchOptions = {
  fetcher: Pick<RawConsumer, 'fetch'>
  topic: string
  /** Newer brokers know the topic by its id. */
  topicId: string
  /** The broker that leads the partitions. */
  node: number
  /** How long the broker may wait for the first byte, in ms. */
  waitMs: number
}

/** Faults of a fetch session: it is not found, it is out of step, or its topic was created again under the same name. */
const sessionFaults: ReadonlySet<number> = new Set([70, 71, 106])

const bytesMax = 4_000_000
const partitionBytesMax = 1_000_000

type FetchResponse = Awaited<ReturnType<RawConsumer['fetch']>>
type PartitionAnswer = FetchResponse['responses'][number]['partitions'][number]

/** The library uses one and the same buffer for all empty names, so a map would keep only one of such headers. */
const headersOf = ({ headers }: RecordsBatch['records'][number]): RawMessage['headers'] =>
  new Map(headers.map(([name, value]) => [name?.length === 0 ? Buffer.alloc(0) : name, value]))

/** A broker answers with whole batches, so some records may lie below the requested offset. */
const messagesOf = (topic: string, partition: number, batch: RecordsBatch, from: bigint): RawMessage[] =>
  batch.records
    .map((record) => ({
      topic,
      partition,
      offset: batch.firstOffset + BigInt(record.offsetDelta),
      timestamp: timestampOf(batch, record),
      key: record.key,
      value: record.value,
      headers: headersOf(record),
      leaderEpoch: batch.partitionLeaderEpoch,
      unreadable: null,
    }))
    .filter(({ offset }) => offset >= from)

const endOf = (batch: RecordsBatch): bigint => batch.firstOffset + BigInt(batch.lastOffsetDelta) + 1n

const answerOf = (topic: string, answer: PartitionAnswer, from: bigint): Answer => {
  const batches = answer.records ?? []
  const last = batches.at(-1)
  const next = last === undefined ? from : endOf(last)
  const { partitionIndex: partition } = answer
  return {
    partition,
    messages: committedBatches(batches, answer.abortedTransactions).flatMap((batch) =>
      messagesOf(topic, partition, batch, from),
    ),
    next: next > from ? next : from,
    start: answer.logStartOffset,
    stable: answer.lastStableOffset,
    end: answer.highWatermark,
    fault: answer.errorCode,
  }
}

const answersOf = (topic: string, places: readonly Place[], response: FetchResponse): Answer[] => {
  const nextOf = new Map(places.map(({ partition, next }) => [partition, next]))
  return response.responses
    .flatMap(({ partitions }) => partitions)
    .flatMap((answer) => {
      const next = nextOf.get(answer.partitionIndex)
      // A session may still answer for a partition that is no longer requested.
      return next === undefined ? [] : [answerOf(topic, answer, next)]
    })
}

/** The library throws as soon as one partition has a fault. Its error still holds the answers for the other partitions. */
const responseOf = (error: unknown): FetchResponse | null => {
  const failed = error instanceof Error ? findErrorBy(error, 'code', 'PLT_KFK_RESPONSE') : null
  const response: unknown = failed === null ? null : Reflect.get(failed, 'response')
  const isWhole = typeof response === 'object' && response !== null && 'responses' in response
  return isWhole ? (response as FetchResponse) : null
}

const ownCode = /^PLT_KFK_/

/** Whether an answer came but its bytes could not be read. A fault of a broker or of the network never looks like this. */
const isUnreadable = (error: unknown): boolean => {
  if (!(error instanceof Error)) return false
  if (findErrorBy(error, 'code', 'PLT_KFK_UNSUPPORTED_COMPRESSION') !== null) return true
  const code: unknown = Reflect.get(error, 'code')
  return !(typeof code === 'string' && ownCode.test(code)) && !(error instanceof AggregateError)
}

const fetchPlaces = async (
  options: FetchOptions,
  places: readonly Place[],
  maxBytes = partitionBytesMax,
): Promise<Answer[]> => {
  const { fetcher, topic, topicId, node, waitMs } = options
  const request = {
    node,
    topics: [
      {
        topicId,
        partitions: places.map(({ partition, next }) => ({
          partition,
          fetchOffset: next,
          currentLeaderEpoch: -1,
          lastFetchedEpoch: -1,
          partitionMaxBytes: maxBytes,
        })),
      },
    ],
    minBytes: 1,
    maxBytes: bytesMax,
    maxWaitTime: waitMs,
  }
  for (let tries = 1; ; tries++) {
    try {
      return answersOf(topic, places, await fetcher.fetch(request))
    } catch (error) {
      const response = responseOf(error)
      // An answer that could not be read leaves our session one step behind the broker's. The library then begins a new session.
      if (response !== null && sessionFaults.has(response.errorCode) && tries === 1) continue
      if (response === null || response.errorCode !== 0) throw error
      return answersOf(topic, places, response)
    }
  }
}

/** A batch is read again this often before it counts as unreadable: bytes that broke on the way are whole the next time. */
const triesMax = 3
/** The byte limit that makes a broker answer with exactly one batch: it always sends at least one whole batch. */
const oneBatchBytes = 1

/** Whether the batch that holds the offset can be read. */
const isReadable = async (options: FetchOptions, place: Place): Promise<boolean> => {
  try {
    await fetchPlaces(options, [place], oneBatchBytes)
    return true
  } catch (error) {
    if (isUnreadable(error)) return false
    throw error
  }
}

/**
 * A message that stands for the batch at `place`, of which no byte can be read. It has no value, its offset is the first of the
 * batch, and `next` is the offset after the last of the batch. The end of the batch is among the bytes that cannot be read, so one
 * offset after another is tried until a batch can be read.
 */
const unreadableAnswer = async (options: FetchOptions, place: Place, error: unknown): Promise<Answer> => {
  let next = place.next + 1n
  while (!(await isReadable(options, { ...place, next }))) next++
  const records = next === place.next + 1n ? `${place.next}` : `${place.next} to ${next - 1n}`
  const reason = `the batch with the records ${records} cannot be read: ${error instanceof Error ? error.message : String(error)}`
  const message: RawMessage = {
    topic: options.topic,
    partition: place.partition,
    offset: place.next,
    timestamp: -1n,
    key: null,
    value: null,
    headers: new Map(),
    leaderEpoch: -1,
    unreadable: { reason, last: next - 1n },
  }
  return { partition: place.partition, messages: [message], next, start: -1n, stable: -1n, end: -1n, fault: 0 }
}

const fetchAlone = async (options: FetchOptions, place: Place): Promise<Answer[]> => {
  for (let tries = 1; ; tries++) {
    try {
      return await fetchPlaces(options, [place], tries === 1 ? partitionBytesMax : oneBatchBytes)
    } catch (error) {
      if (!isUnreadable(error)) throw error
      if (tries > triesMax) return [await unreadableAnswer(options, place, error)]
    }
  }
}

/**
 * Fetches once. An incremental session leaves out the partitions that have nothing new. Throws the errors of the network, never
 * the fault of a single partition.
 */
export const fetchFrom = async (options: FetchOptions, places: readonly Place[]): Promise<Answer[]> => {
  try {
    return await fetchPlaces(options, places)
  } catch (error) {
    if (!isUnreadable(error)) throw error
    const answers: Answer[] = []
    for (const place of places) answers.push(...(await fetchAlone({ ...options, waitMs: 0 }, place)))
    return answers
  }
}
