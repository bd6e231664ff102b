// Sends the events of one partition in their order. If a broker refuses some, it finds their tickers.

import { eventKinds, forEachKind, orderEvents, type EventKind } from '../domain/events.ts'
import type { Partitions, Sender } from '../relay/sender.ts'
import type { OutboxEvent } from '../store/outbox.ts'
import type { Log } from '../telemetry/log.ts'
import { noTracing, type Tracing } from '../telemetry/tracing.ts'
import type { BatchProducer } from './batchProducer.ts'
import { isWorthSplitting } from './blame.ts'
import { commonValues, eventHeaders } from './eventHeaders.ts'
import { partitionOf } from './partition.ts'
import { produceTimed } from './producer.ts'
import { headerBlock, headerName, type OutRecord } from './records.ts'
import { encoders } from './schema.ts'
import type { Topics } from './topics.ts'

const names = {
  eventId: headerName(eventHeaders.eventId),
  id: headerName(eventHeaders.id),
  time: headerName(eventHeaders.time),
  traceparent: headerName(eventHeaders.traceparent),
}

/** The headers that are the same for all events of a kind. */
const sharedHeaders = (kind: EventKind, ceSource: string) =>
  headerBlock({
    [eventHeaders.type]: orderEvents[kind].ceType,
    [eventHeaders.source]: ceSource,
    [eventHeaders.specVersion]: commonValues.specVersion,
    [eventHeaders.contentType]: commonValues.contentType,
  })

const headersOf = ({ eventId, occurredAt, traceparent }: OutboxEvent): OutRecord['headers'] => {
  const headers: OutRecord['headers'] = [
    [names.eventId, eventId],
    [names.id, eventId],
    [names.time, occurredAt.toISOString()],
  ]
  return traceparent === null ? headers : [...headers, [names.traceparent, traceparent]]
}

type SendRequest = { topic: string; partition: number; events: readonly OutboxEvent[] }

/** Starts a span, with OpenTelemetry's names for messaging, for each event of a sampled trace. Returns the function that ends them. */
const startSpans = ({ topic, partition, events }: SendRequest, tracing: Tracing): ((outcome?: 'failed') => void) => {
  const spans = events.flatMap((event) => {
    const parent = event.traceparent
    const span = parent === null ? null : tracing.start({ name: `send ${topic}`, kind: 'PRODUCER', parent })
    return span === null ? [] : [{ span, event }]
  })
  return (outcome) => {
    for (const { span, event } of spans) {
      const attributes = {
        'messaging.system': 'kafka',
        'messaging.operation.type': 'send',
        'messaging.destination.name': topic,
        'messaging.destination.partition.id': String(partition),
        'messaging.kafka.message.key': event.order.ticker,
        'messaging.message.id': event.eventId,
      }
      span.end(attributes, outcome)
    }
  }
}

export type SenderOptions = {
  producer: BatchProducer
  topics: Topics['events']
  ceSource: string
  log: Log
  tracing?: Tracing
}

export const createSender = ({ producer, topics, ceSource, log, tracing = noTracing }: SenderOptions): Sender => {
  const shared = forEachKind((kind) => sharedHeaders(kind, ceSource))

  const sendOnce = async (kind: EventKind, partition: number, events: readonly OutboxEvent[]): Promise<void> => {
    const end = startSpans({ topic: topics[kind], partition, events }, tracing)
    let outcome: 'failed' | undefined = 'failed'
    try {
      await request(kind, partition, events)
      outcome = undefined
    } finally {
      end(outcome)
    }
  }

  const request = (kind: EventKind, partition: number, events: readonly OutboxEvent[]) =>
    produceTimed(
      producer,
      {
        topic: topics[kind],
        partition,
        records: events.map((event) => ({
          key: event.order.ticker,
          value: encoders[kind](event),
          shared: shared[kind],
          headers: headersOf(event),
          // The time of the database, not of our own clock: brokers refuse a record from the future, and retention deletes a record from
          // the past before it is read.
          timestamp: BigInt(event.readAt.getTime()),
        })),
      },
      log,
    )

  /** After an event of a ticker failed, no later event of this ticker is sent. */
  const send: Sender['send'] = async (kind, partition, events) => {
    try {
      await sendOnce(kind, partition, events)
      return { acked: [...events], failed: new Map() }
    } catch (error) {
      if (!isWorthSplitting(error) || events.length === 1)
        return { acked: [], failed: new Map(events.map((event) => [event.order.ticker, error])) }
      const half = events.length >> 1
      const first = await send(kind, partition, events.slice(0, half))
      const rest = events.slice(half).filter((event) => !first.failed.has(event.order.ticker))
      const second =
        rest.length === 0 ? { acked: [], failed: new Map<string, unknown>() } : await send(kind, partition, rest)
      return { acked: [...first.acked, ...second.acked], failed: new Map([...first.failed, ...second.failed]) }
    }
  }

  /** As the brokers said last. */
  const known = new Map<EventKind, number>()

  /**
   * One topic that nobody can say anything of (it was deleted, or its rights were taken away) does not hold up the events of the others: its
   * own fail when they are sent. Rejects if nobody can say anything of any topic.
   */
  const partitions = async (): Promise<Partitions> => {
    const asked = await Promise.allSettled(eventKinds.map((kind) => producer.partitionsOf(topics[kind])))
    const failure = asked.find((answer) => answer.status === 'rejected')
    asked.forEach((answer, i) => answer.status === 'fulfilled' && known.set(eventKinds[i]!, answer.value))
    if (failure !== undefined && (asked.every(({ status }) => status === 'rejected') || known.size < asked.length))
      throw failure.reason
    return forEachKind((kind) => known.get(kind)!)
  }

  return {
    partitions,
    partitionOf,
    send,
  }
}
