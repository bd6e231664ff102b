// Proves: every leg of every trade that comes through Kafka ends in one disposition that an operator can see.

import { expect, test } from '../support/explained.ts'
import type { Received } from '../support/kafka.ts'
import { orderBody } from '../support/orderBody.ts'
import type { LogLine } from '../support/service.ts'
import { createWorld, ownWorld, tradeOf, type Trade } from '../support/world.ts'

const { world, ...own } = await ownWorld()
let { service } = own

const place = async (members: Record<string, unknown> = {}): Promise<string> => {
  const reply = await service.post(orderBody(members))
  expect(reply.status).toBe(202)
  return String(reply.json['id'])
}
const orderOf = async (id: string) => (await service.http(`/orders/${id}`)).json
const ledgerOf = (id: string) =>
  world.sql`select trade_id, side, quantity, price, late from ingested_fills where order_id = ${id} order by order_version`
const exceptionsOf = (id: string) =>
  world.sql`select disposition, trade_id, side, ticker, quantity, price, message, kafka_topic from exceptions where order_id = ${id} order by recorded_at, id`

const legs = async (): Promise<Record<string, number>> =>
  Object.fromEntries(
    Object.entries(await service.metrics())
      .filter(([name]) => name.startsWith('orders_trade_legs_total'))
      .map(([name, value]) => [/"(\w+)"/.exec(name)![1]!, value]),
  )

/** Publishes the trades and answers by how much the count of each disposition rose. */
const apply = async (...trades: Trade[]): Promise<Record<string, number>> => {
  const before = await legs()
  await world.publishTrades(...trades)
  await world.tradesConsumed()
  return Object.fromEntries(
    Object.entries(await legs())
      .map(([name, value]) => [name, value - before[name]!] as const)
      .filter(([, rise]) => rise !== 0),
  )
}

const letters = async (mark: string): Promise<Received[]> =>
  (await world.kafka.read(world.topics.deadLetters)).filter(
    ({ value, headers }) => value?.includes(mark) === true || headers['x-legs']?.includes(mark) === true,
  )

test('a trade between two of our orders fills both', async () => {
  const [buy, sell] = [await place(), await place({ side: 'SELL', price: 149 })]
  const trade = tradeOf({ buyOrderId: buy, sellOrderId: sell, quantity: 100, price: 150.25 })
  expect(await apply(trade)).toEqual({ APPLIED: 2 })
  for (const [id, side] of [
    [buy, 'BUY'],
    [sell, 'SELL'],
  ] as const) {
    expect(await orderOf(id)).toMatchObject({
      status: 'FILLED',
      filledQuantity: 100,
      remainingQuantity: 0,
      lastFillPrice: 150.25,
      averageFillPrice: 150.25,
      version: 1,
    })
    expect(await ledgerOf(id)).toMatchObject([{ trade_id: trade['tradeId'], side, late: false }])
  }
  const fills = await service.http(`/orders/${buy}/fills`)
  expect(fills.json['fills']).toMatchObject([
    { tradeId: trade['tradeId'], side: 'BUY', ticker: 'AAPL', quantity: 100, price: 150.25, late: false },
  ])
})

test('partial fills add up, the last one fills; the other leg may be nobody or a stranger', async () => {
  const id = await place({ quantity: 10 })
  const stranger = crypto.randomUUID()
  expect(await apply(tradeOf({ buyOrderId: id, quantity: 4, price: 10 }))).toEqual({ APPLIED: 1 })
  expect(await orderOf(id)).toMatchObject({ status: 'PARTIALLY_FILLED', filledQuantity: 4, remainingQuantity: 6 })
  expect(await apply(tradeOf({ buyOrderId: id, sellOrderId: stranger, quantity: 6, price: 11 }))).toEqual({
    APPLIED: 1,
    UNKNOWN_ORDER: 1,
  })
  expect(await orderOf(id)).toMatchObject({ status: 'FILLED', lastFillPrice: 11, averageFillPrice: 10.6, version: 2 })
  const [letter] = await letters(stranger)
  expect(letter!.headers).toMatchObject({ 'x-disposition': 'UNKNOWN_ORDER', 'x-legs': `SELL:${stranger}` })
})

