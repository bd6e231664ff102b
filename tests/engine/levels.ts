// One side of a book: price levels, the best one last, each a first-in-first-out list of resting orders. Adding at or
// near the best price, taking from the front and removing any order are all cheap: nothing walks over the orders of a
// level. An iceberg shows a slice of itself; when that is used up, it shows the next one from the end of the queue.

export const SIDES = ['BUY', 'SELL'] as const
export type Side = (typeof SIDES)[number]

export type Resting = {
  readonly id: string
  readonly side: Side
  /** Shown and hidden. */
  remaining: bigint
  /** What trades while it stands where it stands: all of a plain order, the present slice of an iceberg. */
  shown: bigint
  /** A whole slice of an iceberg; null for a plain order. */
  readonly display: bigint | null
  readonly level: Level
  before: Resting | null
  after: Resting | null
}

/** `total` sums what remains of its orders, `shown` what they show. */
export type Level = {
  readonly price: bigint
  total: bigint
  shown: bigint
  first: Resting | null
  last: Resting | null
}

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
  const level: Level = { price, total: 0n, shown: 0n, first: null, last: null }
  half.levels.set(price, level)
  half.ranks.splice(rankIndex(half, rankOf(half, price)), 0, rankOf(half, price))
  return level
}

const smaller = (a: bigint, b: bigint): bigint => (a < b ? a : b)

const link = (resting: Resting): void => {
  const { level } = resting
  resting.before = level.last
  resting.after = null
  if (level.last === null) level.first = resting
  else level.last.after = resting
  level.last = resting
  level.total += resting.remaining
  level.shown += resting.shown
}

const unlink = (resting: Resting): void => {
  const { level, before, after } = resting
  if (before === null) level.first = after
  else before.after = after
  if (after === null) level.last = before
  else after.before = before
  level.total -= resting.remaining
  level.shown -= resting.shown
}

/** Puts an order at the end of its price's queue; an iceberg shows its first slice. */
export const rest = (half: Half, order: Pick<Resting, 'id' | 'remaining' | 'display'> & { price: bigint }): Resting => {
  const level = half.levels.get(order.price) ?? addLevel(half, order.price)
  const { id, remaining, display } = order
  const shown = smaller(remaining, display ?? remaining)
  const resting: Resting = { id, side: half.side, remaining, shown, display, level, before: null, after: null }
  link(resting)
  return resting
}

const removeLevel = (half: Half, level: Level): void => {
  half.levels.delete(level.price)
  half.ranks.splice(rankIndex(half, rankOf(half, level.price)), 1)
}

/** What an iceberg shows after this quantity was taken, its present slice among it, perhaps more slices. */
const nextSlice = ({ remaining, shown, display }: Resting, quantity: bigint): bigint =>
  display === null ? 0n : smaller(display - ((quantity - shown) % display), remaining - quantity)

/**
 * Lowers the remaining quantity. An order keeps its place while something of its slice is left; an iceberg shows its next
 * slice at the end of the queue. An order without any quantity leaves its level, an empty level leaves the side.
 */
export const take = (half: Half, resting: Resting, quantity: bigint): void => {
  if (quantity <= 0n || quantity > resting.remaining) throw new Error(`cannot take ${quantity} of ${resting.remaining}`)
  const { level } = resting
  if (quantity < resting.shown) {
    resting.remaining -= quantity
    resting.shown -= quantity
    level.total -= quantity
    level.shown -= quantity
    return
  }
  unlink(resting)
  resting.shown = nextSlice(resting, quantity)
  resting.remaining -= quantity
  if (resting.remaining > 0n) link(resting)
  else if (level.first === null) removeLevel(half, level)
}
