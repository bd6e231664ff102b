// Proves: over a real Kafka, with the engine as its own process: crossing orders make one trade on the right partition, repeats
// and early cancels are understood, what it ends is reported once, and no restart trades twice. A later pair of orders on the same ticker proves that nothing
// happened: its trade stands behind everything else.

import { afterEach, beforeEach, expect, test } from 'bun:test'
import { until } from '../support/until.ts'
import { cancelledMessage, message, placedMessage } from './arbitraries.ts'
import { openHarness } from './harness.ts'

const TICKER = 'NVDA' // on partition 2 of 3, says the Java client
const limit = { type: 'LIMIT', timeInForce: 'GTC', quantity: 5n, price: 3n } as const

const buy = (id: string) => placedMessage(id, TICKER, { ...limit, side: 'BUY' })

const sell = (id: string) => placedMessage(id, TICKER, { ...limit, side: 'SELL' })

let harness: Awaited<ReturnType<typeof openHarness>>

beforeEach(async () => {
  harness = await openHarness()
})
afterEach(() => harness.close())

const place = (order: ReturnType<typeof buy>) => harness.send(harness.topics.placed, TICKER, order)

const pairs = () => harness.trades.map(({ value }) => `${String(value['buyOrderId'])}/${String(value['sellOrderId'])}`)

/** Sends a pair of large orders at a better price than any other, which meet what rests and then each other. */
const untilAllIsDone = async (name = 'last'): Promise<void> => {
  const better = { ...limit, price: 4n }
  await place(placedMessage(`${name}-b`, TICKER, { ...better, side: 'BUY', quantity: 500n }))
  await place(placedMessage(`${name}-s`, TICKER, { ...better, side: 'SELL', quantity: 500n }))
  await until(() => pairs().includes(`${name}-b/${name}-s`), { what: `the trade of ${name}` })
}

test('crossing orders make one trade; a repeated event does nothing', async () => {
  await harness.startEngine()
  const disguised = { ...buy('other'), eventId: buy('b').eventId }
  for (const order of [buy('b'), buy('b'), disguised, sell('s'), sell('s'), sell('t')]) await place(order)
  await untilAllIsDone()
  expect(pairs()).toEqual(['b/s', 'last-b/t', 'last-b/last-s'])
  const [trade] = harness.trades
  expect(trade).toMatchObject({
    key: TICKER,
    partition: 2,
    eventId: trade?.value['tradeId'],
  })
  expect(trade?.value).toMatchObject({ ticker: TICKER, price: 3, quantity: 5 })
})

test('a cancel counts, also one that arrives before its placement', async () => {
  await harness.startEngine()
  await harness.send(harness.topics.cancelled, TICKER, cancelledMessage('early', TICKER))
  await place(buy('early'))
  await place(buy('b'))
  await place(sell('s'))
  await untilAllIsDone()
  expect(pairs()).toEqual(['b/s', 'last-b/last-s'])
})

test('an unreadable message is logged and skipped, on any topic', async () => {
  const engine = await harness.startEngine()
  for (const topic of Object.values(harness.topics)) await harness.send(topic, TICKER, message(null, 'no object'))
  await place(buy('b'))
  await place(sell('s'))
  await until(() => engine.lines.filter((line) => line.includes('malformed, skipped')).length === 3, {
    what: 'three messages are skipped',
  })
  await until(() => pairs().includes('b/s'), { what: 'the trade b/s' })
})

test('a restart trades nothing twice, keeps what rests and takes up what came meanwhile', async () => {
  const first = await harness.startEngine()
  const order = { ...limit, quantity: 9n }
  await place(placedMessage('big', TICKER, { ...order, side: 'BUY' }))
  await place(placedMessage('ioc', TICKER, { ...order, side: 'SELL', price: 4n, timeInForce: 'IOC' }))
  await place(buy('gone'))
  await harness.send(harness.topics.cancelled, TICKER, cancelledMessage('gone', TICKER))
  await place(sell('s1'))
  await until(() => pairs().includes('big/s1'), { what: 'the trade big/s1' })
  await place(placedMessage('s2', TICKER, { ...limit, side: 'SELL', quantity: 1n }))
  await until(() => pairs().includes('big/s2'), { what: 'the trade big/s2' })
  await first.kill()
  await place(sell('s3'))
  await place(buy('b4'))
  const second = await harness.startEngine()
  await untilAllIsDone()
  expect(pairs()).toEqual(['big/s1', 'big/s2', 'big/s3', 'b4/s3', 'last-b/last-s'])
  expect(harness.trades.map(({ value }) => value['quantity'])).toEqual([5, 1, 3, 2, 500])
  expect(await second.stop()).toBe(0)
})