test('many fills of one order in one batch: last price is that of the last in partition order', async () => {
  const id = await place({ quantity: 300 })
  const trades = Array.from({ length: 300 }, (_, n) => tradeOf({ buyOrderId: id, quantity: 1, price: n + 1 }))
  expect(await apply(...trades)).toEqual({ APPLIED: 300 })
  expect(await orderOf(id)).toMatchObject({
    status: 'FILLED',
    lastFillPrice: 300,
    averageFillPrice: 150.5,
    version: 300,
  })
  expect((await ledgerOf(id)).map((row) => row['trade_id'])).toEqual(trades.map((trade) => trade['tradeId']))
})

test('the single-leg form takes its side from the order', async () => {
  const id = await place({ side: 'SELL' })
  const { buyOrderId: _b, sellOrderId: _s, ...single } = tradeOf({ orderId: id.toUpperCase(), quantity: '2.5' })
  expect(await apply(single as Trade)).toEqual({ APPLIED: 1 })
  expect(await ledgerOf(id)).toMatchObject([{ side: 'SELL', quantity: '2.50000000' }])
})

test('the time of a trade may be ISO text, epoch seconds or epoch milliseconds', async () => {
  const id = await place({ quantity: 100 })
  const times = {
    iso: '2026-01-02T03:04:05.678901+00:00',
    offset: '2026-01-02T04:04:05.678901+01:00',
    seconds: 1767323045.678901,
    milliseconds: 1767323045678,
  }
  for (const [tradeId, timestamp] of Object.entries(times))
    expect(await apply(tradeOf({ tradeId, buyOrderId: id, quantity: 1, timestamp }))).toEqual({ APPLIED: 1 })
  const rows = await world.sql`
    select trade_id, to_char(ts at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') as ts from ingested_fills where order_id = ${id}`
  expect(Object.fromEntries(rows.map((row) => [row['trade_id'], row['ts']]))).toEqual({
    iso: '2026-01-02 03:04:05.678901',
    offset: '2026-01-02 03:04:05.678901',
    seconds: '2026-01-02 03:04:05.678901',
    milliseconds: '2026-01-02 03:04:05.678000',
  })
})

test('DUPLICATE: the same trade again, also as other text, changes nothing', async () => {
  const id = await place()
  const trade = tradeOf({ buyOrderId: id, quantity: 30, price: 150 })
  expect(await apply(trade, trade)).toEqual({ APPLIED: 1, DUPLICATE: 1 })
  const before = await orderOf(id)
  expect(await apply({ ...trade, quantity: '30.00', price: '150.0', ticker: 'aapl' })).toEqual({ DUPLICATE: 1 })
  expect(await orderOf(id)).toEqual(before)
  expect(await ledgerOf(id)).toHaveLength(1)
  expect(await exceptionsOf(id)).toHaveLength(0)
})

test('CONFLICT: the same trade with other content is kept as an exception, once', async () => {
  const id = await place()
  const trade = tradeOf({ buyOrderId: id, quantity: 30 })
  const other = { ...trade, quantity: 31 }
  expect(await apply(trade, other)).toEqual({ APPLIED: 1, CONFLICT: 1 })
  expect(await apply(other)).toEqual({ DUPLICATE: 1 })
  expect(await orderOf(id)).toMatchObject({ filledQuantity: 30, version: 1 })
  const exceptions = await exceptionsOf(id)
  expect(exceptions).toMatchObject([
    { disposition: 'CONFLICT', trade_id: trade['tradeId'], quantity: '31.00000000', kafka_topic: world.topics.trades },
  ])
  expect(Buffer.from(exceptions[0]!['message']).toString()).toBe(JSON.stringify(other))
  const isAlarm = ({ level, orderId }: LogLine) => level === 'error' && orderId === id
  await service.logged(isAlarm)
  const alarms = service.log.filter(isAlarm)
  expect(alarms).toMatchObject([{ disposition: 'CONFLICT', tradeId: trade['tradeId'], side: 'BUY' }])
})

test('OVERFILL: what would pass the quantity is kept whole and not applied', async () => {
  const id = await place({ quantity: 10 })
  expect(await apply(tradeOf({ buyOrderId: id, quantity: 9 }))).toEqual({ APPLIED: 1 })
  const over = tradeOf({ buyOrderId: id, quantity: 2 })
  expect(await apply(over)).toEqual({ OVERFILL: 1 })
  expect(await orderOf(id)).toMatchObject({ status: 'PARTIALLY_FILLED', filledQuantity: 9 })
  const exceptions = await exceptionsOf(id)
  expect(exceptions).toMatchObject([{ disposition: 'OVERFILL' }])
  expect(Buffer.from(exceptions[0]!['message']).toString()).toBe(JSON.stringify(over))
  // What still fits is judged afresh.
  expect(await apply({ ...over, quantity: 1 })).toEqual({ APPLIED: 1 })
  expect(await orderOf(id)).toMatchObject({ status: 'FILLED', filledQuantity: 10 })
})

