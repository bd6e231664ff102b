// The book of one ticker, pure: orders go in, fills come out. Price-time priority; the price of a fill is the resting
// order's; time is the order of the calls. After every call no bid reaches an ask and nothing has traded beyond what
// remained of it. Orders of one user may trade with each other (this engine knows no users); an order never meets
// itself, it rests only after it has matched.

import { bestLevel, createHalf, levelsFromBest, rest, take } from './levels.ts'
import type { Half, Resting, Side } from './levels.ts'

export const TYPES = ['LIMIT', 'MARKET'] as const
export const TIMES_IN_FORCE = ['GTC', 'IOC', 'FOK'] as const

/**
 * Amounts in hundred-millionths. `executed` is what traded before this book saw the order: 0, except after a restart.
 */
export type Order = {
  readonly id: string
  readonly side: Side
  readonly type: (typeof TYPES)[number]
  readonly timeInForce: (typeof TIMES_IN_FORCE)[number]
  readonly quantity: bigint
  readonly price: bigint | null
  readonly executed: bigint
}

export type Fill = {
  readonly takerId: string
  readonly takerSide: Side
  readonly makerId: string
  readonly price: bigint
  readonly quantity: bigint
}

export type Book = { readonly halves: Record<Side, Half>; readonly open: Map<string, Resting> }

const OPPOSITE = { BUY: 'SELL', SELL: 'BUY' } as const satisfies Record<Side, Side>

const RESTS = { GTC: true, IOC: false, FOK: false } as const satisfies Record<Order['timeInForce'], boolean>

export const createBook = (): Book => ({
  halves: { BUY: createHalf('BUY'), SELL: createHalf('SELL') },
  open: new Map(),
})

/** Whether the order would trade at this price; a market order takes any. */
const accepts = (order: Order, price: bigint): boolean => {
  if (order.price === null) return true
  return order.side === 'BUY' ? price <= order.price : price >= order.price
}

/**
 * Fill-or-kill asks before it trades. One that has executed already was let through before a restart, its other fills
 * were lost with the process: it takes what it can still get.
 */
const isKilled = (book: Book, order: Order): boolean => {
  if (order.timeInForce !== 'FOK' || order.executed > 0n) return false
  let available = 0n
  for (const level of levelsFromBest(book.halves[OPPOSITE[order.side]])) {
    if (!accepts(order, level.price)) break
    available += level.total
    if (available >= order.quantity) return false
  }
  return true
}

const match = (book: Book, order: Order, quantity: bigint): Fill[] => {
  const makers = book.halves[OPPOSITE[order.side]]
  const fills: Fill[] = []
  let left = quantity
  for (
    let level = bestLevel(makers);
    left > 0n && level !== undefined && accepts(order, level.price);
    level = bestLevel(makers)
  ) {
    const maker = level.first as Resting
    const quantity = left < maker.remaining ? left : maker.remaining
    take(makers, maker, quantity)
    if (maker.remaining === 0n) book.open.delete(maker.id)
    fills.push({ takerId: order.id, takerSide: order.side, makerId: maker.id, price: level.price, quantity })
    left -= quantity
  }
  return fills
}

/**
 * Matches the order's open quantity against the other side, then rests or drops the remainder. Answers the fills in the
 * order in which they happened.
 */
export const place = (book: Book, order: Order): Fill[] => {
  if (book.open.has(order.id)) throw new Error(`order ${order.id} is in the book already`)
  const quantity = order.quantity - order.executed
  if (isKilled(book, order)) return []
  const fills = match(book, order, quantity)
  const left = quantity - fills.reduce((sum, fill) => sum + fill.quantity, 0n)
  if (left > 0n && order.price !== null && RESTS[order.timeInForce]) {
    book.open.set(order.id, rest(book.halves[order.side], { id: order.id, price: order.price, remaining: left }))
  }
  return fills
}

/** Lowers the order's remaining quantity by at most `quantity`; false if the order does not rest here. */
export const reduce = (book: Book, orderId: string, quantity: bigint): boolean => {
  const resting = book.open.get(orderId)
  if (resting === undefined) return false
  take(book.halves[resting.side], resting, quantity < resting.remaining ? quantity : resting.remaining)
  if (resting.remaining === 0n) book.open.delete(orderId)
  return true
}

/** Takes the order out of the book; false when it does not rest here. */
export const cancel = (book: Book, orderId: string): boolean => {
  const resting = book.open.get(orderId)
  return resting !== undefined && reduce(book, orderId, resting.remaining)
}
