// The order of the rows. Amounts are compared as decimals, never as doubles and never as text.

import { statuses } from '../../domain/order.ts'
import { decimalOf, type Order } from './order.ts'

type Key = bigint | number | string | null

/** What each column compares. Null stands below every value. */
const keys = {
  createdAt: ({ id }) => id,
  updatedAt: ({ updatedAt }) => updatedAt,
  userId: ({ userId }) => userId,
  ticker: ({ ticker }) => ticker,
  side: ({ side }) => side,
  type: ({ type }) => type,
  status: ({ status }) => statuses.indexOf(status),
  quantity: ({ quantity }) => decimalOf(quantity),
  price: ({ price, stopPrice }) => (price === null && stopPrice === null ? null : decimalOf((price ?? stopPrice)!)),
  filledQuantity: ({ filledQuantity }) => decimalOf(filledQuantity),
  averageFillPrice: ({ averageFillPrice }) => (averageFillPrice === null ? null : decimalOf(averageFillPrice)),
} as const satisfies Record<string, (order: Order) => Key>

export type SortColumn = keyof typeof keys
export type Sort = { readonly column: SortColumn; readonly descending: boolean }

/** The newest order first: ids grow with the time of acceptance. */
export const newestFirst: Sort = { column: 'createdAt', descending: true }

/** An order with what it is sorted by, which is read once. */
export type Sorted = { readonly order: Order; readonly key: Key }

export const sortedBy = ({ column }: Sort, order: Order): Sorted => ({ order, key: keys[column](order) })

const compareKeys = (a: Key, b: Key): number => {
  if (a === b) return 0
  if (a === null) return -1
  if (b === null) return 1
  return a < b ? -1 : 1
}

/** Equal keys: the newer order first, in either direction. */
export const comparisonOf =
  ({ descending }: Sort) =>
  (a: Sorted, b: Sorted): number => {
    const found = compareKeys(a.key, b.key)
    if (found !== 0) return descending ? -found : found
    return a.order.id === b.order.id ? 0 : a.order.id < b.order.id ? 1 : -1
  }
