// The produce request and its answer, which is read partition by partition: a request that fails for one partition has stored the others.
// Version 9 says all that is needed and is known since Kafka 2.8; older brokers, and old ones of Redpanda, get the form without compact
// lengths. No newer version is asked for, so while a cluster is being upgraded it does not matter which of its brokers was asked.

import { Writer, type Reader } from './library.ts'
import { versionOf, type ApiVersions } from './request.ts'

/** The records of one partition, as records.ts encodes them. */
export type Part = { readonly topic: string; readonly partition: number; readonly batch: Buffer }
/** What a broker says of one partition. `code`: of the protocol, 0 once all in-sync replicas have the batch. `detail`: in its own words. */
export type PartAnswer = { topic: string; partition: number; code: number; detail: string | null }
/** `throttleMs`: for so long the broker reads nothing more from the connection, because a quota was passed; 0: it goes on. */
export type ProduceAnswer = { parts: PartAnswer[]; throttleMs: number }
export const partKey = ({ topic, partition }: { topic: string; partition: number }): string => `${topic} ${partition}`

export const produceKey = 0
/** The first version that carries batches of the format 2. */
const versionMin = 3
const versionMax = 9
const allInSyncReplicas = -1

/** From this version on, requests and answers have compact lengths and tagged fields. */
export const isFlexible = (version: number): boolean => version >= 9

/** The version to write; null if the brokers take none that is known here. */
export const produceVersion = (apis: readonly ApiVersions[]): number | null =>
  versionOf(apis, { key: produceKey, least: versionMin, newest: versionMax })

/** `timeoutMs`: how long the leader may wait for the other replicas. */
export const writeRequest = (version: number, parts: readonly Part[], timeoutMs: number): Writer => {
  const compact = isFlexible(version)
  const topics = [...Map.groupBy(parts, ({ topic }) => topic)]
  const writer = Writer.create().appendString(null, compact).appendInt16(allInSyncReplicas).appendInt32(timeoutMs)
  writer.appendArray(
    topics,
    (ofTopic, [topic, own]) => {
      ofTopic.appendString(topic, compact).appendArray(
        own,
        (ofPart, { partition, batch }) => {
          ofPart.appendInt32(partition).appendBytes(batch, compact)
        },
        compact,
        compact,
      )
    },
    compact,
    compact,
  )
  return compact ? writer.appendTaggedFields() : writer
}

/** Refused records by their place in the batch, since version 8. Only the first reason is of use. */
const readRecordErrors = (reader: Reader, compact: boolean): string | null =>
  reader
    .readArray(
      (ofRecord) => {
        ofRecord.readInt32()
        return ofRecord.readNullableString(compact)
      },
      compact,
      compact,
    )
    .find((reason) => reason !== null) ?? null

const readPart = (reader: Reader, version: number): Omit<PartAnswer, 'topic'> => {
  const compact = isFlexible(version)
  const partition = reader.readInt32()
  const code = reader.readInt16()
  reader.skip(version >= 5 ? 24 : 16) // first offset, time of the append, and the start of the log
  if (version < 8) return { partition, code, detail: null }
  const ofRecord = readRecordErrors(reader, compact)
  return { partition, code, detail: reader.readNullableString(compact) ?? ofRecord }
}

export const readAnswer = (version: number, reader: Reader): ProduceAnswer => {
  const compact = isFlexible(version)
  const topics = reader.readArray(
    (ofTopic) => {
      const topic = ofTopic.readString(compact)
      return ofTopic
        .readArray((ofPart) => readPart(ofPart, version), compact, compact)
        .map((part) => ({ topic, ...part }))
    },
    compact,
    compact,
  )
  return { parts: topics.flat(), throttleMs: reader.readInt32() }
}
