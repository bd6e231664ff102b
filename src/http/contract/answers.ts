// The schemas of what leaves over HTTP. The answers themselves are written by hand (json.ts, exceptionRoutes.ts, health.ts,
// problem.ts), for their exact numbers and their speed; tests hold every answer to its schema.

import { Type, type TProperties, type TSchema } from '@sinclair/typebox'
import { AmountOrNull, ExactAmount, Instant, oneOf, Side, Ticker, Uuid } from '../../wire/shapes.ts'
import { statuses } from '../../domain/order.ts'
import { termProperties } from '../../wire/terms.ts'
import { problems, type ProblemCode } from '../exchange/problem.ts'

const orNull = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()])

export const Status = oneOf(statuses, {
  component: 'Status',
  title: 'Status',
  description:
    'An order begins as NEW. FILLED, CANCELED, REJECTED and EXPIRED are final: a status never leaves a final state.',
})

export const Order = Type.Object(
  {
    id: Uuid,
    ...termProperties,
    status: Status,
    filledQuantity: ExactAmount,
    remainingQuantity: ExactAmount,
    lastFillPrice: AmountOrNull,
    averageFillPrice: AmountOrNull,
    createdAt: Instant,
    updatedAt: Instant,
    version: Type.Integer({ minimum: 0, description: 'Events applied since the order was accepted.' }),
  },
  {
    component: 'Order',
    description:
      'The one shape of an order. `remainingQuantity` is 0 once the status is final. ' +
      '`averageFillPrice` is the exact notional ÷ filled quantity, half-even to 8 places.',
  },
)

/** 1 to 64 characters; which of them the decoder of trades takes (any that prints) no portable pattern says. */
const TradeId = Type.String({ minLength: 1, maxLength: 64 })

const Fill = Type.Object(
  {
    tradeId: TradeId,
    side: Side,
    ticker: Ticker,
    quantity: ExactAmount,
    price: ExactAmount,
    tradedAt: Instant,
    appliedAt: Instant,
    late: Type.Boolean({ description: 'It came after the order was CANCELED or EXPIRED.' }),
  },
  { component: 'Fill', description: 'What one trade filled of an order.' },
)

const Resolution = Type.Object(
  { resolvedBy: Type.String(), note: Type.String(), resolvedAt: Instant },
  { component: 'Resolution' },
)

export const dispositions = ['OVERFILL', 'CONFLICT', 'MISMATCH'] as const

export const TradeException = Type.Object(
  {
    id: Uuid,
    disposition: oneOf(dispositions),
    reason: Type.String(),
    orderId: Uuid,
    tradeId: TradeId,
    side: Side,
    ticker: Ticker,
    tradedAt: Instant,
    recordedAt: Instant,
    quantity: ExactAmount,
    price: ExactAmount,
    source: Type.Object({
      topic: Type.String(),
      partition: Type.Integer({ minimum: 0 }),
      offset: Type.Integer({ minimum: 0 }),
    }),
    keyBase64: orNull(Type.String({ contentEncoding: 'base64' })),
    message: Type.String({ description: 'The message as received.' }),
    resolution: orNull(Resolution),
  },
  { component: 'Exception', description: 'A leg of a trade that was not applied though its order is here.' },
)

const NextCursor = orNull(
  Type.String({ description: 'The cursor of the next page; null on the last. A page may be short before that.' }),
)

export const OrderPage = Type.Object({ orders: Type.Array(Order), nextCursor: NextCursor })
export const FillPage = Type.Object({ fills: Type.Array(Fill), nextCursor: NextCursor })
export const ExceptionPage = Type.Object({ exceptions: Type.Array(TradeException), nextCursor: NextCursor })

const Link = Type.Object(
  { href: Type.String(), templated: Type.Boolean({ description: 'Whether `href` has a part to fill in.' }) },
  { component: 'Link' },
)
export const ActuatorLinks = Type.Object({
  _links: Type.Object({ self: Link, health: Link, 'health-path': Link, info: Link, prometheus: Link }),
})

const Component = Type.Object(
  {
    status: oneOf(['UP', 'DEGRADED', 'DOWN']),
    details: Type.Unsafe<Record<string, string | number>>({
      type: 'object',
      additionalProperties: { type: ['string', 'number'] },
      description: 'In words for an operator; the names are no contract.',
    }),
  },
  { component: 'Component', description: 'A component of the service.' },
)

export const Health = Type.Object({
  status: oneOf(['UP', 'DEGRADED', 'DOWN']),
  components: Type.Object({ db: Component, kafka: Component, outbox: Component }),
})
export const Alive = Type.Object({ status: Type.Literal('UP') })
export const NotReady = Type.Object({
  status: oneOf(['OUT_OF_SERVICE', 'DOWN']),
  reason: Type.Optional(oneOf(['starting', 'draining'])),
  components: Type.Optional(Type.Object({ db: Component })),
})
export const Info = Type.Object({ name: Type.String(), version: Type.String(), commit: Type.String() })

const Fault = Type.Object(
  {
    pointer: Type.String({
      description: 'RFC 6901 into the body; `?name` for a parameter, `header:Name` for a header, empty for the whole.',
    }),
    detail: Type.String(),
  },
  { component: 'Fault', description: 'One fault of a request.' },
)

export const noMembers = {}

const AnsweredAt = Type.String({
  format: 'date-time',
  pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z$',
  description: 'When it was answered: ISO-8601, UTC.',
})
const AskedPath = Type.String({
  maxLength: 256,
  pattern: "^([A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*$",
  description: 'The path of the request as received, without its query, percent-encoded, at most 256 characters.',
})

/** The shape of a problem with this code. `members`: those that it has beside the usual ones. */
export const problemShape = <C extends ProblemCode, M extends TProperties>(code: C, members: M) =>
  Type.Object({
    type: Type.Literal(`urn:orders:problem:${problems[code].type}`),
    title: Type.String(),
    status: Type.Literal(problems[code].status),
    detail: Type.String({ description: 'What to change.' }),
    code: Type.Literal(code),
    message: Type.String({ description: 'The same as `detail`.' }),
    errors: Type.Array(Fault, { description: 'Every fault of the request, not the first alone.' }),
    timestamp: AnsweredAt,
    error: Type.Literal(problems[code].error, { description: 'The reason phrase of the status.' }),
    path: AskedPath,
    ...members,
  })

/** The schemas that stand in the document once, each under the name that its `component` gives. */
export const components: readonly TSchema[] = [Order, Fill, TradeException, Resolution, Link, Component, Fault, Status]
