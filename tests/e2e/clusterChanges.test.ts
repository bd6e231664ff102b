// Proves: fills go on, each once, and a loss is reported, whatever the cluster does under a running service and whatever Kafka's
// format allows beside the messages: partitions are added, records deleted unread, transactions leave their marks, headers have
// no value. Everything goes through the compiled binary and the real broker.

import { openCluster, type Cluster } from '../support/cluster.ts'
import { afterAll, beforeAll, expect, test } from '../support/explained.ts'
import { orderBody } from '../support/orderBody.ts'
import { kafkaServer } from '../support/servers.ts'
import { runBinary, type RunningService } from '../support/service.ts'
import { until } from '../support/until.ts'
import { createWorld, tradeOf, type World } from '../support/world.ts'

let cluster: Cluster
beforeAll(async () => {
  cluster = openCluster((await kafkaServer()).bootstrap)
})
afterAll(() => cluster[Symbol.asyncDispose]())

const place = async (service: RunningService): Promise<string> =>
  String((await service.post(orderBody({ quantity: 1000 }))).json['id'])
const filled = async (service: RunningService, id: string): Promise<number> =>
  Number((await service.http(`/orders/${id}`)).json['filledQuantity'])
const fillOf = (id: string, quantity = 1): string => JSON.stringify(tradeOf({ buyOrderId: id, quantity }))
const untilFilled = (service: RunningService, id: string, quantity: number): Promise<unknown> =>
  until(async () => (await filled(service, id)) === quantity, { what: `${quantity} are filled` })
const rebuilds = async (service: RunningService): Promise<number> =>
  (await service.metrics())['orders_trades_consumer_rebuilds_total']!
const health = async (service: RunningService) =>
  (await service.http('/actuator/health')).json as {
    status: string
    components: { kafka: { status: string; details: Record<string, string> } }
  }

/** A world with one order and the service that fills it. */
const start = async (options: Parameters<typeof createWorld>[0] = {}) => {
  const world = await createWorld(options)
  const service = await world.start()
  return { world, service, id: await place(service), trades: world.topics.trades }
}
const ended = (world: World): AsyncDisposable => ({ [Symbol.asyncDispose]: () => world[Symbol.asyncDispose]() })

test('a header without a value, on any partition, holds up nothing', async () => {
  const { world, service, id, trades } = await start({ partitions: 6 })
  await using _ = ended(world)
  const odd = new Map([[Buffer.from('a'), null]])
  const before = await rebuilds(service)
  await cluster.publish(trades, [
    { value: fillOf(id), partition: 0, headers: odd },
    { value: 'no trade', partition: 1, headers: odd },
    { value: JSON.stringify(tradeOf({ buyOrderId: crypto.randomUUID() })), partition: 1, headers: odd },
  ])
  await cluster.publish(
    trades,
    Array.from({ length: 18 }, (_, n) => ({ value: fillOf(id), partition: n % 6 })),
  )
  await untilFilled(service, id, 19)
  await world.tradesConsumed()
  expect(await rebuilds(service)).toBe(before)
  const letters = await world.kafka.readUntil(world.topics.deadLetters, 2)
  expect(new Set(letters.map(({ headers }) => headers['x-disposition']))).toEqual(
    new Set(['MALFORMED', 'UNKNOWN_ORDER']),
  )
})

test('partitions that are added to the trade topic are read, by one replica and by two', async () => {
  const { world, service, id, trades } = await start({ partitions: 2 })
  await using _ = ended(world)
  await cluster.addPartitions(trades, 4)
  await cluster.publish(trades, [
    { value: fillOf(id), partition: 3 },
    { value: fillOf(id), partition: 0 },
  ])
  await untilFilled(service, id, 2)
  const second = await world.start()
  await cluster.addPartitions(trades, 7)
  await cluster.publish(
    trades,
    [4, 5, 6].map((partition) => ({ value: fillOf(id), partition })),
  )
  await untilFilled(second, id, 5)
  await world.tradesConsumed()
})

test('topics that are compacted are named in the log; one that the service creates is not, whatever the brokers do by default', async () => {
  const world = await createWorld({ partitions: 1 })
  await using _ = ended(world)
  const { trades, placed } = world.topics
  for (const topic of [trades, placed]) await cluster.setCompacted(topic)
  const created = `${world.name}.events`
  const service = await world.start({ env: { KAFKA_TOPIC_ORDER_EVENT: created } })
  const line = await service.logged('topics are compacted')
  expect(line).toMatchObject({ level: 'error', topics: [placed, trades] })
  expect(await cluster.cleanupOf(created)).toEqual({ policy: 'delete', own: true })
  await world.kafka.deleteTopics([created])
})

