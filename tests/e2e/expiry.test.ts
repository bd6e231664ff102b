// Proves: orders end by the clock in the compiled binary: the engine is told at the instant by the database's clock, fills that reach the topic
// in time count however late they are read, over a broker that is away, a replica that dies, a clock that jumps and a letter that cannot be
// written; a close with very many orders does not hold up placing.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startKafka } from '../stack/kafka.ts'
import { freePort } from '../stack/ports.ts'
import { describe, expect, test } from '../support/explained.ts'
import { placeOrder } from '../support/placeOrder.ts'
import { temporaryDir } from '../support/servers.ts'
import { runBinary, type RunningService } from '../support/service.ts'
import { skewedClock } from '../support/skewedClock.ts'
import { until } from '../support/until.ts'
import { createWorld, tradeOf, type World } from '../support/world.ts'

const ahead = (ms: number): string => new Date(Date.now() + ms).toISOString()
const gtd = (ms: number, members: Record<string, unknown> = {}) => ({
  timeInForce: 'GTD',
  expiresAt: ahead(ms),
  ...members,
})

type Seen = { status: string; filledQuantity: number; reason: { code: string } | null; expiresAt: string | null }
const orderAt = async (service: RunningService, id: string): Promise<Seen> =>
  (await service.http(`/orders/${id}`)).json as unknown as Seen
const ended = (service: RunningService, id: string, status: string): Promise<Seen> =>
  until(
    async () => {
      const order = await orderAt(service, id)
      return order.status === status && order
    },
    { what: `the order is ${status}` },
  )
/** The cancellations of this order on the topic, once there is one. */
const told = async (world: World, id: string) => {
  const isOurs = (value: string | null): boolean => value !== null && JSON.parse(value).orderId === id
  const messages = await world.kafka.readUntil(world.topics.cancelled, (all) => all.some(({ value }) => isOurs(value)))
  return messages.filter(({ value }) => isOurs(value)).map(({ value }) => JSON.parse(value!))
}

describe('an order of a day', () => {
  test('goes out as GTC, is told at the close, and follows the trade topic', async () => {
    const close = new Date(Date.now() + 65_000)
    const env = { SESSION_CLOSE: close.toISOString().slice(11, 16) }
    await using world = await createWorld({ env })
    const service = await world.start()
    const id = await placeOrder(service, { timeInForce: 'DAY' })
    const [placed] = await world.kafka.readUntil(world.topics.placed, 1)
    expect(JSON.parse(placed!.value!)).toMatchObject({ orderId: id, timeInForce: 'GTC' })
    const { expiresAt } = await orderAt(service, id)
    expect(expiresAt).toBe(`${close.toISOString().slice(0, 16)}:00.000Z`)
    await world.publishTrades(tradeOf({ buyOrderId: id, quantity: 40 }))
    const [cancellation, ...more] = await told(world, id)
    expect(more).toEqual([])
    expect(cancellation).toMatchObject({ filledQuantity: 40, reason: { code: 'EXPIRED_DAY' } })
    expect(Date.parse(String(cancellation.timestamp))).toBeGreaterThanOrEqual(Date.parse(expiresAt!))
    // The engine had this one before it read the cancellation.
    await world.publishTrades(tradeOf({ buyOrderId: id, quantity: 10 }))
    expect(await ended(service, id, 'EXPIRED')).toMatchObject({
      filledQuantity: 50,
      reason: { code: 'EXPIRED_DAY' },
    })
    const { json } = await service.http(`/orders/${id}/events`)
    expect(json['events']).toMatchObject([
      { kind: 'ACCEPTED' },
      { kind: 'FILLED' },
      { kind: 'FILLED' },
      { kind: 'EXPIRED', reason: { code: 'EXPIRED_DAY' }, cause: { kind: 'expiry' } },
    ])
    expect(await runBinary(['verify'], world.env)).toMatchObject({ exitCode: 0 })
  })

  test('takes its close from a file of holidays that the start has to be able to read', async () => {
    const path = join(temporaryDir('holidays'), 'holidays')
    const day = new Date().toISOString().slice(0, 10)
    writeFileSync(path, `${day}\n`)
    await using world = await createWorld({ env: { SESSION_HOLIDAYS_FILE: path } })
    const service = await world.start()
    const id = await placeOrder(service, { timeInForce: 'DAY' })
    const dayAfterNext = new Date(Date.parse(`${day}T00:00:00Z`) + 2 * 86_400_000).toISOString()
    expect((await orderAt(service, id)).expiresAt).toBe(dayAfterNext)
    writeFileSync(path, 'no date\n')
    const { exitCode, err } = await runBinary(['serve'], world.env)
    expect(exitCode).toBe(2)
    expect(err).toContain('SESSION_HOLIDAYS_FILE: the file cannot be used: line 1')
    await Bun.sleep(1_100)
    const next = await placeOrder(service, { timeInForce: 'DAY' })
    expect((await orderAt(service, next)).expiresAt).toBe(dayAfterNext)
    await service.logged('SESSION_HOLIDAYS_FILE: the file cannot be used; what was read before stays in force')
  })
})

