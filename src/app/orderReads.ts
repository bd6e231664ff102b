// The use cases that read orders, as every door calls them. They decide whose orders a caller may see.

import type { HistoryEvent } from '../domain/history.ts'
import type { Order } from '../domain/order.ts'
import { readFills, type Fill } from '../store/fillPage.ts'
import { readHistory } from '../store/historyPage.ts'
import { readOrderPage, type OrderFilter } from '../store/orderPage.ts'
import type { Database } from '../store/sql.ts'
import type { BatchRefusal } from './batcher.ts'
import type { Batchers } from './batchers.ts'
import { isAdmin, ownUser, owns, type Call } from './caller.ts'
import { pageOf, type Page } from './page.ts'

type NotFound = { ok: false; code: 'NOT_FOUND' }

export type OrderReads = {
  find: (call: Call, orderId: string) => Promise<{ ok: true; order: Order } | NotFound | BatchRefusal>
  /** Orders of the caller, or of all users for an administrator. Positions are places (store/orderPage.ts). */
  list: (call: Call, filter: OrderFilter, limit: number) => Promise<({ ok: true } & Page<Order, string>) | BatchRefusal>
  /** The fills of an order with an order version below `before`. Positions are order versions. */
  fills: (
    call: Call,
    query: { orderId: string; before: number; limit: number },
  ) => Promise<({ ok: true } & Page<Fill, number>) | NotFound | BatchRefusal>
  /** What happened to an order, oldest first: the events with a version above `after`. Positions are versions. */
  history: (
    call: Call,
    query: { orderId: string; after: number; limit: number },
  ) => Promise<({ ok: true } & Page<HistoryEvent, number>) | NotFound | BatchRefusal>
}

type ReadParts = {
  batchers: Pick<Batchers, 'gets' | 'pages'>
  /** The pool from which lists are read. */
  lists: Database
  now: () => Date
}

/** `refuseForeign`: the refusal if an order does not exist for the caller; null: it exists. */
type WithRefusal = OrderReads & {
  refuseForeign: (call: Call, orderId: string) => Promise<NotFound | BatchRefusal | null>
}

const notFound: NotFound = { ok: false, code: 'NOT_FOUND' }

export const createOrderReads = ({ batchers: { gets, pages }, lists, now }: ReadParts): WithRefusal => {
  /** An order of another user gets the same answer as an order that does not exist. */
  const find: OrderReads['find'] = async ({ caller }, orderId) => {
    const result = await gets.submit(orderId)
    if (!result.ok) return result
    const { order } = result
    return order !== undefined && owns(caller, order.userId) ? { ok: true, order } : notFound
  }

  /** The user of an order never changes, so what is read here still holds when the next statement touches the order. */
  const refuseForeign: WithRefusal['refuseForeign'] = async (call, orderId) => {
    const result = await find(call, orderId)
    return result.ok ? null : result
  }

  return {
    find,
    refuseForeign,
    async list({ caller }, filter, limit) {
      const userId = isAdmin(caller) ? filter.userId : (filter.userId ?? ownUser(caller) ?? undefined)
      // A caller sees no orders of another user, whether there are any or not.
      if (!isAdmin(caller) && (userId === undefined || !owns(caller, userId)))
        return { ok: true, items: [], next: null }
      return pages.submit(async () => {
        const { orders, nextBefore } = await lists.run((sql) =>
          readOrderPage(sql, { ...filter, userId }, { limit, now: now() }),
        )
        return { ok: true, items: orders, next: nextBefore }
      })
    },
    async fills(call, { limit, ...query }) {
      const refusal = isAdmin(call.caller) ? null : await refuseForeign(call, query.orderId)
      if (refusal !== null) return refusal
      return pages.submit(async () => {
        const fills = await lists.run((sql) => readFills(sql, { ...query, limit: limit + 1 }))
        return fills === null ? notFound : { ok: true, ...pageOf(fills, limit, ({ orderVersion }) => orderVersion) }
      })
    },
    async history(call, { limit, ...query }) {
      const refusal = isAdmin(call.caller) ? null : await refuseForeign(call, query.orderId)
      if (refusal !== null) return refusal
      return pages.submit(async () => {
        const events = await lists.run((sql) => readHistory(sql, { ...query, limit: limit + 1 }))
        return events === null ? notFound : { ok: true, ...pageOf(events, limit, ({ order }) => order.version) }
      })
    },
  }
}
