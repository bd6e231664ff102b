// The topics of order events against the orders: nothing missing, nothing extra, nothing under two ids, nothing out of order.

import { eventKinds, orderEvents, type EventKind } from '../domain/events.ts'
import type { Span, TopicReader, TopicRecord } from '../kafka/topicReader.ts'
import type { Sql } from '../store/sql.ts'
import { coordinatesText } from '../wire/coordinates.ts'
import { decodeEvent } from './decodeEvent.ts'
import {
  analyzeEvents,
  compareEvents,
  forgetWaiting,
  storeEvents,
  noteAbsent,
  readAbsent,
  readReordered,
  readTwins,
  type TopicEvent,
} from './eventsSql.ts'
import { lowestId } from './page.ts'
import { createRetained, type Retained } from './retained.ts'
import { ordersPageMax } from './tables.ts'
import type { VerifyTopicsOptions } from './topics.ts'
import type { Violation } from './violation.ts'

type Stream = {
  kind: EventKind
  topic: string
  /** The offsets that have been read so far. */
  spans: Span[]
  retained: Retained
  records: number
  repeats: number
}

type Run = { sql: Sql; reader: TopicReader; options: VerifyTopicsOptions }

const batchMax = 5_000

const takeBatch = async ({ sql, options }: Run, stream: Stream, records: readonly TopicRecord[]): Promise<void> => {
  const { onViolations } = options.reporter
  const events: TopicEvent[] = []
  for (const record of records) {
    stream.retained.addRecord(record)
    const event = decodeEvent(stream.kind, record)
    if ('malformed' in event) {
      const fault = {
        subject: 'event',
        id: coordinatesText(record),
        rule: 'extra: message',
        expected: 'an event',
        found: event.malformed,
      }
      await onViolations([fault])
    } else {
      stream.retained.addEvent(event)
      events.push(event)
    }
  }
  stream.records += records.length
  stream.repeats += await storeEvents(sql, events)
  await onViolations(await compareEvents(sql, events, stream.topic))
}

const readStream = async (run: Run, stream: Stream, spans: readonly Span[]): Promise<void> => {
  const { onProgress } = run.options.reporter
  const total = spans.reduce((sum, { start, end }) => sum + Number(end - start), 0)
  await run.reader.read(stream.topic, spans, async (records) => {
    for (let i = 0; i < records.length; i += batchMax) await takeBatch(run, stream, records.slice(i, i + batchMax))
    onProgress(`messages of ${stream.topic}`, stream.records, total)
  })
}

const openStream = async (run: Run, kind: EventKind): Promise<Stream> => {
  const { topics, slackMs } = run.options
  const topic = topics.events[kind]
  const spans = await run.reader.spans(topic)
  const stream: Stream = { kind, topic, spans, retained: createRetained(spans, slackMs), records: 0, repeats: 0 }
  await readStream(run, stream, spans)
  return stream
}

/** Reads what was published since the stream was read. */
const readTail = async (run: Run, stream: Stream): Promise<void> => {
  const now = await run.reader.spans(stream.topic)
  const tail = now.map(({ end }, partition) => ({ start: stream.spans[partition]?.end ?? 0n, end }))
  await readStream(run, stream, tail)
}

/**
 * An order whose event was not read from its topic is only a suspect: the event may wait in the outbox, or it was published after the topic
 * was read. An event that is not in the outbox at one moment was acknowledged before that moment, so it is on the topic below the end that
 * is read afterwards. An event that is not there either is missing.
 */
const findMissing = async (run: Run, streams: readonly Stream[]): Promise<void> => {
  const { sql, options } = run
  for (let after: string | null = lowestId, done = 0; after !== null;) {
    const page: { orders: number; next: string | null } = await noteAbsent(sql, { after, limit: ordersPageMax })
    done += page.orders
    options.reporter.onProgress('orders compared with the topics', done, null)
    after = page.next
  }
  if ((await forgetWaiting(sql)) === 0) return
  for (const stream of streams) await readTail(run, stream)
  const fallbackMs = Math.min(...streams.map(({ retained }) => retained.oldestMs()))
  let unjudged = 0
  for await (const rows of readAbsent(sql)) {
    const missing = rows.filter(({ kind, ticker, happenedAtMs }) => {
      const { retained } = streams.find((stream) => stream.kind === kind)!
      return happenedAtMs >= retained.sinceMs(ticker, fallbackMs)
    })
    unjudged += rows.length - missing.length
    await options.reporter.onViolations(
      missing.map(({ orderId, kind, ticker }): Violation => {
        const expected = `a ${orderEvents[kind].noun} of ${ticker} on its topic or in the outbox`
        return { subject: 'order', id: orderId, rule: 'missing event', expected, found: null }
      }),
    )
  }
  if (unjudged > 0)
    await options.reporter.onNote(`${unjudged} events are older than what their topics still hold: not compared`)
}

const findTwins = async ({ sql, options }: Run): Promise<void> => {
  for await (const rows of readTwins(sql))
    await options.reporter.onViolations(
      rows.map(({ orderId, kind, eventIds }): Violation => {
        const rule = `event ids of its ${orderEvents[kind].noun}`
        return { subject: 'order', id: orderId, rule, expected: 'one', found: eventIds }
      }),
    )
}

const findReordered = async ({ sql, options }: Run, streams: readonly Stream[]): Promise<void> => {
  for await (const rows of readReordered(sql, options.slackMs))
    await options.reporter.onViolations(
      rows.map(({ kind, orderId, partition, offset, behindMs }): Violation => {
        const { topic } = streams.find((stream) => stream.kind === kind)!
        const expected = 'before every event of its ticker that happened later'
        const found = `behind one that happened ${Math.round(behindMs)} ms later (order ${orderId})`
        return {
          subject: 'event',
          id: coordinatesText({ topic, partition, offset: BigInt(offset) }),
          rule: 'reordered',
          expected,
          found,
        }
      }),
    )
}

export const verifyEvents = async (sql: Sql, reader: TopicReader, options: VerifyTopicsOptions): Promise<void> => {
  const run: Run = { sql, reader, options }
  const streams: Stream[] = []
  for (const kind of eventKinds) streams.push(await openStream(run, kind))
  await analyzeEvents(sql)
  await findMissing(run, streams)
  await findTwins(run)
  await findReordered(run, streams)
  for (const { topic, records, repeats } of streams)
    await options.reporter.onNote(`${topic}: ${records} events, ${repeats} of them repeats of an event before them`)
}
