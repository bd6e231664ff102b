// The orders that the page knows, and the rows that it shows of them. A change costs one look at each row and no sort of all of them, so a
// frame has time for hundreds of changes among ten thousand rows.

import { matcherOf, noFilter, type Filter } from './filter.ts'
import { isOpen, type Order } from './order.ts'
import { comparisonOf, newestFirst, sortedBy, type Sort, type Sorted } from './sort.ts'

/** One order that changed. `kind`: of the event, as in `FILLED`; null: it was read, and nothing happened to it just now. */
export type Change = { readonly order: Order; readonly kind: string | null }

export type Book = {
  /** Takes orders as they come. What is not newer than what is known is passed over. Returns how many were taken. */
  put: (changes: readonly Change[]) => number
  /** Forgets every order. */
  clear: () => void
  get: (id: string) => Order | undefined
  /** Chooses rows and their order. */
  show: (filter: Filter, sort: Sort) => void
  /** The rows, sorted. Read it once a frame: it brings in what came since. The same list as before if nothing did. */
  rows: () => readonly Sorted[]
  /** The ids of the orders that were filled, in part or whole, since the last call. */
  takeFlashes: () => ReadonlySet<string>
  counts: () => { readonly all: number; readonly open: number }
}

/** Two sorted lists as one. */
const merge = (a: readonly Sorted[], b: readonly Sorted[], compare: (a: Sorted, b: Sorted) => number): Sorted[] => {
  const merged: Sorted[] = []
  let at = 0
  for (const one of a) {
    while (at < b.length && compare(b[at]!, one) < 0) merged.push(b[at++]!)
    merged.push(one)
  }
  while (at < b.length) merged.push(b[at++]!)
  return merged
}

/** `ordersMax`: the oldest ended orders are forgotten beyond it. */
export const createBook = (ordersMax = 20_000): Book => {
  const orders = new Map<string, Order>()
  const changed = new Set<string>()
  let flashes = new Set<string>()
  let open = 0
  let [filter, sort] = [noFilter, newestFirst]
  let matches = matcherOf(filter)
  let compare = comparisonOf(sort)
  /** Null: everything has to be looked at anew. */
  let shown: readonly Sorted[] | null = []

  const forgetOld = (): void => {
    for (const [id, order] of orders) {
      if (orders.size <= ordersMax) return
      if (isOpen(order)) continue
      orders.delete(id)
      changed.add(id)
    }
  }

  const take = ({ order, kind }: Change): boolean => {
    const before = orders.get(order.id)
    if (before !== undefined && before.version >= order.version) return false
    open += Number(isOpen(order)) - Number(before !== undefined && isOpen(before))
    orders.set(order.id, order)
    changed.add(order.id)
    if (kind === 'FILLED') flashes.add(order.id)
    return true
  }

  const sorted = (candidates: Iterable<Order>): Sorted[] =>
    [...candidates]
      .filter((order) => matches(order))
      .map((order) => sortedBy(sort, order))
      .toSorted(compare)

  const bringIn = (list: readonly Sorted[]): readonly Sorted[] => {
    const fresh = [...changed].map((id) => orders.get(id)).filter((order) => order !== undefined)
    const kept = list.filter(({ order }) => !changed.has(order.id))
    return merge(kept, sorted(fresh), compare)
  }

  return {
    put(changes) {
      let taken = 0
      for (const change of changes) taken += Number(take(change))
      if (orders.size > ordersMax) forgetOld()
      return taken
    },
    clear() {
      orders.clear()
      changed.clear()
      flashes = new Set()
      open = 0
      shown = []
    },
    get: (id) => orders.get(id),
    show(nextFilter, nextSort) {
      ;[filter, sort] = [nextFilter, nextSort]
      matches = matcherOf(filter)
      compare = comparisonOf(sort)
      shown = null
    },
    rows() {
      if (shown === null) shown = sorted(orders.values())
      else if (changed.size > 0) shown = bringIn(shown)
      changed.clear()
      return shown
    },
    takeFlashes() {
      const taken = flashes
      flashes = new Set()
      return taken
    },
    counts: () => ({ all: orders.size, open }),
  }
}