test('records that were deleted before they were read: said with both offsets, counted, kept, and found by verify', async () => {
  const { world, service: first, id, trades } = await start({ partitions: 2 })
  await using _ = ended(world)
  await cluster.publish(trades, [{ value: fillOf(id, 2), partition: 1 }])
  await untilFilled(first, id, 2)
  await world.tradesConsumed()
  await first.stop()
  await cluster.publish(
    trades,
    Array.from({ length: 5 }, () => ({ value: fillOf(id), partition: 1 })),
  )
  await cluster.deleteRecords(trades, 1, 6n)
  const service = await world.start()
  const line = await service.logged('deleted from the trade topic before they were read')
  expect(line).toMatchObject({ level: 'error', topic: trades, partition: 1, first: '1', next: '6' })
  await cluster.publish(trades, [{ value: fillOf(id, 3), partition: 1 }])
  await untilFilled(service, id, 5)
  expect((await service.metrics())['orders_trades_deleted_unread_messages_total']).toBe(5)
  const verified = await runBinary(['verify', '--topics'], world.env)
  expect(verified.exitCode).toBe(1)
  expect(verified.out).toContain(`${trades}-1-1`)
  expect(verified.out).toContain('5 messages deleted before they were read (offsets 1 to 5)')
  // Somebody looked into it, and says so: once.
  await world.sql`update trade_gaps set settled_by = 'ops', note = 'booked by hand'`
  const settled = await runBinary(['verify', '--topics'], world.env)
  expect({ exitCode: settled.exitCode, out: settled.out }).toMatchObject({ exitCode: 0 })
  expect(world.sql`update trade_gaps set settled_by = 'me', note = 'no'`).rejects.toThrow('can be settled, once')
  expect(world.sql`delete from trade_gaps`).rejects.toThrow('evidence')
})

test('records that were deleted unread while the group lost its offsets: said, counted, kept, and found by verify all the same', async () => {
  const { world, service: first, id, trades } = await start({ partitions: 2 })
  await using _ = ended(world)
  await cluster.publish(trades, [
    { value: fillOf(id, 2), partition: 1 },
    { value: fillOf(id), partition: 0 },
  ])
  await untilFilled(first, id, 3)
  await world.tradesConsumed()
  await first.stop()
  await cluster.publish(
    trades,
    Array.from({ length: 5 }, () => ({ value: fillOf(id), partition: 1 })),
  )
  await cluster.deleteRecords(trades, 1, 6n)
  // Of this partition everything that was deleted had been read.
  await cluster.deleteRecords(trades, 0, 1n)
  await cluster.deleteGroup(world.group)
  const service = await world.start()
  expect(await service.logged('the group lost its offset of a partition')).toMatchObject({ level: 'warn', kept: '1' })
  const line = await service.logged('deleted from the trade topic before they were read')
  expect(line).toMatchObject({ level: 'error', topic: trades, partition: 1, first: '1', next: '6' })
  await cluster.publish(trades, [
    { value: fillOf(id, 3), partition: 1 },
    { value: fillOf(id), partition: 0 },
  ])
  await untilFilled(service, id, 7)
  expect((await service.metrics())['orders_trades_deleted_unread_messages_total']).toBe(5)
  const gaps = await world.sql`select topic, kafka_partition, first_offset, next_offset from trade_gaps`
  expect([...gaps]).toMatchObject([{ topic: trades, kafka_partition: 1, first_offset: '1', next_offset: '6' }])
  const verified = await runBinary(['verify', '--topics'], world.env)
  expect(verified.exitCode).toBe(1)
  expect(verified.out).toContain('5 messages deleted before they were read (offsets 1 to 5)')
})

test('a group that is new on an old topic alarms nobody: it says where it begins', async () => {
  const world = await createWorld({ partitions: 1 })
  await using _ = ended(world)
  const { trades } = world.topics
  await cluster.publish(
    trades,
    Array.from({ length: 5 }, () => ({ value: fillOf(crypto.randomUUID()), partition: 0 })),
  )
  await cluster.deleteRecords(trades, 0, 3n)
  const service = await world.start()
  const line = await service.logged('nothing is known of what was read of a partition before')
  expect(line).toMatchObject({ level: 'info', topic: trades, partition: 0, start: '3' })
  const id = await place(service)
  await cluster.publish(trades, [{ value: fillOf(id), partition: 0 }])
  await untilFilled(service, id, 1)
  expect((await service.metrics())['orders_trades_deleted_unread_messages_total']).toBe(0)
  expect([...(await world.sql`select from trade_gaps`)]).toEqual([])
})

