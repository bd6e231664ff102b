// Proves: the book matches as its rules say, and like the naive book in every order of events.

import { describe, expect, test } from 'bun:test'
import * as fc from 'fast-check'
import { actions, orderShape } from './arbitraries.ts'
import { cancel, createBook, place, reduce } from './book.ts'
import type { Book, Order, Outcome } from './book.ts'
import { bookWith, brief, order } from './bookBuilders.ts'
import { bestLevel, levelsFromBest } from './levels.ts'
import { createNaive, naivePlace, naiveReduce, naiveRemaining } from './naiveBook.ts'

describe('a limit order', () => {
  test('trades at the price of the resting order and rests with what is left', () => {
    const book = bookWith(order('ask', 'SELL', 3n, 10n))
    const fill = {
      takerId: 'bid',
      takerSide: 'BUY',
      makerId: 'ask',
      price: 10n,
      quantity: 3n,
      takerExecuted: null,
    } as const
    expect(place(book, order('bid', 'BUY', 5n, 12n))).toEqual({ fills: [fill], executed: 3n, end: null })
    expect(book.open.get('bid')?.remaining).toBe(2n)
    expect(book.open.has('ask')).toBe(false)
  })

  test('meets the better price first, then the earlier arrival', () => {
    const asks = [
      order('late 11', 'SELL', 1n, 11n),
      order('first 10', 'SELL', 1n, 10n),
      order('second 10', 'SELL', 1n, 10n),
    ]
    expect(brief(place(bookWith(...asks), order('bid', 'BUY', 3n, 11n)))).toEqual([
      ['first 10', 10n, 1n],
      ['second 10', 10n, 1n],
      ['late 11', 11n, 1n],
    ])
  })

  test('that was partly filled keeps its place in the queue', () => {
    const book = bookWith(order('first', 'BUY', 5n, 10n), order('second', 'BUY', 5n, 10n))
    place(book, order('a', 'SELL', 2n, 10n))
    expect(brief(place(book, order('b', 'SELL', 4n, 10n)))).toEqual([
      ['first', 10n, 3n],
      ['second', 10n, 1n],
    ])
  })
})

describe('an order that does not rest', () => {
  test.each(['GTC', 'IOC'] as const)('the rest of a market order, %s', (timeInForce) => {
    const book = bookWith(order('ask', 'SELL', 1n, 10n))
    expect(place(book, order('market', 'BUY', 5n, null, { timeInForce }))).toMatchObject({
      executed: 1n,
      end: 'REMAINDER',
    })
    expect(place(book, order('too late', 'BUY', 5n, null, { timeInForce }))).toMatchObject({
      executed: 0n,
      end: 'REMAINDER',
    })
    expect(book.open.size).toBe(0)
  })

  test('the rest of an IOC order; that of a GTC order does', () => {
    const book = bookWith(
      order('ioc', 'BUY', 5n, 10n, { timeInForce: 'IOC' }),
      order('gtc', 'BUY', 5n, 10n, { timeInForce: 'GTC' }),
    )
    expect([...book.open.keys()]).toEqual(['gtc'])
  })
})

describe('fill or kill', () => {
  const asks = [order('a', 'SELL', 3n, 10n), order('b', 'SELL', 3n, 11n)]

  test('takes everything or nothing within its price', () => {
    const kill = { timeInForce: 'FOK' } as const
    const killed: Outcome = { fills: [], executed: 0n, end: 'KILLED' }
    expect(place(bookWith(...asks), order('t', 'BUY', 6n, 10n, kill))).toEqual(killed)
    expect(place(bookWith(...asks), order('t', 'BUY', 7n, null, kill))).toEqual(killed)
    expect(place(bookWith(...asks), order('t', 'BUY', 6n, 11n, kill))).toMatchObject({ executed: 6n, end: null })
  })

  test('that had begun before a restart takes what is there, the rest is dropped', () => {
    const book = bookWith(...asks)
    const outcome = place(book, order('t', 'BUY', 10n, 10n, { timeInForce: 'FOK', executed: 2n }))
    expect(brief(outcome)).toEqual([['a', 10n, 3n]])
    expect(outcome).toMatchObject({ executed: 5n, end: 'REMAINDER' })
    expect([...book.open.keys()]).toEqual(['b'])
  })
})

describe('executed before', () => {
  test('only the remainder trades and rests', () => {
    const book = bookWith(order('ask', 'SELL', 10n, 10n, { executed: 8n }))
    expect(brief(place(book, order('bid', 'BUY', 10n, 10n, { executed: 5n })))).toEqual([['ask', 10n, 2n]])
    expect(book.open.get('bid')?.remaining).toBe(3n)
  })

  test('an order with nothing left does nothing', () => {
    const book = bookWith(order('ask', 'SELL', 10n, 10n))
    expect(place(book, order('bid', 'BUY', 4n, 10n, { executed: 4n }))).toMatchObject({ fills: [], end: null })
    expect(place(book, order('over', 'BUY', 4n, null, { executed: 9n }))).toMatchObject({ fills: [], end: null })
    expect([...book.open.keys()]).toEqual(['ask'])
  })
})

