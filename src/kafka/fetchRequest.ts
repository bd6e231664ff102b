// The fetch request and its answer, which is read partition by partition and leaves the records as bytes: one batch that is damaged fails
// neither its partition nor the others, and nothing is unpacked before somebody knows how large it becomes (recordBatches.ts). The version
// is one between 4 and 13; a broker that knows the topic by its id is asked by that. There is no fetch session: each answer is whole.

import { uuidForm } from '../domain/patterns.ts'
import { Writer, type Reader } from './library.ts'
import { versionOf, type ApiVersions } from './request.ts'

/**
 * A partition and the next offset to read from it. `epoch`: the leader epoch of the record before that, by which a broker finds out that its
 * log is not the one that was read; -1 if it is unknown.
 */
export type Place = { partition: number; next: bigint; epoch: number }

export type FetchRequest = {
  topic: string
  topicId: string
  /** The broker that leads the partitions. */
  node: number
  places: readonly Place[]
  /** How long the broker may wait for the first byte, in ms. */
  waitMs: number
  /** Of one partition. A broker sends at least one whole batch, however large it is. */
  partitionBytesMax: number
}

/** An aborted transaction: its producer and the offset of its first record. */
export type AbortedTransaction = { producerId: bigint; firstOffset: bigint }

/**
 * A broker's answer for one partition. `start`: the first offset that the broker keeps. `stable`: the end of the records that no open
 * transaction holds back. `end`: the end of the partition. The three are -1 if they are unknown. `fault`: the error code, 0 if there is none.
 * `diverged`: the log was cut off before the offset, and written again (said since version 12, to whoever knows the epoch).
 */
export type Fetched = {
  partition: number
  fault: number
  start: bigint
  stable: bigint
  end: bigint
  aborted: readonly AbortedTransaction[]
  records: Buffer
  diverged: boolean
}

const uuid = new RegExp(uuidForm.sent)

export const fetchKey = 1
/** The first version that answers batches of the format 2. */
const versionMin = 4
/** The first version that asks by the topic's id. */
const versionMax = 13

/** From this version on, requests and answers have compact lengths and tagged fields. */
export const isFlexibleFetch = (version: number): boolean => version >= 12
const byId = (version: number): boolean => version >= 13

/** The version to write; null if the brokers take none that is known here. */
export const fetchVersion = (apis: readonly ApiVersions[]): number | null =>
  versionOf(apis, { key: fetchKey, least: versionMin, newest: versionMax })

/** Clusters that were upgraded and still speak as before (inter.broker.protocol.version below 2.8) give their topics no ids. */
const noId = '00000000-0000-0000-0000-000000000000'
/** The newest version that asks by the topic's name. */
const byNameMax = 12

/** The version for this topic, of the versions that the brokers take up to `newest`. */
export const versionFor = (newest: number, { topicId }: Pick<FetchRequest, 'topicId'>): number =>
  uuid.test(topicId) && topicId !== noId ? newest : Math.min(newest, byNameMax)

const noReplica = -1
const bytesMax = 4_000_000
const committedOnly = 1
const noSession = { id: 0, epoch: -1 } as const
const unknown = -1

const writePlace =
  (version: number, partitionBytesMax: number) =>
  (writer: Writer, { partition, next, epoch }: Place): void => {
    writer.appendInt32(partition)
    if (version >= 9) writer.appendInt32(unknown) // leader epoch
    writer.appendInt64(next)
    if (version >= 12) writer.appendInt32(epoch)
    if (version >= 5) writer.appendInt64(BigInt(unknown)) // start of the log, of a follower
    writer.appendInt32(partitionBytesMax)
  }

export const writeFetch = (version: number, request: FetchRequest): Writer => {
  const { topic, topicId, places, waitMs, partitionBytesMax } = request
  const compact = isFlexibleFetch(version)
  const writer = Writer.create().appendInt32(noReplica).appendInt32(waitMs).appendInt32(1).appendInt32(bytesMax)
  writer.appendInt8(committedOnly)
  if (version >= 7) writer.appendInt32(noSession.id).appendInt32(noSession.epoch)
  writer.appendArray(
    [places],
    (ofTopic, own) => {
      if (byId(version)) ofTopic.appendUUID(topicId)
      else ofTopic.appendString(topic, compact)
      ofTopic.appendArray([...own], writePlace(version, partitionBytesMax), compact, compact)
    },
    compact,
    compact,
  )
  if (version >= 7) writer.appendArray([], () => undefined, compact, compact) // topics to forget
  if (version >= 11) writer.appendString('', compact) // rack
  return compact ? writer.appendTaggedFields() : writer
}

const divergingTag = 0

/** Whether the tagged fields of a partition say that its log is not the one that was read. */
const readDiverged = (reader: Reader): boolean => {
  let diverged = false
  for (let left = reader.readUnsignedVarInt(); left > 0; left--) {
    if (reader.readUnsignedVarInt() === divergingTag) diverged = true
    reader.skip(reader.readUnsignedVarInt())
  }
  return diverged
}

const readFetchedPartition = (reader: Reader, version: number): Fetched => {
  const compact = isFlexibleFetch(version)
  const partition = reader.readInt32()
  const fault = reader.readInt16()
  const end = reader.readInt64()
  const stable = reader.readInt64()
  const start = version >= 5 ? reader.readInt64() : BigInt(unknown)
  const aborted = reader.readNullableArray(
    (of) => ({ producerId: of.readInt64(), firstOffset: of.readInt64() }),
    compact,
    compact,
  )
  if (version >= 11) reader.readInt32() // a replica that may be nearer
  // Copied once: the reader's bytes are those of the socket.
  const records = Buffer.from(reader.readNullableBytes(compact) ?? [])
  const diverged = compact && readDiverged(reader)
  return { partition, fault, start, stable, end, aborted: aborted ?? [], records, diverged }
}

/** `fault`: the error code of the whole request, 0 if there is none. */
export const readFetched = (version: number, reader: Reader): { fault: number; partitions: Fetched[] } => {
  const compact = isFlexibleFetch(version)
  reader.readInt32() // how long the broker held back the answer
  const fault = version >= 7 ? reader.readInt16() : 0
  if (version >= 7) reader.readInt32() // session
  const topics = reader.readArray(
    (ofTopic) => {
      if (byId(version)) ofTopic.readUUID()
      else ofTopic.readString(compact)
      return ofTopic.readArray((ofPartition) => readFetchedPartition(ofPartition, version), compact, false)
    },
    compact,
    compact,
  )
  return { fault, partitions: topics.flat() }
}
