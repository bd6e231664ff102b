// order.event.v1 against the log: what it says is what the log says; of each order the versions are contiguous, in their order, from the first
// one that the topic still holds; and what the publication has kept as acknowledged is there, unless retention deleted it.

import { partitionOf } from '../kafka/partition.ts'
import type { Span, TopicReader, TopicRecord } from '../kafka/topicReader.ts'
import { countDelta, type Place } from '../store/log.ts'
import { readPublicationPlaces } from '../store/publication.ts'
import type { Sql } from '../store/sql.ts'
import { haltOf } from '../tail/chunk.ts'
import { decodeCursor } from '../tail/cursor.ts'
import { coordinatesText } from '../wire/coordinates.ts'
import {
  analyzeLogEvents,
  noteLogEvents,
  readBroken,
  readLogEvents,
  readUnpublished,
  type VersionOfOrder,
} from './logEventsSql.ts'
import { decodeLogMessage, differencesOf, type LogMessage } from './logMessage.ts'
import { lowestId } from './page.ts'
import type { VerifyTopicsOptions } from './topics.ts'
import type { Violation } from './violation.ts'

/** `begins`: when the oldest record of each partition was published, in milliseconds since 1970; Infinity: it has none. */
type Stream = { topic: string; spans: readonly Span[]; begins: number[]; records: number; repeats: number }

type Run = { sql: Sql; reader: TopicReader; options: VerifyTopicsOptions; stream: Stream }

const batchMax = 2_000
const ordersPageMax = 5_000

const versionText = ({ orderId, version }: VersionOfOrder): string => `version ${version} of order ${orderId}`

const faultsOf = async ({ sql, stream }: Run, messages: readonly LogMessage[]): Promise<Violation[]> => {
  const events = await readLogEvents(sql, messages)
  return messages.flatMap((message, i): Violation[] => {
    const subject = { subject: 'event', id: coordinatesText({ topic: stream.topic, ...message }) }
    const event = events[i]
    if (event === undefined)
      return [{ ...subject, rule: 'extra: order', expected: `an order with id ${message.orderId}`, found: null }]
    if (event === null)
      return [{ ...subject, rule: 'extra: event', expected: `${versionText(message)} in the log`, found: null }]
    return differencesOf(message, event).map((difference) => ({ ...subject, ...difference }))
  })
}

const takeBatch = async (run: Run, records: readonly TopicRecord[]): Promise<void> => {
  const { sql, options, stream } = run
  const messages: LogMessage[] = []
  const malformed: Violation[] = []
  for (const record of records) {
    const { partition, publishedAtMs } = record
    if ((stream.begins[partition] ?? Infinity) === Infinity) stream.begins[partition] = publishedAtMs
    const message = decodeLogMessage(record)
    if (!('malformed' in message)) messages.push(message)
    else {
      const [rule, expected, found] = ['extra: message', 'an event', message.malformed]
      malformed.push({ subject: 'event', id: coordinatesText(record), rule, expected, found })
    }
  }
  stream.records += records.length
  stream.repeats += await noteLogEvents(sql, messages)
  await options.reporter.onViolations([...malformed, ...(await faultsOf(run, messages))])
}

const readStream = async (run: Run): Promise<void> => {
  const { options, reader, stream } = run
  const total = stream.spans.reduce((sum, { start, end }) => sum + Number(end - start), 0)
  await reader.read(stream.topic, stream.spans, async (records) => {
    for (let i = 0; i < records.length; i += batchMax) await takeBatch(run, records.slice(i, i + batchMax))
    options.reporter.onProgress(`messages of ${stream.topic}`, stream.records, total)
  })
}

const findBroken = async ({ sql, options, stream: { topic } }: Run): Promise<void> => {
  for await (const rows of readBroken(sql))
    await options.reporter.onViolations(
      rows.map(({ orderId, version, partition, offset, before }): Violation => {
        const previous = `version ${version - 1}`
        if (before === null) {
          const expected = `${previous} on ${topic}, before version ${version}`
          return { subject: 'order', id: orderId, rule: 'missing event', expected, found: null }
        }
        const id = coordinatesText({ topic, partition, offset: BigInt(offset) })
        const expected = `behind ${previous} of order ${orderId}`
        return { subject: 'event', id, rule: 'reordered', expected, found: `before it (offset ${before})` }
      }),
    )
}

/** Up to where everything was acknowledged when this was asked; null: there is no such place of this database. */
const readPlace = async (sql: Sql): Promise<Place | null> => {
  const [last] = await readPublicationPlaces(sql)
  const place = last === undefined ? null : (decodeCursor(last.cursor)?.place ?? null)
  if (place === null) return null
  const { state } = await countDelta(sql, place, 0)
  return haltOf(state, place) === null ? place : null
}

/**
 * What happened after a record was published was itself published later, so it stands behind that record; `slackMs` covers clocks that
 * differ. One replica at a time publishes, so that holds for other partitions too: an empty one that never lost anything is judged by them.
 */
const sinceOf = ({ spans, begins }: Stream, slackMs: number): ((ticker: string) => number) => {
  const oldest = Math.min(...begins)
  const since = spans.map(({ start, end }, partition) => {
    const begin = begins[partition] ?? Infinity
    return (begin === Infinity && start === 0n && end === 0n ? oldest : begin) + slackMs
  })
  return (ticker) => since[partitionOf(ticker, spans.length)]!
}

/** `place`: was read before the topic was, so what it has seen is on the topic below the end that was read. */
const findUnpublished = async ({ sql, options, stream }: Run, place: Place): Promise<void> => {
  const { reporter, slackMs } = options
  const sinceMs = Math.min(...stream.begins) + slackMs
  if (sinceMs === Infinity) return
  const sinceOfTicker = sinceOf(stream, slackMs)
  for (let after: string | null = lowestId, done = 0; after !== null;) {
    const page: Awaited<ReturnType<typeof readUnpublished>> = await readUnpublished(sql, place, {
      after,
      limit: ordersPageMax,
      sinceMs,
    })
    done += page.orders
    reporter.onProgress(`orders compared with ${stream.topic}`, done, null)
    await reporter.onViolations(
      page.events
        .filter(({ ticker, happenedAtMs }) => happenedAtMs >= sinceOfTicker(ticker))
        .map(({ orderId, version }): Violation => {
          const expected = `version ${version} on ${stream.topic}`
          return { subject: 'order', id: orderId, rule: 'missing event', expected, found: null }
        }),
    )
    after = page.next
  }
}

const noPlace =
  'the publication of the log has kept no place of this database: nobody can say which of the newest events its topic must have'

/** Nothing to do if the topic is not set. */
export const verifyLogEvents = async (sql: Sql, reader: TopicReader, options: VerifyTopicsOptions): Promise<void> => {
  const topic = options.topics.orderEvents
  if (topic === null) return
  const place = await readPlace(sql)
  const spans = await reader.spans(topic)
  const stream: Stream = { topic, spans, begins: spans.map(() => Infinity), records: 0, repeats: 0 }
  const run: Run = { sql, reader, options, stream }
  await readStream(run)
  await analyzeLogEvents(sql)
  await findBroken(run)
  if (place !== null) await findUnpublished(run, place)
  else if (stream.records > 0) await options.reporter.onNote(noPlace)
  await options.reporter.onNote(
    `${topic}: ${stream.records} events, ${stream.repeats} of them repeats of an event before them`,
  )
}
