// Sends the log to its topic: each event with the headers that order events have.

import type { LogMessage, LogSender } from '../publisher/sender.ts'
import type { Log } from '../telemetry/log.ts'
import type { BatchProducer } from './batchProducer.ts'
import { commonValues, eventHeaders, logEventType } from './eventHeaders.ts'
import { partitionOf } from './partition.ts'
import { inRequests, produceTimed } from './producer.ts'
import { headerBlock, headerName, type OutRecord } from './records.ts'

/** What a record adds to its value: key, headers and the format's own fields. */
const besidesValueBytes = 400

const names = {
  eventId: headerName(eventHeaders.eventId),
  id: headerName(eventHeaders.id),
  time: headerName(eventHeaders.time),
}

const recordOf = (source: string, time: Date) => {
  const timestamp = BigInt(time.getTime())
  const shared = headerBlock({
    [eventHeaders.type]: logEventType,
    [eventHeaders.source]: source,
    [eventHeaders.specVersion]: commonValues.specVersion,
    [eventHeaders.contentType]: commonValues.contentType,
  })
  return (message: LogMessage): OutRecord => {
    const headers: OutRecord['headers'] = [
      [names.eventId, message.eventId],
      [names.id, message.eventId],
      ...(message.at === null ? [] : [[names.time, message.at.toISOString()] as const]),
    ]
    return { key: message.ticker, value: message.value, shared, headers, timestamp }
  }
}

export type LogSenderOptions = { producer: BatchProducer; topic: string; ceSource: string; log: Log }

export const createLogSender = ({ producer, topic, ceSource, log }: LogSenderOptions): LogSender => ({
  partitions: () => producer.partitionsOf(topic),
  partitionOf,
  async send(partition, messages, time) {
    const toRecord = recordOf(ceSource, time)
    const records = messages.map(toRecord)
    for (const request of inRequests(records, ({ value }) => value!.length + besidesValueBytes))
      await produceTimed(producer, { topic, partition, records: request }, log)
  },
})
