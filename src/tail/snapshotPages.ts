// The open orders that pass a filter, page by page: what a follower gets before the changes. They come from the primary, as the changes do:
// a standby may lack an order that is older than the changes that follow.

import type { EventFilter } from '../app/follow.ts'
import { isFinal, type Order } from '../domain/order.ts'
import { openOrders, readOrderPage } from '../store/orderPage.ts'
import { lookUpOrder } from '../store/orders.ts'
import type { Database } from '../store/sql.ts'

/** `standby`: the server is one, so it has to be asked again later. */
export type SnapshotPage = { kind: 'page'; orders: readonly Order[]; next: string | null } | { kind: 'standby' }

const pageMax = 500

const readOne = async (db: Database, filter: EventFilter, orderId: string): Promise<SnapshotPage> => {
  const { order, standby } = await db.run((sql) => lookUpOrder(sql, orderId))
  if (standby) return { kind: 'standby' }
  const passes = ({ status, userId, ticker }: Order): boolean =>
    !isFinal(status) && userId === (filter.userId ?? userId) && ticker === (filter.ticker ?? ticker)
  return { kind: 'page', orders: order !== null && passes(order) ? [order] : [], next: null }
}

/** One page of the open orders, newest first; it may be empty and have a next one. `before`: the `next` of the page before. */
export const readSnapshotPage = async (
  db: Database,
  filter: EventFilter,
  { before, now }: { before: string | undefined; now: Date },
): Promise<SnapshotPage> => {
  if (filter.orderId !== undefined) return readOne(db, filter, filter.orderId)
  const { orders, nextBefore, standby } = await db.run((sql) =>
    readOrderPage(sql, openOrders(filter, before), { limit: pageMax, now }),
  )
  return standby ? { kind: 'standby' } : { kind: 'page', orders, next: nextBefore }
}
