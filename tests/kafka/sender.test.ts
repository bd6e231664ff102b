// Proves: against the real broker: what the broker refuses is found without delaying or reordering what it takes.

import { expect, test } from 'bun:test'
import type { BatchProducer } from '../../src/kafka/batchProducer.ts'
import { PartitionUnavailable } from '../../src/kafka/blame.ts'
import { createProducer } from '../../src/kafka/client.ts'
import { partitionOf } from '../../src/kafka/partition.ts'
import { createSender } from '../../src/kafka/sender.ts'
import { eventOrder, type OutboxEvent } from '../../src/store/outbox.ts'
import { aPlacement, amount } from '../support/builders.ts'
import type { Received } from '../support/kafka.ts'
import { ownTopics, type OwnTopics } from '../support/kafkaTopic.ts'
import { quietLog } from '../support/quietLog.ts'

const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
const hourMs = 3_600_000
let positions = 0n

const event = (
  ticker: string,
  { large = false, ...members }: { large?: boolean } & Partial<Pick<OutboxEvent, 'kind' | 'readAt'>> = {},
): OutboxEvent => {
  const small = amount('1')
  const most = amount('999999999999.99999999')
  const { order, event } = aPlacement({ ticker, quantity: large ? most : small, price: large ? most : small })
  return {
    position: ++positions,
    eventId: event.eventId,
    kind: 'PLACED',
    occurredAt: order.createdAt,
    readAt: new Date(),
    waitedMs: 0,
    traceparent: large ? traceparent : null,
    shard: 0,
    order: eventOrder(order),
    ending: null,
    ...members,
  }
}

const open = async (settings: Record<string, string> = {}) => {
  const own = await ownTopics(2, { partitions: 2, settings })
  const [placed, cancelled] = own.names as [string, string]
  const topics = { PLACED: placed, CANCELLED: cancelled }
  const { log, lines } = quietLog()
  const sender = createSender({ producer: own.producer, topics, ceSource: '/orders', log })
  return { own, lines, placed, cancelled, sender }
}

const eventIds = (events: readonly OutboxEvent[]): string[] => events.map(({ eventId }) => eventId)
const seenOn = async (own: OwnTopics, topic: string): Promise<string[]> =>
  (await own.kafka.read(topic)).map((message: Received) => message.headers['eventId']!)

test('events of one partition stand there in their order, each kind on its own topic', async () => {
  const { own, placed, cancelled, sender } = await open()
  await using _ = own
  const events = Array.from({ length: 300 }, (_, n) => event(`T${n % 5}`))
  const cancels = [event('T1', { kind: 'CANCELLED' })]
  expect(await sender.partitions()).toEqual({ PLACED: 2, CANCELLED: 2 })
  expect(await sender.send('PLACED', 1, events)).toEqual({ acked: events, failed: new Map() })
  expect(await sender.send('CANCELLED', 0, cancels)).toEqual({ acked: cancels, failed: new Map() })
  expect(await seenOn(own, placed)).toEqual(eventIds(events))
  expect(new Set((await own.kafka.read(placed)).map(({ partition }) => partition))).toEqual(new Set([1]))
  expect(await seenOn(own, cancelled)).toEqual(eventIds(cancels))
})

test('if a ticker has a record that is too large, it stops there; all others are sent in their order', async () => {
  const { own, placed, sender } = await open({ 'max.message.bytes': '600' })
  await using _ = own
  const events = Array.from({ length: 61 }, (_, n) => event(n % 4 === 0 ? 'BAD' : `T${n % 3}`, { large: n === 32 }))
  const { acked, failed } = await sender.send('PLACED', 0, events)
  expect([...failed.keys()]).toEqual(['BAD'])
  // What stands before the large record went out; nothing of the ticker after it.
  const expected = events.filter((each, n) => each.order.ticker !== 'BAD' || n < 32)
  expect(eventIds(acked)).toEqual(eventIds(expected))
  expect(await seenOn(own, placed)).toEqual(eventIds(expected))
})

test('every record too large: every ticker fails, nothing is on the topic', async () => {
  const { own, placed, sender } = await open({ 'max.message.bytes': '100' })
  await using _ = own
  const { acked, failed } = await sender.send('PLACED', 0, [event('A'), event('B'), event('A')])
  expect(acked).toEqual([])
  expect([...failed.keys()].toSorted()).toEqual(['A', 'B'])
  expect(await seenOn(own, placed)).toEqual([])
})

