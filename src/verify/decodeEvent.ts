// Order events read back from their topics, for comparing them with the orders. Decoding is total, as for trades.

import { Type, type Static, type TSchema } from '@sinclair/typebox'
import { TypeCompiler } from '@sinclair/typebox/compiler'
import { canonicalUuid } from '../domain/ids.ts'
import { amountFromJson, parseExactJson } from '../wire/json.ts'
import { instantFromJson } from '../wire/instant.ts'
import type { EventKind } from '../domain/events.ts'
import type { SeenEvent } from './eventsSql.ts'
import type { Malformed } from '../kafka/schema.ts'
import { headerOf, type TopicRecord } from '../kafka/topicReader.ts'

const common = {
  orderId: Type.String(),
  userId: Type.String(),
  ticker: Type.String(),
  quantity: Type.Unknown(),
  price: Type.Unknown(),
  timestamp: Type.String(),
}
const Cancelled = Type.Object(common)
const Placed = Type.Object({ ...common, side: Type.String(), type: Type.String(), timeInForce: Type.String() })
type Message = Static<typeof Cancelled> & Partial<Static<typeof Placed>>

const checks = {
  PLACED: TypeCompiler.Compile<TSchema>(Placed),
  CANCELLED: TypeCompiler.Compile<TSchema>(Cancelled),
} as const satisfies Record<EventKind, unknown>

const malformed = (reason: string): Malformed => ({ malformed: reason })

const parse = (kind: EventKind, value: Buffer | null): Message | Malformed => {
  try {
    const parsed = parseExactJson(value?.toString() ?? '')
    if (checks[kind].Check(parsed)) return parsed as Message
    return malformed(
      `${checks[kind].Errors(parsed).First()?.path.slice(1) || 'the message'} is missing or of the wrong type`,
    )
  } catch {
    return malformed('is no JSON')
  }
}

/** A NUL cannot be stored as a text; no lawful value has one. */
const printable = (text: string): string => text.replaceAll('\0', '?')

export const decodeEvent = (kind: EventKind, record: TopicRecord): SeenEvent | Malformed => {
  const eventId = canonicalUuid(headerOf(record, 'eventId') ?? '')
  if (eventId === null) return malformed('the header eventId is no UUID')
  const message = parse(kind, record.value)
  if ('malformed' in message) return message
  const orderId = canonicalUuid(message.orderId)
  const userId = canonicalUuid(message.userId)
  if (orderId === null || userId === null) return malformed('orderId or userId is no UUID')
  const quantity = amountFromJson(message.quantity)
  const price = message.price === null ? null : amountFromJson(message.price)
  if (!quantity.ok || price?.ok === false) return malformed('quantity or price is no decimal')
  const occurredAt = instantFromJson(message.timestamp)
  if (occurredAt === null) return malformed('timestamp is no ISO-8601 instant')
  return {
    kind,
    eventId,
    orderId,
    userId,
    ticker: printable(message.ticker),
    key: printable(record.key?.toString() ?? ''),
    side: message.side === undefined ? null : printable(message.side),
    type: message.type === undefined ? null : printable(message.type),
    timeInForce: message.timeInForce === undefined ? null : printable(message.timeInForce),
    quantity: quantity.amount,
    price: price === null ? null : price.amount,
    occurredAt,
    partition: record.partition,
    offset: record.offset,
  }
}
