// Dead letters read back from their topic (trades/deadLetters.ts writes them).

import { parseCoordinates } from '../wire/coordinates.ts'
import { keyHash } from './partition.ts'
import { isLetterHeader, letterHeaders, redrivenFrom } from './letterHeaders.ts'
import type { OutRecord } from './producer.ts'
import { headerOf, type TopicRecord } from './topicReader.ts'

export type Letter = {
  /** `topic-partition-offset` of the message that it was made of. */
  id: string
  /** The id of the first letter about this message: its own, unless it was redriven. */
  rootId: string
  disposition: string
  reason: string
  /** `BUY:<order id>`. */
  legs: readonly string[]
  letteredAtMs: number
  /** Bytes or key of the message are not in it; it only says where to look. */
  leftOut: boolean
  /** Where it lies on the dead-letter topic. */
  place: { partition: number; offset: bigint }
}

/**
 * Letters of older versions say only in words what is missing. A message without bytes is one of two: it had none, and that
 * was its fault, or they were too large for the topic.
 */
const leftOutByOldWords = (value: Buffer | null, reason: string): boolean =>
  /too large for this topic, left out/.test(reason) || (value === null && reason !== 'is empty')

const listOf = (text: string | null): string[] => (text ?? '').split(',').filter((each) => each !== '')

/** Whether the bytes or the key of the message are missing: what is left could only be sent as another message. */
const isLeftOut = (record: TopicRecord, reason: string): boolean => {
  const leftOut = headerOf(record, letterHeaders.leftOut)
  if (leftOut === null) return leftOutByOldWords(record.value, reason)
  const missing = listOf(leftOut)
  return missing.includes('value') || missing.includes('key')
}

/** The key of the message: a letter may have one where its message had none. */
const keyOf = (record: TopicRecord): Buffer | null =>
  listOf(headerOf(record, letterHeaders.added)).includes('key') ? null : record.key

/** Null for a record that is no dead letter of ours. */
export const letterOf = (record: TopicRecord): Letter | null => {
  const id = headerOf(record, letterHeaders.id)
  if (id === null) return null
  const reason = headerOf(record, letterHeaders.reason) ?? ''
  return {
    id,
    rootId: headerOf(record, redrivenFrom) ?? id,
    disposition: headerOf(record, letterHeaders.disposition) ?? '',
    reason,
    legs: listOf(headerOf(record, letterHeaders.legs)),
    letteredAtMs: record.publishedAtMs,
    leftOut: isLeftOut(record, reason),
    place: { partition: record.partition, offset: record.offset },
  }
}

/** The message as it was received, header values that are null included, and where it came from. */
export const messageOf = (record: TopicRecord, rootId: string): OutRecord => {
  const key = keyOf(record)
  const own = record.headers.filter(
    ([name]) => name !== null && !isLetterHeader(name) && name.toString() !== redrivenFrom,
  )
  return {
    ...(key === null ? {} : { key }),
    // A tombstone stays one: the library writes null, but its strict mode wants the member named.
    value: record.value!,
    headers: new Map<Buffer, Buffer>([
      ...own.map(([name, value]) => [name!, value!] as const),
      [Buffer.from(redrivenFrom), Buffer.from(rootId)],
    ]),
  }
}

/** As the Java client chooses by key; without one, the partition that it had. */
export const targetOf = (record: TopicRecord, rootId: string, partitions: number): number => {
  const key = keyOf(record)
  return key === null ? (parseCoordinates(rootId)?.partition ?? 0) % partitions : keyHash(key) % partitions
}
