// Proves: what the service writes as a record batch, the library's reader reads back the same, and a real broker takes it.

import { expect, test } from 'bun:test'
import { crc32c, Reader, readRecordsBatch } from '@platformatic/kafka'
import * as fc from 'fast-check'
import { produce } from '../../src/kafka/producer.ts'
import { encodeBatch, headerBlock, headerName, type OutRecord } from '../../src/kafka/records.ts'
import { ownTopics } from '../support/kafkaTopic.ts'

/** Sizes around the borders where a varint grows by a byte. */
const borderSizes = [0, 1, 62, 63, 64, 65, 127, 128, 8_190, 8_191, 8_192, 8_193]
const bytes = fc.oneof(
  fc.constant(null),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.uint8Array({ maxLength: 40 }).map((array) => Buffer.from(array)),
  fc.constantFrom(...borderSizes).map((size) => 'x'.repeat(size)),
)
const text = fc.string({ unit: 'binary', maxLength: 20 })
const timestamp = fc.oneof(
  fc.constantFrom(0n, 1n, 63n, 64n, 2n ** 31n, 2n ** 40n),
  fc.bigInt({ min: -(2n ** 62n), max: 2n ** 62n }),
)

type Plain = { key: string | Buffer | null; value: string | Buffer | null; timestamp: bigint }
type Case = Plain & { shared: Record<string, string> | null; headers: [string, string | Buffer | null][] }
const oneCase: fc.Arbitrary<Case> = fc.record({
  key: bytes,
  value: bytes,
  timestamp,
  shared: fc.option(fc.dictionary(text, text, { maxKeys: 3, noNullPrototype: true })),
  headers: fc.array(fc.tuple(text, bytes), { maxLength: 4 }),
})

const recordOf = ({ shared, headers, ...plain }: Case): OutRecord => ({
  ...plain,
  ...(shared === null ? {} : { shared: headerBlock(shared) }),
  headers: headers.map(([name, value]) => [headerName(name), value]),
})

/** As hexadecimal digits: they compare texts with bytes. */
const hex = (value: string | Uint8Array | null): string | null =>
  value === null ? null : Buffer.from(value as string).toString('hex')

const decoded = (batch: Buffer) => {
  const { records, firstTimestamp, ...head } = readRecordsBatch(Reader.from(batch))
  return {
    ...head,
    records: records.map(({ key, value, headers, timestampDelta, offsetDelta }) => ({
      key: hex(key),
      value: hex(value),
      headers: headers.map(([name, text]) => [hex(name), hex(text)]),
      timestamp: BigInt.asIntN(64, firstTimestamp + timestampDelta),
      offsetDelta,
    })),
  }
}

const asExpected = ({ key, value, shared, headers, timestamp }: Case, offsetDelta: number) => ({
  key: hex(key),
  value: hex(value),
  headers: [...Object.entries(shared ?? {}), ...headers].map(([name, text]) => [hex(name), hex(text)]),
  timestamp,
  offsetDelta,
})

const check = (cases: readonly Case[]): void => {
  const batch = encodeBatch(cases.map(recordOf))
  const { records, ...head } = decoded(batch)
  expect(records).toEqual(cases.map(asExpected))
  expect(head).toMatchObject({
    firstOffset: 0n,
    length: batch.length - 12,
    magic: 2,
    attributes: 0,
    lastOffsetDelta: cases.length - 1,
    maxTimestamp: cases.reduce((latest, one) => (one.timestamp > latest ? one.timestamp : latest), cases[0]!.timestamp),
    producerId: -1n,
    crc: crc32c(batch.subarray(21)) >>> 0,
  })
}

const plain: Case = { key: 'K', value: 'V', timestamp: 0n, shared: null, headers: [] }

test('any records', () => {
  fc.assert(fc.property(fc.array(oneCase, { minLength: 1, maxLength: 6 }), check), { numRuns: 500 })
})

test('nulls are the length −1 in one byte: the library would also read five', () => {
  const batch = encodeBatch([{ key: null, value: null, headers: [], timestamp: 0n }])
  expect(batch.subarray(61).toString('hex')).toBe('0c000000010100')
})

test('every size at the borders of varints, of a key, a value and a header', () => {
  for (const size of [...borderSizes, 1_048_575, 1_048_576]) {
    const big = 'x'.repeat(size)
    check([
      { ...plain, key: big },
      { ...plain, value: big },
      { ...plain, headers: [['h', big]] },
    ])
  }
})

test('as many records as make the offset of the last one longer', () => {
  for (const count of [64, 65, 128, 8_192, 8_193]) check(Array.from({ length: count }, () => plain))
})

test('a broker takes it, and gives the same back: nulls, empty texts, other scripts, headers twice', async () => {
  await using own = await ownTopics(1, { partitions: 1 })
  const [topic] = own.names as [string]
  const at = BigInt(Date.now())
  const cases: Case[] = [
    { key: null, value: null, timestamp: at, shared: null, headers: [] },
    { key: '', value: '', timestamp: at - 1n, shared: { a: 'b' }, headers: [['', '']] },
    { key: 'Ключ', value: '値🙂', timestamp: at + 5n, shared: { é: 'ü' }, headers: [['n', null], ['n', 'again']] }, // prettier-ignore
    { key: Buffer.from([0, 255]), value: 'x'.repeat(100_000), timestamp: at, shared: null, headers: [] },
  ]
  await produce(own.producer, { topic, partition: 0, records: cases.map(recordOf) })
  const found = await own.kafka.readAll(topic)
  expect(
    found.map(({ key, value, headerEntries }) => ({
      key,
      value,
      headers: headerEntries.map(([name, text]) => [hex(name), hex(text)]),
    })),
  ).toEqual(
    cases.map((one, offset) => ({
      key: one.key === null ? null : one.key.toString(),
      value: one.value === null ? null : one.value.toString(),
      headers: asExpected(one, offset).headers,
    })),
  )
})
