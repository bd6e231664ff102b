// Places orders: judges a batch by the rules of business, and stores the orders, their keys and their events in one statement. A request that
// repeats a key is answered with the order that holds the key.

import { assert } from '../domain/assert.ts'
import { acceptOrder, refuseOrder, type Order } from '../domain/order.ts'
import type { Reason } from '../domain/reason.ts'
import { refusalBy, type Rules } from '../domain/rules.ts'
import { differingTerms, type OrderTerms } from '../domain/terms.ts'
import { RulesChanged } from '../store/faults.ts'
import { areKeysFree, keyText, readVoidKeys, type OrderKey } from '../store/keys.ts'
import {
  insertOrders,
  readByKey,
  readKeyHolders,
  type Inserted,
  type InsertOptions,
  type NewEvent,
  type Origin,
} from '../store/orders.ts'
import type { Database } from '../store/sql.ts'
import { causeOf, type Call } from './caller.ts'
import { passCrashPoint } from './crashPoint.ts'
import type { ExpiresAt } from './expiresAt.ts'
import type { KeyFill } from './keyFill.ts'
import type { Rejections } from './rejections.ts'
import type { RuleBook } from './rules.ts'

/** An order with its id, time and event, fixed before the first attempt, so that a retry stores the same or finds it stored already. */
export type Placement = { order: Order; origin: Origin; event: NewEvent }

/** `ORDER_REJECTED`: a rule of business refused the order when it came in. It is stored, and holds its key. */
export type OrderAnswer =
  | { ok: true; order: Order; replayed: boolean }
  | { ok: false; code: 'ORDER_REJECTED'; order: Order; replayed: boolean }

export type PlaceResult =
  | OrderAnswer
  | { ok: false; code: 'IDEMPOTENCY_MISMATCH'; differing: (keyof OrderTerms)[] }
  /** A rule refuses the order, and the caller has had too many orders refused; nothing was stored, and the key is as free as before. */
  | { ok: false; code: 'RATE_LIMITED'; waitSeconds: number }
  /** The key was made void: no order can have it any more. */
  | { ok: false; code: 'VOIDED' }

export type Identity = {
  now: () => Date
  /** A UUIDv7 of that millisecond. */
  newId: (at: Date) => string
  expiresAt: ExpiresAt
}

export const preparePlacement = (terms: OrderTerms, call: Call, { now, newId, expiresAt }: Identity): Placement => {
  const at = now()
  const { requestId = null, subject = null } = causeOf(call)
  return {
    order: acceptOrder(terms, { id: newId(at), now: at, expiresAt: expiresAt(terms, at) }),
    origin: { requestId, subject, ...(call.door !== undefined && { door: call.door }) },
    event: { eventId: newId(at), traceparent: call.traceparent },
  }
}

/** The answer of an order that was stored. One that an engine rejected later was accepted first, so it is answered as it is now. */
export const answerOf = (order: Order, replayed: boolean): OrderAnswer =>
  order.status === 'REJECTED' && order.version === 0
    ? { ok: false, code: 'ORDER_REJECTED', order, replayed }
    : { ok: true, order, replayed }

/** The answer of the order that holds the key to a request with these terms. */
const repetition = (holder: Order, terms: OrderTerms): PlaceResult => {
  const differing = differingTerms(holder, terms)
  return differing.length === 0 ? answerOf(holder, true) : { ok: false, code: 'IDEMPOTENCY_MISMATCH', differing }
}

/** Who holds ids and keys. */
type Holders = { byId: Map<string, Order>; byKey: Map<string, Order>; voidKeys: ReadonlySet<string> }

/**
 * Judges a placement that stored nothing new: it found its own row from an attempt whose answer was lost, or it repeats a key with the same
 * terms, or it reuses a key with others, or its key is void.
 */
