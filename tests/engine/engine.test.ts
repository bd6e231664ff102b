// Proves: repeats do nothing, early cancels count, what the engine ends is reported once, and an engine of the old kind says
// nothing of it.

import { describe, expect, test } from 'bun:test'
import { cancelledMessage, message, placedMessage } from './arbitraries.ts'
import type { End } from './book.ts'
import { createEngine, onCancelled, onOwnReport, onPlaced, onTrade, openOrders } from './engine.ts'
import type { Incoming } from './engine.ts'
import { FEATURES } from './features.ts'

const limit = { type: 'LIMIT', timeInForce: 'GTC', quantity: 5n, price: 3n } as const

const buy = (id: string) => placedMessage(id, 'AAPL', { ...limit, side: 'BUY' })

const sell = (id: string) => placedMessage(id, 'AAPL', { ...limit, side: 'SELL' })

const foreign = (value: object): Incoming => message(null, { ticker: 'AAPL', price: 3, quantity: 2, ...value })

const everything = new Set(FEATURES)

const nothing = { trades: [], report: null }

describe('repeats', () => {
  test('the same event does nothing, whatever it says', () => {
    const engine = createEngine()
    onPlaced(engine, buy('b'))
    expect(onPlaced(engine, { ...sell('s'), eventId: buy('b').eventId })).toEqual(nothing)
    expect(engine.counts).toMatchObject({ placed: 1, repeated: 1 })
  })

  test('an order is placed once, also under another event id or none', () => {
    const engine = createEngine()
    onPlaced(engine, buy('b'))
    onPlaced(engine, { ...buy('b'), eventId: 'another' })
    onPlaced(engine, { ...buy('B'), eventId: null })
    expect(engine.counts).toMatchObject({ placed: 1, repeated: 2 })
    expect(openOrders(engine)).toBe(1)
  })

  test('a filled or cancelled order does not come back', () => {
    const engine = createEngine()
    for (const first of [buy('b'), sell('s'), sell('t')]) onPlaced(engine, first)
    onCancelled(engine, cancelledMessage('t', 'AAPL'))
    for (const again of [buy('b'), sell('s'), sell('t')])
      expect(onPlaced(engine, { ...again, eventId: null })).toEqual(nothing)
    expect(openOrders(engine)).toBe(0)
  })
})

describe('cancels', () => {
  test('take the order out of the book', () => {
    const engine = createEngine()
    onPlaced(engine, buy('b'))
    for (let times = 0; times < 2; times++) onCancelled(engine, cancelledMessage('b', 'AAPL'))
    expect(onPlaced(engine, sell('s'))).toEqual(nothing)
    expect(engine.counts).toMatchObject({ cancelled: 1, repeated: 1 })
  })

  test('count when they are read before the placement', () => {
    const engine = createEngine()
    onCancelled(engine, cancelledMessage('b', 'AAPL'))
    expect(onPlaced(engine, buy('b'))).toEqual(nothing)
    expect(onPlaced(engine, sell('s'))).toEqual(nothing)
  })

  test('may come again under other ids, say why, and say how much was filled', () => {
    const engine = createEngine(everything)
    const because = { filledQuantity: 2, reason: { code: 'EXPIRED_DAY', text: 'the day is over' } }
    const cancelled = { orderId: 'b', userId: 'u', ticker: 'AAPL', quantity: 5, price: 3, ...because }
    onPlaced(engine, buy('b'))
    for (const eventId of ['one', 'two', null]) onCancelled(engine, message(eventId, cancelled))
    expect(onPlaced(engine, sell('s'))).toEqual(nothing)
    expect(openOrders(engine)).toBe(1)
    expect(engine.counts).toMatchObject({ cancelled: 3, malformed: 0, reports: 0 })
  })
})

test('tickers do not meet', () => {
  const engine = createEngine()
  onPlaced(engine, buy('b'))
  expect(onPlaced(engine, placedMessage('s', 'MSFT', { ...limit, side: 'SELL' }))).toEqual(nothing)
})

describe('trades of others', () => {
  test('lower what remains, once each, of orders placed before and after', () => {
    const engine = createEngine()
    onPlaced(engine, buy('b'))
    for (const tradeId of ['t1', 't1', 't2']) onTrade(engine, foreign({ tradeId, buyOrderId: 'b', sellOrderId: 's' }))
    expect(onPlaced(engine, sell('s')).trades.map((trade) => trade.quantity)).toEqual([1_00000000n])
  })

  test('may have one leg, a null leg or legs of strangers', () => {
    const engine = createEngine()
    onPlaced(engine, buy('b'))
    onTrade(engine, foreign({ tradeId: 't1', orderId: 'b' }))
    onTrade(engine, foreign({ tradeId: 't2', buyOrderId: 'b', sellOrderId: null }))
    onTrade(engine, foreign({ tradeId: 't3', buyOrderId: 'x', sellOrderId: 'y', quantity: '9.5' }))
    expect(onPlaced(engine, sell('s')).trades.map((trade) => trade.quantity)).toEqual([1_00000000n])
  })

  test('beyond the quantity leave nothing, and nothing breaks', () => {
    const engine = createEngine()
    onPlaced(engine, buy('b'))
    onTrade(engine, foreign({ tradeId: 't', buyOrderId: 'b', sellOrderId: 's', quantity: 1000 }))
    expect(onPlaced(engine, sell('s'))).toEqual(nothing)
    expect(openOrders(engine)).toBe(0)
  })
})

