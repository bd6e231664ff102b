// OrderCancelReject (9) and OrderMassCancelReport (r): what requests about orders are answered that no event of the log answers.

import { isFinal } from '../../domain/order.ts'
import { cxlRejReasons, massCancelRejectReasons, sideCodes, statusCodes, type CxlRejReason } from './codes.ts'
import type { MassCancel, MassCancelRefusal, OrderRequest } from './decodeRequests.ts'
import type { OrderSeen } from './executionReport.ts'
import { given, nameOf, noOrder, plainText, utcTimestamp, type Answering, type Message } from './fields.ts'
import { unknownOrderText } from './session.ts'

/** CxlRejResponseTo (434). */
const responseTo = { F: '1', G: '2' } as const

type CancelRefusal = { to: keyof typeof responseTo; reason: CxlRejReason; text: string }

/** OrderCancelReject. `found` null: there is no such order for this session. */
export const cancelReject = (
  request: OrderRequest,
  found: OrderSeen | null,
  { to, reason, text }: CancelRefusal,
  now: Date,
): Message => ({
  type: '9',
  body: [
    [37, found === null ? noOrder : found.order.id],
    [11, request.clOrdId],
    [41, request.origClOrdId ?? noOrder],
    [39, found === null ? statusCodes.REJECTED : statusCodes[found.order.status]],
    [60, utcTimestamp(now)],
    [434, responseTo[to]],
    [102, String(cxlRejReasons[reason])],
    [58, plainText(text)],
  ],
})

/** Why an OrderCancelRequest is refused whose order is this one, or none. */
export const cancelRefusal = (
  found: OrderSeen | null,
  {
    keyKnown,
    contradiction,
    isLocked = false,
  }: { keyKnown: boolean; contradiction: string | null; isLocked?: boolean },
): CancelRefusal => {
  if (keyKnown) return { to: 'F', reason: 'duplicate', text: `${nameOf(11)} was used before: send a new one` }
  if (found === null) return { to: 'F', reason: 'unknownOrder', text: unknownOrderText }
  if (contradiction !== null) return { to: 'F', reason: 'other', text: contradiction }
  if (isFinal(found.order.status))
    return { to: 'F', reason: 'tooLate', text: `nothing remains of this order, it is ${found.order.status}` }
  const why = isLocked ? 'the order is locked at this moment' : 'the order was not canceled'
  return { to: 'F', reason: 'brokerOption', text: `${why}: send the request again with a new id` }
}

/** G is not offered. */
export const replaceRefusal = (found: OrderSeen | null): CancelRefusal =>
  found === null
    ? { to: 'G', reason: 'unknownOrder', text: unknownOrderText }
    : { to: 'G', reason: 'brokerOption', text: 'orders are not replaced: cancel this one (F) and send a new one (D)' }

/** What a mass cancel came to. `remaining`: more orders are open than one request cancels. */
export type MassCanceled = { canceled: number; remaining: boolean }

/** OrderMassCancelReport of a request that was served. Each order's cancel is reported from the log. */
export const massCancelReport = (
  { clOrdId, type, ticker, side }: MassCancel,
  { canceled, remaining }: MassCanceled,
  { answerId, now }: Answering,
): Message => ({
  type: 'r',
  body: [
    [11, clOrdId],
    [37, answerId],
    [530, type],
    [531, type],
    [533, String(canceled)],
    ...given(55, ticker),
    ...(side === null ? [] : given(54, sideCodes[side])),
    [60, utcTimestamp(now)],
    ...given(58, remaining ? 'more orders are open: send another request' : null),
  ],
})

const massCancelRejected = '0'

export const massCancelRefusal = (
  { clOrdId, type, reason, text }: MassCancelRefusal,
  { answerId, now }: Answering,
): Message => ({
  type: 'r',
  body: [
    [11, clOrdId],
    [37, answerId],
    [530, type],
    [531, massCancelRejected],
    [532, String(massCancelRejectReasons[reason])],
    [60, utcTimestamp(now)],
    [58, plainText(text)],
  ],
})
