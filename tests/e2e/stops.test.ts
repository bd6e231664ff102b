// Proves: through the binary, a stop waits unknown to the engine until a trade of its ticker meets its price, and then goes there exactly once,
// in the order of the trades, over redelivery, two replicas and a kill; its history, the stream and `verify` agree.

import { join } from 'node:path'
import { crashingBinary } from '../support/binary.ts'
import { openEventStream } from '../support/eventStream.ts'
import { expect, test } from '../support/explained.ts'
import { orderBody } from '../support/orderBody.ts'
import { placeOrder } from '../support/placeOrder.ts'
import { temporaryDir } from '../support/servers.ts'
import { runBinary, type RunningService } from '../support/service.ts'
import { until } from '../support/until.ts'
import { createWorld, tradeOf, type World } from '../support/world.ts'

type StopMembers = Record<string, unknown>
const stopBody = (members: StopMembers): StopMembers => ({
  type: 'STOP',
  side: 'SELL',
  price: undefined,
  stopPrice: 100,
  ...members,
})
const placeStop = (service: RunningService, members: StopMembers = {}) => placeOrder(service, stopBody(members))
/** A trade between orders of others, now. */
const foreign = (price: number, members: Record<string, unknown> = {}) =>
  tradeOf({
    buyOrderId: crypto.randomUUID(),
    sellOrderId: crypto.randomUUID(),
    price,
    timestamp: new Date().toISOString(),
    ...members,
  })
const orderOf = async (service: RunningService, id: string) => (await service.http(`/orders/${id}`)).json
const historyOf = async (service: RunningService, id: string) =>
  (await service.http(`/orders/${id}/events`)).json['events'] as Record<string, unknown>[]
type Placement = { eventId: string; key: string; value: Record<string, unknown> }
const placements = async (world: World): Promise<Placement[]> =>
  (await world.kafka.readAll(world.topics.placed)).map(({ headers, key, value }) => ({
    eventId: headers['eventId']!,
    key: key!,
    value: JSON.parse(value!) as Record<string, unknown>,
  }))
/** Without the repeats that any sender may make. */
const placedIds = async (world: World): Promise<string[]> => [
  ...new Set((await placements(world)).map(({ value }) => String(value['orderId']))),
]
const eventIdOf = (orderId: string): string => `${orderId.slice(0, 14)}8${orderId.slice(15)}`
const sound = async (world: World): Promise<void> => {
  const { out, exitCode } = await runBinary(['verify', '--topics'], world.env)
  expect([exitCode, out]).toEqual([0, expect.stringContaining(' 0 violations')])
}
/** No stop may be triggered by a trade that was read too late for it. */
const env = { STOP_TRADE_TOLERANCE_MS: '600000' }

test('a stop waits, triggers by a trade of others, and is published as what it has become', async () => {
  await using world = await createWorld({ partitions: 1, env })
  const service = await world.start()
  const stream = await openEventStream(`${service.url}/orders/stream`)
  await stream.seen(({ event }) => event === 'live', 'the stream is live')
  const [market, limit, canceled] = [
    await placeStop(service),
    await placeStop(service, { type: 'STOP_LIMIT', price: 99.5, side: 'BUY', timeInForce: 'DAY' }),
    await placeStop(service),
  ]
  const plain = await placeOrder(service)
  await service.http(`/orders/${canceled}`, { method: 'DELETE' })
  await world.publishTrades(foreign(500, { ticker: 'ELSE' }), foreign(100.5, { price: 'no price' }))
  await world.tradesConsumed()
  await world.outboxEmpty()
  expect(await placedIds(world)).toEqual([plain])
  expect(await world.kafka.read(world.topics.cancelled)).toEqual([])
  expect(await orderOf(service, market)).toMatchObject({ status: 'NEW', stopPrice: 100, triggeredAt: null, version: 0 })
  expect(await orderOf(service, canceled)).toMatchObject({ status: 'CANCELED', triggeredAt: null, version: 1 })

  await world.publishTrades(foreign(100))
  await world.tradesConsumed()
  await world.outboxEmpty()
  expect(await placedIds(world)).toEqual([plain, market, limit])
  for (const [id, type, price] of [
    [market, 'MARKET', null],
    [limit, 'LIMIT', 99.5],
  ] as const) {
    const order = await orderOf(service, id)
    expect(order).toMatchObject({ status: 'NEW', version: 1, triggeredAt: expect.any(String) })
    const { eventId, key, value } = (await placements(world)).find((placed) => placed.value['orderId'] === id)!
    expect([eventId, key]).toEqual([eventIdOf(id), 'AAPL'])
    expect(value).toMatchObject({ type, price, timeInForce: 'GTC', timestamp: order['triggeredAt'] })
    expect(Object.keys(value)).not.toContain('stopPrice')
    const [accepted, triggered, ...none] = await historyOf(service, id)
    expect(accepted).toMatchObject({ kind: 'ACCEPTED', version: 0 })
    expect(triggered).toMatchObject({
      kind: 'TRIGGERED',
      version: 1,
      status: 'NEW',
      at: order['triggeredAt'],
      cause: { kind: 'trigger', topic: world.topics.trades, partition: 0, offset: '2' },
    })
    expect(none).toEqual([])
    const seen = await stream.seen(
      ({ data }) =>
        (data as { event?: { orderId: string; kind: string } } | undefined)?.event?.kind === 'TRIGGERED' &&
        (data as { event: { orderId: string } }).event.orderId === id,
      'the trigger',
    )
    expect(seen.data).toMatchObject({ order: { id, triggeredAt: order['triggeredAt'], version: 1 } })
  }
  // Now an engine has to be told.
  await service.http(`/orders/${limit}/cancel`, { method: 'POST' })
  await world.outboxEmpty()
  expect(await world.kafka.read(world.topics.cancelled)).toHaveLength(1)
  const metrics = await service.metrics()
  expect(metrics['orders_stops_triggered_total']).toBe(2)
  expect(metrics['orders_stops_trigger_duration_seconds_count']).toBe(2)
  stream.close()
  await sound(world)
})

