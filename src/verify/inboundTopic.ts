// What verify reads of an inbound topic before its messages: the dead letters, and how far the group is.

import { letterOf } from '../kafka/letters.ts'
import type { Span, TopicReader } from '../kafka/topicReader.ts'
import type { Sql } from '../store/sql.ts'
import { coordinatesText } from '../wire/coordinates.ts'
import { storeLetters } from './legsSql.ts'
import type { VerifyTopicsOptions } from './topics.ts'
import type { Violation } from './violation.ts'

/** `reader` belongs to `group`, whose committed offsets say what has its disposition. */
export type Run = { sql: Sql; reader: TopicReader; options: VerifyTopicsOptions; group: string }
/** `subject`: what its messages are, in violations. */
type Inbound = { topic: string; subject: 'trade' | 'report' }

/** Loads the ids of all dead letters; returns since when the topic holds every letter, in ms since 1970 (-Infinity: since ever). */
export const readLetters = async ({ sql, reader, options }: Run, topic: string): Promise<number> => {
  const spans = await reader.spans(topic)
  let done = 0
  const oldest = spans.map(({ start }) => (start === 0n ? -Infinity : Infinity))
  await reader.read(topic, spans, async (records) => {
    for (const { partition, publishedAtMs } of records)
      if (oldest[partition] === Infinity) oldest[partition] = publishedAtMs
    const letters = records.map(letterOf).filter((letter) => letter !== null)
    const rows = letters.flatMap(({ id, legs }) => (legs.length === 0 ? [''] : legs).map((leg) => ({ id, leg })))
    // Postgres cannot store a NUL in a text, and no id of ours has one.
    const storable = rows.filter(({ id, leg }) => !`${id}${leg}`.includes('\0'))
    await storeLetters(sql, storable)
    done += records.length
    options.reporter.onProgress(`dead letters of ${topic}`, done, null)
  })
  return Math.max(-Infinity, ...oldest)
}

/**
 * The spans from the lowest offset that the topic still has to the committed one. Reports messages that were deleted before the group read
 * them.
 */
export const passedSpans = async ({ reader, options, group }: Run, { topic, subject }: Inbound): Promise<Span[]> => {
  const { reporter } = options
  const spans = await reader.spans(topic)
  const committed = await reader.committed(topic, spans.length)
  const gaps = spans.flatMap(({ start, begins }, partition): Violation[] => {
    const place = committed[partition]
    if (place === null || place === undefined || place >= start || start === begins) return []
    const found = `${start - place} messages deleted before they were read`
    return [
      {
        subject,
        id: coordinatesText({ topic, partition, offset: place }),
        rule: 'retention',
        expected: 'read by the group',
        found,
      },
    ]
  })
  await reporter.onViolations(gaps)
  if (committed.every((place) => place === null))
    await reporter.onNote(
      `the group ${group} has committed no offset of ${topic}: no ${subject === 'trade' ? 'leg' : 'report'} is compared`,
    )
  return spans.map(({ start, end }, partition) => {
    const place = committed[partition] ?? start
    return { start, end: place < end ? place : end }
  })
}
