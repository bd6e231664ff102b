// Proves: everything that happens to an order is on the topic of the log, in the order of its versions, over restarts and `kill -9` of
// the replica that publishes.

import { afterAll, expect, test } from '../support/explained.ts'
import { distinct } from '../support/identity.ts'
import type { Received } from '../support/kafka.ts'
import { startLoad } from '../support/load.ts'
import { becomeCopy } from '../support/logicalCopy.ts'
import { logIdsOf } from '../support/logRows.ts'
import { orderBody } from '../support/orderBody.ts'
import { runBinary, type RunningService } from '../support/service.ts'
import { until } from '../support/until.ts'
import { createWorld, tradeOf, type World } from '../support/world.ts'

const topic = `order-events-${crypto.randomUUID().slice(0, 8)}`
const env = { KAFKA_TOPIC_ORDER_EVENT: topic, RELAY_LEASE_MS: '1500' }
const worlds: World[] = []
const newWorld = async (): Promise<World> => {
  const world = await createWorld({ env: { ...env, KAFKA_TOPIC_ORDER_EVENT: `${topic}-${worlds.length}` } })
  worlds.push(world)
  return world
}
const topicOf = (world: World): string => world.env['KAFKA_TOPIC_ORDER_EVENT']!
afterAll(async () => {
  for (const world of worlds) {
    if (world.env['KAFKA_TOPIC_ORDER_EVENT'] !== undefined)
      await world.kafka.deleteTopics([topicOf(world)]).catch(() => undefined)
    await world[Symbol.asyncDispose]()
  }
})

const begun = (world: World) =>
  until(async () => (await world.sql`select from event_publication`).length > 0, { what: 'the publication has begun' })

type Value = { event: { orderId: string; version: number; kind: string }; order: Record<string, unknown> }
const valueOf = ({ value }: Received): Value => JSON.parse(value!) as Value

/** What the log has, as the ids of its messages. */
const logged = async (world: World): Promise<string[]> => (await logIdsOf(world)).toSorted()

/** All of the log, each message once, after the topic has it. */
const published = async (world: World): Promise<Received[]> => {
  const ids = await logged(world)
  await until(
    async () => {
      const there = new Set((await world.kafka.readAll(topicOf(world))).map(({ headers }) => headers['eventId']))
      return ids.every((id) => there.has(id))
    },
    { what: 'the topic has the whole log' },
  )
  const firsts = distinct(await world.kafka.readAll(topicOf(world)))
  expect(firsts.map(({ headers }) => headers['eventId']!).toSorted()).toEqual(ids)
  return firsts
}

/** By first occurrence, the versions of each order are 0, 1, 2 … */
const expectContiguous = (messages: readonly Received[]): void => {
  for (const [id, events] of Map.groupBy(messages.map(valueOf), ({ event }) => event.orderId))
    expect([id, ...events.map(({ event }) => event.version)]).toEqual([id, ...events.map((_, version) => version)])
}

test('an order from its acceptance to its end, with a restart amid it: key, headers, value', async () => {
  const world = await newWorld()
  let service = await world.start()
  await begun(world)
  const { json: order } = await service.post(orderBody({ quantity: 100 }))
  const id = String(order['id'])
  await world.publishTrades(tradeOf({ buyOrderId: id, quantity: 10 }))
  await world.tradesConsumed()
  await published(world)
  expect(await service.stop()).toBe(0)
  service = await world.start()
  await world.publishTrades(tradeOf({ buyOrderId: id, quantity: 90 }))
  await world.tradesConsumed()

  const messages = await published(world)
  expectContiguous(messages)
  expect(messages.map((message) => valueOf(message).event.kind)).toEqual(['ACCEPTED', 'FILLED', 'FILLED'])
  const last = messages.at(-1)!
  expect(last.key).toBe('AAPL')
  const { json: now } = await service.http(`/orders/${id}`)
  expect(valueOf(last).order).toEqual(now)
  expect(last.headers).toEqual({
    eventId: `${id}.2`,
    ce_id: `${id}.2`,
    ce_type: 'order.event.v1',
    ce_source: '/orders',
    ce_specversion: '1.0',
    ce_time: String(now['updatedAt']),
    'content-type': 'application/json',
  })
  // A repeat needs a fault, and a stop is none.
  expect(await world.kafka.readAll(topicOf(world))).toHaveLength(3)
  const metrics = await service.metrics()
  expect(metrics['orders_log_lease_held']).toBe(1)
  expect(metrics['orders_log_published_events_total']).toBe(1)
})

