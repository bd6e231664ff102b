// Part of the independent oracle: it decodes a message of the trade topic without a line of the service: a trade in canonical
// form, no trade, or `UNCLEAR` if the contract leaves it open.

import { amountOf } from './expectedOrder.ts'
import { membersOf, parseStrict, type Json } from './strictJson.ts'

export type Side = 'BUY' | 'SELL'
export type Leg = { side: Side | null; orderId: string }
export type Trade = { tradeId: string; ticker: string; quantity: string; price: string; tradedAt: string; legs: Leg[] }
export type Decoded = Trade | 'MALFORMED' | 'UNCLEAR'

const microsOf = (epochMs: number, micros: string): string =>
  `${new Date(epochMs).toISOString().slice(0, 19)}.${micros}Z`
const firstSix = (fraction: string): string => fraction.slice(0, 6).padEnd(6, '0')
const lastMs = 253_402_300_799_999

/** Plain digits only; with an exponent or a sign the contract says too little. */
const fromNumber = (source: string): string => {
  const match = /^(\d{1,15})(?:\.(\d+))?$/.exec(source)
  if (match === null) return 'UNCLEAR'
  const [, whole = '', fraction = ''] = match
  const inMs = Number(whole) >= 1e11
  const epochMs = inMs ? Number(whole) : Number(whole) * 1_000
  if (epochMs > lastMs) return 'UNCLEAR'
  const micros = inMs
    ? `${String(epochMs % 1_000).padStart(3, '0')}${fraction.slice(0, 3).padEnd(3, '0')}`
    : firstSix(fraction)
  return microsOf(epochMs, micros)
}

const fromText = (text: string): string => {
  const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/.exec(text)
  if (match === null) return /^\d{4}-\d\d-\d\d[ Tt]/.test(text) ? 'UNCLEAR' : 'MALFORMED'
  const [, local = '', fraction = '', zone = ''] = match
  const asUtc = new Date(`${local}Z`)
  const [hour, second, zoneHour, zoneMinute] = [
    local.slice(11, 13),
    local.slice(17),
    zone.slice(1, 3),
    zone.slice(4),
  ].map(Number)
  if (hour === 24 || second === 60 || zoneHour! > 23 || zoneMinute! > 59) return 'UNCLEAR'
  if (Number.isNaN(asUtc.getTime()) || !asUtc.toISOString().startsWith(local)) return 'MALFORMED'
  const shift = zone === 'Z' ? 0 : (zoneHour! * 60 + zoneMinute!) * (zone.startsWith('-') ? -60_000 : 60_000)
  const epochMs = asUtc.getTime() - shift
  return epochMs < 0 || epochMs > lastMs ? 'UNCLEAR' : microsOf(epochMs, firstSix(fraction))
}

export const timeOf = (value: Json | undefined): string => {
  if (value?.kind === 'string') return fromText(value.value)
  return value?.kind === 'number' ? fromNumber(value.source) : 'MALFORMED'
}

/** 1 to 64 printable characters; the contract leaves open whether format and private characters print. */
export const tradeIdOf = (value: Json | undefined): string => {
  if (value?.kind !== 'string') return 'MALFORMED'
  const { length } = Array.from(value.value)
  if (length < 1 || length > 64 || /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/u.test(value.value)) return 'MALFORMED'
  return /[\p{Cf}\p{Co}\p{Cn}]/u.test(value.value) ? 'UNCLEAR' : value.value
}

export const isAbsent = (value: Json | undefined): boolean =>
  value === undefined || (value.kind === 'literal' && value.value === null)

/** The text of a leg's order id; null: there is none. A number is no UUID, and so nobody's order. */
export const orderIdOf = (value: Json | undefined): string | null => {
  if (isAbsent(value)) return null
  if (value!.kind === 'string') return value!.value.toLowerCase()
  return value!.kind === 'number' ? value!.source : 'UNCLEAR'
}

const legsOf = (members: Map<string, Json>): Leg[] => {
  const [buy, sell, single] = ['buyOrderId', 'sellOrderId', 'orderId'].map((name) => orderIdOf(members.get(name)))
  const legs: Leg[] = []
  if (buy !== null) legs.push({ side: 'BUY', orderId: buy! })
  if (sell !== null) legs.push({ side: 'SELL', orderId: sell! })
  if (single === 'UNCLEAR' || (legs.length === 0 && single !== null)) legs.push({ side: null, orderId: single! })
  return legs
}

export const textIn = (bytes: Uint8Array): string | null => {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return null
  }
}

export const expectTrade = (bytes: Uint8Array | null): Decoded => {
  const text = bytes === null ? null : textIn(bytes)
  if (text === null) return 'MALFORMED'
  if (text.startsWith('\ufeff')) return 'UNCLEAR'
  const value = parseStrict(text)
  if (value === 'TOO_DEEP') return 'UNCLEAR'
  if (value?.kind !== 'object') return 'MALFORMED'
  const members = membersOf(value)
  const ticker = members.get('ticker')
  const [quantity, price] = [amountOf(members.get('quantity')), amountOf(members.get('price'))]
  const tradeId = tradeIdOf(members.get('tradeId'))
  const tradedAt = timeOf(members.get('timestamp'))
  const legs = legsOf(members)
  if (
    ticker?.kind !== 'string' ||
    !/^[A-Za-z0-9._/:^=+&@#-]{1,16}$/.test(ticker.value) ||
    quantity === null ||
    price === null ||
    legs.length === 0
  )
    return 'MALFORMED'
  const uncertain = [tradeId, tradedAt, ...legs.map(({ orderId }) => orderId)]
  if (uncertain.includes('MALFORMED')) return 'MALFORMED'
  if (uncertain.includes('UNCLEAR')) return 'UNCLEAR'
  return { tradeId, ticker: ticker.value.toUpperCase(), quantity, price, tradedAt, legs }
}
