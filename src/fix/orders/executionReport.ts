// ExecutionReport (8): an event of the log, and the order as that event left it, as a session reports it. It can be made at any time from the
// log, and is the same each time.

import { formatAmount } from '../../domain/decimal.ts'
import type { Cause, HistoryEvent } from '../../domain/history.ts'
import { averageFillPrice, remainingQuantity, type Order } from '../../domain/order.ts'
import type { Reason } from '../../domain/reason.ts'
import {
  execTypes,
  ordRejReasonOf,
  ordRejReasons,
  postOnlyCode,
  restatementReasonOf,
  sideCodes,
  statusCodes,
  timeInForceCodes,
  typeCodes,
} from './codes.ts'
import { given, plainText, utcTimestamp, type Body, type Field, type Message } from './fields.ts'
import { clOrdIdOf, originOf, type OrderSession } from './session.ts'

/** `origin`: which door the order came through; null: HTTP. */
export type OrderSeen = { order: Order; origin: string | null }
type ReportedEvent = { event: HistoryEvent; origin: string | null }

/** What the order asks for. `expiresAt` of a DAY or GTC order is the service's own, and is left out. */
const termFields = (order: Order): Field[] => [
  [55, order.ticker],
  [54, sideCodes[order.side]],
  [38, formatAmount(order.quantity)],
  [40, typeCodes[order.type]],
  ...given(44, order.price === null ? null : formatAmount(order.price)),
  ...given(99, order.stopPrice === null ? null : formatAmount(order.stopPrice)),
  [59, timeInForceCodes[order.timeInForce]],
  ...given(
    126,
    order.timeInForce === 'GTD' && order.expiresAt !== null ? utcTimestamp(new Date(order.expiresAt)) : null,
  ),
  ...given(18, order.postOnly === true ? postOnlyCode : null),
  ...given(111, order.displayQuantity === null ? null : formatAmount(order.displayQuantity)),
]

/**
 * LeavesQty, CumQty, AvgPx. AvgPx has the eight decimals of a price, rounded half-even from the exact sums: it is the averageFillPrice of HTTP,
 * and what the sums give again on every replica. 0 before the first fill.
 */
const amountFields = (order: Order): Field[] => [
  [151, formatAmount(remainingQuantity(order))],
  [14, formatAmount(order.filledQuantity)],
  [6, formatAmount(averageFillPrice(order) ?? 0n)],
]

/** `CODE: text`, as one line. */
const reasonText = ({ code, text }: Reason): string => plainText(text === null ? code : `${code}: ${text}`)

type Ids = { clOrdId: string | null; origClOrdId: string | null }

/** Whether the order's own session canceled it by an OrderCancelRequest, or this session did: then the report answers that request. */
const answersCancel = (cause: Cause, reason: Reason | null, { id }: OrderSession, origin: string | null): boolean =>
  cause.kind === 'fix' &&
  cause.session !== undefined &&
  cause.requestId !== undefined &&
  reason?.code === 'USER_CANCELED' &&
  (cause.session === id || originOf(cause.session) === origin)

/** A mass cancel by the owner's own session is no surprise to it either; it names no request in FIX 4.4. Its cause is of a kind of its own. */
const isOwnMassCancel = (cause: Cause, reason: Reason | null, { id }: OrderSession): boolean =>
  cause.session === id && reason?.code === 'MASS_CANCELED'

type Ending = { ids: Ids; fields: Body }

const canceled = ({ event, origin }: ReportedEvent, session: OrderSession, own: string | null): Ending => {
  const { cause, reason } = event
  if (answersCancel(cause, reason, session, origin))
    return { ids: { clOrdId: cause.requestId!, origClOrdId: own }, fields: [] }
  const text = given(58, reason === null ? null : reasonText(reason))
  const ids = { clOrdId: own, origClOrdId: null }
  return isOwnMassCancel(cause, reason, session)
    ? { ids, fields: text }
    : { ids, fields: [[378, String(restatementReasonOf(reason?.code))], ...text] }
}

/** What the kind of the event adds. */
const endingOf = (reported: ReportedEvent, session: OrderSession): Ending => {
  const { event, origin } = reported
  const { kind, fill, reason, order } = event
  const own = clOrdIdOf({ ...order, origin }, session)
  const ids = { clOrdId: own, origClOrdId: null }
  switch (kind) {
    case 'ACCEPTED':
    case 'TRIGGERED':
      return { ids, fields: [] }
    case 'FILLED':
      return {
        ids,
        fields:
          fill === null
            ? []
            : [
                ...given(527, plainText(fill.tradeId)),
                [32, formatAmount(fill.quantity)],
                [31, formatAmount(fill.price)],
              ],
      }
    case 'CANCELED':
      return canceled(reported, session, own)
    case 'EXPIRED':
      return { ids, fields: given(58, reason === null ? null : reasonText(reason)) }
    case 'REJECTED': {
      const why = reason ?? { code: 'UNKNOWN', text: null }
      return {
        ids,
        fields: [
          [103, String(ordRejReasons[ordRejReasonOf(why.code)])],
          [58, reasonText(why)],
        ],
      }
    }
  }
}

/** `orderId.version`: unique for ever, and the same whenever the report is made. */
const execIdOf = ({ id, version }: Pick<Order, 'id' | 'version'>): string => `${id}.${version}`

/** The report of an event. A late fill is a trade like any other: CumQty grows, and the status is the one in which the order had ended. */
export const executionReport = (reported: ReportedEvent, session: OrderSession): Message => {
  const { order, kind, at } = reported.event
  const { ids, fields } = endingOf(reported, session)
  return {
    type: '8',
    body: [
      [37, order.id],
      ...given(11, ids.clOrdId),
      ...given(41, ids.origClOrdId),
      [17, execIdOf(order)],
      [150, execTypes[kind]],
      [39, statusCodes[order.status]],
      ...given(1, session.users.get(order.userId)),
      ...termFields(order),
      ...amountFields(order),
      [60, utcTimestamp(at ?? order.updatedAt)],
      ...fields,
    ],
  }
}

type Statement = {
  execType: string
  /** 17: `0` of a status report. */
  execId: string
  /** The ClOrdID that the report carries; absent: the order's own. */
  clOrdId?: string
  now: Date
  more: Body
}

/** The order as it is, in a report that no event of the log makes. */
export const presentReport = (
  { order, origin }: OrderSeen,
  session: OrderSession,
  { execType, execId, clOrdId, now, more }: Statement,
): Message => ({
  type: '8',
  body: [
    [37, order.id],
    ...given(11, clOrdId ?? clOrdIdOf({ ...order, origin }, session)),
    [17, execId],
    [150, execType],
    [39, statusCodes[order.status]],
    ...given(1, session.users.get(order.userId)),
    ...termFields(order),
    ...amountFields(order),
    [60, utcTimestamp(now)],
    ...more,
  ],
})
