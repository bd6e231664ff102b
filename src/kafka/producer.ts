// Sends records to one partition: what every sender of this service does in the end.

import type { Log } from '../telemetry/log.ts'
import type { BatchProducer } from './batchProducer.ts'
import { blameOf, refusalText } from './blame.ts'
import { encodeBatch, noTime, type OutRecord } from './records.ts'

/** `once`: for a caller that tries again in another way. */
export type Request = { topic: string; partition: number; records: readonly OutRecord[]; once?: boolean }

/**
 * Resolves when all in-sync replicas have the records. Throws PartitionUnavailable if the partition is gone: the caller has to choose
 * another.
 */
export const produce = (producer: BatchProducer, { records, ...request }: Request): Promise<void> =>
  producer.send({ ...request, batch: encodeBatch(records) })

/**
 * The same for records with a time of the database. If a broker refuses that, because one of the two clocks is wrong, they have none: better
 * so than not at all.
 */
export const produceTimed = async (
  producer: BatchProducer,
  { records, ...request }: Request,
  log: Log,
): Promise<void> => {
  try {
    await produce(producer, { ...request, records })
  } catch (error) {
    if (blameOf(error) !== 'timestamp') throw error
    log.rarely(
      'error',
      'events clock',
      'the clock of Postgres or that of a broker is wrong: events have no time there',
      {
        topic: request.topic,
        error: refusalText(error),
      },
    )
    await produce(producer, { ...request, records: records.map((record) => ({ ...record, timestamp: noTime })) })
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
