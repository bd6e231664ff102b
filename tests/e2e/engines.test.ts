// Proves: the service gets along with an engine of the old kind, which knows nothing but the original words and says nothing of what it
// drops: stops, DAY and GTD orders trade there, and a remainder is canceled here.

import { decodePlaced } from '../engine/messages.ts'
import { startEngine } from '../support/engineProcess.ts'
import { afterAll, expect, test } from '../support/explained.ts'
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

/** A service and the engine beside it, on topics of their own; both know these features. */
const startBoth = async (features: string) => {
  const name = `engines-${crypto.randomUUID().slice(0, 8)}`
  const reports = { KAFKA_TOPIC_ORDER_REPORT: `${name}.reports`, KAFKA_TOPIC_REPORT_DLQ: `${name}.reports.dlq` }
  const world = await createWorld({ env: { ...reports, ENGINE_FEATURES: features } })
  await world.kafka.createTopics(Object.values(reports))
  const service = await world.start()
  const engine = await startEngine(world.env)
  afterAll(async () => {
    await engine[Symbol.asyncDispose]()
    await world.kafka.deleteTopics(Object.values(reports)).catch(() => undefined)
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