test('the order on the topic is that of the trades: 100, 95, 102; and before the orders that were accepted later', async () => {
  await using world = await createWorld({ partitions: 1, env })
  const service = await world.start()
  const ids = []
  for (const [side, stopPrice] of [
    ['BUY', 102],
    ['SELL', 95],
    ['SELL', 98],
    ['SELL', 101],
    ['BUY', 100],
    ['BUY', 99],
  ] as const)
    ids.push(await placeStop(service, { side, stopPrice }))
  const [buy102, sell95, sell98, sell101, buy100, buy99] = ids as [string, string, string, string, string, string]
  await world.publishTrades(foreign(100), foreign(95), foreign(102))
  await until(async () => (await orderOf(service, buy102))['triggeredAt'] !== null, { what: 'the last is triggered' })
  const later = await placeOrder(service)
  await world.outboxEmpty()
  expect(await placedIds(world)).toEqual([sell101, buy99, buy100, sell98, sell95, buy102, later])
  await sound(world)
})

test('a kill between the trigger and the offset: the trades come again, each stop goes out once', async () => {
  await using world = await createWorld({ env })
  const log = join(temporaryDir('crash'), 'points.log')
  const crash = { ORDERS_TEST_CRASH: 'after-trigger-before-offset@1', ORDERS_TEST_CRASH_LOG: log }
  const service = await world.start({ env: crash, command: [await crashingBinary(), 'serve'] })
  const ids = await Promise.all(Array.from({ length: 620 }, (_, n) => placeStop(service, { stopPrice: 100 + n / 100 })))
  await world.publishTrades(foreign(100), foreign(90))
  await service.exited
  const [row] = await world.sql`select count(*)::integer as n from orders where triggered_at is not null`
  // One portion is through, the rest is not.
  expect(row!['n']).toBe(500)
  expect((await world.kafka.committed(world.group, world.topics.trades)).every((offset) => offset <= 0n)).toBe(true)
  await world.start()
  await world.tradesConsumed()
  await world.outboxEmpty()
  const published = await placements(world)
  expect(new Set(published.map(({ eventId }) => eventId))).toEqual(new Set(ids.map(eventIdOf)))
  expect(await world.sql`select from order_changes where kind = 'TRIGGERED'`).toHaveLength(ids.length)
  await sound(world)
})

test('two replicas, one of which joins under way and one of which is killed: each stop goes out once', async () => {
  await using world = await createWorld({ env: { ...env, RELAY_LEASE_MS: '1000' } })
  const first = await world.start()
  const tickers = Array.from({ length: 6 }, (_, n) => `T${n}`)
  const ids = await Promise.all(
    Array.from({ length: 240 }, (_, n) =>
      placeStop(first, { ticker: tickers[n % 6], side: 'BUY', stopPrice: 100 + Math.floor(n / 6) }),
    ),
  )
  const trade = async (from: number, to: number) => {
    for (let price = from; price < to; price++)
      await world.publishTrades(...tickers.map((ticker) => foreign(price, { ticker })))
  }
  await trade(100, 115)
  const second = await world.start()
  await trade(115, 128)
  await first.kill()
  await trade(128, 140)
  await world.tradesConsumed()
  await world.outboxEmpty()
  expect((await placedIds(world)).toSorted()).toEqual(ids.toSorted())
  expect(await world.sql`select from order_changes where kind = 'TRIGGERED'`).toHaveLength(ids.length)
  for (const ticker of tickers) {
    const own = (await placements(world)).filter(({ key }) => key === ticker).map(({ eventId }) => eventId)
    // By first occurrence, in the order of the trades, which is that of the prices.
    expect([...new Set(own)]).toEqual(ids.filter((_, n) => tickers[n % 6] === ticker).map(eventIdOf))
  }
  await second.stop()
  await sound(world)
})