test('an unreadable message is counted and changes nothing', () => {
  const engine = createEngine()
  for (const value of [
    null,
    Buffer.from('junk'),
    Buffer.from('[]'),
    Buffer.from('{"orderId":"b"}'),
    Buffer.from([0xff]),
  ]) {
    const broken = { eventId: null, value, timestamp: 0 }
    onPlaced(engine, broken)
    onCancelled(engine, broken)
    onTrade(engine, broken)
  }
  expect(engine.counts).toEqual({
    placed: 0,
    cancelled: 0,
    trades: 0,
    repeated: 0,
    announced: 0,
    reports: 0,
    malformed: 15,
  })
})

describe('a report', () => {
  const report = (orderId: string, end: End, executed: bigint) => ({
    orderId,
    ticker: 'AAPL',
    end,
    executed,
    timestamp: 1_767_323_045_678,
  })
  const oneUnit = 1_00000000n
  const terms = { side: 'SELL', ...limit, quantity: 9n } as const

  test.each([
    ['what remains of an IOC order', { timeInForce: 'IOC' }],
    ['what remains of a market order', { type: 'MARKET', price: null }],
  ] as const)('tells of %s, with all that it executed', (_, more) => {
    const engine = createEngine(everything)
    onPlaced(engine, buy('b'))
    onTrade(engine, foreign({ tradeId: 't', sellOrderId: 's' }))
    const result = onPlaced(engine, placedMessage('s', 'AAPL', { ...terms, ...more }))
    expect(result.trades.map(({ quantity }) => quantity)).toEqual([5n * oneUnit])
    expect(result.report).toEqual(report('s', 'REMAINDER', 7n * oneUnit))
    expect(engine.counts).toMatchObject({ trades: 1, reports: 1 })
  })

  test('tells of a fill-or-kill order that could not be filled, and of a post-only order that would have matched', () => {
    const engine = createEngine(everything)
    onPlaced(engine, buy('b'))
    const killed = onPlaced(engine, placedMessage('k', 'AAPL', { ...terms, timeInForce: 'FOK' }))
    expect(killed).toEqual({ trades: [], report: report('k', 'KILLED', 0n) })
    const refused = onPlaced(engine, placedMessage('p', 'AAPL', { ...terms, postOnly: true }))
    expect(refused).toEqual({ trades: [], report: report('p', 'WOULD_MATCH', 0n) })
    expect(openOrders(engine)).toBe(1)
  })

  test('does not tell of orders that rest, are filled, or were cancelled', () => {
    const engine = createEngine(everything)
    onCancelled(engine, cancelledMessage('c', 'AAPL'))
    const orders = [
      buy('b'),
      placedMessage('s', 'AAPL', { ...terms, quantity: 3n, timeInForce: 'IOC' }),
      placedMessage('k', 'AAPL', { ...terms, quantity: 1n, timeInForce: 'FOK' }),
      placedMessage('c', 'AAPL', { ...terms, timeInForce: 'IOC' }),
      placedMessage('p', 'AAPL', { ...terms, price: 5n, postOnly: true }),
    ]
    expect(orders.map((order) => onPlaced(engine, order).report)).toEqual([null, null, null, null, null])
  })

  test('of before the restart ends its order: a refused one does not come alive when its counterpart is gone', () => {
    const engine = createEngine(everything)
    onOwnReport(engine, message(null, { reportId: 'r', orderId: 'p' }))
    expect(onPlaced(engine, placedMessage('p', 'AAPL', { ...terms, postOnly: true }))).toEqual(nothing)
    expect(openOrders(engine)).toBe(0)
  })
})

describe('an engine of the old kind', () => {
  test('drops what remains, and says nothing of it', () => {
    const engine = createEngine()
    const ioc = placedMessage('i', 'AAPL', { ...limit, side: 'SELL', timeInForce: 'IOC' })
    expect(onPlaced(engine, ioc)).toEqual(nothing)
    expect(openOrders(engine)).toBe(0)
  })

  test('takes an iceberg for a plain order, and a post-only order for any other', () => {
    const engine = createEngine()
    onPlaced(engine, placedMessage('ice', 'AAPL', { ...limit, side: 'SELL', display: 1n }))
    onPlaced(engine, sell('behind'))
    const takes = onPlaced(engine, placedMessage('b', 'AAPL', { ...limit, side: 'BUY', postOnly: true }))
    expect(takes.trades.map(({ makerId }) => makerId)).toEqual(['ice'])
  })

  test('stops at words and takes members that it does not know, as one with all features does', () => {
    const order = { orderId: 'a', userId: 'u', ticker: 'AAPL', side: 'BUY', type: 'LIMIT', timeInForce: 'GTC' }
    const unknown = { expiresAt: '2026-11-27T00:00:00Z', stopPrice: 7, more: { type: 'STOP' }, quantity: 1, price: 1 }
    for (const engine of [createEngine(), createEngine(everything)]) {
      for (const word of [{ type: 'STOP_LIMIT' }, { timeInForce: 'GTD' }, { side: 'SELL_SHORT' }])
        expect(() => onPlaced(engine, message(null, { ...order, ...unknown, ...word }))).toThrow(Object.values(word)[0])
      onPlaced(engine, message(null, { ...order, ...unknown }))
      expect(openOrders(engine)).toBe(1)
    }
  })
})
