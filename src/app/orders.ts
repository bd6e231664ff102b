// The use cases of orders, as every door calls them: they take the caller and plain values, and return plain results. They decide whose
// orders a caller may place and see.

import type { HistoryEvent } from '../domain/history.ts'
import type { Order } from '../domain/order.ts'
import type { OrderTerms } from '../domain/terms.ts'
import { readFills, type Fill } from '../store/fillPage.ts'
import { readHistory } from '../store/historyPage.ts'
import { readOrderPage, type OrderFilter } from '../store/orderPage.ts'
import type { Database } from '../store/sql.ts'
import type { Audit } from './audit.ts'
import type { BatchRefusal } from './batcher.ts'
import type { Batchers } from './batchers.ts'
import { causeOf, isAdmin, ownUser, owns, type Call } from './caller.ts'
import type { CancelResult } from './cancel.ts'
import type { Admission } from './monitor.ts'
import { pageOf, type Page } from './page.ts'
import { judgeFormerKey, preparePlacement, type Identity, type PlaceResult } from './place.ts'

/** `formerKey`: another form of the key, under which 1.0 may have stored this order; null: there is none. */
export type PlaceCommand = { terms: OrderTerms; formerKey: string | null }

type NotFound = { ok: false; code: 'NOT_FOUND' }

export type OrderUseCases = {
  /** The answer that every order would get now, whatever it says; null: there is room for an order. */
  turnAway: () => BatchRefusal | null
  /** Stores an order, or answers with the order that holds its key. `FORBIDDEN`: the order names another user. */
  place: (call: Call, command: PlaceCommand) => Promise<PlaceResult | BatchRefusal | { ok: false; code: 'FORBIDDEN' }>
  cancel: (call: Call, orderId: string) => Promise<CancelResult | BatchRefusal>
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

export type OrderParts = Identity & {
  batchers: Pick<Batchers, 'places' | 'keys' | 'cancels' | 'gets' | 'pages'>
  /** The pool from which lists are read. */
  lists: Database
  /** The monitor's `hasRoom`: false while too much waits to be published (app/monitor.ts). */
  accepting: Admission
  audit: Audit
}

const notFound: NotFound = { ok: false, code: 'NOT_FOUND' }

export const createOrders = ({ batchers, lists, accepting, audit, now, newId }: OrderParts): OrderUseCases => {
  const { places, keys, cancels, gets, pages } = batchers

  const submit = (call: Call, terms: OrderTerms): Promise<PlaceResult | BatchRefusal> =>
    accepting(terms.ticker)
      ? places.submit(preparePlacement(terms, call, { now, newId }))
      : Promise.resolve({ ok: false, code: 'OVERLOADED' })

  /** Places an order, unless this user has an order under the former key: then the request repeats that order. */
  const submitUnlessHeld = async (call: Call, terms: OrderTerms, formerKey: string) => {
    const { userId, clientOrderId } = terms
    const holders = await keys.submit({
      former: { userId, clientOrderId: formerKey },
      present: { userId, clientOrderId },
    })
    return holders.ok ? (judgeFormerKey(terms, holders) ?? submit(call, terms)) : holders
  }

  /** An order of another user gets the same answer as an order that does not exist. */
  const find: OrderUseCases['find'] = async ({ caller }, orderId) => {
    const result = await gets.submit(orderId)
    if (!result.ok) return result
    const { order } = result
    return order !== undefined && owns(caller, order.userId) ? { ok: true, order } : notFound
  }

  /**
   * The refusal if this order does not exist for the caller; null: it exists. The user of an order never changes, so what is read here
   * still holds when the next statement touches the order.
   */
  const refuseForeign = async (call: Call, orderId: string): Promise<NotFound | BatchRefusal | null> => {
    const result = await find(call, orderId)
    return result.ok ? null : result
  }

  return {
    turnAway: () => (places.isFull() ? { ok: false, code: 'OVERLOADED' } : null),
    place(call, { terms, formerKey }) {
      if (!owns(call.caller, terms.userId)) return Promise.resolve({ ok: false, code: 'FORBIDDEN' })
      return formerKey === null ? submit(call, terms) : submitUnlessHeld(call, terms, formerKey)
    },
    async cancel(call, orderId) {
      audit(call, { operation: 'cancelOrder', orderId })
      const refusal = isAdmin(call.caller) ? null : await refuseForeign(call, orderId)
      if (refusal !== null) return refusal
      const event = { eventId: newId(now()), traceparent: call.traceparent }
      return cancels.submit({ id: orderId, cause: causeOf(call), event })
    },
    find,
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
