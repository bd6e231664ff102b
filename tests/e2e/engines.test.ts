// Proves: the service gets along with an engine of the old kind, which knows nothing but the original words and says nothing of what it
// drops, and with one that has all features: what only such a one can do is offered there and refused elsewhere, and what it ends is
// ended here.

import { decodePlaced } from '../engine/messages.ts'
import { startEngine } from '../support/engineProcess.ts'
import { afterAll, expect, test } from '../support/explained.ts'
import { orderBody } from '../support/orderBody.ts'
import { placeOrder } from '../support/placeOrder.ts'
import type { RunningService } from '../support/service.ts'
import { until } from '../support/until.ts'
import { createWorld } from '../support/world.ts'

const ticker = 'LIFE'
const terms = (side: 'BUY' | 'SELL', quantity: number, members: Record<string, unknown> = {}) => ({
  ticker,
  side,
  quantity,
  price: 100,
  ...members,
})

/** A service and the engine beside it; both know these features. */
const startBoth = async (features: string) => {
  const world = await createWorld({ env: { ENGINE_FEATURES: features } })
  const service = await world.start()
  const engine = await startEngine(world.env)
  afterAll(async () => {
    await engine[Symbol.asyncDispose]()
    await world[Symbol.asyncDispose]()
  })
  return { world, service, engine }
}

const orderOf = async (service: RunningService, id: string) => (await service.http(`/orders/${id}`)).json

/** Waits until the order has these members. */
const untilOrder = async (service: RunningService, id: string, members: Record<string, unknown>): Promise<void> => {
  const has = (order: Record<string, unknown>) =>
    Object.entries(members).every(([name, value]) => order[name] === value)
  await until(async () => has(await orderOf(service, id)), { what: `the order ${id} has ${JSON.stringify(members)}` })
}

test('an engine of the old kind matches stops, DAY and GTD orders, and never meets a word that it does not know', async () => {
  const { world, service, engine } = await startBoth('')
  const stopLimit = await placeOrder(service, terms('SELL', 3, { type: 'STOP_LIMIT', stopPrice: 100, price: 90 }))
  const stop = await placeOrder(service, terms('BUY', 5, { type: 'STOP', stopPrice: 100, price: undefined }))
  const ask = await placeOrder(service, terms('SELL', 20, { timeInForce: 'DAY' }))
  const expiresAt = new Date(Date.now() + 3_600_000).toISOString()
  const bid = await placeOrder(service, terms('BUY', 10, { timeInForce: 'GTD', expiresAt }))
  for (const id of [bid, stopLimit, stop]) await untilOrder(service, id, { status: 'FILLED' })

  const ioc = await placeOrder(service, terms('BUY', 15, { timeInForce: 'IOC' }))
  await untilOrder(service, ask, { status: 'FILLED' })
  await untilOrder(service, ioc, { status: 'PARTIALLY_FILLED', filledQuantity: 8 })
  expect(await service.http(`/orders/${ioc}`, { method: 'DELETE' })).toMatchObject({
    status: 200,
    json: { status: 'CANCELED', filledQuantity: 8, reason: { code: 'USER_CANCELED' } },
  })

  const lastAsk = await placeOrder(service, terms('SELL', 1))
  const lastBid = await placeOrder(service, terms('BUY', 1, { type: 'MARKET', price: undefined, timeInForce: 'FOK' }))
  for (const id of [lastAsk, lastBid]) await untilOrder(service, id, { status: 'FILLED' })
  const placed = await world.kafka.read(world.topics.placed)
  expect(placed.map(({ bytes }) => decodePlaced(bytes)?.id)).toEqual([ask, bid, stopLimit, stop, ioc, lastAsk, lastBid])
  expect(await engine.stop()).toBe(0)
})

test('what only an engine of another kind can do is refused', async () => {
  const { service } = await startBoth('')
  for (const members of [{ displayQuantity: 1 }, { postOnly: true }])
    expect(await service.post(orderBody(terms('BUY', 5, members)))).toMatchObject({
      status: 422,
      json: { reason: { code: 'NOT_SUPPORTED_BY_ENGINE' }, order: { status: 'REJECTED' } },
    })
})

test('an engine with all features shows icebergs in slices, refuses post-only orders, and what it ends is ended here', async () => {
  const { world, service, engine } = await startBoth('reports,display,post-only')
  const iceberg = await placeOrder(service, terms('SELL', 10, { displayQuantity: 1 }))
  const plain = await placeOrder(service, terms('SELL', 4))
  const refused = await placeOrder(service, terms('BUY', 1, { postOnly: true }))
  await untilOrder(service, refused, { status: 'REJECTED' })
  expect(await orderOf(service, refused)).toMatchObject({ filledQuantity: 0, reason: { code: 'ENGINE_REJECTED' } })

  const taker = await placeOrder(service, terms('BUY', 5, { timeInForce: 'FOK' }))
  await untilOrder(service, taker, { status: 'FILLED' })
  await untilOrder(service, plain, { status: 'FILLED' })
  await untilOrder(service, iceberg, { status: 'PARTIALLY_FILLED', filledQuantity: 1 })

  const killed = await placeOrder(service, terms('BUY', 10, { timeInForce: 'FOK' }))
  await untilOrder(service, killed, { status: 'CANCELED', filledQuantity: 0 })
  const ioc = await placeOrder(service, terms('BUY', 15, { timeInForce: 'IOC' }))
  await untilOrder(service, ioc, { status: 'CANCELED', filledQuantity: 9 })
  const market = await placeOrder(service, terms('BUY', 1, { type: 'MARKET', price: undefined }))
  await untilOrder(service, market, { status: 'CANCELED', filledQuantity: 0 })
  for (const id of [killed, ioc, market])
    expect(await orderOf(service, id)).toMatchObject({ remainingQuantity: 0, reason: { code: 'ENGINE_CANCELED' } })

  const hidden = await placeOrder(service, terms('SELL', 10, { displayQuantity: 1 }))
  expect(await service.http(`/orders/${hidden}`, { method: 'DELETE' })).toMatchObject({ status: 200 })
  // The cancel is on its topic before the next order is accepted: the engine reads both, in no certain order.
  await world.outboxEmpty()
  const nobody = await placeOrder(service, terms('BUY', 1, { timeInForce: 'IOC' }))
  await untilOrder(service, nobody, { status: 'CANCELED' })
  expect(await orderOf(service, nobody)).toMatchObject({ filledQuantity: 0 })
  expect(await engine.stop()).toBe(0)
})
