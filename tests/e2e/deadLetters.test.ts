// Proves: whatever a message is like and whatever its dead-letter topic refuses, the letter gets out in some form and its
// partition goes on.

import { expect, test } from '../support/explained.ts'
import type { Outgoing } from '../support/kafka.ts'
import { orderBody } from '../support/orderBody.ts'
import { placeOrder } from '../support/placeOrder.ts'
import type { RunningService } from '../support/service.ts'
import { until } from '../support/until.ts'
import { createWorld, tradeOf, type World } from '../support/world.ts'

const dayMs = 24 * 3_600_000
/** How far in the future a record may be stamped before Kafka 4. */
const anyStamp = { 'message.timestamp.after.max.ms': '9223372036854775807' }
/** How far since then. */
const noFuture = { 'message.timestamp.after.max.ms': '3600000' }

/** A trade of its own order on each partition of the trade topic. */
const tradesEverywhere = async (world: World, ids: readonly string[]): Promise<void> =>
  world.kafka.publish(
    ids.map((id, partition): Outgoing => {
      const trade = tradeOf({ buyOrderId: id, quantity: 40 })
      return { topic: world.topics.trades, key: trade.ticker, partition, value: JSON.stringify(trade) }
    }),
  )

const filled = async (service: RunningService, ids: readonly string[]): Promise<boolean> =>
  (await Promise.all(ids.map((id) => service.http(`/orders/${id}`)))).every(({ json }) => json['filledQuantity'] === 40)

const bad = (world: World, members: Partial<Outgoing> = {}): Outgoing => ({
  topic: world.topics.trades,
  key: 'AAPL',
  partition: 1,
  value: 'no trade',
  ...members,
})
const idOf = (world: World, offset: number): string => `${world.topics.trades}-1-${offset}`

test('a message from the future has a letter of today, and its partition goes on', async () => {
  await using world = await createWorld()
  await world.kafka.alterTopic(world.topics.trades, anyStamp)
  await world.kafka.alterTopic(world.topics.deadLetters, noFuture)
  const service = await world.start()
  const ids = [await placeOrder(service), await placeOrder(service), await placeOrder(service)]
  const before = Date.now()
  await world.kafka.publish([
    bad(world, { timestamp: BigInt(before + 2 * dayMs) }),
    bad(world, { timestamp: 9_223_372_036_854_775_807n }),
    bad(world, { timestamp: -1n }),
    bad(world, { timestamp: 0n }),
  ])
  await tradesEverywhere(world, ids)
  await world.tradesConsumed()
  await until(() => filled(service, ids), { what: 'the trades behind it are applied' })
  const letters = await world.kafka.read(world.topics.deadLetters)
  const lettered = new Set(letters.map(({ headers }) => headers['x-dead-letter-id']))
  expect(lettered).toEqual(new Set([0, 1, 2, 3].map((n) => idOf(world, n))))
  for (const { appendedAt, value, key, headers } of letters) {
    expect({ value, key, leftOut: headers['x-left-out'] }).toEqual({ value: 'no trade', key: 'AAPL', leftOut: '' })
    expect(Number(appendedAt)).toBeGreaterThanOrEqual(before - 60_000)
    expect(Number(appendedAt)).toBeLessThan(before + 3_600_000)
  }
  // Nobody's clock is wrong.
  expect(service.log.filter(({ level }) => level === 'error')).toEqual([])
})

test('on a compacted topic a letter of a message without a key has its own id for one, and says so', async () => {
  await using world = await createWorld()
  await world.kafka.alterTopic(world.topics.deadLetters, { 'cleanup.policy': 'compact' })
  const service = await world.start()
  const ids = [await placeOrder(service), await placeOrder(service), await placeOrder(service)]
  await world.kafka.publish([bad(world, { key: null }), bad(world), bad(world, { key: null, value: null })])
  await tradesEverywhere(world, ids)
  await world.tradesConsumed()
  await until(() => filled(service, ids), { what: 'the trades behind it are applied' })
  const letters = await world.kafka.read(world.topics.deadLetters)
  const found = letters.map(({ key, value, headers }) => [key, value, headers['x-added'], headers['x-dead-letter-id']])
  expect(found.toSorted((a, b) => (a[3]! < b[3]! ? -1 : 1))).toEqual([
    [idOf(world, 0), 'no trade', 'key', idOf(world, 0)],
    ['AAPL', 'no trade', undefined, idOf(world, 1)],
    [idOf(world, 2), null, 'key', idOf(world, 2)],
  ])
})

test('headers without a value or a name, repeated, or ten thousand of them are on the letter as received', async () => {
  await using world = await createWorld()
  await world.start()
  const many = Object.fromEntries(Array.from({ length: 10_000 }, (_, n) => [`h${n}`, `${n}`]))
  await world.kafka.publish([bad(world, { headers: { a: null, '': '', b: 'c' } }), bad(world, { headers: many })])
  await world.tradesConsumed()
  const letters = await world.kafka.readUntil(world.topics.deadLetters, 2)
  const headersOf = (offset: number) =>
    letters.find(({ headers }) => headers['x-dead-letter-id'] === idOf(world, offset))!.headers
  expect(headersOf(0)).toMatchObject({ a: null, '': '', b: 'c', 'x-left-out': '' })
  expect(headersOf(1)).toMatchObject({ ...many, 'x-left-out': '' })
})