test('Kafka away over the instant: nothing ends until it is back', async () => {
  const place = { dataDir: temporaryDir('kafka'), port: await freePort() }
  let kafka = await startKafka(place)
  try {
    await using world = await createWorld({ kafkaAt: kafka.bootstrap, env: { KAFKA_REQUEST_TIMEOUT_MS: '3000' } })
    const service = await world.start()
    const [filled, partly, rest] = [
      await placeOrder(service, gtd(10_000)),
      await placeOrder(service, gtd(10_000)),
      await placeOrder(service, gtd(10_000, { ticker: 'MSFT' })),
    ]
    await world.outboxEmpty()
    await world.publishTrades(
      tradeOf({ buyOrderId: filled, quantity: 100 }),
      tradeOf({ buyOrderId: partly, quantity: 10 }),
    )
    await kafka.kill()
    const waiting = () => world.sql`select from order_endings where told_at is not null and acknowledged_at is null`
    await until(async () => (await waiting()).length >= 2, { what: 'the cancellations wait in the outbox' })
    await Bun.sleep(3_000)
    expect((await orderAt(service, partly)).status).toMatch(/^(NEW|PARTIALLY_FILLED)$/)
    expect((await orderAt(service, rest)).status).toBe('NEW')
    kafka = await startKafka(place)
    expect(await ended(service, filled, 'FILLED')).toMatchObject({ reason: null })
    expect(await ended(service, partly, 'EXPIRED')).toMatchObject({ filledQuantity: 10 })
    expect(await ended(service, rest, 'EXPIRED')).toMatchObject({ reason: { code: 'EXPIRED_GTD' } })
    await until(async () => (await world.sql`select from order_endings`).length === 0, { what: 'no ending is left' })
  } finally {
    await kafka.stop()
  }
})

test('our reading is behind: what was on the topic counts, and the status waits for it', async () => {
  await using world = await createWorld()
  const service = await world.start()
  const id = await placeOrder(service, gtd(6_000))
  await world.outboxEmpty()
  // The row is locked: its fills cannot be applied, however long ago they were made.
  const lock = await world.sql.reserve()
  await lock`begin`
  await lock`lock table ingested_fills in exclusive mode`
  await world.publishTrades(tradeOf({ buyOrderId: id, quantity: 100 }))
  await until(async () => (await world.sql`select from order_endings where acknowledged_at is not null`).length === 1, {
    what: 'the broker has the cancellation',
  })
  await Bun.sleep(4_000)
  expect(await orderAt(service, id)).toMatchObject({ status: 'NEW' })
  await lock`rollback`
  lock.release()
  expect(await ended(service, id, 'FILLED')).toMatchObject({ filledQuantity: 100, reason: null })
})

