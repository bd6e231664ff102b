// Sends records to one partition: what every sender of this service does in the end.

import type { BatchProducer } from './batchProducer.ts'
import { encodeBatch, type OutRecord } from './records.ts'

/** `once`: for a caller that tries again in another way. */
export type Request = { topic: string; partition: number; records: readonly OutRecord[]; once?: boolean }

/**
 * Resolves when all in-sync replicas have the records. Throws PartitionUnavailable if the partition is gone: the caller has to choose
 * another.
 */
export const produce = (producer: BatchProducer, { records, ...request }: Request): Promise<void> =>
  producer.send({ ...request, batch: encodeBatch(records) })

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