test('what it ends is reported, keyed by ticker, after the trades that it counts; a restart reports nothing twice', async () => {
  const features = 'reports,display,post-only'
  const first = await harness.startEngine(features)
  const ending = (id: string, timeInForce: 'IOC' | 'FOK') =>
    placedMessage(id, TICKER, { ...limit, side: 'SELL', timeInForce, quantity: 9n })
  const refused = placedMessage('post-only', TICKER, { ...limit, side: 'SELL', postOnly: true })
  await place(placedMessage('ice', TICKER, { ...limit, side: 'BUY', display: 1n }))
  for (const order of [buy('plain'), refused, sell('s')]) await place(order)
  for (const order of [ending('fok', 'FOK'), ending('ioc', 'IOC')]) await place(order)
  await until(() => harness.reports.length === 3 && harness.trades.length === 4, { what: 'three reports, four trades' })
  expect(harness.trades.map(({ value }) => [value['buyOrderId'], value['sellOrderId'], value['quantity']])).toEqual([
    ['ice', 's', 1],
    ['plain', 's', 4],
    ['plain', 'ioc', 1],
    ['ice', 'ioc', 4],
  ])
  const reported = () =>
    harness.reports.map(({ value }) => [value['orderId'], value['kind'], value['cumulativeQuantity']])
  const three = [
    ['post-only', 'REJECTED', 0],
    ['fok', 'CANCELED', 0],
    ['ioc', 'CANCELED', 5],
  ]
  expect(reported()).toEqual(three)
  for (const { key, partition, eventId, value } of harness.reports)
    expect({ key, partition, eventId }).toEqual({ key: TICKER, partition: 2, eventId: String(value['reportId']) })
  // Of the newest order: its report was sent once its trades were acknowledged.
  expect(harness.reports.at(-1)!.sentAt).toBeGreaterThanOrEqual(harness.trades.at(-1)!.sentAt)
  await first.kill()
  const second = await harness.startEngine(features)
  await untilAllIsDone()
  await place(ending('last', 'IOC'))
  await until(() => harness.reports.some(({ value }) => value['orderId'] === 'last'), { what: 'the last report' })
  expect(reported()).toEqual([...three, ['last', 'CANCELED', 0]])
  expect(harness.trades).toHaveLength(5)
  expect(await second.stop()).toBe(0)
})

test('an engine of the old kind goes on at members that it does not know, reports nothing, and ends at such a word', async () => {
  const engine = await harness.startEngine()
  const order = { userId: 'u', ticker: TICKER, type: 'LIMIT', timeInForce: 'GTC', quantity: 5, price: 3 }
  const ioc = placedMessage('i', TICKER, { ...limit, side: 'SELL', quantity: 9n, timeInForce: 'IOC' })
  const more = { displayQuantity: 2, postOnly: true, expiresAt: '2026-11-27T00:00:00Z' }
  await place(message('event of b', { ...order, ...more, orderId: 'b', side: 'BUY' }))
  await place(ioc)
  await untilAllIsDone()
  expect(pairs()).toEqual(['b/i', 'last-b/last-s'])
  await place(message('event of stop', { ...order, orderId: 'stop', side: 'BUY', type: 'STOP_LIMIT' }))
  expect(await engine.exited).toBe(1)
  const line = engine.lines.find((one) => one.includes('cannot go on'))
  expect(line).toContain('STOP_LIMIT')
  expect(line).toContain(`"topic":"${harness.topics.placed}","partition":2,"offset":4`)
  expect(harness.reports).toEqual([])
})
