// Proves: while a session holds an order locked, the fills of all others go on, those behind it in its partition too, and health says what waits and
// why; a replica that is killed meanwhile loses nothing.

import postgres from 'postgres'
import { expect, test } from '../support/explained.ts'
import { placeOnceTaken } from '../support/placeOrder.ts'
import { until } from '../support/until.ts'
import { createWorld, tradeOf } from '../support/world.ts'

test('an order that is locked holds up its own fills alone', async () => {
  await using world = await createWorld({ partitions: 1 })
  let service = await world.start()
  const [held, free] = [
    await placeOnceTaken(service, { quantity: 10 }),
    await placeOnceTaken(service, { quantity: 10 }),
  ]
  const filledOf = async (id: string): Promise<unknown> => (await service.http(`/orders/${id}`)).json['filledQuantity']
  const holder = postgres(world.databaseUrl, { max: 1 })
  try {
    await holder.unsafe('begin')
    await holder`select from orders where id = ${held} for update`
    await world.publishTrades(tradeOf({ buyOrderId: held, quantity: 1 }))
    for (let n = 1; n <= 3; n++) {
      await world.publishTrades(tradeOf({ buyOrderId: free, quantity: 1 }))
      await until(async () => (await filledOf(free)) === n, { what: `${n} of the free order` })
    }
    expect(await filledOf(held)).toBe(0)
    const stands = async (): Promise<string> => {
      const { components } = (await service.http('/actuator/health')).json as {
        components: { kafka: { details: { tradesStandStill: string } } }
      }
      return components.kafka.details.tradesStandStill
    }
    await until(async () => (await stands()).includes(`another session holds 1 orders locked, such as ${held}`), {
      what: 'health says so',
    })
    await service.kill()
    service = await world.start()
    await world.publishTrades(tradeOf({ buyOrderId: free, quantity: 1 }))
    await until(async () => (await filledOf(free)) === 4, { what: 'the free order, after the kill' })
    await holder.unsafe('commit')
  } finally {
    await holder.end()
  }
  await world.tradesConsumed()
  expect([await filledOf(held), await filledOf(free)]).toEqual([1, 4])
})
