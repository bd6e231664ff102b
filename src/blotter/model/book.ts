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

/** The orders by id. `onChanged`: an order was taken in or forgotten. */
const createShelf = (ordersMax: number, onChanged: (id: string) => void) => {
  const orders = new Map<string, Order>()
  /** Those that ended, the first of them ahead. */
  const ended = new Set<string>()

  const forgetOld = (): void => {
    for (const id of ended) {
      if (orders.size <= ordersMax) return
      orders.delete(id)
      ended.delete(id)
      onChanged(id)
    }
  }

  return {
    orders,
    open: () => orders.size - ended.size,
    /** False: what is known is as new. */
    take(order: Order): boolean {
      const before = orders.get(order.id)
      if (before !== undefined && before.version >= order.version) return false
      orders.set(order.id, order)
      if (isOpen(order)) ended.delete(order.id)
      else ended.add(order.id)
      onChanged(order.id)
      if (orders.size > ordersMax) forgetOld()
      return true
    },
    clear(): void {
      orders.clear()
      ended.clear()
    },
  }
}

/** Changes that wait to be read; with more, everything is looked at anew: nobody reads while the page is hidden, nor in a worker. */
const changesMax = 5_000

/** The rows of these orders that match, sorted. */
const createRows = (orders: ReadonlyMap<string, Order>) => {
  let sort = newestFirst
  let matches = matcherOf(noFilter)
  let compare = comparisonOf(sort)
  const changed = new Set<string>()
  /** Null: everything has to be looked at anew. */
  let shown: readonly Sorted[] | null = []

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
    change(id: string): void {
      if (shown === null) return
      changed.add(id)
      if (changed.size <= changesMax) return
      shown = null
      changed.clear()
    },
    show(filter: Filter, by: Sort): void {
      sort = by
      matches = matcherOf(filter)
      compare = comparisonOf(by)
      shown = null
    },
    read(): readonly Sorted[] {
      if (shown === null) shown = sorted(orders.values())
      else if (changed.size > 0) shown = bringIn(shown)
      changed.clear()
      return shown
    },
    clear(): void {
      changed.clear()
      shown = []
    },
  }
}

/** `ordersMax`: of those that ended, the first ones are forgotten beyond it. */
export const createBook = (ordersMax = 20_000): Book => {
  let flashes = new Set<string>()
  const shelf = createShelf(ordersMax, (id) => {
    rows.change(id)
    if (!shelf.orders.has(id)) flashes.delete(id)
  })
  const rows = createRows(shelf.orders)
  const take = ({ order, kind }: Change): boolean => {
    if (!shelf.take(order)) return false
    if (kind === 'FILLED') flashes.add(order.id)
    return true
  }
  return {
    put: (changes) => changes.filter(take).length,
    clear() {
      shelf.clear()
      rows.clear()
      flashes = new Set()
    },
    get: (id) => shelf.orders.get(id),
    show: (filter, sort) => rows.show(filter, sort),
    rows: () => rows.read(),
    takeFlashes() {
      const taken = flashes
      flashes = new Set()
      return taken
    },
    counts: () => ({ all: shelf.orders.size, open: shelf.open() }),
  }
}
