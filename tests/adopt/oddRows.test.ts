// Proves: rows in every state have their place in the copy or in the table of refused rows, whole; what Java did not publish is published; going
// back and taking over again lose nothing.

import { binary } from '../support/binary.ts'
import { afterAll, beforeAll, expect, test } from '../support/explained.ts'
import { runBinary } from '../support/service.ts'
import { until } from '../support/until.ts'
import { createWorld, tradeOf, type World } from '../support/world.ts'
import { javaLeg, javaOrder, makeJavaTables, storeJavaOrders } from './javaDatabase.ts'

const unknown = { onTopic: false }
const [clampedLeg, swallowedLeg] = [javaLeg('5'), javaLeg('3')]
const filledBy = (...legs: ReturnType<typeof javaLeg>[]) => ({
  status: 'FILLED',
  version: legs.length,
  filled: '10',
  lastPrice: '150.25',
  legs,
})
const odd = {
  clamped: javaOrder(filledBy(javaLeg('8'), clampedLeg)),
  swallowed: javaOrder({ status: 'CANCELED', version: 1, legs: [swallowedLeg] }),
  rounded: javaOrder({ ...filledBy(javaLeg('9.99999996')), status: 'PARTIALLY_FILLED' }),
  ticker: javaOrder({ ticker: 'BTC/USD' }),
  negative: javaOrder({ status: 'PARTIALLY_FILLED', version: 1, filled: '-1', lastPrice: '1', legs: [javaLeg('-1')] }),
  priceless: javaOrder({ status: 'PARTIALLY_FILLED', version: 1, filled: '4', legs: [javaLeg('4')] }),
  rejected: javaOrder({ ...filledBy(javaLeg('10')), status: 'REJECTED' }),
  expired: javaOrder({ status: 'EXPIRED', version: 0 }),
  alone: javaOrder(filledBy(javaLeg('10', unknown))),
  recorded: javaOrder(
    filledBy(javaLeg('6', { ...unknown, inTransactions: true }), javaLeg('4', { ...unknown, inTransactions: true })),
  ),
  lost: javaOrder(filledBy(javaLeg('6', unknown), javaLeg('4', unknown))),
  mixed: javaOrder({
    status: 'PARTIALLY_FILLED',
    version: 2,
    filled: '7',
    lastPrice: '151',
    legs: [javaLeg('4'), javaLeg('3', { price: '151' })],
  }),
  wrong: javaOrder({ status: 'PARTIALLY_FILLED', version: 1, filled: '7', lastPrice: '151', legs: [javaLeg('2')] }),
  unpublished: javaOrder({ placed: false }),
  silent: javaOrder({ status: 'CANCELED', version: 1, cancelled: false }),
  plain: javaOrder(),
}
type Name = keyof typeof odd
const nameOf = new Map(Object.entries(odd).map(([name, { id }]) => [id, name as Name]))
const phantom = crypto.randomUUID()
/** A trade that comes after the take-over, and is too much. */
const overfill = crypto.randomUUID()

let world: World
beforeAll(async () => {
  world = await createWorld()
  await binary()
  await makeJavaTables(world.sql)
  await storeJavaOrders(world, Object.values(odd))
  await world.sql`insert into ingested_fills values (${crypto.randomUUID()}, ${crypto.randomUUID()}, 'AAPL', now())`
  await world.kafka.publish([{ topic: world.topics.placed, key: 'AAPL', value: JSON.stringify({ orderId: phantom }) }])
})
afterAll(() => world[Symbol.asyncDispose]())

const adopt = (...args: string[]) => runBinary(['adopt', ...args], world.env)
const outboxEmpty = () =>
  until(async () => (await world.sql`select from orders.outbox`).length === 0, { what: 'the outbox is empty' })

/** The orders of the copy, by their names here. */
const copied = async () => {
  const rows = await world.sql<{ id: string; text: string }[]>`
    select id, concat_ws(' ', status, trim_scale(filled_quantity), 'at', trim_scale(last_fill_price), 'version', version) as text from orders.orders`
  return Object.fromEntries(rows.map(({ id, text }) => [nameOf.get(id) ?? id, text]))
}
const refused = async () => {
  const rows = await world.sql<
    { order_id: string; reason: string }[]
  >`select order_id, reason from orders.adoption_refused where kind = 'order'`
  return Object.fromEntries(rows.map(({ order_id, reason }) => [nameOf.get(order_id), reason]))
}
const exceptions = () =>
  world.sql`select order_id, trade_id, trim_scale(quantity)::text as quantity, disposition from orders.exceptions order by quantity`

const carried = {
  clamped: 'FILLED 10 at 150.25 version 2',
  swallowed: 'CANCELED 0 at version 1',
  rounded: 'FILLED 10 at 150.25 version 1',
  expired: 'EXPIRED 0 at version 1',
  alone: 'FILLED 10 at 150.25 version 1',
  recorded: 'FILLED 10 at 150.25 version 2',
  mixed: 'PARTIALLY_FILLED 7 at 151 version 2',
  unpublished: 'NEW 0 at version 0',
  silent: 'CANCELED 0 at version 1',
  plain: 'NEW 0 at version 0',
}
const refusals = {
  ticker: 'ticker with other characters',
  negative: 'filled quantity out of range',
  priceless: 'fills without a price',
  rejected: 'status that does not agree with its fills',
  lost: 'amounts of its legs are in no source',
  wrong: 'legs that do not add up',
}

