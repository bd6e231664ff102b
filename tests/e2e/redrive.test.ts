// Proves: `orders redrive` does what an operator expects: the compiled binary against a real broker. It gets no address of a
// database.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from '../support/explained.ts'
import { distinctBy } from '../support/identity.ts'
import type { Received } from '../support/kafka.ts'
import { letterFor } from '../support/letters.ts'
import { orderBody } from '../support/orderBody.ts'
import { runBinary } from '../support/service.ts'
import { createWorld, ownWorld, tradeOf, type World } from '../support/world.ts'

const { world, service } = await ownWorld()

const redriveIn = (of: World, ...args: string[]) => {
  const { DATABASE_URL: _, ...env } = of.env
  return runBinary(['redrive', ...args], env)
}
const redrive = (...args: string[]) => redriveIn(world, ...args)
const lastOf = ({ out }: { out: string }): string => out.trim().split('\n').at(-1)!
const place = async (members: Record<string, unknown> = {}): Promise<string> =>
  String((await service.post(orderBody(members))).json['id'])
const orderOf = async (id: string) => (await service.http(`/orders/${id}`)).json
const trades = (): Promise<Received[]> => world.kafka.read(world.topics.trades)
const lettersFor = async (mark: string): Promise<Received[]> =>
  (await world.kafka.read(world.topics.deadLetters)).filter(({ value }) => value?.includes(mark) === true)
/** What one run sent: each letter once, however often its request was repeated. */
const sentIn = async (of: World): Promise<Received[]> =>
  distinctBy(await of.kafka.readAll(of.topics.trades), ({ headers }) => headers['x-redriven-from'])
const idOf = (offset: number, partition = 0): string => `${world.topics.trades}-${partition}-${offset}`

/** Offsets that no real message of these tests has. */
let next = 1_000_000
beforeEach(() => (next += 1_000))

test('a letter of an order that is here by now is applied once, however often it is redriven', async () => {
  const id = await place()
  const trade = tradeOf({ buyOrderId: id, quantity: 40, price: '149.12345678' })
  await world.kafka.publish([letterFor({ world, trade, partition: 0, offset: next, headers: { traceparent: 'abc' } })])

  const dry = await redrive('--order', id, '--dry-run')
  expect(dry.exitCode).toBe(0)
  expect(dry.out).toBe(`${idOf(next)}  UNKNOWN_ORDER  no such order here  BUY:${id}\n${lastOf(dry)}\n`)
  expect(lastOf(dry)).toEndWith(' 1 selected, 0 sent')
  expect((await orderOf(id))['version']).toBe(0)

  const real = await redrive('--order', id)
  expect({ exitCode: real.exitCode, last: lastOf(real) }).toEqual({
    exitCode: 0,
    last: lastOf(dry).replace('0 sent', '1 sent'),
  })
  await world.tradesConsumed()
  const applied = await orderOf(id)
  expect(applied).toMatchObject({ filledQuantity: 40, lastFillPrice: 149.12345678, version: 1 })

  const [sent] = (await trades()).filter(({ value }) => value?.includes(id))
  expect(sent).toMatchObject({ key: 'AAPL', value: JSON.stringify(trade) })
  // As it was received, and where it came from: nothing of the dead-letter topic stays with it.
  expect(sent!.headers).toEqual({ traceparent: 'abc', 'x-redriven-from': idOf(next) })

  for (let again = 0; again < 2; again++) expect((await redrive('--all', '--order', id)).exitCode).toBe(0)
  await world.tradesConsumed()
  expect(await orderOf(id)).toEqual(applied)
  expect(await world.sql`select trade_id from ingested_fills where order_id = ${id}`).toHaveLength(1)
  expect(await world.sql`select id from exceptions where order_id = ${id}`).toHaveLength(0)
})

test('a trade of an order of another database ends there after the topics were joined', async () => {
  // The order lives in world two; its trade was sent to world one, which knows no such order.
  await using two = await createWorld()
  await using other = await two.start()
  const id = String((await other.post(orderBody())).json['id'])
  const trade = tradeOf({ buyOrderId: id, quantity: 100 })
  await world.publishTrades(trade)
  await world.tradesConsumed()
  const [letter] = await lettersFor(id)
  expect(letter!.headers['x-disposition']).toBe('UNKNOWN_ORDER')

  const env = { KAFKA_TOPIC_TRADE_EXECUTED: two.topics.trades }
  const { exitCode, out } = await runBinary(['redrive', '--order', id], { ...world.env, ...env })
  expect({ exitCode, selected: out.includes(' 1 selected, 1 sent') }).toEqual({ exitCode: 0, selected: true })
  await two.tradesConsumed()
  expect((await other.http(`/orders/${id}`)).json).toMatchObject({ status: 'FILLED', version: 1 })
})

