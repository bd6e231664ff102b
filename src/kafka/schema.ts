// Decodes trades and encodes order events. Decoding is total: bad bytes give a named fault, never an exception.

import { Type, type Static } from '@sinclair/typebox'
import { TypeCompiler } from '@sinclair/typebox/compiler'
import { amountDigits, digitsText, formatAmount } from '../domain/decimal.ts'
import { forEachKind, type EventKind } from '../domain/events.ts'
import { canonicalTicker, tickerForm } from '../domain/patterns.ts'
import { eventTerms } from '../domain/terms.ts'
import type { Trade, TradeSide } from '../domain/trade.ts'
import type { Ending, OutboxEvent } from '../store/outbox.ts'
import { instantFromJson } from '../wire/instant.ts'
import { amountFromJson } from '../wire/json.ts'
import { reasonJson } from '../wire/order.ts'
import { eventMembersWriter } from '../wire/terms.ts'
import { malformed, orderIdOf, printable, shapeFault, timestampFault, valueOf, type Malformed } from './decoding.ts'
import { publishedVocabulary } from './vocabulary.ts'

// Unknown members are ignored. Amounts and times have readers of their own.
const TradeMessage = Type.Object({
  tradeId: Type.String(),
  ticker: Type.String(),
  buyOrderId: Type.Optional(Type.Unknown()),
  sellOrderId: Type.Optional(Type.Unknown()),
  orderId: Type.Optional(Type.Unknown()),
  price: Type.Unknown(),
  quantity: Type.Unknown(),
  timestamp: Type.Unknown(),
})
type TradeMessage = Static<typeof TradeMessage>
const tradeMessage = TypeCompiler.Compile(TradeMessage)

const sidesOf = (message: TradeMessage): TradeSide[] | Malformed => {
  const buy = orderIdOf(message.buyOrderId)
  const sell = orderIdOf(message.sellOrderId)
  const single = orderIdOf(message.orderId)
  for (const id of [buy, sell, single]) if (typeof id === 'object') return id
  const sides: TradeSide[] = []
  if (typeof buy === 'string') sides.push({ side: 'BUY', orderId: buy })
  if (typeof sell === 'string') sides.push({ side: 'SELL', orderId: sell })
  if (sides.length === 0 && typeof single === 'string') sides.push({ side: null, orderId: single })
  return sides.length === 0 ? malformed('names no order: one of buyOrderId, sellOrderId or orderId is needed') : sides
}

const amountRule = `is not a decimal > 0 of at most ${digitsText(amountDigits)}`

/** Decodes one message of the trade topic, in the two-legged or the single-leg form. */
export const decodeTrade = (bytes: Uint8Array | null | undefined): Trade | Malformed => {
  const parsed = valueOf(bytes)
  if ('malformed' in parsed) return parsed
  const { value } = parsed
  if (!tradeMessage.Check(value)) return shapeFault(tradeMessage, value)
  if (!printable.test(value.tradeId)) return malformed('tradeId must be 1 to 64 printable characters')
  const ticker = canonicalTicker(value.ticker)
  if (ticker === null) return malformed(`ticker ${tickerForm.rule}`)
  const quantity = amountFromJson(value.quantity)
  if (!quantity.ok) return malformed(`quantity ${amountRule} (${quantity.fault})`)
  const price = amountFromJson(value.price)
  if (!price.ok) return malformed(`price ${amountRule} (${price.fault})`)
  const tradedAt = instantFromJson(value.timestamp)
  if (tradedAt === null) return malformed(timestampFault)
  const sides = sidesOf(value)
  if ('malformed' in sides) return sides
  return {
    tradeId: value.tradeId,
    ticker,
    quantity: quantity.amount,
    price: price.amount,
    tradedAt,
    sides,
  }
}

const endingMembers = ({ filledQuantity, reason }: Ending): string =>
  `,"filledQuantity":${formatAmount(filledQuantity)},"reason":${reason === null ? 'null' : reasonJson(reason)}`

/** Makes the writer of a kind's values: the terms that the kind carries, in the published vocabulary. No text of the terms needs an escape. */
const eventWriter = (kind: EventKind) => {
  const members = eventMembersWriter(eventTerms(kind), publishedVocabulary)
  return ({ order, occurredAt, ending }: Pick<OutboxEvent, 'order' | 'occurredAt' | 'ending'>): string =>
    `{"orderId":"${order.id}"${members(order)},"timestamp":"${occurredAt.toISOString()}"${ending === null ? '' : endingMembers(ending)}}`
}

/** For each kind, the function that writes the value of an event. */
export const encoders = forEachKind(eventWriter)
