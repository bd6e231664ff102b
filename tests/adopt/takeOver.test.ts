// Proves: a database of the Java service is taken over, verified and served; orders that were taken over are filled, canceled and listed.

import { binary } from '../support/binary.ts'
import { afterAll, beforeAll, expect, test } from '../support/explained.ts'
import { runBinary, type RunningService } from '../support/service.ts'
import { until } from '../support/until.ts'
import { createWorld, tradeOf, type World } from '../support/world.ts'
import { javaLeg, javaOrder, makeJavaTables, storeJavaOrders } from './javaDatabase.ts'

let world: World
beforeAll(async () => {
  world = await createWorld()
  await binary()
})
afterAll(() => world[Symbol.asyncDispose]())

const adopt = (...args: string[]) => runBinary(['adopt', ...args], world.env)

const fresh = javaOrder()
const [first, second, third] = [javaLeg('4'), javaLeg('3.5', { price: '150' }), javaLeg('2.5')]
const partial = javaOrder({
  status: 'PARTIALLY_FILLED',
  version: 2,
  filled: '7.5',
  lastPrice: '150',
  legs: [first, second],
})
const filled = javaOrder({
  side: 'SELL',
  status: 'FILLED',
  version: 1,
  filled: '10',
  lastPrice: '150.25',
  legs: [javaLeg('10')],
})
const canceled = javaOrder({ status: 'CANCELED', version: 1 })
const market = javaOrder({ type: 'MARKET', price: null, timeInForce: 'IOC' })
const everyday = [fresh, partial, filled, canceled, market]

test('a dry run says what would happen, and writes nothing', async () => {
  await makeJavaTables(world.sql)
  await storeJavaOrders(world, everyday)
  const { exitCode, out, err } = await adopt('--dry-run')
  expect({ exitCode, err }).toEqual({ exitCode: 0, err: '' })
  expect(out).toContain('orders: 5')
  expect(out).toMatch(/2 {2}NEW\n/)
  expect(out).toContain('nothing was written')
  expect(out).toContain('note: public.transactions is not read')
  expect(await world.sql`select from pg_namespace where nspname = 'orders'`).toHaveLength(0)
})

test('the copy is clean, and Java’s tables are as they were', async () => {
  const before = await world.sql`select md5(string_agg(o::text, ',' order by id)) from public.orders o`
  const { exitCode, out, err } = await adopt()
  expect({ exitCode, err }).toEqual({ exitCode: 0, err: '' })
  expect(out).toContain('5 orders, 3 fills, 0 violations')
  expect(await world.sql`select md5(string_agg(o::text, ',' order by id)) from public.orders o`).toEqual(before)
  const again = await adopt()
  expect(again.exitCode).toBe(0)
  expect(again.out).toContain('taken over already')
})

let service: RunningService

test('a start that finds both uses the copy, and verify finds it clean with its topics', async () => {
  service = await world.start()
  const { status, json } = await service.http(`/orders/${partial.id}`)
  expect(status).toBe(200)
  expect(json).toMatchObject({
    id: partial.id,
    status: 'PARTIALLY_FILLED',
    filledQuantity: 7.5,
    lastFillPrice: 150,
    version: 2,
  })
  const verified = await runBinary(['verify', '--topics'], world.env)
  expect(verified.out).toContain('5 orders, 3 fills, 0 violations')
  expect(verified.exitCode).toBe(0)
})

test('an order that was taken over is filled, a leg that Java applied is a duplicate, and an order is canceled', async () => {
  const leg = { buyOrderId: partial.id, tradeId: first.tradeId, quantity: 4, price: 150.25 }
  await world.publishTrades(
    tradeOf(leg),
    tradeOf({ buyOrderId: partial.id, tradeId: third.tradeId, quantity: 2.5, price: 150.25 }),
  )
  await world.tradesConsumed()
  expect((await service.http(`/orders/${partial.id}`)).json).toMatchObject({
    status: 'FILLED',
    filledQuantity: 10,
    version: 3,
  })
  expect((await service.http(`/orders/${fresh.id}/cancel`, { method: 'POST' })).status).toBe(200)
  await until(async () => (await world.sql`select from orders.outbox`).length === 0, { what: 'the outbox is empty' })
  expect(await world.sql`select from orders.exceptions`).toHaveLength(0)
  const verified = await runBinary(['verify', '--topics'], world.env)
  expect(verified.out).toContain('5 orders, 4 fills, 0 violations')
})

test('the history begins with the acceptance, whose cause is that it was taken over', async () => {
  const { json } = await service.http(`/orders/${canceled.id}/events`)
  expect(json['events']).toMatchObject([
    { version: 0, kind: 'ACCEPTED', cause: { kind: 'adopted' } },
    {
      version: 1,
      kind: 'CANCELED',
      at: canceled.updatedAt.toISOString(),
      cause: { kind: 'adopted' },
      reason: { code: 'USER_CANCELED' },
    },
  ])
})
