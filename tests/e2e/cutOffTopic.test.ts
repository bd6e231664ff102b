// Proves: trades that were written over a lost end of the trade topic are applied, by a service that runs meanwhile and by one that starts
// later. The end is lost as a restored disk loses it, and an unclean election: the same offsets name other messages afterwards.

import { cpSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { startKafka, type KafkaServer } from '../stack/kafka.ts'
import { freePort } from '../stack/ports.ts'
import { afterAll, beforeAll, expect, test } from '../support/explained.ts'
import { orderBody } from '../support/orderBody.ts'
import { temporaryDir } from '../support/servers.ts'
import type { RunningService } from '../support/service.ts'
import { until } from '../support/until.ts'
import { createWorld, tradeOf, type Trade, type World } from '../support/world.ts'

let kafka: KafkaServer
let world: World
beforeAll(async () => {
  kafka = await startKafka({ dataDir: temporaryDir('cut-off'), port: await freePort() })
  world = await createWorld({ kafkaAt: kafka.bootstrap, partitions: 1 })
})
afterAll(async () => {
  await world[Symbol.asyncDispose]()
  await kafka.stop()
})

const folder = (): string => join(kafka.dataDir, 'logs', `${world.topics.trades}-0`)
const copy = (): string => join(kafka.dataDir, 'copy')

const keepCopy = async (): Promise<void> => {
  await kafka.stop()
  cpSync(folder(), copy(), { recursive: true })
  await kafka.restart()
}

/** The topic is as it was at the copy, and then gets these. */
const putBack = async (trades: readonly Trade[]): Promise<void> => {
  await kafka.stop()
  rmSync(folder(), { recursive: true })
  cpSync(copy(), folder(), { recursive: true })
  await kafka.restart()
  await world.publishTrades(...trades)
}

test('every trade counts, however far the offsets were before', async () => {
  let service: RunningService = await world.start()
  const id = String((await service.post(orderBody({ quantity: 1000 }))).json['id'])
  const fills = (count: number): Trade[] =>
    Array.from({ length: count }, () => tradeOf({ buyOrderId: id, quantity: 1 }))
  const untilFilled = (quantity: number) =>
    until(async () => (await service.http(`/orders/${id}`)).json['filledQuantity'] === quantity, {
      what: `${quantity} are filled`,
    })
  await world.publishTrades(...fills(2))
  await untilFilled(2)
  await world.tradesConsumed()
  await keepCopy()
  await world.publishTrades(...fills(3))
  await untilFilled(5)
  await putBack(fills(5))
  await untilFilled(10)
  expect(await service.logged('was cut off')).toMatchObject({
    level: 'error',
    topic: world.topics.trades,
    partition: 0,
  })
  await world.tradesConsumed()
  expect(await service.stop()).toBe(0)

  await putBack(fills(7))
  service = await world.start()
  await untilFilled(17)
  expect(await service.logged('was cut off')).toMatchObject({ offset: '7', start: '0' })
})