test('of a cancel, an expiry and a trigger at one moment each stop ends in one way, and the topics agree', async () => {
  await using world = await createWorld({ partitions: 1, env: { ...env, EXPIRY_SETTLE_MS: '100' } })
  const service = await world.start()
  const perRound = 60
  for (let round = 0; round < 3; round++) {
    const expiresAt = new Date(Date.now() + 3_000).toISOString()
    const ids = await Promise.all(
      Array.from({ length: perRound }, (_, n) =>
        placeStop(service, {
          ticker: `R${round}`,
          side: 'BUY',
          stopPrice: 1 + n,
          ...(n % 2 === 0 && { timeInForce: 'GTD', expiresAt }),
        }),
      ),
    )
    await Bun.sleep(Math.max(0, Date.parse(expiresAt) - Date.now() - 20))
    const cancels = ids.filter((_, n) => n % 3 === 0).map((id) => service.http(`/orders/${id}`, { method: 'DELETE' }))
    for (let price = 1; price <= perRound; price += 2)
      await world.publishTrades(foreign(price, { ticker: `R${round}` }))
    await Promise.all(cancels)
  }
  await world.tradesConsumed()
  await until(async () => (await world.sql`select from orders where open and expires_at is not null`).length === 0, {
    what: 'all that have an end have ended',
  })
  await world.outboxEmpty()
  const rows = await world.sql<{ id: string; kinds: string[] }[]>`
    select o.id, coalesce(array_agg(c.kind order by c.version) filter (where c.kind is not null), '{}') as kinds
    from orders o left join order_changes c on c.order_id = o.id group by o.id`
  const placed = new Set(await placedIds(world))
  const told = new Set((await world.kafka.read(world.topics.cancelled)).map(({ value }) => JSON.parse(value!).orderId))
  const ways = new Set(rows.map(({ kinds }) => kinds.join(' then ')))
  const lawful = ['', 'TRIGGERED', 'CANCELED', 'EXPIRED', 'TRIGGERED then CANCELED', 'TRIGGERED then EXPIRED']
  expect([...ways].filter((way) => !lawful.includes(way))).toEqual([])
  // Each of them has won somewhere.
  for (const kind of ['TRIGGERED', 'CANCELED', 'EXPIRED'])
    expect([...ways].some((way) => way.startsWith(kind))).toBe(true)
  for (const { id, kinds } of rows) {
    const isTriggered = kinds.includes('TRIGGERED')
    expect([id, placed.has(id), told.has(id)]).toEqual([id, isTriggered, isTriggered && kinds.length === 2])
  }
  await sound(world)
})

test('a trade that an operator sends again triggers nothing, and one older than the tolerance neither', async () => {
  await using world = await createWorld({ env: { STOP_TRADE_TOLERANCE_MS: '1500' } })
  const service = await world.start()
  const id = await placeStop(service)
  const value = JSON.stringify(foreign(100))
  await world.kafka.publish([
    { topic: world.topics.trades, key: 'AAPL', value, headers: { 'x-redriven-from': crypto.randomUUID() } },
  ])
  await world.publishTrades(foreign(100, { timestamp: new Date(Date.now() - 3_600_000).toISOString() }))
  await world.tradesConsumed()
  expect(await orderOf(service, id)).toMatchObject({ triggeredAt: null })
  await world.publishTrades(foreign(100, { timestamp: new Date(Date.now() + 1_000).toISOString() }))
  await world.tradesConsumed()
  expect(await orderOf(service, id)).toMatchObject({ triggeredAt: expect.any(String) })
})

test('while a replica of an older version is alive, no stop is taken, and health says which ones are in danger', async () => {
  await using world = await createWorld({ env })
  const service = await world.start()
  await placeStop(service)
  await world.sql`insert into replicas (id, seen_at) values (gen_random_uuid(), clock_timestamp() + interval '1 hour')`
  await until(async () => (await service.post(orderBody(stopBody({})))).status === 503, { what: 'a stop is refused' })
  const { json } = await service.post(orderBody(stopBody({})))
  expect(json).toMatchObject({ code: 'OVERLOADED', detail: expect.stringContaining('no stop is taken') })
  await placeOrder(service)
  await service.logged('stops wait, and a replica of an older version is alive')
  const health = await service.http('/actuator/health')
  expect(health.json).toMatchObject({
    status: 'DEGRADED',
    components: { kafka: { status: 'DEGRADED', details: { stops: expect.stringContaining('new stops are refused') } } },
  })
  const metrics = await service.metrics()
  expect(metrics['orders_stops_waiting']).toBeGreaterThanOrEqual(1)
  expect(metrics['orders_replicas_without_stops']).toBe(1)
  await world.sql`delete from replicas where version is null`
  await until(async () => (await service.post(orderBody(stopBody({})))).status === 202, { what: 'stops are taken' })
})
