// The published schemas of the messages on all topics. schema.ts and trades/letterForms.ts write and read the messages; tests hold
// both to these schemas. They use JSON Schema draft-07, as AsyncAPI does.

import { Type } from '@sinclair/typebox'
import { amountDigits, digitsText } from '../../domain/decimal.ts'
import { orderEvents, type EventKind } from '../../domain/events.ts'
import { letterDispositions } from '../../domain/leg.ts'
import { tickerForm } from '../../domain/patterns.ts'
import { reportKinds } from '../../domain/report.ts'
import { eventTerms } from '../../domain/terms.ts'
import { traceparentPattern } from '../../telemetry/tracing.ts'
import { coordinatesPattern, topicPattern } from '../../wire/coordinates.ts'
import { instantPattern } from '../../wire/instant.ts'
import { EndReason } from '../../wire/order.ts'
import { ExactAmount, Instant, oneOf, orNull, sentAmount, Uuid } from '../../wire/shapes.ts'
import { termShapes } from '../../wire/terms.ts'
import { commonValues, eventHeaders } from '../eventHeaders.ts'
import { letterHeaders, redrivenFrom } from '../letterHeaders.ts'
import { publishedTimesInForce, publishedTypes } from '../vocabulary.ts'

/** The schema of an event's value: the terms that this kind carries, in the vocabulary of its topic. */
export const eventValueSchema = (kind: EventKind, description: string) =>
  Type.Object(
    {
      orderId: Uuid,
      ...termShapes(eventTerms(kind), { type: publishedTypes, timeInForce: publishedTimesInForce }),
      timestamp: Instant,
      ...(kind === 'CANCELLED' && { filledQuantity: ExactAmount, reason: orNull(EndReason) }),
    },
    { description },
  )

const sent = sentAmount(amountDigits, {
  description: `A decimal > 0 with at most ${digitsText(amountDigits)}, as a number or as a string in plain notation; read exactly.`,
})

/** No portable pattern can say which characters are printable. This one excludes those that never are. */
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
      pattern: instantPattern,
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

/** Zero is a quantity here: the engine ended an order of which nothing was filled. */
const sentCumulative = Type.Unsafe<number | string | null>({
  oneOf: [
    { type: 'number', minimum: 0, exclusiveMaximum: 10 ** amountDigits.integer },
    { type: 'string', pattern: `^(0|[1-9]\\d{0,${amountDigits.integer - 1}})(\\.\\d{1,${amountDigits.fraction}}0*)?$` },
    { type: 'null' },
  ],
  description: `What of the order was filled when it ended: a decimal ≥ 0 with at most ${digitsText(amountDigits)}. The order ends here once that much is filled here. Left out: once everything was applied that the trade topic had when the report arrived.`,
})

export const OrderReport = Type.Object(
  {
    reportId: Type.String({
      ...tradeId,
      description: 'Of this report, unique for its order: printable characters, compared as text.',
    }),
    orderId: Type.String({ description: orderId }),
    ticker: Type.String({ pattern: tickerForm.sent }),
    kind: oneOf(reportKinds),
    reason: Type.Optional(
      Type.Union([Type.String(), Type.Null()], { description: 'For people; kept on one line of 500 characters.' }),
    ),
    cumulativeQuantity: Type.Optional(sentCumulative),
    timestamp,
  },
  { description: 'The engine ended an order by itself. Unknown members are ignored.' },
)

const Traceparent = Type.Optional(
  Type.String({ pattern: traceparentPattern, description: 'Of the request, where it had one.' }),
)

export const eventHeadersSchema = (kind: EventKind, source: string) =>
  Type.Object({
    [eventHeaders.eventId]: Type.String({
      ...Uuid,
      description: 'The same whenever the event is published again: dedupe on it.',
    }),
    [eventHeaders.id]: Type.String({ ...Uuid, description: 'CloudEvents; the same as eventId.' }),
    [eventHeaders.type]: Type.Literal(orderEvents[kind].ceType),
    [eventHeaders.source]: Type.Literal(source),
    [eventHeaders.specVersion]: Type.Literal(commonValues.specVersion),
    [eventHeaders.time]: Instant,
    [eventHeaders.contentType]: Type.Literal(commonValues.contentType),
    [eventHeaders.traceparent]: Traceparent,
  })

const RedrivenFrom = Type.Optional(
  Type.String({ description: 'On a message that `orders redrive` sent again: the id of its first dead letter.' }),
)

const inboundHeaders = (of: string) =>
  Type.Object(
    {
      traceparent: Type.Optional(
        Type.String({ description: `W3C trace context of ${of}; one that is not valid is ignored.` }),
      ),
      [redrivenFrom]: RedrivenFrom,
    },
    { description: 'None is needed. All are kept on a dead letter.' },
  )

export const TradeHeaders = inboundHeaders('the match')
export const ReportHeaders = inboundHeaders('the end of the order')

export const DeadLetterHeaders = Type.Object(
  {
    [letterHeaders.id]: Type.String({
      pattern: coordinatesPattern,
      description: '`topic-partition-offset` of the message: dedupe on it, a letter may be repeated after a crash.',
    }),
    [letterHeaders.disposition]: oneOf(letterDispositions),
    [letterHeaders.reason]: Type.String({ pattern: '^[ -~]{0,500}$' }),
    [letterHeaders.legs]: Type.String({
      pattern: '^[ -~]{0,500}$',
      description:
        'The legs that the letter is about, `BUY:`, `SELL:` or (of the single-leg form, and of a report) `ORDER:` and the id, comma-separated; empty where nothing could be decoded.',
    }),
    [letterHeaders.topic]: Type.String({ pattern: topicPattern }),
    [letterHeaders.partition]: Type.String({ pattern: '^\\d+$' }),
    [letterHeaders.offset]: Type.String({ pattern: '^\\d+$' }),
    [letterHeaders.leftOut]: Type.Optional(
      Type.String({
        pattern: '^(headers|value|key)?(,(value|key))*$',
        description:
          'What of the message is not here, of `headers`, `value` and `key`, comma-separated: its topic refused it, or it could not be had. Empty where all is here; letters of 1.0 do not say it.',
      }),
    ),
    [letterHeaders.added]: Type.Optional(
      Type.Literal('key', {
        description:
          'The message had no key: the one of this letter is its `x-dead-letter-id`, for a compacted topic takes none without.',
      }),
    ),
    [redrivenFrom]: RedrivenFrom,
  },
  {
    description: 'The headers of the message as received, and these. Decide by them, never by the words of `x-reason`.',
  },
)
