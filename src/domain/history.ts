// The history of an order: what happened to it, version by version. The acceptance is version 0; whatever happens later makes one version.

import type { Amount } from './decimal.ts'
import type { Door } from './door.ts'
import type { Order, Status } from './order.ts'
import type { Reason } from './reason.ts'
import type { Side } from './terms.ts'

/** What can happen to an order, as its history names it. `FILLED`: one leg of a trade, whether anything remains or not. */
export const historyKinds = ['ACCEPTED', 'REJECTED', 'TRIGGERED', 'FILLED', 'CANCELED', 'EXPIRED'] as const
export type HistoryKind = (typeof historyKinds)[number]

/** The kinds that have a row of order_changes: neither an acceptance nor a fill. */
export type ChangeKind = Exclude<HistoryKind, 'ACCEPTED' | 'FILLED'>

/** What a change came from: a request of a client, a record of a topic, the service itself; `before-log`: a version that wrote no log. */
export const causeKinds = [
  'request',
  'trade',
  'report',
  'trigger',
  'expiry',
  'halt',
  'mass-cancel',
  'cancel-after',
  'fix',
  'grpc',
  'adopted',
  'before-log',
] as const
type CauseKind = (typeof causeKinds)[number]

/** Members that do not apply to the kind are left out. `offset`: a whole number as text. */
export type Cause = {
  kind: CauseKind
  requestId?: string
  /** Who called, if callers identify themselves. */
  subject?: string
  topic?: string
  partition?: number
  offset?: string
  session?: string
}

/** `late`: the order had ended as CANCELED or EXPIRED before this fill. */
export type HistoryFill = { tradeId: string; side: Side; quantity: Amount; price: Amount; late: boolean }

/** One thing that happened to an order. */
export type HistoryEvent = {
  kind: HistoryKind
  /** Null: it happened before there was a log, and nobody wrote down when. */
  at: Date | null
  /** The order as this event left it. Its version is the event's. */
  order: Order
  fill: HistoryFill | null
  reason: Reason | null
  cause: Cause
  /** The door through which the order came; absent: HTTP. */
  door?: Door
}

/** The kind of change that ends an order with this status; null: it ends otherwise, or not at all. */
export const endKindOf = (status: Status): ChangeKind | null =>
  status === 'CANCELED' || status === 'EXPIRED' || status === 'REJECTED' ? status : null
