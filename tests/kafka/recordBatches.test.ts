// Proves: of record batches in a broker's answer every whole one is read as it was written, one that is damaged is told from one that is
// not, wherever its bits flipped, and nothing that unpacks to more than the bound is unpacked.

import { expect, test } from 'bun:test'
import { gzipSync } from 'node:zlib'
import { batchesIn, recordsIn } from '../../src/kafka/recordBatches.ts'
import { unpackedBytesMax } from '../../src/kafka/unpack.ts'
import { encodeBatch, type BatchPlan, type RecordPlan } from '../fuzz/records/batch.ts'
import { codecs } from '../fuzz/records/codecs.ts'
import { crc32c } from '../fuzz/records/crc32c.ts'

const everything = { records: 1_000_000, bytes: 1_000_000_000 }

const recordOf = (value: string | null, more: Partial<RecordPlan> = {}): RecordPlan => ({
  key: Buffer.from('AAPL'),
  value: value === null ? null : Buffer.from(value),
  headers: [],
  timestamp: 1_000n,
  ...more,
})
const placed = (plan: BatchPlan, first: number): Buffer => {
  const bytes = encodeBatch(plan)
  bytes.writeBigInt64BE(BigInt(first), 0)
  return bytes
}
const valuesOf = (batch: Parameters<typeof recordsIn>[0], from = 0n) =>
  recordsIn(batch, from, everything).records.map(({ value }) => value?.toString() ?? null)

test.each([...codecs])('records come back as they were written, packed by %s', (codec) => {
  const headers = [
    [Buffer.from('a'), null],
    [Buffer.alloc(0), Buffer.from('b')],
  ] as const
  const records = [recordOf('one', { headers }), recordOf(null, { key: null }), recordOf('x'.repeat(100_000))]
  const [batch] = batchesIn(placed({ records, codec }, 7), 10n)
  expect(batch).toMatchObject({ firstOffset: 7n, last: 9n, unreadable: null, producerId: -1n })
  const { records: found, next } = recordsIn(batch!, 7n, everything)
  expect(next).toBeNull()
  expect(found.map(({ offset, value }) => [offset, value?.length])).toEqual([
    [7n, 3],
    [8n, undefined],
    [9n, 100_000],
  ])
  expect(found[0]!.headers.map(([name, value]) => [name?.toString(), value?.toString()])).toEqual([
    ['a', undefined],
    ['', 'b'],
  ])
  expect(found[1]!.key).toBeNull()
})

test('wherever a bit of it flips, a batch is unreadable, ends before the next one, and its neighbours are whole', () => {
  const batch = (first: number) => placed({ records: [recordOf('a'), recordOf('b'), recordOf('c')] }, first)
  const [before, middle, behind] = [batch(0), batch(3), batch(6)]
  // Before the checksum stand the offset, the length, the broker's own, and the format.
  const checksumAt = 17
  for (let bit = checksumAt * 8; bit < middle.length * 8; bit++) {
    const damaged = Buffer.from(middle)
    damaged[bit >> 3]! ^= 1 << (bit & 7)
    const found = batchesIn(Buffer.concat([before, damaged, behind]), 9n)
    expect(found.map(({ unreadable }) => unreadable?.split(':')[0] ?? null)).toEqual([null, 'it is damaged', null])
    expect(found[1]!.last).toBeLessThan(6n)
    expect(valuesOf(found[2]!)).toEqual(['a', 'b', 'c'])
  }
})

test('the last batch of a partition cannot reach beyond its end, whatever it says', () => {
  const damaged = placed({ records: [recordOf('a')] }, 3)
  damaged.writeInt32BE(1_000_000, 23)
  expect(batchesIn(damaged, 4n)[0]!.last).toBe(3n)
})

test('a batch of an older format is named, and a part of one at the end of an answer is left out', () => {
  const old = placed({ records: [recordOf('a')] }, 0)
  old[16] = 1
  const good = placed({ records: [recordOf('b')] }, 1)
  const found = batchesIn(Buffer.concat([old, good, good.subarray(0, 40)]), 9n)
  expect(found.map(({ unreadable }) => unreadable)).toEqual([
    'it has the format 1, of brokers before 0.11, and not 2',
    null,
  ])
})

test('a large batch is read part by part', () => {
  const records = Array.from({ length: 100 }, (_, i) => recordOf(String(i)))
  const [batch] = batchesIn(placed({ records, codec: 'gzip' }, 50), 150n)
  const found: string[] = []
  for (let next: bigint | null = 50n; next !== null;) {
    const part = recordsIn(batch!, next, { records: 7, bytes: 1_000_000 })
    found.push(...part.records.map(({ value }) => value!.toString()))
    next = part.next
  }
  expect(found).toEqual(records.map(({ value }) => value!.toString()))
  expect(recordsIn(batch!, 50n, { records: 1_000, bytes: 1 }).records).toHaveLength(1)
})

test.each(codecs.filter((codec) => codec !== 'none'))(
  'what %s unpacks to more than the bound is not unpacked',
  (codec) => {
    const [batch] = batchesIn(placed({ records: [recordOf('x'.repeat(unpackedBytesMax))], codec }, 0), 1n)
    expect(() => recordsIn(batch!, 0n, everything)).toThrow(`unpacks to more than ${unpackedBytesMax} bytes`)
  },
)

test('a batch whose records do not fit what it says is unreadable', () => {
  const records = [recordOf('a'), recordOf('b')]
  for (const [count, reason] of [
    [3, 'it ends within a record'],
    [1, 'it has more records than it says'],
  ] as const) {
    const [batch] = batchesIn(placed({ records, lies: { count } }, 0), 2n)
    expect(() => valuesOf(batch!)).toThrow(reason)
  }
  const cut = placed({ records }, 0)
  const packed = Buffer.concat([cut.subarray(0, 61), gzipSync(cut.subarray(61)).subarray(0, 30)])
  packed.writeInt32BE(packed.length - 12, 8)
  packed.writeInt16BE(1, 21)
  packed.writeUInt32BE(crc32c(packed.subarray(21)), 17)
  expect(() => valuesOf(batchesIn(packed, 2n)[0]!)).toThrow()
})
