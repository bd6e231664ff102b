// Writes a record batch (Kafka's format 2) into one buffer. The library's own writer makes a buffer of every number and every text and
// copies the header maps: it costs four times as much. Whatever is written here, the library's reader reads back the same
// (tests/kafka/records.test.ts).

import { at, formatMagic } from './batchLayout.ts'
import { crc32c } from './library.ts'

/** A text is written as UTF-8. */
type Bytes = string | Uint8Array
/** A header's name as it stands in a record, its length before it: see headerName. */
export type HeaderName = Uint8Array & { readonly __name?: never }
/** Headers that many records share, encoded once. */
export type HeaderBlock = { readonly bytes: Uint8Array; readonly count: number }

export type OutRecord = {
  readonly key: Bytes | null
  /** Null: a tombstone. */
  readonly value: Bytes | null
  /** They stand before the others. */
  readonly shared?: HeaderBlock
  readonly headers: readonly (readonly [name: HeaderName, value: Bytes | null])[]
  /** Milliseconds since 1970, or noTime. */
  readonly timestamp: bigint
}

/** No time at all. Any broker takes it, whatever its clock and ours say, and retention goes by the time of the segment file. */
export const noTime = -1n

const sizeOf = (bytes: Bytes): number => (typeof bytes === 'string' ? Buffer.byteLength(bytes) : bytes.length)

/** The numbers of a record are zigzag varints of 32 bits, but for the time, which has 64. */
const zigzag = (n: number): number => ((n << 1) ^ (n >> 31)) >>> 0

const varintSize = (n: number): number => {
  let rest = zigzag(n)
  let size = 1
  while (rest >= 128) {
    rest >>>= 7
    size++
  }
  return size
}

const writeVarint = (target: Uint8Array, start: number, n: number): number => {
  let at = start
  let rest = zigzag(n)
  while (rest >= 128) {
    target[at++] = (rest & 127) | 128
    rest >>>= 7
  }
  target[at++] = rest
  return at
}

const varlong = (n: bigint): Uint8Array => {
  const bytes: number[] = []
  let rest = BigInt.asUintN(64, (n << 1n) ^ (n >> 63n))
  while (rest >= 128n) {
    bytes.push(Number(rest & 127n) | 128)
    rest >>= 7n
  }
  bytes.push(Number(rest))
  return Uint8Array.from(bytes)
}

/** Null stands as the length −1. */
const sizedBytes = (bytes: Bytes | null): Buffer => {
  const size = bytes === null ? -1 : sizeOf(bytes)
  const target = Buffer.alloc(varintSize(size) + Math.max(0, size))
  const at = writeVarint(target, 0, size)
  if (bytes !== null) target.set(Buffer.from(bytes as string), at)
  return target
}

export const headerName = (name: Bytes | null): HeaderName => sizedBytes(name)

export const headerBlock = (headers: Readonly<Record<string, string>>): HeaderBlock => {
  const entries = Object.entries(headers)
  return { bytes: Buffer.concat(entries.flat().map(sizedBytes)), count: entries.length }
}

/** A time delta is mostly 0: all events of a read have one time. */
const noDelta = varlong(0n)
const deltaOf = (record: OutRecord, first: bigint): Uint8Array =>
  record.timestamp === first ? noDelta : varlong(record.timestamp - first)

/** What is known of a record before it is written. `sizes`: of key, value and header values in this order, −1 for null. */
type Measured = { record: OutRecord; delta: Uint8Array; sizes: number[]; size: number }

const measure = (record: OutRecord, offset: number, first: bigint): Measured => {
  const sizes: number[] = []
  const delta = deltaOf(record, first)
  const { shared, headers } = record
  let size = 1 + delta.length + varintSize(offset) + varintSize((shared?.count ?? 0) + headers.length)
  const add = (bytes: Bytes | null): void => {
    const own = bytes === null ? -1 : sizeOf(bytes)
    sizes.push(own)
    size += varintSize(own) + (own > 0 ? own : 0)
  }
  add(record.key)
  add(record.value)
  if (shared !== undefined) size += shared.bytes.length
  for (const [name, value] of headers) {
    size += name.length
    add(value)
  }
  return { record, delta, sizes, size }
}

const writeBytes = (target: Buffer, start: number, bytes: Bytes | null, size: number): number => {
  const from = writeVarint(target, start, size)
  if (size <= 0) return from
  if (typeof bytes === 'string') target.write(bytes, from)
  else target.set(bytes!, from)
  return from + size
}

const writeRecord = (
  target: Buffer,
  start: number,
  { record, delta, sizes, size }: Measured,
  offset: number,
): number => {
  const { key, value, shared, headers } = record
  let to = writeVarint(target, start, size)
  target[to++] = 0
  target.set(delta, to)
  to = writeVarint(target, to + delta.length, offset)
  to = writeBytes(target, to, key, sizes[0]!)
  to = writeBytes(target, to, value, sizes[1]!)
  to = writeVarint(target, to, (shared?.count ?? 0) + headers.length)
  if (shared !== undefined) {
    target.set(shared.bytes, to)
    to += shared.bytes.length
  }
  for (let i = 0; i < headers.length; i++) {
    const [name, text] = headers[i]!
    target.set(name, to)
    to = writeBytes(target, to + name.length, text, sizes[i + 2]!)
  }
  return to
}

/** The records of one partition in their order, at least one, uncompressed and outside of any transaction. */
export const encodeBatch = (records: readonly OutRecord[]): Buffer => {
  const first = records[0]!.timestamp
  let latest = first
  let size: number = at.records
  const measured: Measured[] = []
  for (const record of records) {
    const one = measure(record, measured.length, first)
    measured.push(one)
    size += varintSize(one.size) + one.size
    if (record.timestamp > latest) latest = record.timestamp
  }
  const batch = Buffer.alloc(size)
  let to: number = at.records
  for (let offset = 0; offset < measured.length; offset++) to = writeRecord(batch, to, measured[offset]!, offset)
  batch.writeInt32BE(size - at.leaderEpoch, at.length)
  batch.writeInt32BE(-1, at.leaderEpoch)
  batch[at.magic] = formatMagic
  batch.writeInt32BE(records.length - 1, at.lastOffsetDelta)
  batch.writeBigInt64BE(first, at.firstTimestamp)
  batch.writeBigInt64BE(latest, at.maxTimestamp)
  batch.writeBigInt64BE(-1n, at.producerId)
  batch.writeInt16BE(-1, at.producerEpoch)
  batch.writeInt32BE(-1, at.baseSequence)
  batch.writeInt32BE(records.length, at.count)
  batch.writeUInt32BE(crc32c(batch.subarray(at.attributes)), at.crc)
  return batch
}
