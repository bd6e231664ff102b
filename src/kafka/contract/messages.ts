// The schemas of the messages on the four topics, as they are published. schema.ts and deadLetters.ts write and read them by hand;
// tests hold both to these. In the words of JSON Schema draft-07, which is what AsyncAPI speaks.

import { Type } from '@sinclair/typebox'
import { tickerForm } from '../../domain/patterns.ts'
import { eventTerms } from '../../domain/terms.ts'
import type { EventKind } from '../../domain/events.ts'
import { Instant, oneOf, sentAmount, Uuid } from '../../wire/shapes.ts'
import { termShapes } from '../../wire/terms.ts'
import { traceparentPattern } from '../../telemetry/tracing.ts'
import { publishedTimesInForce, publishedTypes } from '../vocabulary.ts'

/** The schemas of the terms that an event of this kind carries, in the words of its topic. */
const termsOf = (kind: EventKind) =>
  termShapes(eventTerms(kind), { type: publishedTypes, timeInForce: publishedTimesInForce })

export const OrderPlaced = Type.Object(
  { orderId: Uuid, ...termsOf('PLACED'), timestamp: Instant },
  {
    description:
      'An order was accepted. The words of type and timeInForce are these for ever: a DAY order is published as GTC, and its end as a cancellation.',
  },
)

export const OrderCancelled = Type.Object(
  { orderId: Uuid, ...termsOf('CANCELLED'), timestamp: Instant },
  { description: 'An order was canceled before anything of it was filled.' },
)

const sent = sentAmount({
  description:
    'A decimal > 0 with at most 12 integer and 8 fraction digits, as a number or as a string in plain notation; read exactly.',
})

/** Which characters print is more than a portable pattern can say: these are the ones that never do. */
const tradeId = Type.String({
  minLength: 1,
  maxLength: 64,
  pattern: '^[^\\u0000-\\u001f\\u007f-\\u009f\\u2028\\u2029]*$',
  description: 'Printable characters, compared as text.',
})

const timestamp = Type.Unsafe<string | number>({
  oneOf: [
    {
      type: 'string',
      pattern: '^\\d{4}-\\d\\d-\\d\\d[Tt]\\d\\d:\\d\\d(:\\d\\d([.,]\\d{1,9})?)?([Zz]|[+-]([01]\\d|2[0-3]):?[0-5]\\d)$',
    },
    { type: 'number', minimum: 0, exclusiveMaximum: 253_402_300_800_000 },
  ],
  description:
    'ISO-8601 with a zone, epoch seconds (with fraction), or epoch milliseconds (from 1e11). Kept to the microsecond.',
})

const trade = {
  tradeId,
  ticker: Type.String({ pattern: tickerForm.sent }),
  price: sent,
  quantity: sent,
  timestamp,
}
const orderId = 'A UUID. An order that is not here belongs to somebody else.'
const leg = Type.Optional(Type.Union([Type.String(), Type.Null()], { description: orderId }))

export const TradeExecuted = Type.Object(
  { ...trade, buyOrderId: leg, sellOrderId: leg },
  {
    description: 'A trade with its two legs; either may be null, but not both. Unknown members are ignored.',
    anyOf: [
      { required: ['buyOrderId'], properties: { buyOrderId: { type: 'string' } } },
      { required: ['sellOrderId'], properties: { sellOrderId: { type: 'string' } } },
    ],
  },
)

export const TradeLegExecuted = Type.Object(
  { ...trade, orderId: Type.String({ description: orderId }) },
  { description: "One leg of a trade; its side is the order's. Unknown members are ignored." },
)

const Traceparent = Type.Optional(
  Type.String({ pattern: traceparentPattern, description: 'Of the request, where it had one.' }),
)

export const eventHeaders = (type: string, source: string) =>
  Type.Object({
    eventId: Type.String({ ...Uuid, description: 'The same whenever the event is published again: dedupe on it.' }),
    ce_id: Type.String({ ...Uuid, description: 'CloudEvents; the same as eventId.' }),
    ce_type: Type.Literal(type),
    ce_source: Type.Literal(source),
    ce_specversion: Type.Literal('1.0'),
    ce_time: Instant,
    'content-type': Type.Literal('application/json'),
    traceparent: Traceparent,
  })

const redrivenFrom = Type.Optional(
  Type.String({ description: 'On a message that `orders redrive` sent again: the id of its first dead letter.' }),
)

export const TradeHeaders = Type.Object(
  {
    traceparent: Type.Optional(
      Type.String({ description: 'W3C trace context of the match; one that is not valid is ignored.' }),
    ),
    'x-redriven-from': redrivenFrom,
  },
  { description: 'None is needed. All are kept on a dead letter.' },
)

const coordinates = '^[A-Za-z0-9._-]{1,249}-\\d+-\\d+$'

export const DeadLetterHeaders = Type.Object(
  {
    'x-dead-letter-id': Type.String({
      pattern: coordinates,
      description: '`topic-partition-offset` of the message: dedupe on it, a letter may be repeated after a crash.',
    }),
    'x-disposition': oneOf(['MALFORMED', 'UNKNOWN_ORDER']),
    'x-reason': Type.String({ pattern: '^[ -~]{0,500}$' }),
    'x-legs': Type.String({
      pattern: '^[ -~]{0,500}$',
      description:
        'The legs that the letter is about, `BUY:`, `SELL:` or (of the single-leg form) `ORDER:` and the id, comma-separated; empty where nothing could be decoded.',
    }),
    'x-original-topic': Type.String({ pattern: '^[A-Za-z0-9._-]{1,249}$' }),
    'x-original-partition': Type.String({ pattern: '^\\d+$' }),
    'x-original-offset': Type.String({ pattern: '^\\d+$' }),
    'x-left-out': Type.Optional(
      Type.String({
        pattern: '^(headers|value|key)?(,(value|key))*$',
        description:
          'What of the message is not here, of `headers`, `value` and `key`, comma-separated: its topic refused it, or it could not be had. Empty where all is here; letters of 1.0 do not say it.',
      }),
    ),
    'x-added': Type.Optional(
      Type.Literal('key', {
        description:
          'The message had no key: the one of this letter is its `x-dead-letter-id`, for a compacted topic takes none without.',
      }),
    ),
    'x-redriven-from': redrivenFrom,
  },
  {
    description: 'The headers of the message as received, and these. Decide by them, never by the words of `x-reason`.',
  },
)