test('a dead letter that cannot be written holds the status of its partition back', async () => {
  await using world = await createWorld({ partitions: 1 })
  const service = await world.start()
  await world.kafka.alterTopic(world.topics.deadLetters, { 'max.message.bytes': '1' })
  await world.publishTrades(tradeOf({ buyOrderId: crypto.randomUUID() }))
  await until(async () => (await service.metrics())['orders_dead_letters_waiting{partition="0"}'] === 1, {
    what: 'the letter waits',
  })
  const id = await placeOrder(service, gtd(3_000))
  await until(async () => (await world.sql`select from order_endings where acknowledged_at is not null`).length === 1, {
    what: 'the broker has the cancellation',
  })
  await Bun.sleep(5_000)
  expect(await orderAt(service, id)).toMatchObject({ status: 'NEW' })
  await world.kafka.alterTopic(world.topics.deadLetters, { 'max.message.bytes': '1048588' })
  await ended(service, id, 'EXPIRED')
})

test('two replicas, one with a clock an hour ahead and one that dies over the instant: each order is told and ends once', async () => {
  await using world = await createWorld({ partitions: 6 })
  const clock = skewedClock(temporaryDir('clock'))
  const [dying, jumpy] = [await world.start(), await world.start({ env: clock.env })]
  const orders = []
  for (let n = 0; n < 40; n++)
    orders.push({
      ticker: `T${n}`,
      id: await placeOrder(n % 2 === 0 ? dying : jumpy, gtd(12_000, { ticker: `T${n}` })),
    })
  const instant = Date.now() + 11_000
  clock.set(3_600_000)
  await world.publishTrades(
    ...orders.filter((_, n) => n % 4 === 0).map(({ ticker, id }) => tradeOf({ ticker, buyOrderId: id, quantity: 30 })),
  )
  while (Date.now() < instant) {
    // On a busy machine the first of them was placed long before the last.
    const early = await world.sql`
      select from order_endings e join orders o on o.id = e.order_id where o.expires_at > clock_timestamp()`
    expect(early).toHaveLength(0)
    await Bun.sleep(500)
  }
  await until(async () => (await world.sql`select from order_endings where told_at is not null`).length > 0, {
    what: 'the first is told',
  })
  await dying.kill()
  const count = async () => {
    const rows = await world.sql<{ status: string; n: number }[]>`
      select status, count(*)::integer as n from orders group by status`
    return Object.fromEntries(rows.map(({ status, n }) => [status, n]))
  }
  await until(async () => (await count())['EXPIRED'] === 40, { what: 'all have expired' })
  const cancellations = await world.kafka.readUntil(world.topics.cancelled, 40)
  const ids = new Set(cancellations.map(({ headers }) => headers['eventId']))
  expect(ids.size).toBe(40)
  const versions = await world.sql`
    select order_id from order_changes where kind = 'EXPIRED' group by order_id having count(*) > 1`
  expect(versions).toHaveLength(0)
  expect(await runBinary(['verify'], world.env)).toMatchObject({ exitCode: 0 })
})

test('orders that were filled or canceled after the engine was told: they end so, and verify has nothing to say', async () => {
  // Long enough for a slow machine: what follows has to come before the status.
  await using world = await createWorld({ env: { EXPIRY_SETTLE_MS: '20000' } })
  const service = await world.start()
  const [filled, canceled] = [await placeOrder(service, gtd(4_000)), await placeOrder(service, gtd(4_000))]
  await told(world, filled)
  await told(world, canceled)
  await world.publishTrades(tradeOf({ buyOrderId: filled, quantity: 100 }))
  expect((await service.http(`/orders/${canceled}/cancel`, { method: 'POST' })).status).toBe(200)
  expect(await ended(service, filled, 'FILLED')).toMatchObject({ reason: null })
  await until(async () => (await world.sql`select from order_endings`).length === 0, { what: 'no ending is left' })
  expect(await orderAt(service, canceled)).toMatchObject({ status: 'CANCELED', reason: { code: 'USER_CANCELED' } })
  await world.outboxEmpty()
  const verified = await runBinary(['verify', '--topics'], world.env)
  expect(verified.out).toContain('0 violations')
})

