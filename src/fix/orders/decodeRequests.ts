// The requests about orders that exist: OrderCancelRequest (F), OrderCancelReplaceRequest (G), OrderStatusRequest (H) and
// OrderMassCancelRequest (q), as what is to be looked up and done.

import { canonicalUuid } from '../../domain/ids.ts'
import { canonicalTicker, tickerForm } from '../../domain/patterns.ts'
import type { Side } from '../../domain/terms.ts'
import {
  massCancelOfAll,
  massCancelOfTicker,
  type massCancelRejectReasons,
  sideCodes,
  wordOf,
  type CxlRejReason,
} from './codes.ts'
import type { OrderSeen } from './executionReport.ts'
import { nameOf, noOrder, valuesOf, type Received, type Values } from './fields.ts'
import { clOrdIdOf, clOrdIdRule, keyOfClOrdId, type OrderSession } from './session.ts'

/** `day`: YYYYMMDD, the day of the session. */
export type RequestOptions = { session: OrderSession; day: string }

/** Which order is meant. `id` wins: an order of another day, or of another door, is named by it alone. Null: it cannot be any. */
export type Target = { id: string; key: null } | { id: null; key: string } | { id: null; key: null }

/** An order that a request means, as it came: the ids for its answer, and what the order has to be. */
export type OrderRequest = {
  /** ClOrdID (11) of the request itself; of a status request the order's. */
  clOrdId: string
  /** OrigClOrdID (41); null: a status request has none. */
  origClOrdId: string | null
  orderId: string | null
  target: Target
  /** One of these the order must belong to. */
  users: OrderSession['users']
  ticker: string | null
  side: Side | null
}

/** `missing`: a field that the request needs, by its tag. */
export type Missing = { ok: false; missing: number }
type DecodedRequest = { ok: true; request: OrderRequest } | Missing

const targetOf = (values: Values, named: string, { session, day }: RequestOptions): Target => {
  const orderId = values.get(37)
  // Desks that do not know the OrderID yet write NONE.
  if (orderId !== undefined && orderId !== noOrder) {
    const id = canonicalUuid(orderId)
    return id === null ? { id: null, key: null } : { id, key: null }
  }
  const key = keyOfClOrdId(named, session, day)
  return key === null ? { id: null, key: null } : { id: null, key }
}

const requestOf = (values: Values, clOrdId: string, named: string, options: RequestOptions): OrderRequest => {
  const symbol = values.get(55)
  const side = values.get(54)
  return {
    clOrdId,
    origClOrdId: values.get(41) ?? null,
    orderId: values.get(37) ?? null,
    target: targetOf(values, named, options),
    users: options.session.users,
    ticker: symbol === undefined ? null : (canonicalTicker(symbol) ?? symbol),
    side: side === undefined ? null : (wordOf(sideCodes, side) ?? null),
  }
}

/** Of F and G: the order is named by OrigClOrdID (41), or by OrderID (37) where there is one. */
export const decodeCancel = ({ body }: Pick<Received, 'body'>, options: RequestOptions): DecodedRequest => {
  const values = valuesOf(body)
  const clOrdId = values.get(11)
  const named = values.get(41)
  if (clOrdId === undefined) return { ok: false, missing: 11 }
  if (named === undefined) return { ok: false, missing: 41 }
  return { ok: true, request: requestOf(values, clOrdId, named, options) }
}

/** Of H: the order is named by ClOrdID (11), or by OrderID (37) where there is one. */
export const decodeStatusRequest = (
  { body }: Pick<Received, 'body'>,
  options: RequestOptions,
): { ok: true; request: OrderRequest; statusReqId: string | null } | Missing => {
  const values = valuesOf(body)
  const named = values.get(11)
  if (named === undefined) return { ok: false, missing: 11 }
  return { ok: true, request: requestOf(values, named, named, options), statusReqId: values.get(790) ?? null }
}

/** The key that the request itself uses up; null: its ClOrdID cannot be one, which `detail` says. */
export const requestKey = (
  { clOrdId }: OrderRequest,
  { session, day }: RequestOptions,
): { ok: true; key: string } | { ok: false; reason: CxlRejReason; text: string } => {
  const key = keyOfClOrdId(clOrdId, session, day)
  return key === null
    ? { ok: false, reason: 'other', text: `${nameOf(11)} ${clOrdIdRule(session)}` }
    : { ok: true, key }
}

/** What the request says about the order that the order is not; null: nothing. `text` says what to change. */
export const contradiction = (
  { ticker, side, orderId, origClOrdId }: OrderRequest,
  seen: OrderSeen,
  session: OrderSession,
): string | null => {
  const { order } = seen
  const clOrdId = clOrdIdOf({ ...order, origin: seen.origin }, session)
  if (orderId !== null && orderId !== noOrder && origClOrdId !== null && clOrdId !== null && origClOrdId !== clOrdId)
    return `${nameOf(37)} and ${nameOf(41)} name two orders: send those of one, or ${noOrder} for ${nameOf(37)}`
  if (ticker !== null && ticker !== order.ticker) return `${nameOf(55)} of this order is ${order.ticker}`
  if (side !== null && side !== order.side) return `${nameOf(54)} of this order is ${sideCodes[order.side]}`
  return null
}

/** Whose open orders a mass cancel means. `ticker`, `side`: null means any. */
export type MassCancel = {
  clOrdId: string
  type: string
  users: readonly string[]
  ticker: string | null
  side: Side | null
}

export type MassCancelRefusal = {
  clOrdId: string
  type: string
  reason: keyof typeof massCancelRejectReasons
  text: string
}

export type DecodedMassCancel = { ok: true; request: MassCancel } | Missing | { ok: false; refused: MassCancelRefusal }

/** Of q: all orders, or those of a ticker; of a side, if it says one. */
export const decodeMassCancel = (
  { body }: Pick<Received, 'body'>,
  { session, day }: RequestOptions,
): DecodedMassCancel => {
  const values = valuesOf(body)
  const clOrdId = values.get(11)
  const type = values.get(530)
  if (clOrdId === undefined) return { ok: false, missing: 11 }
  if (type === undefined) return { ok: false, missing: 530 }
  const refuse = (reason: keyof typeof massCancelRejectReasons, text: string): DecodedMassCancel => ({
    ok: false,
    refused: { clOrdId, type, reason, text },
  })
  if (keyOfClOrdId(clOrdId, session, day) === null) return refuse('other', `${nameOf(11)} ${clOrdIdRule(session)}`)
  if (type !== massCancelOfTicker && type !== massCancelOfAll)
    return refuse(
      'notSupported',
      `${nameOf(530)} must be ${massCancelOfTicker} (with ${nameOf(55)}) or ${massCancelOfAll}`,
    )
  const symbol = values.get(55)
  if (type === massCancelOfTicker && symbol === undefined) return { ok: false, missing: 55 }
  if (type === massCancelOfAll && symbol !== undefined)
    return refuse('other', `${nameOf(530)} must be ${massCancelOfTicker} with ${nameOf(55)}`)
  const ticker = symbol === undefined ? null : canonicalTicker(symbol)
  if (symbol !== undefined && ticker === null) return refuse('unknownSecurity', `${nameOf(55)} ${tickerForm.rule}`)
  const code = values.get(54)
  const side = code === undefined ? null : wordOf(sideCodes, code)
  if (side === undefined) return refuse('other', `${nameOf(54)} must be 1 (BUY) or 2 (SELL), or be left out`)
  return { ok: true, request: { clOrdId, type, users: [...session.users.keys()], ticker, side } }
}
