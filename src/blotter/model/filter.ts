// Which orders the table shows.

import type { Status } from '../../domain/order.ts'
import type { Side } from '../../domain/terms.ts'
import { isOpen, type Order } from './order.ts'

/** `open` and `closed`: all statuses of that kind. */
type StatusFilter = Status | 'open' | 'closed'

/** Empty text: all. `user`: the beginning of a user's id. `key`: a part of the client's key, or the beginning of an order's id. */
export type Filter = {
  readonly user: string
  readonly ticker: string
  readonly side: Side | ''
  readonly status: StatusFilter | ''
  readonly key: string
}

export const noFilter: Filter = { user: '', ticker: '', side: '', status: '', key: '' }

export const isFiltered = (filter: Filter): boolean => Object.values(filter).some((value) => value !== '')

const hasStatus = (order: Order, status: StatusFilter | ''): boolean => {
  if (status === '') return true
  if (status === 'open' || status === 'closed') return isOpen(order) === (status === 'open')
  return order.status === status
}

/** A test for orders. Upper and lower case count as the same, but in keys of clients. */
export const matcherOf = ({ user, ticker, side, status, key }: Filter): ((order: Order) => boolean) => {
  const [userStart, tickerStart, idStart] = [
    user.trim().toLowerCase(),
    ticker.trim().toUpperCase(),
    key.trim().toLowerCase(),
  ]
  const keyPart = key.trim()
  return (order) =>
    (side === '' || order.side === side) &&
    hasStatus(order, status) &&
    order.ticker.startsWith(tickerStart) &&
    order.userId.startsWith(userStart) &&
    (keyPart === '' || order.id.startsWith(idStart) || order.clientOrderId?.includes(keyPart) === true)
}