test('what is too large is cut to what fits: headers before the value, the value before its key; a header says what is missing', async () => {
  await using world = await createWorld()
  await world.kafka.alterTopic(world.topics.deadLetters, { 'max.message.bytes': '2000' })
  await world.start()
  const large = 'x'.repeat(3_000)
  await world.kafka.publish([
    bad(world, { headers: { large } }),
    bad(world, { value: large, headers: { small: 's' } }),
    bad(world, { value: large, headers: { large, 'x-redriven-from': 'somewhere-0-1' } }),
    bad(world, { key: large, value: large, headers: { large } }),
    bad(world, { key: large }),
  ])
  await world.tradesConsumed()
  const letters = await world.kafka.readUntil(world.topics.deadLetters, 5)
  const found = letters
    .map(({ key, value, headers }) => ({
      id: headers['x-dead-letter-id'],
      key,
      value,
      leftOut: headers['x-left-out'],
      own: Object.keys(headers).filter((name) => ['small', 'large', 'x-redriven-from'].includes(name)),
    }))
    .toSorted((a, b) => (a.id! < b.id! ? -1 : 1))
  expect(found).toEqual([
    { id: idOf(world, 0), key: 'AAPL', value: 'no trade', leftOut: 'headers', own: [] },
    { id: idOf(world, 1), key: 'AAPL', value: null, leftOut: 'value', own: ['small'] },
    { id: idOf(world, 2), key: 'AAPL', value: null, leftOut: 'headers,value', own: ['x-redriven-from'] },
    { id: idOf(world, 3), key: null, value: null, leftOut: 'headers,value,key', own: [] },
    { id: idOf(world, 4), key: null, value: null, leftOut: 'value,key', own: [] },
  ])
})

test('while a letter can be written in no form it is tried again; the others of its batch are out, and it follows', async () => {
  await using world = await createWorld({ partitions: 1 })
  // Between a letter with short headers and one with long ones, which no cut makes shorter.
  await world.kafka.alterTopic(world.topics.deadLetters, { 'max.message.bytes': '700' })
  const service = await world.start()
  const order = crypto.randomUUID()
  const unknown = tradeOf({ buyOrderId: order, sellOrderId: crypto.randomUUID(), tradeId: 'T'.repeat(60) })
  const trades: Outgoing[] = Array.from({ length: 40 }, (_, n) =>
    n === 20
      ? bad(world, { partition: 0, value: JSON.stringify({ ...unknown, buyOrderId: 'x'.repeat(400) }) })
      : bad(world, { partition: 0 }),
  )
  await world.kafka.publish(trades)
  const read = () => world.kafka.read(world.topics.deadLetters)
  const idsOf = (letters: Awaited<ReturnType<typeof read>>) =>
    new Set(letters.map(({ headers }) => headers['x-dead-letter-id']))
  const others = await until(
    async () => {
      const letters = await read()
      return idsOf(letters).size === 39 && letters
    },
    { what: 'the others are written' },
  )
  const stuck = `${world.topics.trades}-0-20`
  expect(idsOf(others)).not.toContain(stuck)
  const line = await service.logged('dead letters cannot be written; their partitions wait')
  expect(line).toMatchObject({ level: 'error', partitions: [`${world.topics.trades}-0`], letters: 1, first: stuck })
  expect(await world.kafka.committed(world.group, world.topics.trades)).not.toEqual([40n])

  await world.kafka.alterTopic(world.topics.deadLetters, { 'max.message.bytes': '1048588' })
  await until(async () => idsOf(await read()).has(stuck), { what: 'it follows' })
  await world.tradesConsumed()
  const letter = (await read()).find(({ headers }) => headers['x-dead-letter-id'] === stuck)!
  expect(letter).toMatchObject({ value: trades[20]!.value, headers: { 'x-left-out': '' } })
  // Those that were written were not written again and again meanwhile.
  expect((await read()).length).toBeLessThan(2 * trades.length)
})

test('topics deleted and made anew with fewer partitions: the service stays, and what follows is on the new ones', async () => {
  await using world = await createWorld({ partitions: 6 })
  const service = await world.start()
  const tickers = Array.from({ length: 24 }, (_, n) => `T${n}`)
  const placeAll = async () =>
    Promise.all(tickers.map(async (ticker) => String((await service.post(orderBody({ ticker }))).json['id'])))
  const letterEach = () =>
    world.kafka.publish(tickers.map((key): Outgoing => ({ topic: world.topics.trades, key, value: `bad ${key}` })))
  await placeAll()
  await letterEach()
  await world.outboxEmpty()
  await world.tradesConsumed()
  const { placed, deadLetters } = world.topics
  await world.kafka.deleteTopics([placed, deadLetters])
  await until(async () => !(await world.kafka.topicNames()).some((name) => [placed, deadLetters].includes(name)), {
    what: 'they are gone',
  })
  await world.kafka.createTopics([placed, deadLetters], { partitions: 2 })
  const ids = await placeAll()
  await letterEach()
  await world.outboxEmpty()
  await world.tradesConsumed()
  const events = await world.kafka.read(placed)
  const published = new Set(events.map(({ value }) => String(JSON.parse(value!).orderId)))
  expect(ids.filter((id) => !published.has(id))).toEqual([])
  const letters = await world.kafka.read(deadLetters)
  expect(new Set(letters.map(({ value }) => value))).toEqual(new Set(tickers.map((key) => `bad ${key}`)))
  await until(async () => (await service.http('/actuator/health')).json['status'] === 'UP', { what: 'health is UP' })
})
