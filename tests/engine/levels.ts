// One side of a book: price levels, the best one last, each a first-in-first-out list of resting orders. Adding at or
// near the best price, taking from the front and removing any order are all cheap: nothing walks over the orders of a
// level.

export const SIDES = ['BUY', 'SELL'] as const
export type Side = (typeof SIDES)[number]

export type Resting = {
  readonly id: string
  readonly side: Side
  remaining: bigint
  readonly level: Level
  before: Resting | null
  after: Resting | null
}

export type Level = { readonly price: bigint; total: bigint; first: Resting | null; last: Resting | null }

/**
 * `ranks` is ascending and has the price for bids, the negated price for asks: the best level of either side is the
 * last.
 */
export type Half = { readonly side: Side; readonly levels: Map<bigint, Level>; readonly ranks: bigint[] }

export const createHalf = (side: Side): Half => ({ side, levels: new Map(), ranks: [] })

/** Its own inverse: turns a price into its rank and a rank into its price. */
const rankOf = (half: Half, price: bigint): bigint => (half.side === 'BUY' ? price : -price)

/** The level that trades first, or undefined when this side is empty. */
export const bestLevel = (half: Half): Level | undefined => {
  const rank = half.ranks.at(-1)
  return rank === undefined ? undefined : half.levels.get(rankOf(half, rank))
}

/** Levels from the best to the worst. */
export function* levelsFromBest(half: Half): Generator<Level> {
  for (let at = half.ranks.length - 1; at >= 0; at--) {
    const level = half.levels.get(rankOf(half, half.ranks[at] as bigint))
    if (level !== undefined) yield level
  }
}

/** The index of the first rank that is not below the given one. */
const rankIndex = (half: Half, rank: bigint): number => {
  let low = 0
  let high = half.ranks.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((half.ranks[middle] as bigint) < rank) low = middle + 1
    else high = middle
  }
  return low
}

const addLevel = (half: Half, price: bigint): Level => {
  const level: Level = { price, total: 0n, first: null, last: null }
  half.levels.set(price, level)
  half.ranks.splice(rankIndex(half, rankOf(half, price)), 0, rankOf(half, price))
  return level
}

/** Puts an order at the end of its price's queue. */
export const rest = (half: Half, order: { id: string; price: bigint; remaining: bigint }): Resting => {
  const level = half.levels.get(order.price) ?? addLevel(half, order.price)
  const { id, remaining } = order
  const resting: Resting = { id, side: half.side, remaining, level, before: level.last, after: null }
  if (level.last === null) level.first = resting
  else level.last.after = resting
  level.last = resting
  level.total += remaining
  return resting
}

const removeLevel = (half: Half, level: Level): void => {
  half.levels.delete(level.price)
  half.ranks.splice(rankIndex(half, rankOf(half, level.price)), 1)
}

/** Lowers the remaining quantity; an order without any leaves its level, an empty level leaves the side. */
export const take = (half: Half, resting: Resting, quantity: bigint): void => {
  if (quantity <= 0n || quantity > resting.remaining) throw new Error(`cannot take ${quantity} of ${resting.remaining}`)
  const { level } = resting
  resting.remaining -= quantity
  level.total -= quantity
  if (resting.remaining > 0n) return
  if (resting.before === null) level.first = resting.after
  else resting.before.after = resting.after
  if (resting.after === null) level.last = resting.before
  else resting.after.before = resting.before
  if (level.first === null) removeLevel(half, level)
}