test('a quiet topic that ends with the mark of a transaction is read to its end, and nothing is built again', async () => {
  const { world, service, id, trades } = await start({ partitions: 1 })
  await using _ = ended(world)
  const before = await rebuilds(service)
  await cluster.transaction(trades, [{ value: fillOf(id), partition: 0 }], 'commit')
  await untilFilled(service, id, 1)
  // One message and the mark behind it.
  const committed = async (): Promise<bigint> => (await world.kafka.committed(world.group, trades))[0]!
  await until(async () => (await committed()) === 2n, { what: 'the offset behind the mark is committed' })
  await cluster.transaction(trades, [{ value: fillOf(id), partition: 0 }], 'abort')
  await until(async () => (await committed()) === 4n, { what: 'the offset behind an aborted transaction is committed' })
  expect(await filled(service, id)).toBe(1)
  expect((await service.metrics())[`orders_trades_lag_messages{topic="${trades}",partition="0"}`]).toBe(0)
  expect(await rebuilds(service)).toBe(before)
})

test('trades of aborted transactions are never applied, however many there are and however large', async () => {
  const world = await createWorld({ partitions: 1 })
  await using _ = ended(world)
  const trades = world.topics.trades
  const before = await world.start()
  const id = await place(before)
  await before.stop()
  // Several of one producer, so that one answer of the broker holds them all, with good ones between.
  for (let round = 0; round < 3; round++) {
    await cluster.transaction(trades, [{ value: fillOf(id, 100), partition: 0 }], 'abort')
    await cluster.transaction(trades, [{ value: fillOf(id), partition: 0 }], 'commit')
    await cluster.publish(trades, [{ value: fillOf(id), partition: 0 }])
  }
  // One whose end comes in a later answer than its beginning.
  const large = {
    value: JSON.stringify(tradeOf({ buyOrderId: id, quantity: 100, pad: 'x'.repeat(700_000) })),
    partition: 0,
  }
  await cluster.transaction(trades, [large, large, large, large, large, large], 'abort')
  await cluster.publish(trades, [{ value: fillOf(id), partition: 0 }])
  const service = await world.start()
  await untilFilled(service, id, 7)
  const end = (await world.kafka.read(trades)).at(-1)!.offset + 1n
  await until(async () => (await world.kafka.committed(world.group, trades))[0]! >= end, { what: 'all is committed' })
  expect(await filled(service, id)).toBe(7)
  const verified = await runBinary(['verify', '--topics'], world.env)
  expect({ exitCode: verified.exitCode, out: verified.out }).toMatchObject({ exitCode: 0 })
})

test('a transaction that is never ended holds up its partition alone, and health says so', async () => {
  const { world, service, id, trades } = await start({ partitions: 2 })
  await using _ = ended(world)
  const end = await cluster.openTransaction(trades, [{ value: fillOf(id), partition: 0 }])
  await cluster.publish(trades, [
    { value: fillOf(id), partition: 0 },
    { value: fillOf(id), partition: 1 },
  ])
  await untilFilled(service, id, 1)
  const { status, components } = await until(
    async () => {
      const now = await health(service)
      return now.status === 'DEGRADED' && now
    },
    { what: 'health says that a partition stands still' },
  )
  expect({ status, kafka: components.kafka.status }).toEqual({ status: 'DEGRADED', kafka: 'DEGRADED' })
  expect(components.kafka.details['tradesStandStill']).toMatch(
    /^partition 0: 2 messages wait for \d+ s: a transaction that began at offset 0/,
  )
  await end()
  await untilFilled(service, id, 3)
  await until(async () => (await health(service)).status === 'UP', { what: 'health is UP again' })
})

test('offsets of the group that are deleted: everything is read again and changes nothing', async () => {
  const { world, service: first, id, trades } = await start({ partitions: 2 })
  await using _ = ended(world)
  await cluster.publish(trades, [
    { value: fillOf(id), partition: 0 },
    { value: fillOf(id), partition: 1 },
  ])
  await untilFilled(first, id, 2)
  await world.tradesConsumed()
  await first.stop()
  await cluster.deleteGroup(world.group)
  const service = await world.start()
  await world.tradesConsumed()
  expect(await filled(service, id)).toBe(2)
  await cluster.publish(trades, [{ value: fillOf(id), partition: 0 }])
  await untilFilled(service, id, 3)
})

test('the trade topic is deleted and made anew: new trades are applied though fewer than before', async () => {
  const { world, service, id, trades } = await start({ partitions: 2 })
  await using _ = ended(world)
  for (let n = 0; n < 3; n++) await cluster.publish(trades, [{ value: fillOf(id), partition: 0 }])
  await untilFilled(service, id, 3)
  await world.tradesConsumed()
  await world.kafka.deleteTopics([trades])
  // The service makes what is missing.
  await until(async () => (await world.kafka.topicNames()).includes(trades), { what: 'the topic is there again' })
  // One trade, however often it takes to send it: an attempt may have arrived and said nothing.
  const value = fillOf(id)
  await until(() => cluster.publish(trades, [{ value, partition: 0 }]).then(() => true), {
    what: 'it is sent',
  })
  await untilFilled(service, id, 4)
  await until(async () => (await health(service)).status === 'UP', { what: 'health is UP' })
})
