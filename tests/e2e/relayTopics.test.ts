// Proves: the relay goes on whatever the cluster does to the topics of order events while it writes them.

import { Admin } from '@platformatic/kafka'
import { positiveHash } from '../engine/murmur2.ts'
import { expect, test } from '../support/explained.ts'
import { orderBody } from '../support/orderBody.ts'
import { until } from '../support/until.ts'
import { createWorld, type World } from '../support/world.ts'

const tickers = Array.from({ length: 24 }, (_, n) => `T${n}`)
const partitionOf = (ticker: string, count: number): number => positiveHash(Buffer.from(ticker)) % count

const addPartitions = async (world: World, count: number): Promise<void> => {
  const admin = new Admin({ clientId: 'test', bootstrapBrokers: [world.kafka.bootstrap] })
  try {
    const topics = [world.topics.placed, world.topics.cancelled].map((name) => ({ name, count, assignments: null }))
    await admin.createPartitions({ topics })
  } finally {
    await admin.close()
  }
}

/** Order ids by ticker, in the order of the topic; a ticker that moved is read from its old partition first. */
const idsByTicker = async (world: World, topic: string) => {
  const ids = new Map<string, Set<string>>()
  const events = await world.kafka.read(topic)
  const moved = (key: string, partition: number): number => Number(partition !== partitionOf(key, 1))
  for (const { key, value } of events.toSorted((a, b) => moved(a.key!, a.partition) - moved(b.key!, b.partition))) {
    const own = ids.get(key!) ?? new Set()
    ids.set(key!, own.add(String(JSON.parse(value!).orderId)))
  }
  return ids
}

test('partitions are added to the topics of events: orders go to them, none is lost, each ticker in its order', async () => {
  await using world = await createWorld({ partitions: 1 })
  const service = await world.start()
  const placed = new Map<string, string[]>()
  let added = false
  const isOnNewOnes = async (): Promise<boolean> =>
    (await world.kafka.read(world.topics.cancelled)).some(({ partition }) => partition > 0)
  // Orders and cancels all the while, so that some are on their way when the number changes.
  await until(
    async () => {
      for (const ticker of tickers) {
        const { status, json } = await service.post(orderBody({ ticker }))
        expect(status).toBe(202)
        const id = String(json['id'])
        expect((await service.http(`/orders/${id}/cancel`, { method: 'POST' })).status).toBe(200)
        placed.set(ticker, [...(placed.get(ticker) ?? []), id])
      }
      if (!added) await addPartitions(world, 4)
      added = true
      return isOnNewOnes()
    },
    { what: 'events are on the new partitions' },
  )
  await world.outboxEmpty()
  for (const topic of [world.topics.placed, world.topics.cancelled]) {
    const ids = await idsByTicker(world, topic)
    for (const [ticker, expected] of placed) expect([...ids.get(ticker)!]).toEqual(expected)
  }
  for (const { key, partition } of await world.kafka.read(world.topics.placed))
    expect([0, partitionOf(key!, 4)]).toContain(partition)
  expect((await service.http('/actuator/health')).json['status']).toBe('UP')
  expect(service.log.filter(({ level }) => level === 'error')).toEqual([])
})
