// A producer whose requests are repeated here and not by the library. The library repeats a request for the partition that it was made
// for. If the topic was created again with fewer partitions, the library then reads past the end of its list in a callback of a socket,
// and that ends the process.

import type { Producer, ProducerOptions } from '@platformatic/kafka'
import { sleep } from '../app/sleep.ts'
import { describe } from '../telemetry/log.ts'
import { findErrorBy, kPerformWithRetry, Producer as LibraryProducer } from './library.ts'

type Perform = Producer[typeof kPerformWithRetry]

/** Sends each produce request once. The library repeats all other requests (metadata, versions) as its options say. */
export const createSingleSendProducer = (options: ProducerOptions<Buffer, Buffer, Buffer, Buffer>): Producer => {
  const producer = new LibraryProducer({ ...options, repeatOnStaleMetadata: false })
  const perform = producer[kPerformWithRetry].bind(producer) as (...request: Parameters<Perform>) => void
  const performOnce: typeof perform = (...request) => {
    const [operationId, operation, callback, attempt, errors, shouldSkip, retries] = request
    perform(operationId, operation, callback, attempt, errors, shouldSkip, operationId === 'produce' ? 0 : retries)
  }
  producer[kPerformWithRetry] = performOnce as Perform
  return producer
}

/** What a refusal blames: a property of a record, or, if it is null, the brokers or the way to them. */
export type Blame = 'timestamp' | 'size' | 'record' | null

const blames = [
  // A refusal gives each record an unknown server error beside the code that says more, so the unknown error comes last.
  ['INVALID_TIMESTAMP', 'timestamp'],
  ['MESSAGE_TOO_LARGE', 'size'],
  ['RECORD_LIST_TOO_LARGE', 'size'],
  ['INVALID_RECORD', 'record'],
  ['CORRUPT_MESSAGE', 'record'],
  ['POLICY_VIOLATION', 'record'],
  ['UNKNOWN_SERVER_ERROR', 'record'],
] as const

/** Errors of the library about brokers, connections and their answers. */
const clusterCodes = [
  'PLT_KFK_NETWORK',
  'PLT_KFK_TIMEOUT',
  'PLT_KFK_AUTHENTICATION',
  'PLT_KFK_RESPONSE',
  'PLT_KFK_PROTOCOL',
]

export const blameOf = (error: unknown): Blame => {
  const fault = error instanceof Error ? error : new Error(String(error))
  const blame = blames.find(([apiId]) => findErrorBy(fault, 'apiId', apiId) !== null)
  if (blame !== undefined) return blame[1]
  if (fault instanceof PartitionUnavailable || clusterCodes.some((code) => findErrorBy(fault, 'code', code) !== null))
    return null
  // The library could not make a request from these records.
  return 'record'
}

/** The code and the message of the broker that refused a record; for any other error, its own description. */
export const refusalText = (error: unknown): string => {
  for (const [apiId] of blames) {
    const refusal = findErrorBy(error as Error, 'apiId', apiId) as
      | (Error & { serverErrorMessage?: string | null })
      | null
    if (refusal !== null) return `${apiId}: ${refusal.serverErrorMessage ?? refusal.message}`
  }
  return describe(error).error
}

/** The topic or the partition does not exist now, or no broker can say whether it does. */
class PartitionUnavailable extends Error {
  override name = 'PartitionUnavailable'
}

/** A record in the form that the library takes. */
export type OutRecord = { key?: Buffer; value: Buffer; headers: Map<Buffer, Buffer>; timestamp?: bigint }
/** `triesMax`: 1 for a caller that tries again in another way. */
export type Request = { topic: string; partition: number; records: readonly OutRecord[]; triesMax?: number }

const triesMaxDefault = 4
const retryPauseMs = 200

/** The number of partitions, from cached metadata, or from the brokers if that is too old or `fresh` is set. */
export const partitionsOf = async (producer: Producer, topic: string, fresh = false): Promise<number> => {
  const { topics } = await producer.metadata({ topics: [topic], ...(fresh ? { forceUpdate: true } : {}) })
  return topics.get(topic)!.partitionsCount
}

/**
 * Resolves when all in-sync replicas have the records. Throws PartitionUnavailable if the partition is gone: the caller has to choose
 * another.
 */
export const produce = async (producer: Producer, request: Request): Promise<void> => {
  const { topic, partition, records, triesMax = triesMaxDefault } = request
  const countPartitions = async (fresh: boolean): Promise<number> => {
    try {
      return await partitionsOf(producer, topic, fresh)
    } catch (error) {
      throw new PartitionUnavailable(`the partitions of ${topic} are not known`, { cause: error })
    }
  }
  for (let tries = 1; ; tries++) {
    const count = await countPartitions(tries > 1)
    // The library would send to the remainder instead.
    if (partition >= count)
      throw new PartitionUnavailable(`${topic} has ${count} partitions: partition ${partition} is gone`)
    try {
      await producer.send({ messages: records.map((record) => ({ ...record, topic, partition })) })
      return
    } catch (error) {
      const blame = blameOf(error)
      // If the topic disappeared meanwhile, the library says so only in its message, so the brokers are asked instead.
      if (blame === 'record') await countPartitions(true)
      const isFinal = blame !== null || findErrorBy(error as Error, 'canRetry', false) !== null
      if (isFinal || tries >= triesMax) throw error
      await sleep(retryPauseMs)
    }
  }
}

const requestMessagesMax = 200
const requestBytesMax = 900_000

/** Splits items into requests, in order: as many items in each as a broker takes by default. `bytesOf`: the size of one. */
export const inRequests = <T>(items: readonly T[], bytesOf: (item: T) => number): T[][] => {
  const requests: T[][] = []
  let bytes = Infinity
  for (const item of items) {
    const current = requests.at(-1)
    const size = bytesOf(item)
    bytes += size
    if (current === undefined || current.length >= requestMessagesMax || bytes > requestBytesMax) {
      requests.push([item])
      bytes = size
    } else current.push(item)
  }
  return requests
}
