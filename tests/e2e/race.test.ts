// Proves: of a cancel and a fill of one order at the same moment one is first, and every answer and event agrees on which.

import { expect, test } from '../support/explained.ts'
import { orderBody } from '../support/orderBody.ts'
import { createWorld, tradeOf } from '../support/world.ts'

const ordersMax = 1_000
const perRound = 100

test('each order ends CANCELED with a late fill, or FILLED with a 409; nothing in between', async () => {
  await using world = await createWorld()
  const service = await world.start()
  const ended = { CANCELED: 0, FILLED: 0 }
  // As many rounds as it takes until each side has won some races; whoever has not yet, is given more time.
  let stride = 1
  for (let orders = 0; orders < ordersMax && (ended.CANCELED < 10 || ended.FILLED < 10); orders += perRound) {
    const ids = await Promise.all(
      Array.from({ length: perRound }, async () => String((await service.post(orderBody())).json['id'])),
    )
    const cancels = ids.map(async (id, n) => {
      await Bun.sleep(n * stride)
      return service.http(`/orders/${id}/cancel`, { method: 'POST' })
    })
    for (let n = 0; n < perRound; n += 10) {
      await world.publishTrades(...ids.slice(n, n + 10).map((id) => tradeOf({ buyOrderId: id, quantity: 100 })))
      await Bun.sleep(5)
    }
    const answers = await Promise.all(cancels)
    await world.tradesConsumed()
    for (const [n, id] of ids.entries()) {
      const { json: order } = await service.http(`/orders/${id}`)
      const fills = (await service.http(`/orders/${id}/fills`)).json['fills']
      expect(order).toMatchObject({ filledQuantity: 100, remainingQuantity: 0 })
      if (order['status'] === 'CANCELED') {
        expect(answers[n]).toMatchObject({ status: 200, json: { status: 'CANCELED', filledQuantity: 0 } })
        expect(order['version']).toBe(2)
        expect(fills).toMatchObject([{ quantity: 100, late: true }])
        ended.CANCELED++
      } else {
        expect(order).toMatchObject({ status: 'FILLED', version: 1 })
        expect(answers[n]).toMatchObject({ status: 409, json: { code: 'CONFLICT', orderStatus: 'FILLED' } })
        expect(fills).toMatchObject([{ quantity: 100, late: false }])
        ended.FILLED++
      }
    }
    if (ended.FILLED < 10) stride *= 2
    else if (ended.CANCELED < 10) stride /= 4
  }
  expect(ended.CANCELED).toBeGreaterThan(0)
  expect(ended.FILLED).toBeGreaterThan(0)
  // Only what was canceled was announced as canceled.
  await world.outboxEmpty()
  const announced = (await world.kafka.read(world.topics.cancelled)).map(({ value }) => JSON.parse(value!).orderId)
  expect(announced).toHaveLength(ended.CANCELED)
})
