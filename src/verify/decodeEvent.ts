// Decodes order events that were read back from their topics, to compare them with the orders. Decoding is total, as for trades.

import { Type, type TSchema } from '@sinclair/typebox'
import { TypeCompiler } from '@sinclair/typebox/compiler'
import { forEachKind, type EventKind } from '../domain/events.ts'
import { canonicalUuid } from '../domain/ids.ts'
import type { Malformed } from '../kafka/decoding.ts'
import { eventHeaders } from '../kafka/eventHeaders.ts'
import { headerOf, type TopicRecord } from '../kafka/topicReader.ts'
import { instantFromJson } from '../wire/instant.ts'
import { parseExactJson } from '../wire/json.ts'
import type { TopicEvent } from './eventsSql.ts'
import { printable, readTerms, termMembers } from './eventTerms.ts'

type Message = Readonly<Record<string, unknown>> & {
  orderId: string
  timestamp: string
  reason?: { code: string } | null
}

const endReason = Type.Union([Type.Object({ code: Type.String() }), Type.Null()])

const checks = forEachKind((kind) =>
  TypeCompiler.Compile<TSchema>(
    Type.Object({
      orderId: Type.String(),
      ...termMembers(kind),
      timestamp: Type.String(),
      reason: Type.Optional(endReason),
    }),
  ),
)

const malformed = (reason: string): Malformed => ({ malformed: reason })

const parse = (kind: EventKind, value: Buffer | null): { message: Message } | Malformed => {
  try {
    const parsed = parseExactJson(value?.toString() ?? '')
    if (checks[kind].Check(parsed)) return { message: parsed as Message }
    return malformed(
      `${checks[kind].Errors(parsed).First()?.path.slice(1) || 'the message'} is missing or of the wrong type`,
    )
  } catch {
    return malformed('is not JSON')
  }
}

export const decodeEvent = (kind: EventKind, record: TopicRecord): TopicEvent | Malformed => {
  const eventId = canonicalUuid(headerOf(record, eventHeaders.eventId) ?? '')
  if (eventId === null) return malformed('the header eventId is not a UUID')
  const parsed = parse(kind, record.value)
  if ('malformed' in parsed) return parsed
  const { message } = parsed
  const orderId = canonicalUuid(message.orderId)
  if (orderId === null) return malformed('orderId is not a UUID')
  const terms = readTerms(kind, message)
  if (typeof terms === 'string') return malformed(`${terms} cannot be read`)
  const occurredAt = instantFromJson(message.timestamp)
  if (occurredAt === null) return malformed('timestamp is not an ISO-8601 instant')
  return {
    kind,
    eventId,
    orderId,
    key: printable(record.key?.toString() ?? ''),
    terms,
    occurredAt,
    reasonCode: message.reason?.code ?? null,
    partition: record.partition,
    offset: record.offset,
  }
}