test('MISMATCH: other ticker, other side, or both legs naming one order', async () => {
  const id = await place()
  expect(await apply(tradeOf({ buyOrderId: id, ticker: 'MSFT' }))).toEqual({ MISMATCH: 1 })
  expect(await apply(tradeOf({ sellOrderId: id }))).toEqual({ MISMATCH: 1 })
  expect(await apply(tradeOf({ buyOrderId: id, sellOrderId: id }))).toEqual({ MISMATCH: 2 })
  expect(await orderOf(id)).toMatchObject({ status: 'NEW', filledQuantity: 0 })
  const exceptions = await exceptionsOf(id)
  expect(exceptions.map(({ disposition, ticker, side }) => `${disposition} ${ticker} ${side}`)).toEqual([
    'MISMATCH MSFT BUY',
    'MISMATCH AAPL SELL',
    'MISMATCH AAPL BUY',
    'MISMATCH AAPL SELL',
  ])
})

test('LATE: a fill after the cancel is a fact, the status stays', async () => {
  const id = await place({ quantity: 10 })
  expect((await service.http(`/orders/${id}/cancel`, { method: 'POST' })).status).toBe(200)
  expect(await apply(tradeOf({ buyOrderId: id, quantity: 4, price: 7 }))).toEqual({ LATE: 1 })
  expect(await orderOf(id)).toMatchObject({
    status: 'CANCELED',
    filledQuantity: 4,
    remainingQuantity: 0,
    lastFillPrice: 7,
    version: 2,
  })
  expect(await ledgerOf(id)).toMatchObject([{ late: true }])
  expect(await apply(tradeOf({ buyOrderId: id, quantity: 7 }))).toEqual({ OVERFILL: 1 })
})

test('UNKNOWN_ORDER: dead-lettered with key, bytes and headers as received, naming both legs in one letter', async () => {
  const [buy, notUuid] = [crypto.randomUUID(), 'order-77']
  const value = `{ "tradeId":"u-1", "buyOrderId":"${buy}","sellOrderId":"${notUuid}","ticker":"AAPL","price":1.50,"quantity":1,"timestamp":1767323045, "extra":[1] }`
  const headers = { eventId: 'e-77', note: 'as it was', 'x-reason': 'an older letter' }
  await world.kafka.publish([{ topic: world.topics.trades, key: 'AAPL', value, headers }])
  await world.tradesConsumed()
  const found = await letters(buy)
  expect(found).toMatchObject([{ key: 'AAPL', value }])
  const [source] = (await world.kafka.read(world.topics.trades)).filter((message) => message.value === value)
  expect(found[0]!.headers).toEqual({
    eventId: 'e-77',
    note: 'as it was',
    'x-dead-letter-id': `${world.topics.trades}-${source!.partition}-${source!.offset}`,
    'x-disposition': 'UNKNOWN_ORDER',
    'x-left-out': '',
    'x-reason': expect.any(String),
    'x-legs': expect.stringContaining(`BUY:${buy}`),
    'x-original-topic': world.topics.trades,
    'x-original-partition': String(source!.partition),
    'x-original-offset': String(source!.offset),
  })
  expect(found[0]!.headers['x-legs']!.split(',').toSorted()).toEqual([`BUY:${buy}`, `SELL:${notUuid}`])
  expect(found[0]!.headers['x-reason']).not.toBe('an older letter')
})