test('a redriven letter that comes back names its root, and one root is sent once a run', async () => {
  const id = crypto.randomUUID()
  await world.publishTrades(tradeOf({ buyOrderId: id }))
  await world.tradesConsumed()
  for (let round = 1; round <= 3; round++) {
    expect(lastOf(await redrive('--order', id))).toEndWith(' 1 selected, 1 sent')
    await world.tradesConsumed()
    const letters = await lettersFor(id)
    expect(letters).toHaveLength(1 + round)
    const root = letters.map(({ headers }) => headers['x-redriven-from'] ?? headers['x-dead-letter-id'])
    expect(new Set(root).size).toBe(1)
    // Each is about the message that it was made of.
    expect(new Set(letters.map(({ headers }) => headers['x-dead-letter-id'])).size).toBe(1 + round)
  }
  // Any of its letters leads to the root.
  const back = (await lettersFor(id)).at(-1)!.headers['x-dead-letter-id']!
  expect(lastOf(await redrive('--id', back, '--dry-run'))).toEndWith(' 1 selected, 0 sent')
})

describe('what is selected', () => {
  let own: World
  const times: number[] = []
  const run = (...args: string[]) => redriveIn(own, '--dry-run', ...args)
  const [a, b] = [crypto.randomUUID(), crypto.randomUUID()]
  const id = (offset: number, partition = 0): string => `${own.topics.trades}-${partition}-${offset}`
  const idsOf = ({ out }: { out: string }): string[] =>
    out
      .trim()
      .split('\n')
      .slice(0, -1)
      .map((line) => line.split('  ')[0]!)

  beforeAll(async () => {
    own = await createWorld()
    const letter = (rest: Omit<Parameters<typeof letterFor>[0], 'world'>) => letterFor({ world: own, ...rest })
    // Repeats of a crash, several keys, and not in the order of the source.
    const repeated = letter({ trade: tradeOf({ buyOrderId: a }), partition: 1, offset: 10 })
    await own.kafka.publish([
      repeated,
      letter({ trade: tradeOf({ buyOrderId: b }), partition: 0, offset: 9, key: 'MSFT' }),
      repeated,
      letter({ trade: 'nonsense', partition: 0, offset: 10, key: 'TSLA' }),
    ])
    await Bun.sleep(20)
    times.push(Date.now())
    await Bun.sleep(20)
    await own.kafka.publish([
      letter({ trade: tradeOf({ buyOrderId: a }), partition: 0, offset: 2, key: 'IBM' }),
      letter({
        trade: null,
        partition: 0,
        offset: 3,
        headers: { 'x-reason': 'is no JSON in UTF-8; too large for this topic, left out: value (9 bytes)' },
      }),
      { topic: own.topics.deadLetters, key: 'x', value: 'no letter' },
    ])
  })
  afterAll(() => own[Symbol.asyncDispose]())

  test('all, once each, in original order; what was too large, and what is no letter, is named', async () => {
    const result = await run('--all')
    expect(idsOf(result)).toEqual([id(2), id(9), id(10), id(10, 1)])
    expect(lastOf(result)).toBe('5 letters, 4 selected, 0 sent')
    expect(result.exitCode).toBe(0)
    expect(result.err).toContain(`${id(3)}: skipped: the letter does not hold the whole message`)
    expect(result.err).toContain('is not a dead letter of this service')
  })

  test('by disposition, order, id, time and number', async () => {
    expect(idsOf(await run('--disposition', 'MALFORMED'))).toEqual([id(10)])
    expect(idsOf(await run('--disposition', 'UNKNOWN_ORDER'))).toEqual([id(2), id(9), id(10, 1)])
    expect(idsOf(await run('--order', a.toUpperCase()))).toEqual([id(2), id(10, 1)])
    expect(idsOf(await run('--order', a, '--order', b))).toEqual([id(2), id(9), id(10, 1)])
    expect(idsOf(await run('--id', id(9), '--id', id(10, 1)))).toEqual([id(9), id(10, 1)])
    const at = new Date(times[0]!).toISOString()
    expect(idsOf(await run('--since', at))).toEqual([id(2)])
    expect(idsOf(await run('--until', at))).toEqual([id(9), id(10), id(10, 1)])
    expect(idsOf(await run('--order', a, '--until', at))).toEqual([id(10, 1)])
    expect(idsOf(await run('--all', '--limit', '2'))).toEqual([id(2), id(9)])
  })

  test('nothing is sent without saying which, and bad arguments end with 2', async () => {
    for (const args of [
      [],
      ['--limit', '5'],
      ['--disposition', 'OVERFILL'],
      ['--order', '1'],
      ['--id', 'x'],
      ['--since', 'yesterday'],
      ['--all', '--limit', '0'],
      ['--everything'],
    ]) {
      const { exitCode, out, err } = await redriveIn(own, ...args)
      expect({ args, exitCode, out }).toEqual({ args, exitCode: 2, out: '' })
      expect(err).toContain('orders redrive [--reports] [--dry-run]')
    }
    expect(await own.kafka.read(own.topics.trades)).toEqual([])
  })

  test('for real: by key as the Java client chooses, in original order, bytes and all; 1 for what cannot be sent', async () => {
    const result = await redriveIn(own, '--all')
    expect({ exitCode: result.exitCode, last: lastOf(result) }).toEqual({
      exitCode: 1,
      last: '5 letters, 4 selected, 4 sent',
    })
    const sent = await sentIn(own)
    expect(sent).toHaveLength(4)
    expect(new Set(sent.map(({ headers }) => headers['x-redriven-from']))).toEqual(
      new Set([id(2), id(9), id(10), id(10, 1)]),
    )
    const letters = await own.kafka.readAll(own.topics.deadLetters)
    for (const { key, value, headers } of sent) {
      const letter = letters.find((letter) => letter.headers['x-dead-letter-id'] === headers['x-redriven-from'])!
      expect({ key, value }).toEqual({ key: letter.key, value: letter.value })
    }
    // The test's own publisher places by key as well, and into as many partitions.
    const partitions = new Map(letters.map(({ key, partition }) => [key, partition]))
    for (const { key, partition } of sent) expect({ key, partition }).toEqual({ key, partition: partitions.get(key)! })
    const missing = await redriveIn(own, '--id', id(77))
    expect(missing).toMatchObject({ exitCode: 1, out: '5 letters, 0 selected, 0 sent\n' })
    expect(missing.err).toContain(`${id(77)}: no such letter`)
  })
})

