// One question to one broker: what follows these offsets of a topic. An answer says for each partition what came and where to go
// on, or why nothing came. A batch that cannot be read (an unknown codec, broken bytes) is an answer too: it fails alone.

import type { RecordsBatch } from '@platformatic/kafka'
import type { RawConsumer, RawMessage } from './client.ts'
import { committedBatches, timestampOf } from './committedRecords.ts'
import { findErrorBy } from './library.ts'

/** The next offset to read of a partition. */
export type Place = { partition: number; next: bigint }

/**
 * What a broker said of a partition. `next`: where to go on. `start`, `stable` and `end`: of what it keeps, the first offset,
 * the end of what no open transaction holds back, and the end. `fault`: its error code; 0 where there is none.
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

/** Error codes of the protocol that somebody here acts on. */
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

export type Asking = {
  fetcher: Pick<RawConsumer, 'fetch'>
  topic: string
  /** By which newer brokers know the topic. */
  topicId: string
  /** The broker that leads the partitions. */
  node: number
  /** How long it may wait for the first byte, in ms. */
  waitMs: number
}

/** Of a fetch session: not found, out of step, and of a topic that was made anew. */
const sessionFaults: ReadonlySet<number> = new Set([70, 71, 106])

const bytesMax = 4_000_000
const partitionBytesMax = 1_000_000

type FetchResponse = Awaited<ReturnType<RawConsumer['fetch']>>
type PartitionAnswer = FetchResponse['responses'][number]['partitions'][number]

/** The library gives all empty names as one and the same buffer: a map would keep only one of such headers. */
const headersOf = ({ headers }: RecordsBatch['records'][number]): RawMessage['headers'] =>
  new Map(headers.map(([name, value]) => [name?.length === 0 ? Buffer.alloc(0) : name, value]))

/** A broker answers with whole batches, so some records may lie below what was asked for. */
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
  const read = batches.at(-1)
  const next = read === undefined ? from : endOf(read)
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
      // A session may still answer for a partition that is no longer asked for.
      return next === undefined ? [] : [answerOf(topic, answer, next)]
    })
}

/** The library throws as soon as one partition has a fault; what came of the others stands in its error. */
const responseOf = (error: unknown): FetchResponse | null => {
  const failed = error instanceof Error ? findErrorBy(error, 'code', 'PLT_KFK_RESPONSE') : null
  const response: unknown = failed === null ? null : Reflect.get(failed, 'response')
  const whole = typeof response === 'object' && response !== null && 'responses' in response
  return whole ? (response as FetchResponse) : null
}

const ownCode = /^PLT_KFK_/

/** An answer came and its bytes could not be read: no broker and no network fails so. */
const isUnreadable = (error: unknown): boolean => {
  if (!(error instanceof Error)) return false
  if (findErrorBy(error, 'code', 'PLT_KFK_UNSUPPORTED_COMPRESSION') !== null) return true
  const code: unknown = Reflect.get(error, 'code')
  return !(typeof code === 'string' && ownCode.test(code)) && !(error instanceof AggregateError)
}

const ask = async (asking: Asking, places: readonly Place[], maxBytes = partitionBytesMax): Promise<Answer[]> => {
  const { fetcher, topic, topicId, node, waitMs } = asking
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
      // An answer that could not be read leaves the session one step behind the broker's; the library begins a new one.
      if (response !== null && sessionFaults.has(response.errorCode) && tries === 1) continue
      if (response === null || response.errorCode !== 0) throw error
      return answersOf(topic, places, response)
    }
  }
}

/** So often a batch is read again before it counts as unreadable: what was broken on its way is whole the next time. */
const triesMax = 3
/** A broker answers with one whole batch at the least, and with no other where this is the limit. */
const oneBatch = 1

/** True where the batch that holds the offset can be read. */
const isReadable = async (asking: Asking, place: Place): Promise<boolean> => {
  try {
    await ask(asking, [place], oneBatch)
    return true
  } catch (error) {
    if (isUnreadable(error)) return false
    throw error
  }
}

/**
 * A message that stands for the batch at `place`, of which no byte can be read: its value is missing, its offset is the batch's
 * first, and `next` lies behind its last. Where a batch ends stands in what cannot be read, so the offsets after it are tried.
 */
const unreadable = async (asking: Asking, place: Place, error: unknown): Promise<Answer> => {
  let next = place.next + 1n
  while (!(await isReadable(asking, { ...place, next }))) next++
  const records = next === place.next + 1n ? `${place.next}` : `${place.next} to ${next - 1n}`
  const reason = `the batch with the records ${records} cannot be read: ${error instanceof Error ? error.message : String(error)}`
  const message: RawMessage = {
    topic: asking.topic,
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

const askAlone = async (asking: Asking, place: Place): Promise<Answer[]> => {
  for (let tries = 1; ; tries++) {
    try {
      return await ask(asking, [place], tries === 1 ? partitionBytesMax : oneBatch)
    } catch (error) {
      if (!isUnreadable(error)) throw error
      if (tries > triesMax) return [await unreadable(asking, place, error)]
    }
  }
}

/**
 * Asks once. An incremental session leaves out partitions of which there is nothing new. Throws what the network throws, never
 * what is wrong with one partition.
 */
export const fetchFrom = async (asking: Asking, places: readonly Place[]): Promise<Answer[]> => {
  try {
    return await ask(asking, places)
  } catch (error) {
    if (!isUnreadable(error)) throw error
    const answers: Answer[] = []
    for (const place of places) answers.push(...(await askAlone({ ...asking, waitMs: 0 }, place)))
    return answers
  }
}