const judgeRepetition = ({ order }: Placement, { byId, byKey, voidKeys }: Holders): PlaceResult => {
  const own = byId.get(order.id)
  if (own !== undefined) return answerOf(own, false)
  const holder = order.clientOrderId === null ? undefined : byKey.get(keyText(order))
  if (holder !== undefined) return repetition(holder, order)
  assert(voidKeys.has(keyText(order)), 'whoever holds the key can be read')
  return { ok: false, code: 'VOIDED' }
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

export type Placing = {
  rules: RuleBook
  keyFill: KeyFill
  rejections: Rejections
  /** Called with the code of the rule for every order that was stored as REJECTED. */
  onRejected?: (code: string) => void
  /** Called after every commit that stored orders. */
  onCommitted: () => void
  /** See InsertOptions. */
  fresh?: boolean
}

/** A placement as the rules judge it. `waitSeconds`: it is refused, and must not be stored before this time is over; null: it may be stored. */
export type Judged<P extends Placement = Placement> = { placement: P; waitSeconds: number | null }

const judge = <P extends Placement>(placement: P, rules: Rules, rejections: Rejections): Judged<P> => {
  const refusal = refusalBy(rules, placement.order)
  if (refusal === null) return { placement, waitSeconds: null }
  const { allowed, waitSeconds } = rejections.take(placement)
  const order = refuseOrder(placement.order, refusal)
  return { placement: { ...placement, order }, waitSeconds: allowed ? null : waitSeconds }
}

/** Judgements in a row that the rules may outrun before the batch pauses. */
const judgementsMax = 5

type JudgeAndStore<P extends Placement, S> = {
  placements: readonly P[]
  /** Stores what was judged by the rules of this epoch; answers the epoch in force, and if that is another one, has stored nothing. */
  store: (judged: Judged<P>[], options: InsertOptions) => Promise<S & { epoch: string }>
}

/** Judges and stores; anew while the rules change in between. */
export const judgeAndStore = async <P extends Placement, S>(
  { placements, store }: JudgeAndStore<P, S>,
  { rules, keyFill, rejections, fresh = false }: Placing,
): Promise<{ judged: Judged<P>[]; result: S; keysFilled: boolean }> => {
  const keysFilled = await keyFill.isDone()
  let current = await rules.current()
  for (let judgements = 0; judgements < judgementsMax; judgements++) {
    const by = current
    const judged = placements.map((placement) => judge(placement, by, rejections))
    const result = await store(judged, { epoch: by.epoch, keysFilled, fresh })
    if (result.epoch === by.epoch) return { judged, result, keysFilled }
    current = await rules.refresh()
  }
  throw new RulesChanged()
}

const storeAllowed = (
  db: Database,
  judged: readonly Judged[],
  options: InsertOptions,
): Promise<Inserted> | Inserted => {
  const storable = judged.filter(({ waitSeconds }) => waitSeconds === null).map(({ placement }) => placement)
  if (storable.length === 0) return { epoch: options.epoch, stored: new Set() }
  return db.run((sql) => insertOrders(sql, storable, options))
}

const readHolders = async (db: Database, repeated: readonly Placement[], keysFilled: boolean): Promise<Holders> => {
  const orders = repeated.map(({ order }) => order)
  const holders = orders.length === 0 ? [] : await db.run((sql) => readKeyHolders(sql, orders, keysFilled))
  const byId = new Map(holders.map((order) => [order.id, order]))
  const byKey = new Map(holders.map((order) => [keyText(order), order]))
  const unheld = orders.filter((order) => !byId.has(order.id) && !byKey.has(keyText(order)))
  const voidKeys = unheld.length === 0 ? new Set<string>() : await db.run((sql) => readVoidKeys(sql, unheld))
  return { byId, byKey, voidKeys }
}

/**
 * What whoever holds the keys of these terms makes of each; null: it has none, or nobody holds it, and nobody that is being stored right now
 * will. However many there are, they take one statement if all are free, else four as a rule.
 */
export const judgeHeldKeys = async (
  db: Database,
  all: readonly OrderTerms[],
  keyFill: KeyFill,
): Promise<(PlaceResult | null)[]> => {
  const keysFilled = await keyFill.isDone()
  const keyed = all.filter(({ clientOrderId }) => clientOrderId !== null)
  const unread = new Map<string, OrderKey>(keyed.map((terms) => [keyText(terms), terms]))
  const holders = new Map<string, Order>()
  const voidKeys = new Set<string>()
  for (;;) {
    const keys = [...unread.values()]
    if (keys.length === 0 || (await db.run((sql) => areKeysFree(sql, keys, keysFilled)))) break
    for (const order of await db.run((sql) => readByKey(sql, keys, keysFilled))) holders.set(keyText(order), order)
    for (const key of await db.run((sql) => readVoidKeys(sql, keys))) voidKeys.add(key)
    const before = unread.size
    for (const key of [...holders.keys(), ...voidKeys]) unread.delete(key)
    assert(unread.size < before, 'whoever holds a key can be read')
  }
  return all.map((terms) => {
    const holder = holders.get(keyText(terms))
    if (holder !== undefined) return repetition(holder, terms)
    return voidKeys.has(keyText(terms)) ? { ok: false, code: 'VOIDED' } : null
  })
}

/** Why the order was refused and stored; null: it was not, or it was before. */
export const newRejection = (result: PlaceResult): Reason | null =>
  !result.ok && result.code === 'ORDER_REJECTED' && !result.replayed ? result.order.reason : null

/**
 * Stores a batch. Returns one result per placement, in order. Idempotent unless `fresh`: called again with the same placements it stores nothing twice.
 * Orders that a rule refuses are stored as REJECTED, unless the caller has had too many of them.
 */
export const placeOrders = async (
  db: Database,
  placements: readonly Placement[],
  placing: Placing,
): Promise<PlaceResult[]> => {
  const store = async (judged: Judged[], options: InsertOptions) => storeAllowed(db, judged, options)
  const {
    judged,
    result: { stored },
    keysFilled,
  } = await judgeAndStore({ placements, store }, placing)
  passCrashPoint('after-commit-before-answer')
  if (stored.size > 0) placing.onCommitted()
  const isNew = ({ placement, waitSeconds }: Judged) => waitSeconds === null && stored.has(placement.order.id)
  const repeated = judged.filter((one) => one.waitSeconds === null && !isNew(one)).map(({ placement }) => placement)
  const holders = await readHolders(db, repeated, keysFilled)
  const limited = judged.filter((one) => one.waitSeconds !== null).map(({ placement }) => placement.order)
  const ofHeldKeys = (await judgeHeldKeys(db, limited, placing.keyFill)).values()
  const results: PlaceResult[] = []
  for (const [i, one] of judged.entries()) {
    const { placement, waitSeconds } = one
    const result: PlaceResult =
      waitSeconds !== null
        ? (ofHeldKeys.next().value ?? { ok: false, code: 'RATE_LIMITED', waitSeconds })
        : isNew(one)
          ? answerOf(placement.order, false)
          : judgeRepetition(placement, holders)
    const refusal = newRejection(result)
    if (refusal === null) placing.rejections.putBack(placements[i]!)
    else placing.onRejected?.(refusal.code)
    results.push(result)
  }
  return results
}
