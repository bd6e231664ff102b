// Proves: the encoder of record batches agrees with two that did not learn from it: the library's decoder and a real broker.

import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { readRecordsBatch, Reader } from '@platformatic/kafka'
import { openKafka, type TestKafka } from '../../support/kafka.ts'
import { kafkaServer } from '../../support/servers.ts'
import { until } from '../../support/until.ts'
import { encodeBatch, type BatchPlan, type RecordPlan } from './batch.ts'
import { openBroker, type Broker } from './broker.ts'
import { codecs } from './codecs.ts'
import { crc32c } from './crc32c.ts'

const record = (changes: Partial<RecordPlan> = {}): RecordPlan => ({
  key: Buffer.from('AAPL'),
  value: Buffer.from('value '.repeat(10_000)),
  headers: [[Buffer.from('a'), Buffer.from('b')]],
  timestamp: 1_767_323_045_678n,
  ...changes,
})

const oddRecords: RecordPlan[] = [
  record(),
  record({ key: null, value: null, headers: [] }),
  record({ key: Buffer.alloc(0), value: Buffer.alloc(0), headers: [[Buffer.alloc(0), Buffer.alloc(0)]] }),
  record({ headers: [[Buffer.from('a'), null] as const, [Buffer.from('a'), Buffer.from([0xff, 0])] as const] }),
  record({ timestamp: -1n }),
  record({ timestamp: -62_135_596_800_000n }),
  record({ timestamp: 9_223_372_036_854_775_807n }),
  record({
    headers: Array.from({ length: 10_000 }, (_, i) => [Buffer.from(`h${i % 7}`), Buffer.from(`${i}`)] as const),
  }),
]

/** As a decoder has it. */
const decoded = ({ key, value, headers, attributes = 0 }: RecordPlan) => ({ key, value, headers, attributes })

test('the checksum is that of the standard', () => {
  expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283)
  expect(crc32c(Buffer.alloc(32))).toBe(0x8a9136aa)
})

describe.each(codecs.map((codec) => [codec] as const))('a batch in %s', (codec) => {
  test('means the same to the library', () => {
    const bytes = encodeBatch({
      records: oddRecords,
      codec,
      author: { id: 7n, epoch: 3, sequence: 5, transactional: true },
    })
    const batch = readRecordsBatch(Reader.from(bytes))
    expect(batch.length).toBe(bytes.length - 12)
    expect([batch.magic, batch.lastOffsetDelta, batch.producerId, batch.producerEpoch, batch.firstSequence]).toEqual([
      2,
      oddRecords.length - 1,
      7n,
      3,
      5,
    ])
    expect(batch.attributes & 0b11_0000).toBe(0b01_0000)
    expect(batch.records.map(({ key, value, headers, attributes }) => ({ key, value, headers, attributes }))).toEqual(
      oddRecords.map(decoded) as never,
    )
    expect(batch.records.map(({ timestampDelta }) => BigInt.asIntN(64, batch.firstTimestamp + timestampDelta))).toEqual(
      oddRecords.map(({ timestamp }) => timestamp),
    )
  })
})

describe('a broker', () => {
  let kafka: TestKafka
  let broker: Broker
  const topic = `encoder-${crypto.randomUUID().slice(0, 8)}`
  const farthest = '9223372036854775807'

  beforeAll(async () => {
    const { bootstrap } = await kafkaServer()
    kafka = openKafka(bootstrap)
    const settings = {
      'message.timestamp.before.max.ms': farthest,
      'message.timestamp.after.max.ms': farthest,
      'retention.ms': '-1',
      'segment.ms': farthest,
      'max.message.bytes': '4000000',
    }
    await kafka.createTopics([topic], { partitions: 1, settings })
    broker = await openBroker(bootstrap)
    await until(() => broker.ends(topic, 1), { what: 'the broker leads the partition' })
  })
  afterAll(async () => {
    broker.close()
    await kafka.deleteTopics([topic])
    await kafka.close()
  })

  const send = (plan: BatchPlan) => broker.produce({ topic, partition: 0 }, encodeBatch(plan))

  test.each(codecs.map((codec) => [codec] as const))('takes odd records in %s and gives them back', async (codec) => {
    const [before] = await broker.ends(topic, 1)
    expect(await send({ records: oddRecords, codec })).toEqual({ ok: true, value: before! })
    const found = (await kafka.read(topic)).filter(({ offset }) => offset >= before!)
    expect(found.map(({ bytes }) => bytes)).toEqual(oddRecords.map(({ value }) => value))
    expect(found.map(({ headerEntries }) => headerEntries)).toEqual(oddRecords.map(({ headers }) => headers) as never)
  })

  test.each<[string, BatchPlan]>([
    ['a header without a name', { records: [record({ headers: [[null, Buffer.from('x')]] })] }],
    ['a wrong checksum', { records: [record()], lies: { crc: 1 } }],
    ['a codec that there is not', { records: [record()], lies: { codecBits: 5 } }],
    ['a gap in the offsets', { records: [record(), record()], lies: { offsetDeltas: [0, 2] } }],
    ['more records than there are', { records: [record()], lies: { count: 2 } }],
    ['the bit of control records', { records: [record()], attributes: 1 << 5 }],
  ])('refuses %s', async (_, plan) => {
    expect(await send(plan)).toMatchObject({ ok: false })
  })

  test('ends transactions with a marker', async () => {
    const [before] = await broker.ends(topic, 1)
    for (const [i, name] of ['kept', 'dropped'].entries()) {
      const transaction = `${topic}-${name}`
      const producer = await until(
        async () => {
          const answer = await broker.initProducer(transaction, 60_000)
          return answer.ok && answer.value
        },
        { what: 'the coordinator of transactions answers' },
      )
      expect(await broker.addPartitions(transaction, producer, { topic, partitions: [0] })).toMatchObject({ ok: true })
      const batch = encodeBatch({ records: [record()], author: { ...producer, sequence: 0, transactional: true } })
      expect(await broker.produce({ topic, partition: 0, transaction }, batch)).toMatchObject({ ok: true })
      expect(await broker.endTransaction(transaction, producer, name === 'kept')).toMatchObject({ ok: true })
      // The answer comes before the marker.
      const end = before! + 2n * BigInt(i + 1)
      await until(async () => (await broker.ends(topic, 1))[0] === end, { what: 'the marker is there' })
    }
    const visible = (await kafka.read(topic)).map(({ offset }) => offset)
    expect(visible).toContain(before!)
    expect(visible).not.toContain(before! + 2n)
  })
})
