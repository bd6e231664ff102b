// Reads dead letters back from their topic (inbound/deadLetters.ts writes them).

import { parseCoordinates } from '../wire/coordinates.ts'
import { isLetterHeader, letterHeaders, redrivenFrom } from './letterHeaders.ts'
import { keyHash } from './partition.ts'
import { headerName, type OutRecord } from './records.ts'
import { headerOf, type TopicRecord } from './topicReader.ts'

export type Letter = {
  /** `topic-partition-offset` of the message that the letter is about. */
  id: string
  /** The id of the first letter about this message: its own, unless it was redriven. */
  rootId: string
  disposition: string
  reason: string
  /** `BUY:<order id>`. */
  legs: readonly string[]
  letteredAtMs: number
  /** Whether the value or the key of the message is missing: then the letter only says where to look for it. */
  leftOut: boolean
  /** Tells messages apart that had the same coordinates, because their topic was made anew in between; null: the letter does not have its message. */
  content: string | null
  /** Where the letter is on the dead-letter topic. */
  place: { partition: number; offset: bigint }
}

/**
 * What version 1.0 wrote into `x-reason`. Its letters have no `x-left-out`, are still on their topics and never change, so only
 * these texts are left to decide by. A letter that has the header is never judged by its text.
 */
export const reasonsOfVersion1 = { leftOut: 'too large for this topic, left out: ', noValue: 'is empty' } as const

/** A letter of 1.0 has no value in two cases: the message had none, which was its fault, or it was too large for the topic. */
const isLeftOutByVersion1 = (value: Buffer | null, reason: string): boolean =>
  reason.includes(reasonsOfVersion1.leftOut) || (value === null && reason !== reasonsOfVersion1.noValue)

const listOf = (text: string | null): string[] => (text ?? '').split(',').filter((each) => each !== '')

/** Whether the value or the key of the message is missing. Then only a different message could be sent from what is left. */
const isLeftOut = (record: TopicRecord, reason: string): boolean => {
  const leftOut = headerOf(record, letterHeaders.leftOut)
  if (leftOut === null) return isLeftOutByVersion1(record.value, reason)
  const missing = listOf(leftOut)
  return missing.includes('value') || missing.includes('key')
}

/** The key of the message. A letter may have a key although its message had none. */
const keyOf = (record: TopicRecord): Buffer | null =>
  listOf(headerOf(record, letterHeaders.added)).includes('key') ? null : record.key

const contentOf = (record: TopicRecord): string =>
  [keyOf(record), record.value].map((bytes) => (bytes === null ? '-' : Bun.hash(bytes).toString(36))).join(' ')

/** Null if the record is not one of our dead letters. */
export const letterOf = (record: TopicRecord): Letter | null => {
  const id = headerOf(record, letterHeaders.id)
  if (id === null) return null
  const reason = headerOf(record, letterHeaders.reason) ?? ''
  const leftOut = isLeftOut(record, reason)
  return {
    id,
    rootId: headerOf(record, redrivenFrom) ?? id,
    disposition: headerOf(record, letterHeaders.disposition) ?? '',
    reason,
    legs: listOf(headerOf(record, letterHeaders.legs)),
    letteredAtMs: record.publishedAtMs,
    leftOut,
    content: leftOut ? null : contentOf(record),
    place: { partition: record.partition, offset: record.offset },
  }
}

/** The message as it was received, null header values included, with the id of its first letter added. `at`: the time of the record. */
export const messageOf = (record: TopicRecord, rootId: string, at: Date): OutRecord => {
  const own = record.headers.filter(
    ([name]) => name !== null && !isLetterHeader(name) && name.toString() !== redrivenFrom,
  )
  return {
    key: keyOf(record),
    value: record.value,
    headers: [...own.map(([name, value]) => [headerName(name), value] as const), [headerName(redrivenFrom), rootId]],
    timestamp: BigInt(at.getTime()),
  }
}

/** The partition that the Java client would choose by the key; without a key, the partition of the original message. */
export const targetOf = (record: TopicRecord, rootId: string, partitions: number): number => {
  const key = keyOf(record)
  return key === null ? (parseCoordinates(rootId)?.partition ?? 0) % partitions : keyHash(key) % partitions
}
