// Reads record batches (Kafka's format 2) out of a broker's answer. No broker checks a batch again once it is on its disk, so its checksum
// is checked here: a digit that a disk changed must not become an amount. What a batch unpacks to is bounded: nine kilobytes may unpack to
// hundreds of megabytes (unpack.ts). The library's reader does neither, and throws away the whole answer for one batch that it cannot read.

import { at, formatMagic } from './batchLayout.ts'
import { crc32c } from './library.ts'
import { unpack } from './unpack.ts'

/** The record's own bytes; null where the format has a length of −1. */
export type BatchRecord = {
  offset: bigint
  timestampDelta: bigint
  key: Buffer | null
  value: Buffer | null
  headers: (readonly [name: Buffer | null, value: Buffer | null])[]
}

/** `unreadable`: why its records cannot be read, or null. Then no other field but `firstOffset` and `last` may be trusted. */
export type RecordBatch = {
  firstOffset: bigint
  /** The offset of its last record. */
  last: bigint
  leaderEpoch: number
  attributes: number
  firstTimestamp: bigint
  maxTimestamp: bigint
  producerId: bigint
  unreadable: string | null
  /** How many records there are. */
  count: number
  /** The records as they stand in the batch, which may be compressed. */
  body: Buffer
}

/** How much is read of one batch at a time. */
export type Room = { records: number; bytes: number }

const codecMask = 0x07

const faultOf = (bytes: Buffer): string | null => {
  if (bytes.length <= at.magic) return 'it is cut off'
  if (bytes[at.magic] !== formatMagic)
    return `it has the format ${bytes[at.magic]}, of brokers before 0.11, and not ${formatMagic}`
  if (bytes.length < at.records) return 'it is cut off'
  const [stored, computed] = [bytes.readUInt32BE(at.crc), crc32c(bytes.subarray(at.attributes))]
  return stored === computed ? null : `it is damaged: its checksum is ${computed} and not ${stored}`
}

const batchOf = (bytes: Buffer): RecordBatch => {
  const firstOffset = bytes.readBigInt64BE(0)
  const isWhole = bytes.length >= at.records
  const delta = isWhole ? bytes.readInt32BE(at.lastOffsetDelta) : 0
  return {
    firstOffset,
    last: firstOffset + BigInt(Math.max(0, delta)),
    leaderEpoch: bytes.length >= at.magic ? bytes.readInt32BE(at.leaderEpoch) : -1,
    attributes: isWhole ? bytes.readInt16BE(at.attributes) : 0,
    firstTimestamp: isWhole ? bytes.readBigInt64BE(at.firstTimestamp) : -1n,
    maxTimestamp: isWhole ? bytes.readBigInt64BE(at.maxTimestamp) : -1n,
    producerId: isWhole ? bytes.readBigInt64BE(at.producerId) : -1n,
    unreadable: faultOf(bytes),
    count: isWhole ? bytes.readInt32BE(at.count) : 0,
    body: bytes.subarray(at.records),
  }
}

/**
 * The whole batches in a broker's answer. (A broker fills up its answer with a part of the next one.) `end`: the end of the partition; no
 * batch is longer than that, whatever a damaged one says.
 */
export const batchesIn = (records: Buffer, end: bigint): RecordBatch[] => {
  const batches: RecordBatch[] = []
  for (let from = 0; from + at.leaderEpoch <= records.length;) {
    const length = records.readInt32BE(from + at.length)
    const to = from + at.leaderEpoch + length
    if (length < 0 || to > records.length) break
    batches.push(batchOf(records.subarray(from, to)))
    from = to
  }
  batches.forEach((batch, i) => {
    const limit = batches[i + 1]?.firstOffset ?? (end < 0n ? batch.last + 1n : end)
    // Where a damaged batch ends is among the bytes that cannot be trusted.
    if (batch.unreadable !== null && batch.last >= limit && limit > batch.firstOffset) batch.last = limit - 1n
  })
  return batches
}

/** Reads the varints and texts of records. Throws where the bytes end too early. */
class Cursor {
  at = 0
  /** `copies`: what is read must not keep all of the bytes in memory. */
  constructor(
    readonly bytes: Buffer,
    private readonly copies: boolean,
  ) {}

  byte(): number {
    const byte = this.bytes[this.at++]
    if (byte === undefined) throw new Error('it ends within a record')
    return byte
  }

  /** Zigzag, of 32 bits. */
  int(): number {
    let raw = 0
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.byte()
      raw |= (byte & 0x7f) << shift
      if (byte < 0x80) return (raw >>> 1) ^ -(raw & 1)
    }
    throw new Error('a number in it has more than 32 bits')
  }

  /** Zigzag, of 64 bits. */
  long(): bigint {
    let raw = 0n
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.byte()
      raw |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return BigInt.asIntN(64, (raw >> 1n) ^ -(raw & 1n))
    }
    throw new Error('a number in it has more than 64 bits')
  }

  sized(): Buffer | null {
    const size = this.int()
    if (size < 0) return null
    const end = this.at + size
    if (end > this.bytes.length) throw new Error('it ends within a record')
    const bytes = this.bytes.subarray(this.at, end)
    this.at = end
    return this.copies ? Buffer.from(bytes) : bytes
  }
}

const readRecord = (cursor: Cursor, firstOffset: bigint): BatchRecord => {
  const size = cursor.int()
  const start = cursor.at
  cursor.byte() // attributes, which mean nothing so far
  const timestampDelta = cursor.long()
  const offset = firstOffset + BigInt(cursor.int())
  const [key, value] = [cursor.sized(), cursor.sized()]
  const count = cursor.int()
  if (count < 0) throw new Error('a record has a negative number of headers')
  const headers: BatchRecord['headers'] = []
  for (let i = 0; i < count; i++) headers.push([cursor.sized(), cursor.sized()])
  if (cursor.at - start !== size) throw new Error('a record has another length than it says')
  return { offset, timestampDelta, key, value, headers }
}

/**
 * The records from the offset `from` on, as many as there is room for, but one at least, and how many bytes they have. `next`: the offset of
 * the first that is left; null: none is. Throws an Error whose message says why they cannot be read.
 */
export const recordsIn = (
  { firstOffset, attributes, count, body }: RecordBatch,
  from: bigint,
  room: Room,
): { records: BatchRecord[]; bytes: number; next: bigint | null } => {
  const unpacked = unpack(attributes & codecMask, body)
  const cursor = new Cursor(unpacked, unpacked.length > room.bytes)
  const records: BatchRecord[] = []
  let bytes = 0
  for (let i = 0; i < count; i++) {
    const start = cursor.at
    const record = readRecord(cursor, firstOffset)
    if (record.offset < from) continue
    if (records.length > 0 && (records.length >= room.records || bytes >= room.bytes))
      return { records, bytes, next: record.offset }
    records.push(record)
    bytes += cursor.at - start
  }
  if (cursor.at < unpacked.length) throw new Error('it has more records than it says')
  return { records, bytes, next: null }
}
