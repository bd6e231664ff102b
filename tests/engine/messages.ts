// Reads and writes the messages of the topics. An unreadable message is null, never a guess; only an unknown word is an
// exception: amounts are taken from the JSON source text, so that no double stands between the topic and the book.

import { TIMES_IN_FORCE, TYPES } from './book.ts'
import type { End, Fill, Order } from './book.ts'
import { formatAmount, parseAmount } from './decimal.ts'
import { oldKind } from './features.ts'
import type { Features } from './features.ts'
import { SIDES } from './levels.ts'

export type Placed = Omit<Order, 'executed'> & { readonly ticker: string }
export type Cancelled = { readonly orderId: string; readonly ticker: string }
/** A trade somebody published: up to two order ids that are known, at least one. */
export type Heard = {
  readonly tradeId: string
  readonly ticker: string
  readonly orderIds: readonly string[]
  readonly quantity: bigint
}
/**
 * A trade of this engine. `timestamp` is the taker's time on its topic, so that the same trade is the same bytes
 * after a restart.
 */
export type Trade = Fill & { readonly tradeId: string; readonly ticker: string; readonly timestamp: number }

/**
 * How this engine ended an order, once an order. `executed` counts all that the order traded; `timestamp` is the order's
 * time on its topic, so that the same report is the same bytes after a restart.
 */
export type Report = {
  readonly orderId: string
  readonly ticker: string
  readonly end: End
  readonly executed: bigint
  readonly timestamp: number
}

/** The publisher uses a word outside the contract: the reader must stop. */
class UnknownWord extends Error {
  override name = 'UnknownWord'
}

type Fields = Record<string, unknown>

// A reviver with the source text would do the same at ten times the cost. Inside a JSON string this cannot match:
// there the quote after the name is escaped.
const AMOUNT_NUMBERS = /"(quantity|price|displayQuantity)"\s*:\s*(-?\d[\d.eE+-]*)/g

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** The members of a JSON object, amounts as their source text; null when the bytes are anything else. */
const parseFields = (value: Uint8Array | null): Fields | null => {
  if (value === null) return null
  try {
    const parsed: unknown = JSON.parse(utf8.decode(value).replace(AMOUNT_NUMBERS, '"$1":"$2"'))
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed) ? (parsed as Fields) : null
  } catch {
    return null
  }
}

const amount = (value: unknown): bigint | null => (typeof value === 'string' ? parseAmount(value) : null)

const text = (value: unknown): string | null =>
  typeof value === 'string' && value !== '' && value.length <= 64 ? value : null

const orderId = (value: unknown): string | null => text(value)?.toLowerCase() ?? null

/** An unknown word is fatal, as in the first engine, whose enumerations reject it: that engine stops its partition. */
const wordOf = <T extends string>(fields: Fields | null, member: string, allowed: readonly T[]): T | null => {
  const value = fields?.[member]
  const word = allowed.find((candidate) => candidate === value)
  if (word === undefined && typeof value === 'string') throw new UnknownWord(`${member} ${JSON.stringify(value)}`)
  return word ?? null
}

/** Null or absent: none. Undefined when it is anything else that is no amount. */
const displayOf = (value: unknown): bigint | null | undefined =>
  value === undefined || value === null ? null : (amount(value) ?? undefined)

/** The members of a feature that the engine does not have are unknown to it, whatever they are. */
const termsOf = (fields: Fields | null, features: Features): Pick<Order, 'display' | 'postOnly'> | null => {
  const display = features.has('display') ? displayOf(fields?.['displayQuantity']) : null
  const postOnly = features.has('post-only') ? (fields?.['postOnly'] ?? false) : false
  return display === undefined || typeof postOnly !== 'boolean' ? null : { display, postOnly }
}