test('orders expire ends an old order that no clock ends', async () => {
  await using world = await createWorld()
  const service = await world.start()
  const id = await placeOrder(service)
  const expire = (...args: string[]) => runBinary(['expire', ...args], world.env)
  expect(await expire()).toMatchObject({ exitCode: 2, err: expect.stringContaining('--older-than is required') })
  expect(await expire('--older-than', '1h')).toMatchObject({ exitCode: 0, out: expect.stringMatching(/^0 orders end/) })
  await Bun.sleep(1_100)
  const dry = await expire('--older-than', '1s', '--ticker', 'aapl', '--dry-run')
  expect(dry).toMatchObject({ exitCode: 0, out: expect.stringMatching(/^1 orders would end: 1 that an engine knows/) })
  expect(await orderAt(service, id)).toMatchObject({ status: 'NEW' })
  await world.sql.begin(async (holder) => {
    await holder`select from orders where id = ${id} for update`
    const err = expect.stringContaining('lock timeout')
    expect(await expire('--older-than', '1s')).toMatchObject({ exitCode: 1, err })
  })
  expect(await expire('--older-than', '1s')).toMatchObject({ exitCode: 0, out: expect.stringMatching(/^1 orders end/) })
  expect(await ended(service, id, 'EXPIRED')).toMatchObject({ reason: { code: 'EXPIRED_GTC' } })
  const figures = await service.metrics()
  expect(figures['orders_endings_told_total{reason="EXPIRED_GTC"}']).toBe(1)
  expect(figures['orders_endings_total{status="EXPIRED"}']).toBe(1)
  expect(figures['orders_endings_waiting{stage="settling"}']).toBeDefined()
})

/** The largest of these, but one in a hundred. */
const p99 = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length * 0.99)]!

test('very many orders of one close: all end, and placing goes on as before', async () => {
  const count = 20_000
  await using world = await createWorld({ partitions: 6 })
  const service = await world.start()
  const closesAt = ahead(20_000)
  await world.sql`
    insert into orders (rules_epoch, id, user_id, ticker, side, type, time_in_force, quantity, price, expires_at, created_at, updated_at)
    select 1, gen_random_uuid(), gen_random_uuid(), 'T' || n % 50, 'BUY', 'LIMIT', 'DAY', 100, 150, ${closesAt}::timestamptz, now(), now()
    from generate_series(1, ${count}::integer) n`
  const some = await world.sql<{ id: string; ticker: string }[]>`select id, ticker from orders limit 500`
  const latencies = async (enough: () => boolean | Promise<boolean>): Promise<number[]> => {
    const all: number[] = []
    while (!(await enough())) {
      const startedAt = performance.now()
      await placeOrder(service, { ticker: 'OTHER' })
      all.push(performance.now() - startedAt)
      await Bun.sleep(5)
    }
    return all
  }
  const before = await latencies(() => Date.now() > Date.parse(closesAt))
  // Fills are under way.
  await world.publishTrades(...some.map(({ id, ticker }) => tradeOf({ ticker, buyOrderId: id, quantity: 10 })))
  let looked = 0
  const during = await latencies(async () => {
    if (performance.now() - looked < 1_000) return false
    looked = performance.now()
    const [row] = await world.sql<{ open: boolean }[]>`
      select exists (select from orders where open and expires_at is not null) as open`
    return !row!.open
  })
  const rows = await world.sql`
    select status, count(*)::integer as n from orders where expires_at is not null group by status`
  expect([...rows]).toEqual([{ status: 'EXPIRED', n: count }])
  console.error(`p99 of placing: ${p99(before)} ms before, ${p99(during)} ms during the close`)
  expect(p99(during)).toBeLessThan(Math.max(500, 10 * p99(before)))
})