test('a dry run names the first row of each kind that cannot be carried over, and all with --list', async () => {
  const { out, exitCode } = await adopt('--dry-run', '--transactions', 'transactions')
  expect(exitCode).toBe(0)
  for (const [name, reason] of Object.entries(refusals))
    expect(out).toContain(`refused: order ${odd[name as Name].id}: ${reason}`)
  expect(out).toContain(`refused: event ${phantom}: placement of an order that there is not`)
  expect(out).toContain('1  placed: published')
  expect(out).toContain('1  cancelled: published')
  expect(out).toContain('2  transactions')
  expect(out).not.toContain('is not read')
})

test('what has a place is carried over, what has none is kept whole', async () => {
  const { out, exitCode, err } = await adopt('--transactions', 'transactions')
  expect({ exitCode, err }).toEqual({ exitCode: 0, err: '' })
  expect(out).toContain('10 orders, 8 fills, 0 violations')
  expect(await copied()).toEqual(carried)
  expect(await refused()).toEqual(refusals)
  const [row] =
    await world.sql`select content ->> 'ticker' as ticker, content ->> 'quantity' as quantity from orders.adoption_refused where order_id = ${odd.ticker.id}`
  expect(row).toEqual({ ticker: 'BTC/USD', quantity: '10.000000' })
  expect(
    await world.sql`select from orders.adoption_refused where reason = 'of an order that there is not'`,
  ).toHaveLength(1)
})

test('a leg that Java swallowed, and one that it clamped, are exceptions', async () => {
  expect([...(await exceptions())]).toEqual([
    { order_id: odd.swallowed.id, trade_id: swallowedLeg.tradeId, quantity: '3', disposition: 'OVERFILL' },
    { order_id: odd.clamped.id, trade_id: clampedLeg.tradeId, quantity: '5', disposition: 'OVERFILL' },
  ])
})

test('what Java did not publish is published once, and legs that come again change nothing', async () => {
  const service = await world.start()
  await world.publishTrades(
    tradeOf({ buyOrderId: odd.swallowed.id, tradeId: swallowedLeg.tradeId, quantity: 3, price: 150.25 }),
    tradeOf({ buyOrderId: odd.clamped.id, tradeId: clampedLeg.tradeId, quantity: 5, price: 150.25 }),
  )
  await world.tradesConsumed()
  await outboxEmpty()
  // Java's events have no identity.
  const ours = async (topic: string) =>
    (await world.kafka.read(topic))
      .filter(({ headers }) => headers['eventId'] !== undefined)
      .map(({ value }) => JSON.parse(value!).orderId)
  expect(await ours(world.topics.placed)).toEqual([odd.unpublished.id])
  expect(await ours(world.topics.cancelled)).toEqual([odd.silent.id])
  // Java had rounded it, so what comes again is something else.
  expect((await exceptions()).filter(({ order_id }) => order_id !== odd.rounded.id)).toHaveLength(2)
  expect(await copied()).toEqual(carried)
  const verified = await runBinary(['verify', '--topics'], world.env)
  expect(verified.out).toContain('10 orders, 8 fills, 0 violations')
  await world.publishTrades(tradeOf({ buyOrderId: odd.clamped.id, tradeId: overfill, quantity: 1, price: 150.25 }))
  await world.tradesConsumed()
  expect((await service.http(`/orders/${odd.unpublished.id}/cancel`, { method: 'POST' })).status).toBe(200)
  const placing = await service.post({
    userId: odd.plain.userId,
    ticker: 'AAPL',
    side: 'BUY',
    type: 'LIMIT',
    timeInForce: 'DAY',
    quantity: 1.12345678,
    price: 2,
  })
  expect(placing.status).toBe(202)
  await outboxEmpty()
  await service.stop()
})

test('the way back writes our state into Java’s tables, and lists what they cannot hold', async () => {
  // A replica counts as running for some seconds after it was seen last.
  const { out } = await until(
    async () => {
      const result = await adopt('--back', '--list')
      return result.exitCode === 0 ? result : null
    },
    { what: 'nobody runs any more' },
  )
  expect(out).toMatch(/1 {2}GTC instead of DAY or GTD, such as/)
  expect(out).toMatch(/1 {2}digits beyond six, such as/)
  expect(out).toMatch(/4 {2}an exception: its leg counts as read/)
  expect([...(await world.sql`select status, version from public.orders where id = ${odd.unpublished.id}`)]).toEqual([
    { status: 'CANCELED', version: '1' },
  ])
  expect([...(await world.sql`select time_in_force, quantity from public.orders where quantity = 1.123457`)]).toEqual([
    { time_in_force: 'GTC', quantity: '1.123457' },
  ])
  expect(await world.sql`select from public.ingested_fills where trade_id = ${overfill}`).toHaveLength(1)
  expect(await world.sql`select from pg_namespace where nspname = 'orders'`).toHaveLength(0)
  const start = await runBinary(['migrate'], world.env)
  expect(start.exitCode).toBe(1)
  expect(start.out).toContain('run orders adopt')
})

test('it is taken over again: with opening balances and late fills, more has a place', async () => {
  const { out, exitCode } = await adopt('--transactions', 'transactions', '--opening-balances', '--swallowed', 'late')
  expect(out).toContain('12 orders, 10 fills, 0 violations')
  expect(exitCode).toBe(0)
  const { lost, swallowed, unpublished } = await copied()
  expect({ lost, swallowed, unpublished }).toEqual({
    lost: 'FILLED 10 at 150.25 version 1',
    swallowed: 'CANCELED 3 at 150.25 version 2',
    unpublished: 'CANCELED 0 at version 1',
  })
  const [opening] =
    await world.sql`select trade_id, trim_scale(quantity)::text as quantity from orders.ingested_fills where order_id = ${odd.lost.id}`
  expect(opening).toEqual({ trade_id: 'java:opening', quantity: '10' })
  expect(await world.sql`select from orders.adoption_openings where order_id = ${odd.lost.id}`).toHaveLength(2)
})