export const decodePlaced = (value: Uint8Array | null, features: Features = oldKind): Placed | null => {
  const fields = parseFields(value)
  const id = orderId(fields?.['orderId'])
  const ticker = text(fields?.['ticker'])
  const side = wordOf(fields, 'side', SIDES)
  const type = wordOf(fields, 'type', TYPES)
  const timeInForce = wordOf(fields, 'timeInForce', TIMES_IN_FORCE)
  const quantity = amount(fields?.['quantity'])
  const price = type === 'LIMIT' ? amount(fields?.['price']) : null
  const terms = termsOf(fields, features)
  if (id === null || ticker === null || side === null || type === null || timeInForce === null) return null
  if (quantity === null || (type === 'LIMIT' && price === null) || terms === null) return null
  return { id, ticker, side, type, timeInForce, quantity, price, ...terms }
}

export const decodeCancelled = (value: Uint8Array | null): Cancelled | null => {
  const fields = parseFields(value)
  const id = orderId(fields?.['orderId'])
  const ticker = text(fields?.['ticker'])
  return id === null || ticker === null ? null : { orderId: id, ticker }
}

/** Two-legged or single-leg; legs that are null or no text are left out. */
export const decodeTrade = (value: Uint8Array | null): Heard | null => {
  const fields = parseFields(value)
  const tradeId = text(fields?.['tradeId'])
  const ticker = text(fields?.['ticker'])
  const quantity = amount(fields?.['quantity'])
  const legs = [fields?.['buyOrderId'], fields?.['sellOrderId'], fields?.['orderId']].map(orderId)
  const orderIds = legs.filter((id) => id !== null)
  if (tradeId === null || ticker === null || quantity === null || orderIds.length === 0) return null
  return { tradeId, ticker, quantity, orderIds }
}

/** The order of a report; null when the bytes are none. */
export const decodeReport = (value: Uint8Array | null): string | null => {
  const fields = parseFields(value)
  return text(fields?.['reportId']) === null ? null : orderId(fields?.['orderId'])
}

/** 36 characters in the shape of a UUID (version 8: made from a hash). */
const idOf = (name: string): string => {
  const hex = new Bun.CryptoHasher('sha256').update(name).digest('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}

/**
 * An order arrives once, and what it takes of another one is one trade, which exhausts one of the two: so the pair names the
 * trade. Of an iceberg something may be left after a restart, which forgets its place in the queue, for what is left of the
 * taker.
 */
export const tradeIdOf = ({
  takerId,
  makerId,
  takerExecuted,
}: Omit<Fill, 'takerSide' | 'price' | 'quantity'>): string =>
  idOf(takerExecuted === null ? `${takerId} ${makerId}` : `${takerId} ${makerId} ${takerExecuted}`)

/** An order has one report at most. */
export const reportIdOf = ({ orderId, end }: Pick<Report, 'orderId' | 'end'>): string => idOf(`${orderId} ${end}`)

export const encodeTrade = (trade: Trade): string => {
  const [buy, sell] = trade.takerSide === 'BUY' ? [trade.takerId, trade.makerId] : [trade.makerId, trade.takerId]
  const text = JSON.stringify
  return (
    `{"tradeId":${text(trade.tradeId)},"buyOrderId":${text(buy)},"sellOrderId":${text(sell)},` +
    `"ticker":${text(trade.ticker)},"price":${formatAmount(trade.price)},"quantity":${formatAmount(trade.quantity)},` +
    `"timestamp":${text(new Date(trade.timestamp).toISOString())}}`
  )
}

const ENDS = {
  WOULD_MATCH: { kind: 'REJECTED', reason: 'the order is post-only and would have matched at once' },
  KILLED: { kind: 'CANCELED', reason: 'the order could not be filled whole at once' },
  REMAINDER: { kind: 'CANCELED', reason: 'nobody took what remained, and the order does not rest' },
} as const satisfies Record<End, { kind: 'REJECTED' | 'CANCELED'; reason: string }>

export const encodeReport = (report: Report): string => {
  const text = JSON.stringify
  const { kind, reason } = ENDS[report.end]
  return (
    `{"reportId":${text(reportIdOf(report))},"orderId":${text(report.orderId)},"ticker":${text(report.ticker)},` +
    `"kind":${text(kind)},"reason":${text(reason)},"cumulativeQuantity":${formatAmount(report.executed)},` +
    `"timestamp":${text(new Date(report.timestamp).toISOString())}}`
  )
}
