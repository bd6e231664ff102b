// Sends the log to its topic: each event with the headers that order events have.

import type { LogMessage, LogSender } from '../publisher/sender.ts'
import type { RawProducer } from './client.ts'
import { commonValues, eventHeaders, logEventType } from './eventHeaders.ts'
import { partitionOf } from './partition.ts'
import { inRequests, partitionsOf, produce, type OutRecord } from './producer.ts'

/** What a record adds to its value: key, headers and the format's own fields. */
const besidesValueBytes = 400

const recordOf = (source: string, time: Date) => {
  const timestamp = BigInt(time.getTime())
  const fixed = [
    [eventHeaders.type, logEventType],
    [eventHeaders.source, source],
    [eventHeaders.specVersion, commonValues.specVersion],
    [eventHeaders.contentType, commonValues.contentType],
  ].map(([name, value]): [Buffer, Buffer] => [Buffer.from(name!), Buffer.from(value!)])
  const [eventId, id, at] = [eventHeaders.eventId, eventHeaders.id, eventHeaders.time].map((name) => Buffer.from(name))
  return (message: LogMessage): OutRecord => {
    const own = Buffer.from(message.eventId)
    const headers = new Map([[eventId!, own], [id!, own], ...fixed])
    if (message.at !== null) headers.set(at!, Buffer.from(message.at.toISOString()))
    return { key: Buffer.from(message.ticker), value: Buffer.from(message.value), headers, timestamp }
  }
}

export type LogSenderOptions = { producer: RawProducer; topic: string; ceSource: string }

export const createLogSender = ({ producer, topic, ceSource }: LogSenderOptions): LogSender => ({
  partitions: () => partitionsOf(producer, topic),
  partitionOf,
  async send(partition, messages, time) {
    const toRecord = recordOf(ceSource, time)
    const records = messages.map(toRecord)
    for (const request of inRequests(records, ({ value }) => value.length + besidesValueBytes))
      await produce(producer, { topic, partition, records: request })
  },
})
