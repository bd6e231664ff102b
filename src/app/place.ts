// Places orders: stores a batch of accepted orders and their events in one statement. A request that repeats a key is answered with the
// order that holds the key.

import { assert } from '../domain/assert.ts'
import { acceptOrder, type Order } from '../domain/order.ts'
import type { Reason } from '../domain/reason.ts'
import { differingTerms, type OrderTerms } from '../domain/terms.ts'
import { insertOrders, isKeyFree, readByKey, readKeyHolders, type NewEvent, type Origin } from '../store/orders.ts'
import type { Database } from '../store/sql.ts'
import { causeOf, type Call } from './caller.ts'
import { passCrashPoint } from './crashPoint.ts'
import type { ExpiresAt } from './expiresAt.ts'

/** An order with its id, time and event, fixed before the first attempt, so that a retry stores the same or finds it stored already. */
export type Placement = { order: Order; origin: Origin; event: NewEvent }

export type PlaceResult =
  | { ok: true; order: Order; replayed: boolean }
  | { ok: false; code: 'IDEMPOTENCY_MISMATCH'; differing: (keyof OrderTerms)[] }
  /** A rule of business refused the order when it came in. It is stored, and holds its key. */
  | { ok: false; code: 'ORDER_REJECTED'; order: Order; replayed: boolean }

export type Identity = {
  now: () => Date
  /** A UUIDv7 of that millisecond. */
  newId: (at: Date) => string
  expiresAt: ExpiresAt
}

/** `refusal`: the rule that refuses the order; absent: none does. */
export const preparePlacement = (
  terms: OrderTerms,
  call: Call,
  { now, newId, expiresAt, refusal = null }: Identity & { refusal?: Reason | null },
): Placement => {
  const at = now()
  const { requestId = null, subject = null } = causeOf(call)
  return {
    order: acceptOrder(terms, { id: newId(at), now: at, expiresAt: expiresAt(terms, at), refusal }),
    origin: { requestId, subject },
    event: { eventId: newId(at), traceparent: call.traceparent },
  }
}

const keyOf = (order: Pick<OrderTerms, 'userId' | 'clientOrderId'>): string => `${order.userId} ${order.clientOrderId}`

/** The answer of an order that was stored. One that an engine rejected later was accepted first, so it is answered as it is now. */
const answerOf = (order: Order, replayed: boolean): PlaceResult =>
  order.status === 'REJECTED' && order.version === 0
    ? { ok: false, code: 'ORDER_REJECTED', order, replayed }
    : { ok: true, order, replayed }

/** The answer of the order that holds the key to a request with these terms. */
const repetition = (holder: Order, terms: OrderTerms): PlaceResult => {
  const differing = differingTerms(holder, terms)
  return differing.length === 0 ? answerOf(holder, true) : { ok: false, code: 'IDEMPOTENCY_MISMATCH', differing }
}

/**
 * Judges a placement that stored nothing new: it found its own row from an attempt whose answer was lost, or it repeats a key with the same
 * terms, or it reuses a key with others.
 */
const judgeRepetition = (placement: Placement, byId: Map<string, Order>, byKey: Map<string, Order>): PlaceResult => {
  const own = byId.get(placement.order.id)
  if (own !== undefined) return answerOf(own, false)
  const holder = placement.order.clientOrderId === null ? undefined : byKey.get(keyOf(placement.order))
  assert(holder !== undefined, 'the order that holds the key can be read')
  return repetition(holder, placement.order)
}

/**
 * Judges a request whose key 1.0 stored in another form. `former`: the order that holds that form; `present`: the order that holds the form
 * of today; undefined: there is none. Returns null if no order holds the former form: then the request is placed with the present form.
 *
 * One look before placing is enough. No replica of this version stores the former form for such a request, so if the look did not find an
 * order under that form, no order can appear there; a replica of 1.0 beside this one stores the former form only, whatever this replica
 * does. A body may still name a key that reads like the former form, for an order of its own. So if both forms are held, the order with
 * equal terms counts.
 */
export const judgeFormerKey = (
  terms: OrderTerms,
  { former, present }: { former: Order | undefined; present: Order | undefined },
): PlaceResult | null => {
  if (former === undefined) return null
  const judgement = repetition(former, terms)
  if (judgement.ok || judgement.code !== 'IDEMPOTENCY_MISMATCH') return judgement
  return present !== undefined && differingTerms(present, terms).length === 0 ? answerOf(present, true) : judgement
}

/**
 * Stores a batch. Returns one result per placement, in order. Idempotent: called again with the same placements it stores nothing twice.
 * `onCommitted` is called after every commit that appended events.
 */
export const placeOrders = async (
  db: Database,
  placements: readonly Placement[],
  onCommitted: () => void,
): Promise<PlaceResult[]> => {
  const stored = await db.run((sql) => insertOrders(sql, placements))
  passCrashPoint('after-commit-before-answer')
  if (stored.size > 0) onCommitted()
  const repeated = placements.filter((placement) => !stored.has(placement.order.id))
  const holders =
    repeated.length === 0
      ? []
      : await db.run((sql) =>
          readKeyHolders(
            sql,
            repeated.map((placement) => placement.order),
          ),
        )
  const byId = new Map(holders.map((order) => [order.id, order]))
  const byKey = new Map(holders.map((order) => [keyOf(order), order]))
  return placements.map((placement) =>
    stored.has(placement.order.id) ? answerOf(placement.order, false) : judgeRepetition(placement, byId, byKey),
  )
}

/**
 * What the order that holds the key of this placement makes of it; null: no order holds that key, and none that is being stored right now
 * will. Stores nothing.
 */
export const judgeHeldKey = async (db: Database, placement: Placement): Promise<PlaceResult | null> => {
  if (await db.run((sql) => isKeyFree(sql, placement))) return null
  const [holder] = await db.run((sql) => readByKey(sql, [placement.order]))
  assert(holder !== undefined, 'the order that holds the key can be read')
  return repetition(holder, placement.order)
}
