// Batches of records (magic 2) byte by byte, so that a test can write what no client does: null values, any timestamp, any
// attribute, and even what the format forbids.

import { int16, int32, int64, int8, uint32, varBytes, varint } from './bytes.ts'
import { codecBits, compress, type Codec } from './codecs.ts'
import { crc32c } from './crc32c.ts'

export type Header = readonly [name: Buffer | null, value: Buffer | null]

export type RecordPlan = {
  key: Buffer | null
  value: Buffer | null
  headers: readonly Header[]
  /** Milliseconds since 1970; -1: there is none. */
  timestamp: bigint
  /** Unused by Kafka so far. */
  attributes?: number
}

/** Who sends the batch; without it: nobody in particular, and no transaction. */
export type Author = { id: bigint; epoch: number; sequence: number; transactional: boolean }

export type BatchPlan = {
  records: readonly RecordPlan[]
  codec?: Codec
  author?: Author
  /** The base of the records' timestamps; the first record's if absent. */
  baseTimestamp?: bigint
  /** Bits beside those that follow from the rest. */
  attributes?: number
  /** Violations of the format. */
  lies?: { codecBits?: number; offsetDeltas?: readonly number[]; count?: number; crc?: number; magic?: number }
}

const transactionalBit = 1 << 4

const encodeRecord = (record: RecordPlan, delta: { timestamp: bigint; offset: number }): Buffer => {
  const body = Buffer.concat([
    int8(record.attributes ?? 0),
    varint(delta.timestamp),
    varint(delta.offset),
    varBytes(record.key),
    varBytes(record.value),
    varint(record.headers.length),
    ...record.headers.flatMap(([name, value]) => [varBytes(name), varBytes(value)]),
  ])
  return Buffer.concat([varint(body.length), body])
}

const highest = (numbers: readonly bigint[]): bigint =>
  numbers.reduce((highest, one) => (one > highest ? one : highest), numbers[0] ?? -1n)

/** The bytes as they stand in a produce request and in the log. */
export const encodeBatch = (plan: BatchPlan): Buffer => {
  const { records, codec = 'none', author, attributes = 0, lies = {} } = plan
  const base = plan.baseTimestamp ?? records[0]?.timestamp ?? -1n
  const deltas = lies.offsetDeltas ?? records.map((_, i) => i)
  const encoded = records.map((record, i) =>
    encodeRecord(record, { timestamp: record.timestamp - base, offset: deltas[i]! }),
  )
  const ownBits = (lies.codecBits ?? codecBits(codec)) | (author?.transactional === true ? transactionalBit : 0)
  const guarded = Buffer.concat([
    int16(ownBits | attributes),
    int32(deltas.at(-1) ?? 0),
    int64(base),
    int64(highest(records.map(({ timestamp }) => timestamp))),
    int64(author?.id ?? -1n),
    int16(author?.epoch ?? -1),
    int32(author?.sequence ?? -1),
    int32(lies.count ?? records.length),
    compress(codec, Buffer.concat(encoded)),
  ])
  const rest = Buffer.concat([int32(-1), int8(lies.magic ?? 2), uint32(lies.crc ?? crc32c(guarded)), guarded])
  return Buffer.concat([int64(0n), int32(rest.length), rest])
}