test('thousands of letters: every one, once, in the order of their partition', async () => {
  await using own = await createWorld({ partitions: 2 })
  const count = 5_000
  // Backwards, and every tenth one twice.
  const letters = Array.from({ length: count }, (_, i) =>
    letterFor({
      world: own,
      trade: tradeOf({ buyOrderId: 'x', pad: 'x'.repeat(500) }),
      partition: 0,
      offset: count - i,
      key: `K${i % 7}`,
    }),
  )
  for (let i = 0; i < count; i += 500) await own.kafka.publish(letters.slice(i, i + 500))
  await own.kafka.publish(letters.filter((_, i) => i % 10 === 0))
  const result = await redriveIn(own, '--all')
  expect({ exitCode: result.exitCode, out: result.out }).toEqual({
    exitCode: 0,
    out: `${count} letters, ${count} selected, ${count} sent\n`,
  })
  const sent = await sentIn(own)
  expect(sent).toHaveLength(count)
  for (const partition of [0, 1]) {
    const offsets = sent
      .filter((message) => message.partition === partition)
      .map(({ headers }) => Number(headers['x-redriven-from']!.split('-').at(-1)))
    expect(offsets.length).toBeGreaterThan(0)
    expect(offsets).toEqual(offsets.toSorted((x, y) => x - y))
  }
})

test('a letter that the trade topic refuses is named, the others are sent', async () => {
  await using own = await createWorld({ partitions: 1 })
  await own.kafka.alterTopic(own.topics.trades, { 'max.message.bytes': '2000' })
  const letter = (offset: number, size: number) =>
    letterFor({ world: own, trade: tradeOf({ buyOrderId: 'x', pad: 'x'.repeat(size) }), partition: 0, offset })
  await own.kafka.publish([letter(1, 10), letter(2, 5_000), letter(3, 10)])
  const result = await redriveIn(own, '--all')
  expect({ exitCode: result.exitCode, out: result.out }).toEqual({
    exitCode: 1,
    out: '3 letters, 3 selected, 2 sent\n',
  })
  expect(result.err).toContain(`${own.topics.trades}-0-2: could not be sent`)
  const sent = await sentIn(own)
  expect(sent.map(({ headers }) => headers['x-redriven-from'])).toEqual([
    `${own.topics.trades}-0-1`,
    `${own.topics.trades}-0-3`,
  ])
})

