// The schemas of parameters, headers and the body of a resolution. query.ts and exceptionRoutes.ts read them by hand, for the
// words of each fault; a test holds reader and schema to each other.

import { Type, type SchemaOptions } from '@sinclair/typebox'
import { oneOf, Side } from '../../wire/shapes.ts'
import { keyForm, tickerForm, uuidForm } from '../../domain/patterns.ts'
import { statuses } from '../../domain/order.ts'
import { dispositions } from './answers.ts'
import { quotedKeyPattern } from '../orders/idempotencyKey.ts'

const Id = (options: SchemaOptions = {}) => Type.String({ format: 'uuid', pattern: uuidForm.sent, ...options })
const OptionalId = Type.Optional(Id())

const Moment = (description: string) =>
  Type.Optional(
    Type.String({
      pattern: '^\\d{4}-\\d\\d-\\d\\d[Tt]\\d\\d:\\d\\d(:\\d\\d(\\.\\d{1,9})?)?([Zz]|[+-]\\d\\d:?\\d\\d)$',
      description,
    }),
  )

const page = {
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500, default: 50, description: 'Items a page.' })),
  cursor: Type.Optional(Type.String({ minLength: 1, description: 'A `nextCursor` of this list, unchanged.' })),
}
const closed = { additionalProperties: false }

export const ById = Type.Object({ id: Id() }, closed)

export const OrdersQuery = Type.Object(
  {
    userId: OptionalId,
    ticker: Type.Optional(Type.String({ pattern: tickerForm.sent })),
    side: Type.Optional(Side),
    status: Type.Optional(
      Type.Array(oneOf([...statuses, 'open', 'closed']), {
        description: 'May be repeated. `open` and `closed` stand for the statuses that are.',
      }),
    ),
    createdAfter: Moment('ISO-8601 with a zone; inclusive.'),
    createdBefore: Moment('ISO-8601 with a zone; exclusive.'),
    clientOrderId: Type.Optional(Type.String({ pattern: keyForm.sent })),
    ...page,
  },
  closed,
)

export const FillsQuery = Type.Object(page, closed)

export const ExceptionsQuery = Type.Object(
  {
    orderId: OptionalId,
    tradeId: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
    disposition: Type.Optional(Type.Array(oneOf(dispositions), { description: 'May be repeated.' })),
    resolved: Type.Optional(Type.Boolean()),
    ...page,
  },
  closed,
)

const Traceparent = Type.Optional(
  Type.String({
    description: 'W3C trace context. It goes along with the event; one that is not valid is ignored.',
    examples: ['00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'],
  }),
)

export const TraceHeaders = Type.Object({ traceparent: Traceparent })

export const PlaceHeaders = Type.Object({
  'Idempotency-Key': Type.Optional(
    Type.Union([Type.String({ pattern: keyForm.sent }), Type.String({ pattern: quotedKeyPattern })], {
      description:
        'Makes it safe to repeat the request. The same as the member `clientOrderId`: unique per user for ever; if both are given they ' +
        'must be equal. In quotes (draft-ietf-httpapi-idempotency-key-header: `\\"` and `\\\\` stand for `"` and `\\`) it is the text inside, ' +
        'unless the user holds a key with the quotes from 1.0. Once only: a bare key with a comma and a space in it is refused, for ' +
        'that is how two headers arrive.',
    }),
  ),
  traceparent: Traceparent,
})

const words = (maxLength: number) =>
  Type.String({ minLength: 1, maxLength, pattern: '^[^\\u0000-\\u001f\\u007f-\\u009f]*$' })

export const Resolve = Type.Object({ resolvedBy: words(200), note: words(2000) }, { ...closed, component: 'Resolve' })