test('MALFORMED: every kind of bad bytes is a letter with the same bytes, and the partition goes on', async () => {
  const id = await place({ quantity: 1000 })
  const good = tradeOf({ buyOrderId: id, quantity: 1 })
  const bad: (string | Uint8Array | null)[] = [
    'no json',
    new Uint8Array([0xff, 0xfe, 0x00, 0x7b]),
    '[]',
    '{}',
    JSON.stringify({ ...good, quantity: '1.123456789' }),
    JSON.stringify({ ...good, quantity: 0 }),
    JSON.stringify({ ...good, price: -1 }),
    JSON.stringify({ ...good, timestamp: 'yesterday' }),
    JSON.stringify({ ...good, tradeId: 'x'.repeat(65) }),
    JSON.stringify({ ...good, tradeId: 'a\nb' }),
    JSON.stringify({ ...good, buyOrderId: null }),
    JSON.stringify({ ...good, ticker: 'much too long a ticker' }),
    '',
    null,
  ]
  const before = await legs()
  const lettersBefore = (await world.kafka.read(world.topics.deadLetters)).length
  const partition = 1
  await world.kafka.publish([
    ...bad.map((value) => ({ topic: world.topics.trades, key: 'BAD', value, partition })),
    { topic: world.topics.trades, key: null, value: 'no key either', partition },
    { topic: world.topics.trades, key: 'AAPL', value: JSON.stringify(good), partition },
  ])
  await world.tradesConsumed()
  const after = await legs()
  expect(after['MALFORMED']! - before['MALFORMED']!).toBe(bad.length + 1)
  expect(after['APPLIED']! - before['APPLIED']!).toBe(1)
  expect(await orderOf(id)).toMatchObject({ filledQuantity: 1 })

  const sources = (await world.kafka.read(world.topics.trades)).filter(({ key }) => key === 'BAD' || key === null)
  const dead = (await world.kafka.read(world.topics.deadLetters)).filter(
    ({ headers }) => headers['x-disposition'] === 'MALFORMED',
  )
  expect((await world.kafka.read(world.topics.deadLetters)).length - lettersBefore).toBe(sources.length)
  for (const source of sources) {
    const letterId = `${world.topics.trades}-${source.partition}-${source.offset}`
    const [letter, ...more] = dead.filter(({ headers }) => headers['x-dead-letter-id'] === letterId)
    expect(more).toEqual([])
    expect({ key: letter!.key, bytes: letter!.bytes?.toHex() }).toEqual({
      key: source.key,
      bytes: source.bytes?.toHex(),
    })
    expect(letter!.headers['x-reason']).toMatch(/\w/)
  }
})

test('the whole topic again changes nothing', async () => {
  const dump = async () => ({
    orders: await world.sql`select * from orders order by id`,
    ledger: await world.sql`select * from ingested_fills order by order_id, trade_id`,
    exceptions: await world.sql`select * from exceptions order by id`,
    letters: new Set(
      (await world.kafka.read(world.topics.deadLetters)).map(({ headers }) => headers['x-dead-letter-id']),
    ),
  })
  const before = await dump()
  expect(before.ledger.length).toBeGreaterThan(300)
  expect(before.exceptions.length).toBeGreaterThan(5)
  expect(await service.stop()).toBe(0)
  await world.kafka.rewind(world.group, world.topics.trades)
  service = await world.start()
  await world.tradesConsumed()
  const after = await dump()
  expect(after.letters).toEqual(before.letters)
  expect(after).toEqual(before)
  const counts = await legs()
  expect(counts).toMatchObject({ APPLIED: 0, LATE: 0, CONFLICT: 0, OVERFILL: 0 })
  expect(counts['DUPLICATE']).toBeGreaterThan(300)
  // An alarm is raised when something is first kept, not each time it is met again.
  expect(service.log.filter(({ level }) => level === 'error')).toEqual([])
})

test('TRADE_UNKNOWN_TO_DLQ=false: trades of strangers are counted only, bad bytes are dead-lettered still', async () => {
  await using shared = await createWorld({ env: { TRADE_UNKNOWN_TO_DLQ: 'false' } })
  const reader = await shared.start()
  await shared.publishTrades(
    ...Array.from({ length: 20 }, () => tradeOf({ buyOrderId: crypto.randomUUID(), sellOrderId: 'theirs' })),
  )
  await shared.kafka.publish([{ topic: shared.topics.trades, key: 'AAPL', value: 'bad' }])
  await shared.tradesConsumed()
  expect(await reader.metrics()).toMatchObject({
    'orders_trade_legs_total{disposition="UNKNOWN_ORDER"}': 40,
    'orders_trade_legs_total{disposition="MALFORMED"}': 1,
  })
  expect(await shared.kafka.read(shared.topics.deadLetters)).toMatchObject([{ value: 'bad' }])
  expect(reader.log.filter(({ message }) => message.includes('unknown order')).length).toBeLessThan(3)
})
