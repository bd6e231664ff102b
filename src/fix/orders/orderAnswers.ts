// ExecutionReports (8) that are no event of the log: of orders that were not stored, of ClOrdIDs that are known, and of what somebody asks for.
// The session keeps them by their number with their bytes.

import type { PlaceAnswer } from '../../app/orders.ts'
import { differingTerms, type OrderTerms } from '../../domain/terms.ts'
import { businessReject } from './businessReject.ts'
import { ordRejReasons, orderStatusType, sideCodes, statusCodes, type OrdRejReason } from './codes.ts'
import type { OrderFault } from './decodeOrder.ts'
import type { OrderRequest } from './decodeRequests.ts'
import { presentReport, type OrderSeen } from './executionReport.ts'
import {
  given,
  nameOf,
  noOrder,
  plainText,
  utcTimestamp,
  valuesOf,
  type Answering,
  type Field,
  type Message,
  type Received,
} from './fields.ts'
import { expireDateTag, termTags } from './orderTags.ts'
import { unknownOrderText, type OrderSession } from './session.ts'

const zero = '0'

/** The fields of a NewOrderSingle that its refusal repeats, as they came. */
const repeatedTags = [termTags.userId, 55, 54, 38, 40, 44, 99, 59] as const

/** An order that was not stored: Rejected, without an OrderID. The ClOrdID is as free as before. */
const rejectedOrder = (
  { body }: Received,
  { answerId, now }: Answering,
  refusal: { reason: OrdRejReason; text: string },
): Message => {
  const values = valuesOf(body)
  return {
    type: '8',
    body: [
      [37, noOrder],
      ...given(11, values.get(11)),
      [17, answerId],
      [150, statusCodes.REJECTED],
      [39, statusCodes.REJECTED],
      ...repeatedTags.flatMap((tag): Field[] => given(tag, values.get(tag))),
      [151, zero],
      [14, zero],
      [6, zero],
      [60, utcTimestamp(now)],
      [103, String(ordRejReasons[refusal.reason])],
      [58, plainText(refusal.text)],
    ],
  }
}

/** A NewOrderSingle with faults. One that lacks a field is not an order yet (j); any other is refused as the order that it would be. */
export const refuseOrder = (received: Received, faults: readonly OrderFault[], answering: Answering): Message => {
  const text = faults.map((fault) => fault.text).join('; ')
  const [first] = faults
  if (first === undefined || faults.some(({ kind }) => kind === 'missing'))
    return businessReject(received, 'fieldMissing', text)
  const reason = first.kind === 'missing' ? 'other' : first.kind
  return rejectedOrder(received, answering, { reason, text })
}

/** What placing refused without storing anything. What is stored, also as REJECTED, is reported from the log. */
type Unstored =
  | Extract<PlaceAnswer, { code: 'RATE_LIMITED' | 'EXPIRES_AT' | 'STOPS_UNWATCHED' | 'FORBIDDEN' }>
  | { ok: false; code: 'OVERLOADED' }

export const refuseUnstored = (received: Received, refusal: Unstored, answering: Answering): Message => {
  switch (refusal.code) {
    case 'EXPIRES_AT': {
      const tag = valuesOf(received.body).has(expireDateTag) ? expireDateTag : termTags.expiresAt
      return rejectedOrder(received, answering, { reason: 'other', text: `${nameOf(tag)} ${refusal.detail}` })
    }
    case 'RATE_LIMITED':
      return rejectedOrder(received, answering, {
        reason: 'other',
        text: `too many orders of yours were refused: nothing was stored, send it again in ${refusal.waitSeconds} s`,
      })
    case 'FORBIDDEN':
      return businessReject(received, 'notAuthorized', 'this session may not place orders')
    case 'STOPS_UNWATCHED':
    case 'OVERLOADED':
      return businessReject(received, 'notAvailable', 'nothing was stored: send the order again later')
  }
}

/** `terms`: of the order that came; `holder`: the order that has its key; null: the key is void, or a request has it. */
type Duplicate = { terms: OrderTerms; holder: OrderSeen | null }

/**
 * A NewOrderSingle whose ClOrdID is known. PossResend with the same terms is answered with the order as it is; anything else is refused with the
 * values of the order that has the key, because firms use ids again: nobody may take an order of yesterday for one of today.
 */
export const answerDuplicate = (
  received: Received,
  { terms, holder }: Duplicate,
  session: OrderSession,
  answering: Answering,
): Message => {
  if (holder === null)
    return rejectedOrder(received, answering, {
      reason: 'duplicate',
      text: `${nameOf(11)} was used before, or made void: send the order with a new one`,
    })
  const { answerId, now } = answering
  const clOrdId = valuesOf(received.body).get(11)!
  const differing = differingTerms(holder.order, terms)
  if (received.possResend && differing.length === 0)
    return presentReport(holder, session, { execType: orderStatusType, execId: zero, clOrdId, now, more: [] })
  const which =
    differing.length === 0 ? '' : ` with other values of ${differing.map((name) => termTags[name]).join(', ')}`
  return presentReport(holder, session, {
    execType: statusCodes.REJECTED,
    execId: answerId,
    clOrdId,
    now,
    more: [
      [103, String(ordRejReasons.duplicate)],
      [58, `${nameOf(11)} names another order${which}: send a new one`],
    ],
  })
}

/** The answer to an OrderStatusRequest. `found` null: there is no such order for this session. */
export const answerStatus = (
  { request, statusReqId }: { request: OrderRequest; statusReqId: string | null },
  found: OrderSeen | null,
  session: OrderSession,
  now: Date,
): Message => {
  const echo = given(790, statusReqId)
  if (found !== null) return presentReport(found, session, { execType: orderStatusType, execId: zero, now, more: echo })
  return {
    type: '8',
    body: [
      [37, noOrder],
      [11, request.clOrdId],
      [17, zero],
      [150, orderStatusType],
      [39, statusCodes.REJECTED],
      ...given(55, request.ticker),
      ...(request.side === null ? [] : given(54, sideCodes[request.side])),
      [38, zero],
      [151, zero],
      [14, zero],
      [6, zero],
      [60, utcTimestamp(now)],
      [58, unknownOrderText],
      ...echo,
    ],
  }
}
