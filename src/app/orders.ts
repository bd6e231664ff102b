// The use cases of orders, as every door calls them: they take the caller and plain values, and return plain results. They decide whose
// orders a caller may place; orderReads.ts decides whose it may see.

import type { OrderTerms } from '../domain/terms.ts'
import type { NamedKey } from '../store/keys.ts'
import type { Database } from '../store/sql.ts'
import type { Audit } from './audit.ts'
import type { BatchRefusal } from './batcher.ts'
import type { Batchers } from './batchers.ts'
import { causeOf, forbidden, isAdmin, owns, type Call, type Forbidden } from './caller.ts'
import type { CancelResult, CancelTerms } from './cancel.ts'
import { createOrderReads, type OrderReads } from './orderReads.ts'
import { judgeFormerKey, type PlaceResult } from './place.ts'
import { createSubmit, type SubmitParts, type SubmitResult, type ValidateResult } from './submit.ts'
import { prepareVoid, type VoidResult } from './voids.ts'

/** `formerKey`: another form of the key, under which 1.0 may have stored this order; null: there is none. */
export type PlaceCommand = { terms: OrderTerms; formerKey: string | null }

/** `FORBIDDEN`: the order names another user. */
export type PlaceAnswer = SubmitResult | Forbidden
export type ValidateAnswer = ValidateResult | Forbidden

export type OrderUseCases = OrderReads & {
  /** The answer that every order would get now, whatever it says; null: there is room for an order. */
  turnAway: () => BatchRefusal | null
  /** Stores an order, or answers with the order that holds its key. */
  place: (call: Call, command: PlaceCommand) => Promise<PlaceAnswer>
  /** Stores orders as one unit, in their order; one answer for each, in the same order. */
  placeMany: (call: Call, orders: readonly OrderTerms[]) => Promise<PlaceAnswer[]>
  /** What `place` would answer now. Stores nothing. */
  validate: (call: Call, command: PlaceCommand) => Promise<ValidateAnswer>
  /** Makes a key void, or answers with the order that holds it. `FORBIDDEN`: it is a key of another user. */
  void: (call: Call, key: NamedKey) => Promise<VoidResult | BatchRefusal | Forbidden>
  cancel: (call: Call, orderId: string, terms?: CancelTerms) => Promise<CancelResult | BatchRefusal>
}

export type OrderParts = SubmitParts & {
  batchers: Pick<Batchers, 'places' | 'trials' | 'heldKeys' | 'voids' | 'keys' | 'cancels' | 'gets' | 'pages'>
  /** The pool from which lists are read. */
  lists: Database
  audit: Audit
}

export const createOrders = ({ lists, audit, ...parts }: OrderParts): OrderUseCases => {
  const { batchers, now, newId } = parts
  const { places, voids, keys, cancels } = batchers
  const { refuseForeign, ...reads } = createOrderReads({ batchers, lists, now })
  const submit = createSubmit(parts)

  /** The answer of the order that this user has under the former key: then the request repeats that order. Null: there is none. */
  const judgeFormer = async (terms: OrderTerms, formerKey: string): Promise<PlaceResult | BatchRefusal | null> => {
    const { userId, clientOrderId } = terms
    const holders = await keys.submit({
      former: { userId, clientOrderId: formerKey },
      present: { userId, clientOrderId },
    })
    return holders.ok ? judgeFormerKey(terms, holders) : holders
  }

  return {
    ...reads,
    turnAway: () => (places.isFull() ? { ok: false, code: 'OVERLOADED' } : null),
    async place(call, command) {
      const { terms, formerKey } = command
      if (!owns(call.caller, terms.userId)) return forbidden
      const former = formerKey === null ? null : await judgeFormer(terms, formerKey)
      return former ?? submit.place(call, terms)
    },
    async placeMany(call, orders) {
      const mine = orders.filter(({ userId }) => owns(call.caller, userId))
      const answers = (await submit.placeMany(call, mine)).values()
      return orders.map(({ userId }) => (owns(call.caller, userId) ? answers.next().value! : forbidden))
    },
    async validate(call, command) {
      const { terms, formerKey } = command
      if (!owns(call.caller, terms.userId)) return forbidden
      const former = formerKey === null ? null : await judgeFormer(terms, formerKey)
      return former ?? submit.validate(call, terms)
    },
    void(call, key) {
      if (!owns(call.caller, key.userId)) return Promise.resolve(forbidden)
      audit(call, { operation: 'voidKey', ...key })
      return voids.submit(prepareVoid(key, call, now()))
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
