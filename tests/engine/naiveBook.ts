// The book as one would explain it: a list that is sorted again for every order. Tests compare book.ts with it.

import type { Fill, Order } from './book.ts'

export type Naive = { resting: { order: Order; remaining: bigint; arrival: number }[]; arrivals: number }

export const createNaive = (): Naive => ({ resting: [], arrivals: 0 })

const reaches = (taker: Order, maker: Order): boolean => {
  const [bid, ask] = taker.side === 'BUY' ? [taker, maker] : [maker, taker]
  return (bid.price ?? 0n) >= (ask.price ?? 0n)
}

const betterPrice = (a: Order, b: Order): number => {
  const difference = Number((a.price ?? 0n) - (b.price ?? 0n))
  return a.side === 'SELL' ? difference : -difference
}

export const naivePlace = (book: Naive, order: Order): Fill[] => {
  const candidates = book.resting
    .filter((maker) => maker.order.side !== order.side && (order.price === null || reaches(order, maker.order)))
    .toSorted((a, b) => betterPrice(a.order, b.order) || a.arrival - b.arrival)
  const available = candidates.reduce((sum, maker) => sum + maker.remaining, 0n)
  if (order.timeInForce === 'FOK' && available < order.quantity) return []
  const fills: Fill[] = []
  let left = order.quantity
  for (const maker of candidates) {
    const quantity = left < maker.remaining ? left : maker.remaining
    if (quantity === 0n) break
    left -= quantity
    maker.remaining -= quantity
    const price = maker.order.price ?? 0n
    fills.push({ takerId: order.id, takerSide: order.side, makerId: maker.order.id, price, quantity })
  }
  const rests = left > 0n && order.type === 'LIMIT' && order.timeInForce === 'GTC'
  if (rests) book.resting.push({ order, remaining: left, arrival: book.arrivals++ })
  book.resting = book.resting.filter((maker) => maker.remaining > 0n)
  return fills
}

export const naiveReduce = (book: Naive, orderId: string, quantity: bigint | 'all'): void => {
  const found = book.resting.find((maker) => maker.order.id === orderId)
  if (found === undefined) return
  found.remaining -= quantity === 'all' || quantity > found.remaining ? found.remaining : quantity
  book.resting = book.resting.filter((maker) => maker.remaining > 0n)
}
