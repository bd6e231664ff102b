// The book as one would explain it: a list that is sorted again for every slice that trades. Tests compare book.ts with it.

import type { Fill, Order, Outcome } from './book.ts'

type NaiveMaker = { readonly order: Order; shown: bigint; hidden: bigint; arrival: number }

export type Naive = { resting: NaiveMaker[]; arrivals: number }

export const createNaive = (): Naive => ({ resting: [], arrivals: 0 })

export const naiveRemaining = ({ shown, hidden }: NaiveMaker): bigint => shown + hidden

const reaches = (taker: Order, maker: Order): boolean => {
  if (taker.price === null || maker.price === null) return true
  return taker.side === 'BUY' ? taker.price >= maker.price : taker.price <= maker.price
}

const betterPrice = (a: Order, b: Order): number => {
  const difference = Number((a.price ?? 0n) - (b.price ?? 0n))
  return a.side === 'SELL' ? difference : -difference
}

const minimum = (a: bigint, b: bigint): bigint => (a < b ? a : b)

/** Those whom the order would trade with, in the order in which it would meet them. */
const makersFor = (book: Naive, taker: Order): NaiveMaker[] =>
  book.resting
    .filter((maker) => maker.order.side !== taker.side && reaches(taker, maker.order))
    .toSorted((a, b) => betterPrice(a.order, b.order) || a.arrival - b.arrival)

/** An iceberg that has shown all of a slice shows the next one and arrives anew. */
const takeOf = (book: Naive, maker: NaiveMaker, quantity: bigint): void => {
  maker.shown -= quantity
  if (maker.shown === 0n && maker.hidden > 0n) {
    maker.shown = minimum(maker.order.display ?? 0n, maker.hidden)
    maker.hidden -= maker.shown
    maker.arrival = book.arrivals++
  }
  book.resting = book.resting.filter((one) => one.shown > 0n)
}

/** Slices of one maker are one fill, which stands where the first of them would. */
const addSlice = (fills: Fill[], slice: Fill): void => {
  const at = fills.findIndex((fill) => fill.makerId === slice.makerId)
  const earlier = fills[at]
  if (earlier === undefined) fills.push(slice)
  else fills[at] = { ...earlier, quantity: earlier.quantity + slice.quantity }
}

/** What the taker had executed before each fill, counted over the fills as they stand. */
const withTakerExecuted = (fills: readonly Fill[], makers: ReadonlyMap<string, Order>): Fill[] => {
  let executed = 0n
  return fills.map((fill) => {
    const before = executed
    executed += fill.quantity
    return { ...fill, takerExecuted: makers.get(fill.makerId)?.display === null ? null : before }
  })
}

/** Only for orders that have executed nothing before. */
export const naivePlace = (book: Naive, order: Order): Outcome => {
  const candidates = makersFor(book, order)
  const available = candidates.reduce((sum, maker) => sum + naiveRemaining(maker), 0n)
  if (order.postOnly && available > 0n) return { fills: [], executed: 0n, end: 'WOULD_MATCH' }
  if (order.timeInForce === 'FOK' && available < order.quantity) return { fills: [], executed: 0n, end: 'KILLED' }
  const fills: Fill[] = []
  let left = order.quantity
  for (let [maker] = candidates; left > 0n && maker !== undefined; [maker] = makersFor(book, order)) {
    const quantity = minimum(left, maker.shown)
    const { id: makerId, price } = maker.order
    takeOf(book, maker, quantity)
    left -= quantity
    const taker = { takerId: order.id, takerSide: order.side, takerExecuted: null }
    addSlice(fills, { ...taker, makerId, price: price ?? 0n, quantity })
  }
  const makers = new Map(candidates.map((maker) => [maker.order.id, maker.order]))
  const outcome = { fills: withTakerExecuted(fills, makers), executed: order.quantity - left }
  if (left === 0n) return { ...outcome, end: null }
  if (order.type !== 'LIMIT' || order.timeInForce !== 'GTC') return { ...outcome, end: 'REMAINDER' }
  const shown = minimum(order.display ?? left, left)
  book.resting.push({ order, shown, hidden: left - shown, arrival: book.arrivals++ })
  return { ...outcome, end: null }
}

/** Takes slice by slice, as far as there is any. */
export const naiveReduce = (book: Naive, orderId: string, quantity: bigint | 'all'): void => {
  const found = book.resting.find((maker) => maker.order.id === orderId)
  if (found === undefined) return
  let left = quantity === 'all' ? naiveRemaining(found) : minimum(quantity, naiveRemaining(found))
  while (left > 0n) {
    const slice = minimum(left, found.shown)
    takeOf(book, found, slice)
    left -= slice
  }
}
