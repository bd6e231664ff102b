// Sends the log to its topic: each event with the headers that order events have.

import type { LogMessage, LogSender } from '../publisher/sender.ts'
import type { Log } from '../telemetry/log.ts'
import type { BatchProducer } from './batchProducer.ts'
import { isWorthSplitting } from './blame.ts'
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
    let acked = 0
    /** A topic may take the records of a refused request in parts. One part goes after the other, so they keep their order. */
    const sendInParts = async (records: readonly OutRecord[]): Promise<void> => {
      try {
        await produceTimed(producer, { topic, partition, records }, log)
        acked += records.length
      } catch (error) {
        if (records.length === 1 || !isWorthSplitting(error)) throw error
        const half = records.length >> 1
        await sendInParts(records.slice(0, half))
        await sendInParts(records.slice(half))
      }
    }
    try {
      for (const request of inRequests(messages.map(toRecord), ({ value }) => value!.length + besidesValueBytes))
        await sendInParts(request)
      return { acked, error: null }
    } catch (error) {
      return { acked, error }
    }
  },
})
