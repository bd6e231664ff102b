// Proves: an iceberg shows slices and joins the end of the queue with each, hidden quantity never trades before what others show at
// its price, nothing hidden survives a cancel, and a slice may be as small as it likes. A post-only order takes nothing.

import { describe, expect, test } from 'bun:test'
import { cancel, place, reduce } from './book.ts'
import type { Book } from './book.ts'
import { bookWith, brief, order } from './bookBuilders.ts'
import { bestLevel } from './levels.ts'

const iceberg = (id: string, quantity: bigint, display: bigint) => order(id, 'SELL', quantity, 10n, { display })

const taker = (id: string, quantity: bigint) => order(id, 'BUY', quantity, 10n)

/** The queue of the best asks: who shows how much of what. */
const queue = (book: Book): [string, bigint, bigint][] => {
  const orders: [string, bigint, bigint][] = []
  for (let resting = bestLevel(book.halves.SELL)?.first ?? null; resting !== null; resting = resting.after)
    orders.push([resting.id, resting.shown, resting.remaining])
  return orders
}

describe('an iceberg', () => {
  test('keeps its place while something of its slice is left, then shows the next one from the end of the queue', () => {
    const book = bookWith(iceberg('ice', 10n, 3n), order('plain', 'SELL', 4n, 10n))
    expect(brief(place(book, taker('a', 2n)))).toEqual([['ice', 10n, 2n]])
    expect(queue(book)).toEqual([
      ['ice', 1n, 8n],
      ['plain', 4n, 4n],
    ])
    place(book, taker('b', 1n))
    expect(queue(book)).toEqual([
      ['plain', 4n, 4n],
      ['ice', 3n, 7n],
    ])
  })

  test('gives what it hides only after what others show at its price', () => {
    const book = bookWith(iceberg('ice', 10n, 3n), order('plain', 'SELL', 4n, 10n), order('worse', 'SELL', 5n, 11n))
    expect(brief(place(book, order('b', 'BUY', 8n, 11n)))).toEqual([
      ['ice', 10n, 4n],
      ['plain', 10n, 4n],
    ])
    expect(queue(book)).toEqual([['ice', 2n, 6n]])
  })

  test('gives all of it before the next price; what one taker gets of it is one trade, its last slice is a small one', () => {
    const book = bookWith(iceberg('ice', 10n, 3n), order('worse', 'SELL', 5n, 11n))
    place(book, taker('a', 9n))
    expect(queue(book)).toEqual([['ice', 1n, 1n]])
    expect(brief(place(book, order('b', 'BUY', 2n, 11n)))).toEqual([
      ['ice', 10n, 1n],
      ['worse', 11n, 1n],
    ])
  })

  test('takes turns with another one', () => {
    const book = bookWith(iceberg('a', 10n, 1n), iceberg('b', 10n, 3n))
    expect(brief(place(book, taker('t', 6n)))).toEqual([
      ['a', 10n, 2n],
      ['b', 10n, 4n],
    ])
    expect(queue(book)).toEqual([
      ['b', 2n, 6n],
      ['a', 1n, 8n],
    ])
  })

  test('takes with its whole quantity, and shows a slice of what is left of it', () => {
    const book = bookWith(order('ask', 'SELL', 4n, 10n))
    expect(place(book, order('bid', 'BUY', 10n, 10n, { display: 2n }))).toMatchObject({ executed: 4n, end: null })
    expect(book.open.get('bid')).toMatchObject({ shown: 2n, remaining: 6n })
  })

  test('is gone whole when it is cancelled', () => {
    const book = bookWith(iceberg('ice', 10n, 3n))
    place(book, taker('a', 4n))
    expect(cancel(book, 'ice')).toBe(true)
    expect(place(book, order('b', 'BUY', 10n, null))).toMatchObject({ executed: 0n, end: 'REMAINDER' })
    expect(queue(book)).toEqual([])
  })

  test('counts whole for a fill-or-kill order', () => {
    const kill = { timeInForce: 'FOK' } as const
    expect(place(bookWith(iceberg('ice', 10n, 3n)), order('t', 'BUY', 10n, 10n, kill))).toMatchObject({ executed: 10n })
    expect(place(bookWith(iceberg('ice', 10n, 3n)), order('t', 'BUY', 11n, 10n, kill))).toMatchObject({ end: 'KILLED' })
  })

  test('of which others traded shows what is left of the slice that they were in', () => {
    const book = bookWith(iceberg('ice', 10n, 3n), order('plain', 'SELL', 4n, 10n))
    reduce(book, 'ice', 4n)
    expect(queue(book)).toEqual([
      ['plain', 4n, 4n],
      ['ice', 2n, 6n],
    ])
  })

  test('may show the smallest part of the largest quantity: nobody counts the slices one by one', () => {
    const largest = 10n ** 20n - 1n
    const book = bookWith(iceberg('a', largest, 1n), iceberg('b', largest, 2n))
    const quantities = brief(place(book, taker('t', largest)))
    expect(quantities).toEqual([
      ['a', 10n, largest / 3n],
      ['b', 10n, (largest / 3n) * 2n],
    ])
  })
})

describe('a post-only order', () => {
  const postOnly = { postOnly: true }

  test('is refused whole when any of it would match, also with what somebody hides', () => {
    const book = bookWith(iceberg('ice', 10n, 3n))
    const refused = place(book, order('bid', 'BUY', 20n, 10n, postOnly))
    expect(refused).toEqual({ fills: [], executed: 0n, end: 'WOULD_MATCH' })
    expect([...book.open.keys()]).toEqual(['ice'])
  })

  test('rests where it meets nobody, and trades with those who come', () => {
    const book = bookWith(iceberg('ice', 10n, 3n))
    expect(place(book, order('bid', 'BUY', 5n, 9n, postOnly))).toEqual({ fills: [], executed: 0n, end: null })
    expect(brief(place(book, order('ask', 'SELL', 2n, 9n)))).toEqual([['bid', 9n, 2n]])
  })
})