test('two replicas, and the one that publishes is killed under load: the other goes on, nothing is missing', async () => {
  const world = await newWorld()
  await using first = await world.start()
  await begun(world)
  await using second = await world.start()
  let alive = [first, second]
  const load = startLoad({ targets: () => alive, cancelEvery: 3 })
  await load.next(100)
  alive = [second]
  await first.kill()
  await load.next('one each', ({ status }) => status === 202)
  await load.next(100)
  await load.stop()
  const messages = await published(world)
  expectContiguous(messages)
  expect(await runBinary(['verify', '--topics'], world.env)).toMatchObject({ exitCode: 0 })
  // Quantities of a ticker grow with each order of its client, so the order of acceptance can be read off them.
  const acceptances = messages.filter((message) => valueOf(message).event.kind === 'ACCEPTED')
  for (const events of Map.groupBy(acceptances, ({ key }) => key).values()) {
    const quantities = events.map((message) => Number(valueOf(message).order['quantity']))
    expect(quantities).toEqual(quantities.toSorted((a, b) => a - b))
  }
  await until(async () => (await second.metrics())['orders_log_lease_held'] === 1, {
    what: 'the other holds the lease',
  })
})

test('tables that were copied to another cluster: what was not published there is published here, and nothing else again', async () => {
  const world = await newWorld()
  const off = { KAFKA_TOPIC_ORDER_EVENT: '' }
  const during = async (options: Record<string, string>, work: (service: RunningService) => Promise<unknown>) => {
    const service = await world.start({ env: options })
    await work(service)
    await service.stop()
  }
  const placeTwo = async (service: RunningService): Promise<void> => {
    const { json } = await service.post(orderBody())
    await service.post(orderBody())
    await service.http(`/orders/${String(json['id'])}/cancel`, { method: 'POST' })
  }
  await during({}, async (service) => {
    await begun(world)
    await placeTwo(service)
    await published(world)
  })
  await during(off, placeTwo)
  await becomeCopy(world.sql)
  // Nobody reads the log here: the start itself notices, before anything is written.
  await during(off, async (service) => {
    expect(await world.sql`select from log_epochs`).toHaveLength(2)
    await placeTwo(service)
  })
  await during({}, async () => {
    expectContiguous(await published(world))
  })
  expect(await runBinary(['verify', '--topics'], world.env)).toMatchObject({ exitCode: 0 })
  expect(await world.kafka.readAll(topicOf(world))).toHaveLength((await logged(world)).length)
})

test('a topic that takes single events, and not as many as were placed at once, has them all in their order', async () => {
  const world = await newWorld()
  await world.kafka.createTopics([topicOf(world)], { settings: { 'max.message.bytes': '20000' } })
  const service = await world.start()
  await begun(world)
  const { status, json } = await service.http('/orders/batch', {
    body: { orders: Array.from({ length: 50 }, () => orderBody()) },
  })
  expect(status).toBe(200)
  const ids = (json['results'] as { order: { id: string } }[]).map(({ order }) => order.id)
  const messages = await published(world)
  expect(messages.reduce((sum, { bytes }) => sum + bytes!.length, 0)).toBeGreaterThan(20_000)
  expect(messages.map((message) => valueOf(message).event.orderId)).toEqual(ids)
})

test('without the topic nothing of it runs', async () => {
  const world = await createWorld()
  worlds.push(world)
  const service = await world.start()
  await service.post(orderBody())
  await world.outboxEmpty()
  expect(await world.sql`select from event_publication`).toHaveLength(0)
  expect(Object.keys(await service.metrics()).filter((name) => name.startsWith('orders_log_'))).toEqual([])
  const { json } = await service.http('/actuator/health')
  expect(JSON.stringify(json)).not.toContain('orderEvents')
})
