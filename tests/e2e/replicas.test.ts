// Proves: two replicas share one database and one consumer group, and one takes over when the other dies.

import { expect, test } from '../support/explained.ts'
import { judgeLoad, startLoad } from '../support/load.ts'
import { orderBody } from '../support/orderBody.ts'
import { until } from '../support/until.ts'
import { createWorld, tradeOf, type World } from '../support/world.ts'

const env = { RELAY_LEASE_MS: '1000' }
/** So long that no replica is too slow to renew its leases. */
const patient = { RELAY_LEASE_MS: '30000' }

/** Both relay: each holds half of the shards. */
const shared = async (world: World) => {
  const replicas = [await world.start(), await world.start()] as const
  await until(
    async () => {
      const shards = await Promise.all(replicas.map(async (each) => (await each.metrics())['orders_relay_shards']))
      return shards[0] === 8 && shards[1] === 8
    },
    { what: 'the replicas share the shards' },
  )
  return replicas
}

test('two replicas relaying keep the order of every ticker and hardly repeat anything', async () => {
  await using world = await createWorld({ env: patient })
  const replicas = await shared(world)
  const load = startLoad({ targets: () => replicas, clients: 16, cancelEvery: 5 })
  const published = () =>
    Promise.all(replicas.map(async (each) => (await each.metrics())['orders_relay_published_events_total']!))
  await until(async () => Math.min(...(await published())) > 300, { what: 'both replicas publish' })
  const answers = await load.stop()
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]))
  const { orders, events, repeats } = await judgeLoad(world, answers)
  expect(orders).toBe(answers.length)
  expect(repeats).toBeLessThan(events / 100)
})

test('a frozen replica loses its shards, and repeats keep their eventId and order when it wakes', async () => {
  await using world = await createWorld({ env })
  const [frozen, awake] = await shared(world)
  let targets = [frozen, awake]
  const load = startLoad({ targets: () => targets, clients: 12, cancelEvery: 5 })
  await Bun.sleep(1_000)
  targets = [awake]
  frozen.signal('SIGSTOP')
  await until(async () => (await awake.metrics())['orders_relay_shards'] === 16, { what: 'one relays all shards' })
  await Bun.sleep(500)
  frozen.signal('SIGCONT')
  await until(async () => (await awake.metrics())['orders_relay_shards'] === 8, { what: 'they share again' })
  await Bun.sleep(500)
  await judgeLoad(world, await load.stop())
})

test('trades are applied once and in partition order, also when a replica is killed under load', async () => {
  await using world = await createWorld({ env, partitions: 6 })
  const [killed, survivor] = await shared(world)
  let targets = [killed, survivor]
  const load = startLoad({ targets: () => targets, clients: 12, cancelEvery: 7 })

  // Orders that are filled one by one all the time; the price says which fill it was.
  const tickers = Array.from({ length: 12 }, (_, n) => `T${n}`)
  const filled = await Promise.all(
    tickers.map(async (ticker) => ({
      ticker,
      id: String((await survivor.post(orderBody({ ticker, quantity: 1_000_000 }))).json['id']),
    })),
  )
  await until(async () => (await killed.metrics())['orders_trades_connected'] === 1, { what: 'both consume' })
  let rounds = 0
  const trading = new AbortController()
  const traded = (async () => {
    while (!trading.signal.aborted) {
      rounds++
      await world.publishTrades(
        ...filled.map(({ ticker, id }) => tradeOf({ ticker, buyOrderId: id, quantity: 1, price: rounds })),
      )
      await Bun.sleep(10)
    }
  })()
  await until(
    async () =>
      (await Promise.all([killed, survivor].map((each) => each.metrics()))).every(
        (metrics) => metrics['orders_trades_committed_messages_total']! > 0,
      ),
    { what: 'both replicas apply trades' },
  )
  await load.next(30, ({ status, url }) => status === 202 && url === killed.url)
  targets = [survivor]
  await killed.kill()
  await until(async () => (await survivor.metrics())['orders_relay_shards'] === 16, {
    what: 'the shards were taken over',
  })
  await Bun.sleep(1_000)
  trading.abort()
  await traded
  const answers = await load.stop()
  await world.tradesConsumed()

  for (const { id } of filled) {
    const { json: order } = await survivor.http(`/orders/${id}`)
    expect(order).toMatchObject({ status: 'PARTIALLY_FILLED', filledQuantity: rounds, lastFillPrice: rounds })
    expect(order['version']).toBe(rounds)
    const prices = await world.sql`select price from ingested_fills where order_id = ${id} order by order_version`
    expect(prices.map((row) => Number(row['price']))).toEqual(Array.from({ length: rounds }, (_, n) => n + 1))
  }
  expect(await world.sql`select * from exceptions`).toHaveLength(0)
  expect(await world.kafka.read(world.topics.deadLetters)).toEqual([])
  // What the killed replica answered, and what it did not live to answer.
  expect(answers.every(({ status, url }) => status === 202 || url === killed.url)).toBe(true)
  await judgeLoad(world, answers)
})
