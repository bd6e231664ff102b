// Reads and writes the messages of the three topics. An unreadable message is null, never a guess; only an unknown word is an
// exception: amounts are taken from the JSON source text, so that no double stands between the topic and the book.

import { TIMES_IN_FORCE, TYPES } from './book.ts'
import type { Fill, Order } from './book.ts'
import { formatAmount, parseAmount } from './decimal.ts'
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

/** The publisher uses a word outside the contract: the reader must stop. */
class UnknownWord extends Error {
  override name = 'UnknownWord'
}

type Fields = Record<string, unknown>

// A reviver with the source text would do the same at ten times the cost. Inside a JSON string this cannot match:
// there the quote after the name is escaped.
const AMOUNT_NUMBERS = /"(quantity|price)"\s*:\s*(-?\d[\d.eE+-]*)/g

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

export const decodePlaced = (value: Uint8Array | null): Placed | null => {
  const fields = parseFields(value)
  const id = orderId(fields?.['orderId'])
  const ticker = text(fields?.['ticker'])
  const side = wordOf(fields, 'side', SIDES)
  const type = wordOf(fields, 'type', TYPES)
  const timeInForce = wordOf(fields, 'timeInForce', TIMES_IN_FORCE)
  const quantity = amount(fields?.['quantity'])
  const price = type === 'LIMIT' ? amount(fields?.['price']) : null
  if (id === null || ticker === null || side === null || type === null || timeInForce === null) return null
  if (quantity === null || (type === 'LIMIT' && price === null)) return null
  return { id, ticker, side, type, timeInForce, quantity, price }
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

/**
 * An order arrives once and a fill exhausts one of its two orders, so a pair of orders trades at most once, ever, and
 * the pair names the trade: 36 characters in the shape of a UUID (version 8: made from a hash).
 */
export const tradeIdOf = (fill: Pick<Fill, 'takerId' | 'makerId'>): string => {
  const hex = new Bun.CryptoHasher('sha256').update(`${fill.takerId} ${fill.makerId}`).digest('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}

export const encodeTrade = (trade: Trade): string => {
  const [buy, sell] = trade.takerSide === 'BUY' ? [trade.takerId, trade.makerId] : [trade.makerId, trade.takerId]
  const text = JSON.stringify
  return (
    `{"tradeId":${text(trade.tradeId)},"buyOrderId":${text(buy)},"sellOrderId":${text(sell)},` +
    `"ticker":${text(trade.ticker)},"price":${formatAmount(trade.price)},"quantity":${formatAmount(trade.quantity)},` +
    `"timestamp":${text(new Date(trade.timestamp).toISOString())}}`
  )
}
