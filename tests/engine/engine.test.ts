// Proves: repeats do nothing, early cancels count, and a restart finds the trades that were not published, the same ones, and no
// others.

import { describe, expect, test } from 'bun:test'
import * as fc from 'fast-check'
import { actions, cancelledMessage, message, orderShape, placedMessage } from './arbitraries.ts'
import type { Action } from './arbitraries.ts'
import { createEngine, onCancelled, onPlaced, onTrade, openOrders } from './engine.ts'
import type { Incoming } from './engine.ts'
import { encodeTrade } from './messages.ts'
import type { Trade } from './messages.ts'

type Live = { placed: Incoming[]; cancels: Incoming[]; trades: Trade[]; quantities: Map<string, bigint> }

const limit = { type: 'LIMIT', timeInForce: 'GTC', quantity: 5n, price: 3n } as const

const buy = (id: string) => placedMessage(id, 'AAPL', { ...limit, side: 'BUY' })

const sell = (id: string) => placedMessage(id, 'AAPL', { ...limit, side: 'SELL' })

const toMessage = (trade: Trade): Incoming => ({
  eventId: trade.tradeId,
  value: Buffer.from(encodeTrade(trade)),
  timestamp: 0,
})

const foreign = (value: object): Incoming => message(null, { ticker: 'AAPL', price: 3, quantity: 2, ...value })

const bytes = (trades: Trade[]): string[] => trades.map(encodeTrade)

describe('repeats', () => {
  test('the same event does nothing, whatever it says', () => {
    const engine = createEngine()
    onPlaced(engine, buy('b'))
    expect(onPlaced(engine, { ...sell('s'), eventId: buy('b').eventId })).toEqual([])
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
      expect(onPlaced(engine, { ...again, eventId: null })).toEqual([])
    expect(openOrders(engine)).toBe(0)
  })
})

describe('cancels', () => {
  test('take the order out of the book', () => {
    const engine = createEngine()
    onPlaced(engine, buy('b'))
    for (let times = 0; times < 2; times++) onCancelled(engine, cancelledMessage('b', 'AAPL'))
    expect(onPlaced(engine, sell('s'))).toEqual([])
    expect(engine.counts).toMatchObject({ cancelled: 1, repeated: 1 })
  })

  test('count when they are read before the placement', () => {
    const engine = createEngine()
    onCancelled(engine, cancelledMessage('b', 'AAPL'))
    expect(onPlaced(engine, buy('b'))).toEqual([])
    expect(onPlaced(engine, sell('s'))).toEqual([])
  })
})

test('tickers do not meet', () => {
  const engine = createEngine()
  onPlaced(engine, buy('b'))
  expect(onPlaced(engine, placedMessage('s', 'MSFT', { ...limit, side: 'SELL' }))).toEqual([])
})

describe('trades of others', () => {
  test('lower what remains, once each, of orders placed before and after', () => {
    const engine = createEngine()
    onPlaced(engine, buy('b'))
    for (const tradeId of ['t1', 't1', 't2']) onTrade(engine, foreign({ tradeId, buyOrderId: 'b', sellOrderId: 's' }))
    expect(onPlaced(engine, sell('s')).map((trade) => trade.quantity)).toEqual([1_00000000n])
  })

  test('may have one leg, a null leg or legs of strangers', () => {
    const engine = createEngine()
    onPlaced(engine, buy('b'))
    onTrade(engine, foreign({ tradeId: 't1', orderId: 'b' }))
    onTrade(engine, foreign({ tradeId: 't2', buyOrderId: 'b', sellOrderId: null }))
    onTrade(engine, foreign({ tradeId: 't3', buyOrderId: 'x', sellOrderId: 'y', quantity: '9.5' }))
    expect(onPlaced(engine, sell('s')).map((trade) => trade.quantity)).toEqual([1_00000000n])
  })

  test('beyond the quantity leave nothing, and nothing breaks', () => {
    const engine = createEngine()
    onPlaced(engine, buy('b'))
    onTrade(engine, foreign({ tradeId: 't', buyOrderId: 'b', sellOrderId: 's', quantity: 1000 }))
    expect(onPlaced(engine, sell('s'))).toEqual([])
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
  expect(engine.counts).toEqual({ placed: 0, cancelled: 0, trades: 0, repeated: 0, announced: 0, malformed: 15 })
})

/** A run that finds these trades and cancels on the topics. */
const restart = (published: Trade[], cancels: Incoming[], placed: Incoming[]): Trade[] => {
  const engine = createEngine()
  for (const trade of published) onTrade(engine, toMessage(trade))
  for (const cancelled of cancels) onCancelled(engine, cancelled)
  return placed.flatMap((order) => onPlaced(engine, order))
}

/** A first run over random orders and cancels. */
const live = (steps: readonly Action[]) => {
  const engine = createEngine()
  const run: Live = { placed: [], cancels: [], trades: [], quantities: new Map() }
  for (const [at, step] of steps.entries()) {
    if (step.kind === 'place') {
      const order = placedMessage(`${at}`, 'AAPL', step.shape)
      run.placed.push(order)
      run.quantities.set(`${at}`, step.shape.quantity)
      run.trades.push(...onPlaced(engine, order))
    } else {
      const cancelled = cancelledMessage(`${step.of}`, 'AAPL')
      run.cancels.push(cancelled)
      onCancelled(engine, cancelled)
    }
  }
  return run
}

describe('a restart', () => {
  test('makes exactly the trades that were not published yet, byte for byte', () => {
    fc.assert(
      fc.property(
        fc.array(orderShape, { maxLength: 60, size: 'max' }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (shapes, cut) => {
          const placed = shapes.map((shape, at) => placedMessage(`${at}`, 'AAPL', shape))
          const engine = createEngine()
          const trades = placed.flatMap((order) => onPlaced(engine, order))
          const published = trades.slice(0, Math.round(cut * trades.length))
          const repeatedBySender = [...published, ...published.slice(-3)]
          expect(bytes(restart(repeatedBySender, [], placed))).toEqual(bytes(trades.slice(published.length)))
        },
      ),
      { numRuns: 300 },
    )
  })

  test('makes no trade when all were published, however orders and cancels had been mixed', () => {
    fc.assert(
      fc.property(actions, (steps) => {
        const run = live(steps)
        expect(bytes(restart(run.trades, run.cancels, run.placed))).toEqual([])
      }),
      { numRuns: 300 },
    )
  })

  test('never passes a quantity, whatever had been published', () => {
    fc.assert(
      fc.property(actions, fc.double({ min: 0, max: 1, noNaN: true }), (steps, cut) => {
        const run = live(steps)
        const published = run.trades.slice(0, Math.round(cut * run.trades.length))
        const all = [...published, ...restart(published, run.cancels, run.placed)]
        expect(new Set(all.map((trade) => trade.tradeId)).size).toBe(all.length)
        for (const [id, quantity] of run.quantities) {
          const own = all.filter((trade) => trade.takerId === id || trade.makerId === id)
          expect(own.reduce((sum, trade) => sum + trade.quantity, 0n) <= quantity * 100_000_000n).toBe(true)
        }
      }),
      { numRuns: 300 },
    )
  })
})
