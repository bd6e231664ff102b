// The book of one ticker, pure: orders go in, fills come out. Price-time priority; the price of a fill is the resting
// order's; time is the order of the calls. After every call no bid reaches an ask and nothing has traded beyond what
// remained of it. Orders of one user may trade with each other (this engine knows no users); an order never meets
// itself, it rests only after it has matched. An iceberg takes with its whole quantity and shows slices once it rests.

import { bestLevel, createHalf, levelsFromBest, rest, take } from './levels.ts'
import type { Half, Resting, Side } from './levels.ts'
import { sweep } from './sweep.ts'

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
  /** What an iceberg shows at a time; null for a plain order. */
  readonly display: bigint | null
  readonly postOnly: boolean
  readonly executed: bigint
}

export type Fill = {
  readonly takerId: string
  readonly takerSide: Side
  readonly makerId: string
  readonly price: bigint
  readonly quantity: bigint
  /** Where the maker is an iceberg: what the taker had executed before. A restart may let the two meet again. */
  readonly takerExecuted: bigint | null
}

/** How the book ended an order at once: post-only or fill-or-kill without a trade, or what nobody took of one that does not rest. */
export type End = 'WOULD_MATCH' | 'KILLED' | 'REMAINDER'

/** `end` is null for an order that rests or is filled. `executed` counts what was executed before. */
export type Outcome = { readonly fills: readonly Fill[]; readonly executed: bigint; readonly end: End | null }

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

/** What the other side has at prices that the order would trade at, hidden quantity too; counted as far as `enough`. */
const available = (book: Book, order: Order, enough: bigint): bigint => {
  let sum = 0n
  for (const level of levelsFromBest(book.halves[OPPOSITE[order.side]])) {
    if (sum >= enough || !accepts(order, level.price)) break
    sum += level.total
  }
  return sum
}

/**
 * Whether the order ends before it trades. One that has executed already was let through before a restart: of a
 * fill-or-kill the other fills were lost with the process, it takes what it can still get.
 */
const endsAtOnce = (book: Book, order: Order): End | null => {
  if (order.executed > 0n) return null
  if (order.postOnly && available(book, order, 1n) > 0n) return 'WOULD_MATCH'
  if (order.timeInForce === 'FOK' && available(book, order, order.quantity) < order.quantity) return 'KILLED'
  return null
}

const match = (book: Book, order: Order): Fill[] => {
  const makers = book.halves[OPPOSITE[order.side]]
  const fills: Fill[] = []
  let { executed } = order
  for (
    let level = bestLevel(makers);
    executed < order.quantity && level !== undefined && accepts(order, level.price);
    level = bestLevel(makers)
  ) {
    for (const [maker, quantity] of sweep(makers, level, order.quantity - executed)) {
      if (maker.remaining === 0n) book.open.delete(maker.id)
      const taker = {
        takerId: order.id,
        takerSide: order.side,
        takerExecuted: maker.display === null ? null : executed,
      }
      fills.push({ ...taker, makerId: maker.id, price: level.price, quantity })
      executed += quantity
    }
  }
  return fills
}

/**
 * Matches the order's open quantity against the other side, then rests or drops the remainder. The fills stand in the
 * order in which they happened.
 */
export const place = (book: Book, order: Order): Outcome => {
  if (book.open.has(order.id)) throw new Error(`order ${order.id} is in the book already`)
  const end = endsAtOnce(book, order)
  if (end !== null) return { fills: [], executed: 0n, end }
  const fills = match(book, order)
  const executed = fills.reduce((sum, fill) => sum + fill.quantity, order.executed)
  const remaining = order.quantity - executed
  if (remaining <= 0n) return { fills, executed, end: null }
  if (order.price === null || !RESTS[order.timeInForce]) return { fills, executed, end: 'REMAINDER' }
  const { id, price, display } = order
  book.open.set(id, rest(book.halves[order.side], { id, price, display, remaining }))
  return { fills, executed, end: null }
}

/** Lowers the order's remaining quantity by at most `quantity`; false if the order does not rest here. */
export const reduce = (book: Book, orderId: string, quantity: bigint): boolean => {
  const resting = book.open.get(orderId)
  if (resting === undefined) return false
  take(book.halves[resting.side], resting, quantity < resting.remaining ? quantity : resting.remaining)
  if (resting.remaining === 0n) book.open.delete(orderId)
  return true
}

/** Takes the order out of the book, with what it hides; false when it does not rest here. */
export const cancel = (book: Book, orderId: string): boolean => {
  const resting = book.open.get(orderId)
  return resting !== undefined && reduce(book, orderId, resting.remaining)
}