test('without a broker the whole batch fails by ticker, and nothing is thrown', async () => {
  const producer = createProducer({ bootstrapServers: ['127.0.0.1:1'], clientId: 'test', requestTimeoutMs: 1_000 })
  const topics = { PLACED: 'p', CANCELLED: 'c' }
  const sender = createSender({ producer, topics, ceSource: '/orders', log: quietLog().log })
  const { acked, failed } = await sender.send('PLACED', 0, [event('A'), event('B')])
  expect(acked).toEqual([])
  expect([...failed.keys()]).toEqual(['A', 'B'])
  expect(sender.partitions()).rejects.toThrow()
  await producer.close()
})

test('a topic of which nobody can say anything any more holds up none of the others', async () => {
  const counts = new Map([
    ['p', 3],
    ['c', 2],
  ])
  const away = () => new PartitionUnavailable('nobody knows')
  const producer: BatchProducer = {
    partitionsOf: (topic) => (counts.has(topic) ? Promise.resolve(counts.get(topic)!) : Promise.reject(away())),
    send: ({ topic }) => (counts.has(topic) ? Promise.resolve() : Promise.reject(away())),
    close: () => Promise.resolve(),
  }
  const topics = { PLACED: 'p', CANCELLED: 'c' }
  const sender = createSender({ producer, topics, ceSource: '/orders', log: quietLog().log })
  counts.delete('c')
  // Nobody has ever said how many partitions it has.
  expect(sender.partitions()).rejects.toThrow(PartitionUnavailable)
  counts.set('c', 2)
  expect(await sender.partitions()).toEqual({ PLACED: 3, CANCELLED: 2 })
  counts.delete('c')
  counts.set('p', 4)
  expect(await sender.partitions()).toEqual({ PLACED: 4, CANCELLED: 2 })
  const events = [event('A')]
  expect(await sender.send('PLACED', 0, events)).toEqual({ acked: events, failed: new Map() })
  expect([...(await sender.send('CANCELLED', 1, [event('B', { kind: 'CANCELLED' })])).failed.keys()]).toEqual(['B'])
  counts.delete('p')
  expect(sender.partitions()).rejects.toThrow(PartitionUnavailable)
})

test('a key goes to the partition of the Java client', () => {
  // murmur2 of Apache Kafka's UtilsTest: "21" is -973932308, "foobar" -790332482.
  expect(partitionOf('21', 7)).toBe(((-973_932_308 & 0x7fffffff) >>> 0) % 7)
  expect(partitionOf('foobar', 7)).toBe(((-790_332_482 & 0x7fffffff) >>> 0) % 7)
})

test('a record is stamped with the time of its read, not with one of our own clock', async () => {
  const { own, placed, sender } = await open()
  await using _ = own
  const readAt = new Date('2026-01-02T03:04:05.678Z')
  await sender.send('PLACED', 0, [event('AAPL', { readAt })])
  expect((await own.kafka.read(placed)).map(({ appendedAt }) => appendedAt)).toEqual([BigInt(readAt.getTime())])
})

test('if the clock of the database is one that the broker refuses, ahead or behind, the record has no time', async () => {
  const { own, lines, placed, sender } = await open({
    'message.timestamp.after.max.ms': String(hourMs),
    'message.timestamp.before.max.ms': String(hourMs),
  })
  await using _ = own
  for (const offMs of [2 * hourMs, -2 * hourMs, 0]) {
    const readAt = new Date(Date.now() + offMs)
    const events = [event('A', { readAt }), event('B', { readAt })]
    expect(await sender.send('PLACED', 0, events)).toEqual({ acked: events, failed: new Map() })
    const stamp = offMs === 0 ? BigInt(readAt.getTime()) : -1n
    expect((await own.kafka.read(placed)).slice(-2).map(({ appendedAt }) => appendedAt)).toEqual([stamp, stamp])
  }
  expect(lines).toMatchObject([{ level: 'error', topic: placed, error: expect.stringContaining('INVALID_TIMESTAMP') }])
})
