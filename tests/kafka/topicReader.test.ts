// Proves: a topic is read from one offset to another on a real broker, and the reader leaves no trace there.

import { afterAll, beforeAll, expect, test } from 'bun:test'
import { Admin, Producer } from '@platformatic/kafka'
import { headerOf, openTopicReader, type TopicReader, type TopicRecord } from '../../src/kafka/topicReader.ts'
import { openKafka, type TestKafka } from '../support/kafka.ts'
import { kafkaServer } from '../support/servers.ts'
import { failureOf } from '../support/waiting.ts'

const group = `reader-${crypto.randomUUID().slice(0, 8)}`
let bootstrap: string
let kafka: TestKafka
let reader: TopicReader
let admin: Admin
const topics: string[] = []

beforeAll(async () => {
  bootstrap = (await kafkaServer()).bootstrap
  kafka = openKafka(bootstrap)
  admin = new Admin({ clientId: 'test', bootstrapBrokers: [bootstrap] })
  reader = openTopicReader({ bootstrapServers: [bootstrap], clientId: 'test', requestTimeoutMs: 10_000 }, group)
})
afterAll(async () => {
  await reader.close()
  await kafka.deleteTopics(topics)
  await Promise.all([kafka.close(), admin.close()])
})

const topic = async (partitions: number): Promise<string> => {
  const name = `reader-${crypto.randomUUID().slice(0, 8)}`
  topics.push(name)
  await kafka.createTopics([name], { partitions })
  return name
}
const readAll = async (
  ...[name, spans]: [string, Awaited<ReturnType<TopicReader['spans']>>]
): Promise<TopicRecord[]> => {
  const all: TopicRecord[] = []
  await reader.read(name, spans, async (records) => void all.push(...records))
  return all
}
const numbersOf = (records: readonly TopicRecord[]): number[] => records.map(({ value }) => Number(value))

test('gives every record once, in order within a partition, with key, headers and a tombstone as they are', async () => {
  const name = await topic(2)
  const [count, startedAt] = [3_000, Date.now()]
  // A request to several partitions is repeated whole when one of them has no leader yet.
  for (const partition of [0, 1])
    for (let i = 0; i < count / 2; i += 500)
      await kafka.publish(
        Array.from({ length: 500 }, (_, n) => ({
          topic: name,
          partition,
          key: 'k',
          value: `${i + n}`,
          headers: { h: 'v' },
        })),
      )
  await kafka.publish([{ topic: name, partition: 1, value: null }])
  const records = await readAll(name, await reader.spans(name))
  expect(records).toHaveLength(count + 1)
  for (const partition of [0, 1]) {
    const own = records.filter((record) => record.partition === partition)
    expect(own.map(({ offset }) => Number(offset))).toEqual(own.map((_, n) => n))
    const numbers = numbersOf(own.filter(({ value }) => value !== null))
    expect(numbers).toEqual(numbers.map((_, n) => n))
  }
  expect(records.find(({ value }) => value === null)).toMatchObject({ partition: 1, key: null })
  expect(headerOf(records[0]!, 'h')).toBe('v')
  expect(headerOf(records[0]!, 'x')).toBeNull()
  expect(records[0]!.publishedAtMs).toBeGreaterThanOrEqual(startedAt)
  expect(records[0]!.publishedAtMs).toBeLessThanOrEqual(Date.now())
})

test('hands over one partition at a time, so that many partitions take no more memory than one', async () => {
  const name = await topic(4)
  for (const partition of [0, 1, 2, 3]) await kafka.publish([{ topic: name, partition, value: `${partition}` }])
  const handed: number[][] = []
  await reader.read(name, await reader.spans(name), async (records) => void handed.push(numbersOf(records)))
  expect(handed).toEqual([[0], [1], [2], [3]])
})

test('keeps to its spans though brokers answer with whole batches', async () => {
  const name = await topic(1)
  await kafka.publish(Array.from({ length: 100 }, (_, n) => ({ topic: name, partition: 0, value: `${n}` })))
  expect(numbersOf(await readAll(name, [{ start: 40n, end: 43n }]))).toEqual([40, 41, 42])
  expect(await readAll(name, [{ start: 40n, end: 40n }])).toEqual([])
})

test('goes on with what is left when retention is faster', async () => {
  const name = await topic(1)
  await kafka.publish(Array.from({ length: 100 }, (_, n) => ({ topic: name, partition: 0, value: `${n}` })))
  const spans = await reader.spans(name)
  await admin.deleteRecords({ topics: [{ name, partitions: [{ partition: 0, offset: 90n }] }] })
  expect(numbersOf(await readAll(name, spans))).toEqual([90, 91, 92, 93, 94, 95, 96, 97, 98, 99])
  expect(await reader.spans(name)).toEqual([{ start: 90n, end: 100n }])
  await admin.deleteRecords({ topics: [{ name, partitions: [{ partition: 0, offset: 100n }] }] })
  expect(await readAll(name, spans)).toEqual([])
})

test('skips the marks of a transaction, and what was aborted', async () => {
  const name = await topic(1)
  const producer = new Producer({
    clientId: 'test',
    bootstrapBrokers: [bootstrap],
    idempotent: true,
    transactionalId: name,
  })
  for (const [value, commits] of [
    ['1', true],
    ['2', false],
    ['3', true],
  ] as const) {
    const transaction = await producer.beginTransaction()
    await transaction.send({ messages: [{ topic: name, partition: 0, value: Buffer.from(value) }] })
    await (commits ? transaction.commit() : transaction.abort())
  }
  await producer.close()
  expect(numbersOf(await readAll(name, await reader.spans(name)))).toEqual([1, 3])
})

test('leaves the group alone: it is not even made', async () => {
  const name = await topic(2)
  await kafka.publish([{ topic: name, partition: 0, value: '1' }])
  await readAll(name, await reader.spans(name))
  expect(await reader.committed(name, 2)).toEqual([null, null])
  expect([...(await admin.listGroups()).keys()]).not.toContain(group)
})

test('a topic that is not there is named', async () => {
  expect(await failureOf(reader.spans('nobody.made.this'))).toMatchObject({
    message: 'the topic nobody.made.this does not exist',
  })
})