test('without a broker, or without the topic, it ends with 2', async () => {
  const nowhere = await runBinary(['redrive', '--all'], { KAFKA_BOOTSTRAP_SERVERS: '127.0.0.1:1' })
  expect({ exitCode: nowhere.exitCode, out: nowhere.out }).toEqual({ exitCode: 2, out: '' })
  expect(nowhere.err).toContain('could not redrive')
  const absent = await runBinary(['redrive', '--all'], { ...world.env, KAFKA_TOPIC_TRADE_DLQ: 'nobody.made.this' })
  expect(absent.exitCode).toBe(2)
  expect(absent.err).toContain('the topic nobody.made.this does not exist')
})

test('headers say what is missing and what was added, and not the words of the reason', async () => {
  await using own = await createWorld({ partitions: 3 })
  const letter = (offset: number, headers: Record<string, string>, rest: { trade?: null; key?: string } = {}) =>
    letterFor({ world: own, trade: tradeOf({ buyOrderId: 'x', n: offset }), partition: 2, offset, headers, ...rest })
  const oldWords = 'no such order here; too large for this topic, left out: value (9 bytes)'
  await own.kafka.publish([
    letter(1, { 'x-left-out': '', 'x-reason': oldWords }),
    letter(2, { 'x-left-out': 'headers' }),
    letter(3, { 'x-left-out': 'value' }, { trade: null }),
    letter(4, { 'x-left-out': 'headers,value,key' }, { trade: null }),
    // A tombstone, whatever was wrong with it.
    letter(5, { 'x-left-out': '', 'x-reason': 'could not be handled' }, { trade: null }),
    letter(6, { 'x-left-out': '', 'x-added': 'key' }, { key: `${own.topics.trades}-2-6` }),
    // Those of older versions.
    letter(7, { 'x-reason': oldWords }),
    letter(8, { 'x-reason': 'is no JSON' }, { trade: null }),
    letter(9, { 'x-reason': 'is empty' }, { trade: null }),
  ])
  const result = await redriveIn(own, '--all')
  expect({ exitCode: result.exitCode, out: result.out }).toEqual({
    exitCode: 1,
    out: '9 letters, 5 selected, 5 sent\n',
  })
  for (const offset of [3, 4, 7, 8]) expect(result.err).toContain(`${own.topics.trades}-2-${offset}: skipped`)
  const sent = await own.kafka.read(own.topics.trades)
  const found = new Map(sent.map((each) => [Number(each.headers['x-redriven-from']!.split('-').at(-1)), each]))
  expect(new Set(found.keys())).toEqual(new Set([1, 2, 5, 6, 9]))
  expect([5, 9].map((offset) => found.get(offset)!.value)).toEqual([null, null])
  expect(found.get(6)).toMatchObject({ key: null, partition: 2 })
  for (const { headers } of sent) expect(Object.keys(headers)).toEqual(['x-redriven-from'])
})

test('a letter with a header without a value is sent again as it was received, and applied', async () => {
  const id = await place()
  const trade = tradeOf({ buyOrderId: id, quantity: 40 })
  const headers = { a: null, '': '', 'x-left-out': '' }
  await world.kafka.publish([letterFor({ world, trade, partition: 0, offset: next, headers })])
  expect(lastOf(await redrive('--order', id))).toEndWith(' 1 selected, 1 sent')
  await world.tradesConsumed()
  expect(await orderOf(id)).toMatchObject({ filledQuantity: 40 })
  const [sent] = (await trades()).filter(({ value }) => value?.includes(id))
  expect(sent!.headers).toEqual({ a: null, '': '', 'x-redriven-from': idOf(next) } as never)
})

test('a letter that the trade topic refuses for its key is named, the others are sent', async () => {
  await using own = await createWorld({ partitions: 1 })
  await own.kafka.alterTopic(own.topics.trades, { 'cleanup.policy': 'compact' })
  const letter = (offset: number, headers: Record<string, string>) =>
    letterFor({ world: own, trade: tradeOf({ buyOrderId: 'x' }), partition: 0, offset, headers })
  await own.kafka.publish([letter(1, {}), letter(2, { 'x-left-out': '', 'x-added': 'key' }), letter(3, {})])
  const result = await redriveIn(own, '--all')
  expect({ exitCode: result.exitCode, out: result.out }).toEqual({
    exitCode: 1,
    out: '3 letters, 3 selected, 2 sent\n',
  })
  expect(result.err).toContain(`${own.topics.trades}-0-2: could not be sent: INVALID_RECORD`)
})
