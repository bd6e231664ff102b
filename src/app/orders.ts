// The use cases of orders, as every door calls them: they take the caller and plain values, and return plain results. They decide whose
// orders a caller may place; orderReads.ts decides whose it may see.

import type { OrderTerms } from '../domain/terms.ts'
import type { Database } from '../store/sql.ts'
import type { Audit } from './audit.ts'
import type { BatchRefusal } from './batcher.ts'
import type { Batchers } from './batchers.ts'
import { causeOf, isAdmin, owns, type Call } from './caller.ts'
import type { CancelResult, CancelTerms } from './cancel.ts'
import { createOrderReads, type OrderReads } from './orderReads.ts'
import { judgeFormerKey } from './place.ts'
import { createSubmit, type SubmitParts, type SubmitResult } from './submit.ts'

/** `formerKey`: another form of the key, under which 1.0 may have stored this order; null: there is none. */
export type PlaceCommand = { terms: OrderTerms; formerKey: string | null }

export type OrderUseCases = OrderReads & {
  /** The answer that every order would get now, whatever it says; null: there is room for an order. */
  turnAway: () => BatchRefusal | null
  /** Stores an order, or answers with the order that holds its key. `FORBIDDEN`: the order names another user. */
  place: (call: Call, command: PlaceCommand) => Promise<SubmitResult | { ok: false; code: 'FORBIDDEN' }>
  cancel: (call: Call, orderId: string, terms?: CancelTerms) => Promise<CancelResult | BatchRefusal>
}

export type OrderParts = SubmitParts & {
  batchers: Pick<Batchers, 'places' | 'heldKeys' | 'keys' | 'cancels' | 'gets' | 'pages'>
  /** The pool from which lists are read. */
  lists: Database
  audit: Audit
}

export const createOrders = ({ lists, audit, ...parts }: OrderParts): OrderUseCases => {
  const { batchers, now, newId } = parts
  const { places, keys, cancels } = batchers
  const { refuseForeign, ...reads } = createOrderReads({ batchers, lists, now })
  const submit = createSubmit(parts)

  /** Places an order, unless this user has an order under the former key: then the request repeats that order. */
  const submitUnlessHeld = async (call: Call, terms: OrderTerms, formerKey: string) => {
    const { userId, clientOrderId } = terms
    const holders = await keys.submit({
      former: { userId, clientOrderId: formerKey },
      present: { userId, clientOrderId },
    })
    return holders.ok ? (judgeFormerKey(terms, holders) ?? submit(call, terms)) : holders
  }

  return {
    ...reads,
    turnAway: () => (places.isFull() ? { ok: false, code: 'OVERLOADED' } : null),
    place(call, { terms, formerKey }) {
      if (!owns(call.caller, terms.userId)) return Promise.resolve({ ok: false, code: 'FORBIDDEN' })
      return formerKey === null ? submit(call, terms) : submitUnlessHeld(call, terms, formerKey)
    },
    async cancel(call, orderId, terms = {}) {
      audit(call, { operation: terms.remaining === true ? 'deleteOrder' : 'cancelOrder', orderId })
      const refusal = isAdmin(call.caller) ? null : await refuseForeign(call, orderId)
      if (refusal !== null) return refusal
      const event = { eventId: newId(now()), traceparent: call.traceparent }
      return cancels.submit({ ...terms, id: orderId, cause: causeOf(call), event })
    },
  }
}
