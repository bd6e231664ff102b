// Dead letters read back from their topic (deadLetters.ts writes them).

import { coordinatesOf, type Letter } from '../app/redrive.ts'
import { keyHash } from '../domain/murmur2.ts'
import { headerOf, type TopicRecord } from './topicReader.ts'

/** On a message that was sent again: the id of the first letter about it. */
const redrivenFrom = 'x-redriven-from'

/** The headers that a dead letter adds to those of the message. */
const added: ReadonlySet<string> = new Set([
  'x-dead-letter-id',
  'x-disposition',
  'x-reason',
  'x-legs',
  'x-original-topic',
  'x-original-partition',
  'x-original-offset',
])

/** A message without bytes is one of two: it had none, and that was its fault, or they were too large for the topic. */
const isLeftOut = (value: Buffer | null, reason: string): boolean =>
  /too large for this topic, left out/.test(reason) || (value === null && reason !== 'is empty')

/** Null for a record that is no dead letter of ours. */
export const letterOf = (record: TopicRecord): Letter | null => {
  const id = headerOf(record, 'x-dead-letter-id')
  if (id === null) return null
  const reason = headerOf(record, 'x-reason') ?? ''
  return {
    id,
    rootId: headerOf(record, redrivenFrom) ?? id,
    disposition: headerOf(record, 'x-disposition') ?? '',
    reason,
    legs: (headerOf(record, 'x-legs') ?? '').split(',').filter((leg) => leg !== ''),
    letteredAtMs: record.publishedAtMs,
    leftOut: isLeftOut(record.value, reason),
    place: { partition: record.partition, offset: record.offset },
  }
}

/** The message as it was received, and where it came from. */
export const messageOf = (record: TopicRecord, rootId: string, topic: string) => {
  const kept = record.headers.filter(([name]) => name !== null && !added.has(name.toString()))
  const own = kept.filter(([name]) => name!.toString() !== redrivenFrom)
  return {
    topic,
    ...(record.key === null ? {} : { key: record.key }),
    // A tombstone stays one: the library writes null, but its strict mode wants the member named.
    value: record.value!,
    headers: new Map<Buffer, Buffer>([
      ...own.map(([name, value]) => [name!, value!] as const),
      [Buffer.from(redrivenFrom), Buffer.from(rootId)],
    ]),
  }
}
export type RedrivenMessage = ReturnType<typeof messageOf>

/** As the Java client chooses by key; without one, the partition that it had. */
export const targetOf = (record: TopicRecord, rootId: string, partitions: number): number =>
  record.key === null ? Math.max(0, coordinatesOf(rootId).partition) % partitions : keyHash(record.key) % partitions
