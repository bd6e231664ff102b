// Reads a message of the trade topic by the letter of the contract, on its own: either a trade with its legs, or null, which
// means that the message can only be MALFORMED.

import { amountOf, JsonNumber, parseExact } from './amounts.ts'

/** `side` is null in the single-leg form. `orderId` is in lower case where it is a UUID, as received otherwise. */
export type Leg = { side: string | null; orderId: string }
export type Trade = { tradeId: string; ticker: string; quantity: bigint; price: bigint; legs: readonly Leg[] }

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i
export const tickerPattern = /^[A-Za-z0-9._/:^=+&@#-]{1,16}$/
const isoWithZone = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d([.,]\d+)?)?(Z|[+-]\d\d:?\d\d)$/i
const utf8 = new TextDecoder('utf-8', { fatal: true })

export const isUuid = (text: string): boolean => uuid.test(text)

export const isPrintable = (text: string): boolean => text.length >= 1 && text.length <= 64 && !/\p{Cc}/u.test(text)

export const isInstant = (value: unknown): boolean => {
  if (value instanceof JsonNumber) return Number(value.source) >= 0
  return typeof value === 'string' && isoWithZone.test(value) && !Number.isNaN(Date.parse(value))
}

const parse = (bytes: Uint8Array): Record<string, unknown> | null => {
  try {
    const value = parseExact(utf8.decode(bytes))
    return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof JsonNumber)
      ? (value as Record<string, unknown>)
      : null
  } catch {
    return null
  }
}

const legsOf = (fields: Record<string, unknown>): Leg[] => {
  const leg = (side: string | null, id: unknown): Leg[] =>
    typeof id === 'string' ? [{ side, orderId: isUuid(id) ? id.toLowerCase() : id }] : []
  const two = [...leg('BUY', fields['buyOrderId']), ...leg('SELL', fields['sellOrderId'])]
  return two.length > 0 ? two : leg(null, fields['orderId'])
}

export const decodeTrade = (bytes: Uint8Array | null): Trade | null => {
  const fields = bytes === null ? null : parse(bytes)
  if (fields === null) return null
  const { tradeId, ticker } = fields
  const quantity = amountOf(fields['quantity'])
  const price = amountOf(fields['price'])
  const legs = legsOf(fields)
  if (typeof tradeId !== 'string' || !isPrintable(tradeId)) return null
  if (typeof ticker !== 'string' || !tickerPattern.test(ticker)) return null
  if (quantity === null || price === null || !isInstant(fields['timestamp']) || legs.length === 0) return null
  return { tradeId, ticker: ticker.toUpperCase(), quantity, price, legs }
}