test('a cancelled order is gone, the others keep their order', () => {
  const book = bookWith(order('a', 'SELL', 1n, 10n), order('b', 'SELL', 1n, 10n), order('c', 'SELL', 1n, 10n))
  expect([cancel(book, 'b'), cancel(book, 'b'), cancel(book, 'nobody')]).toEqual([true, false, false])
  expect(brief(place(book, order('bid', 'BUY', 3n, 10n)))).toEqual([
    ['a', 10n, 1n],
    ['c', 10n, 1n],
  ])
})

test('an order cannot be placed twice', () => {
  expect(() => bookWith(order('a', 'SELL', 1n, 10n), order('a', 'BUY', 1n, 10n))).toThrow('already')
})

const remaining = (book: Book): Map<string, bigint> =>
  new Map([...book.open].map(([id, resting]) => [id, resting.remaining]))

/** Not crossed, best level first, totals are sums, and the levels hold exactly the open orders. */
const expectSound = (book: Book): void => {
  const [bid, ask] = [bestLevel(book.halves.BUY)?.price, bestLevel(book.halves.SELL)?.price]
  if (bid !== undefined && ask !== undefined) expect(bid < ask).toBe(true)
  const queued: string[] = []
  for (const half of Object.values(book.halves)) {
    for (const level of levelsFromBest(half)) {
      let [total, shown] = [0n, 0n]
      for (let resting = level.first; resting !== null; resting = resting.after) {
        total += resting.remaining
        shown += resting.shown
        expect(resting.shown > 0n && resting.shown <= (resting.display ?? resting.shown)).toBe(true)
        queued.push(resting.id)
      }
      expect([level.total, level.shown]).toEqual([total, shown])
    }
  }
  expect(new Set(queued)).toEqual(new Set(book.open.keys()))
}

test('in every order of events it does what the naive book does, and is never crossed', () => {
  fc.assert(
    fc.property(actions, (steps) => {
      const book = createBook()
      const naive = createNaive()
      for (const [at, step] of steps.entries()) {
        if (step.kind === 'place') {
          const placed: Order = { ...step.shape, id: `${at}`, executed: 0n }
          expect(place(book, placed)).toEqual(naivePlace(naive, placed))
        } else if (step.kind === 'cancel') {
          cancel(book, `${step.of}`)
          naiveReduce(naive, `${step.of}`, 'all')
        } else {
          reduce(book, `${step.of}`, step.by)
          naiveReduce(naive, `${step.of}`, step.by)
        }
        expect(remaining(book)).toEqual(new Map(naive.resting.map((maker) => [maker.order.id, naiveRemaining(maker)])))
        expectSound(book)
      }
    }),
    { numRuns: 300 },
  )
})

test('buys equal sells, no order trades beyond its quantity or worse than its price, FOK is all or nothing', () => {
  fc.assert(
    fc.property(fc.array(orderShape, { maxLength: 80, size: 'max' }), (shapes) => {
      const book = createBook()
      const orders = shapes.map((shape, at) => ({ ...shape, id: `${at}`, executed: 0n }))
      const outcomes = orders.map((placed) => place(book, placed))
      const fills = outcomes.flatMap((outcome) => outcome.fills)
      const sums = { BUY: 0n, SELL: 0n }
      for (const { id, side, quantity, timeInForce, price } of orders) {
        const own = fills.filter((fill) => fill.takerId === id || fill.makerId === id)
        const executed = own.reduce((sum, fill) => sum + fill.quantity, 0n)
        sums[side] += executed
        expect(executed <= quantity).toBe(true)
        if (timeInForce === 'FOK') expect([0n, quantity]).toContain(executed)
        for (const fill of own)
          expect(price === null || (side === 'BUY' ? fill.price <= price : fill.price >= price)).toBe(true)
      }
      expect(sums.BUY).toBe(sums.SELL)
      expect(fills.every((fill) => fill.takerId !== fill.makerId && fill.quantity > 0n)).toBe(true)
      expect(new Set(fills.map(({ takerId, makerId }) => `${takerId} ${makerId}`)).size).toBe(fills.length)
    }),
    { numRuns: 300 },
  )
})

test('an order rests, is filled or has an end, which says what it executed; an ended one never trades again', () => {
  fc.assert(
    fc.property(fc.array(orderShape, { maxLength: 80, size: 'max' }), (shapes) => {
      const book = createBook()
      const ended = new Set<string>()
      for (const [at, shape] of shapes.entries()) {
        const { fills, executed, end } = place(book, { ...shape, id: `${at}`, executed: 0n })
        expect(fills.some((fill) => ended.has(fill.makerId))).toBe(false)
        expect(fills.reduce((sum, fill) => sum + fill.quantity, 0n)).toBe(executed)
        expect(book.open.has(`${at}`)).toBe(end === null && executed < shape.quantity)
        if (end !== null) ended.add(`${at}`)
        if (shape.postOnly) expect(executed).toBe(0n)
        if (end === 'WOULD_MATCH') expect(shape.postOnly).toBe(true)
        if (end === 'KILLED') expect(shape.timeInForce).toBe('FOK')
        if (end === 'REMAINDER') expect(shape.type === 'MARKET' || shape.timeInForce === 'IOC').toBe(true)
      }
    }),
    { numRuns: 300 },
  )
})
