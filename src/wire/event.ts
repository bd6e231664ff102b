// The one shape of an event of an order's history, as every door writes it: the history, the stream and the topic. Templates, because one
// text serves all who follow; tests check the output against the schemas.

import { Type } from '@sinclair/typebox'
import { formatAmount } from '../domain/decimal.ts'
import { causeKinds, historyKinds, type HistoryEvent, type HistoryFill } from '../domain/history.ts'
import { remainingQuantity } from '../domain/order.ts'
import type { Reason } from '../domain/reason.ts'
import { EndReason, Order, orderJson, reasonJson, Status } from './order.ts'
import { ExactAmount, Instant, openList, Side, TradeId, Uuid } from './shapes.ts'

const EventCause = Type.Object(
  {
    kind: openList(causeKinds, 'What brought the change. `before-log`: a version that kept no log.'),
    requestId: Type.Optional(Type.String()),
    subject: Type.Optional(Type.String({ description: 'Who called, if callers identify themselves.' })),
    topic: Type.Optional(Type.String()),
    partition: Type.Optional(Type.Integer({ minimum: 0 })),
    offset: Type.Optional(
      Type.String({ pattern: '^\\d+$', description: 'A whole number, which a double may not carry.' }),
    ),
    session: Type.Optional(Type.String()),
  },
  { description: 'What the change came from. Members that do not apply are left out.' },
)

const EventFill = Type.Object({
  tradeId: TradeId,
  side: Side,
  quantity: ExactAmount,
  price: ExactAmount,
  late: Type.Boolean({ description: 'It came after the order was CANCELED or EXPIRED.' }),
})

export const Event = Type.Object(
  {
    orderId: Uuid,
    version: Type.Integer({ minimum: 0, description: 'Versions of an order are contiguous from 0.' }),
    kind: openList(historyKinds, 'What happened. FILLED: one leg of a trade, whether anything remains or not.'),
    at: Type.Union([Instant, Type.Null()], { description: 'Null: it happened before there was a log.' }),
    status: Status,
    filledQuantity: ExactAmount,
    remainingQuantity: ExactAmount,
    fill: Type.Optional(EventFill),
    reason: Type.Optional(EndReason),
    cause: EventCause,
  },
  { component: 'Event', description: 'One thing that happened to an order, and how it left the order.' },
)

export const OrderEvent = Type.Object(
  { event: Event, order: Order },
  { component: 'OrderEvent', description: 'An event, and the order as of its version.' },
)

const fillMember = (fill: HistoryFill | null): string =>
  fill === null
    ? ''
    : `,"fill":{"tradeId":${JSON.stringify(fill.tradeId)},"side":"${fill.side}","quantity":${formatAmount(fill.quantity)},` +
      `"price":${formatAmount(fill.price)},"late":${fill.late}}`

const reasonMember = (reason: Reason | null): string => (reason === null ? '' : `,"reason":${reasonJson(reason)}`)

/** The event alone, as JSON. */
export const eventJson = ({ kind, at, order, fill, reason, cause }: HistoryEvent): string =>
  `{"orderId":"${order.id}","version":${order.version},"kind":"${kind}","at":${at === null ? 'null' : `"${at.toISOString()}"`},` +
  `"status":"${order.status}","filledQuantity":${formatAmount(order.filledQuantity)},` +
  `"remainingQuantity":${formatAmount(remainingQuantity(order))}${fillMember(fill)}${reasonMember(reason)},"cause":${JSON.stringify(cause)}}`

/** `{"event":…,"order":…}`: the event, and the order as it left it. */
export const writeEvent = (event: HistoryEvent): string =>
  `{"event":${eventJson(event)},"order":${orderJson(event.order)}}`
