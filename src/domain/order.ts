// The life of an order: the table of its transitions, and what a cancel or a fill does to it. Read this file first, then terms.ts.

import { assert } from './assert.ts'
import { averagePrice, notionalOf, type Amount, type Notional } from './decimal.ts'
import type { Reason } from './reason.ts'
import { termsFaults } from './termFaults.ts'
import { type OrderTerms } from './terms.ts'

export const statuses = ['NEW', 'PARTIALLY_FILLED', 'FILLED', 'CANCELED', 'REJECTED', 'EXPIRED'] as const
export type Status = (typeof statuses)[number]

/**
 * What can happen to an order after it was accepted. `fill` leaves some quantity remaining, `complete` leaves none. `trigger`: the stop price
 * is met, and the order goes to the engine.
 */
export type OrderEvent = 'fill' | 'complete' | 'cancel' | 'reject' | 'expire' | 'trigger'

/** The whole state machine. A transition that is not in this table cannot happen, here or in the database (sql/0015_life.sql). */
export const transitions = {
  NEW: {
    trigger: 'NEW',
    fill: 'PARTIALLY_FILLED',
    complete: 'FILLED',
    cancel: 'CANCELED',
    reject: 'REJECTED',
    expire: 'EXPIRED',
  },
  PARTIALLY_FILLED: { fill: 'PARTIALLY_FILLED', complete: 'FILLED', cancel: 'CANCELED', expire: 'EXPIRED' },
  FILLED: {},
  CANCELED: {},
  REJECTED: {},
  EXPIRED: {},
} as const satisfies Record<Status, Partial<Record<OrderEvent, Status>>>

/** `next`: the status after the event. A refusal names the status of the order, which stays the same. */
export type Decision = { ok: true; next: Status } | { ok: false; status: Status }

/** What `event` does to an order of this status, by the table. Both fills and commands are decided here. */
export const decide = (status: Status, event: OrderEvent): Decision => {
  const row: Partial<Record<OrderEvent, Status>> = transitions[status]
  const next = row[event]
  return next === undefined ? { ok: false, status } : { ok: true, next }
}

/** The statuses in which the table lets `event` happen, and the one status that it leads to from all of them. */
export const pathOf = (event: OrderEvent): { from: Status[]; to: Status } => {
  const rows = statuses.map((from) => ({ from, decision: decide(from, event) }))
  const from = rows.filter(({ decision }) => decision.ok).map((row) => row.from)
  const [to, ...others] = new Set(rows.flatMap(({ decision }) => (decision.ok ? [decision.next] : [])))
  assert(to !== undefined && others.length === 0, 'an event leads to one status, whatever status the order has')
  return { from, to }
}

export const isFinal = (status: Status): boolean => Object.keys(transitions[status]).length === 0
export const openStatuses: readonly Status[] = statuses.filter((status) => !isFinal(status))
export const closedStatuses: readonly Status[] = statuses.filter(isFinal)

/** True if all of these statuses are open, false if all are closed, undefined if they are mixed or there are none. */
export const openOf = (some: readonly Status[]): boolean | undefined => {
  if (some.length === 0) return undefined
  const closed = some.filter(isFinal).length
  if (closed === 0) return true
  return closed === some.length ? false : undefined
}

export type Order = OrderTerms & {
  id: string
  status: Status
  filledQuantity: Amount
  filledNotional: Notional
  lastFillPrice: Amount | null
  /** When the stop price was met; null: it was not, or the order has none. */
  triggeredAt: Date | null
  /** How it ended; null: it is open, or FILLED, or a version without a log ended it. */
  reason: Reason | null
  createdAt: Date
  updatedAt: Date
  /** Events applied since acceptance. */
  version: number
}

/** As much of an order as a leg or a report is judged on, and changes. It is what is read for each of them. */
export type JudgedOrder = Pick<
  Order,
  | 'id'
  | 'ticker'
  | 'side'
  | 'quantity'
  | 'stopPrice'
  | 'triggeredAt'
  | 'status'
  | 'filledQuantity'
  | 'filledNotional'
  | 'lastFillPrice'
  | 'reason'
  | 'updatedAt'
  | 'version'
>

/** Whether an engine was told of this order, or will be once its placement leaves the outbox. */
export const isPublished = ({ status, version, stopPrice, triggeredAt }: JudgedOrder): boolean =>
  (stopPrice === null || triggeredAt !== null) && !(status === 'REJECTED' && version === 0)

/** What is decided of an order when it comes in. `expiresAt`: its end, if that is none of its terms (ISO-8601 UTC); null or absent: none. */
export type Acceptance = { id: string; now: Date; expiresAt?: string | null }

/** A newly accepted order. Throws InvariantBroken if its terms have faults: a door that let them through has a bug. */
export const acceptOrder = (terms: OrderTerms, { id, now, expiresAt = null }: Acceptance): Order => {
  assert(termsFaults(terms).length === 0, 'an accepted order has lawful terms')
  return {
    ...terms,
    expiresAt: terms.expiresAt ?? expiresAt,
    id,
    status: 'NEW',
    filledQuantity: 0n,
    filledNotional: 0n,
    lastFillPrice: null,
    triggeredAt: null,
    reason: null,
    createdAt: now,
    updatedAt: now,
    version: 0,
  }
}

/** A new order as a rule of business refuses it. */
export const refuseOrder = (order: Order, refusal: Reason): Order => {
  assert(order.status === 'NEW' && order.version === 0, 'rules judge new orders')
  return { ...order, status: 'REJECTED', reason: refusal }
}

/** What can still be filled: 0 once the status is final. */
export const remainingQuantity = (order: Order): Amount =>
  isFinal(order.status) ? 0n : order.quantity - order.filledQuantity

/** Exact notional ÷ filled quantity, half-even to 8 places; null before the first fill. */
export const averageFillPrice = (order: Order): Amount | null =>
  order.filledQuantity === 0n ? null : averagePrice(order.filledNotional, order.filledQuantity)

/** No change of an order is older than the one before, whatever the clocks say. */
export const later = (a: Date, b: Date): Date => (a > b ? a : b)

/**
 * The order after a fill that does not pass its quantity. An open order moves through the table; a CANCELED or EXPIRED order keeps its
 * status and counts the fill, because a late trade is a fact too. The caller has judged the leg (domain/leg.ts).
 */
export const applyFill = <T extends JudgedOrder>(order: T, fill: { quantity: Amount; price: Amount; now: Date }): T => {
  const filledQuantity = order.filledQuantity + fill.quantity
  assert(fill.quantity > 0n && filledQuantity <= order.quantity, 'filled ≤ quantity')
  const decision = decide(order.status, filledQuantity === order.quantity ? 'complete' : 'fill')
  assert(
    decision.ok || order.status === 'CANCELED' || order.status === 'EXPIRED',
    'a fill needs an order it can apply to',
  )
  return {
    ...order,
    status: decision.ok ? decision.next : order.status,
    filledQuantity,
    filledNotional: order.filledNotional + notionalOf(fill.quantity, fill.price),
    lastFillPrice: fill.price,
    updatedAt: later(order.updatedAt, fill.now),
    version: order.version + 1,
  }
}
