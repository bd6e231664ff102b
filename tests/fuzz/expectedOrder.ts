// Part of the independent oracle: it judges a body by the contract, without a line of the service: taken, and as which order,
// or refused.

import { instantOf } from './instants.ts'
import { parseStrict, type Json } from './strictJson.ts'

/** An order's terms in canonical text; amounts without a trailing zero. */
export type Terms = {
  userId: string
  clientOrderId: string | null
  ticker: string
  side: string
  type: string
  timeInForce: string
  quantity: string
  price: string | null
  stopPrice: string | null
  displayQuantity: string | null
  postOnly: boolean
  /** Of GTD, in UTC to the millisecond; of others null: the service fixes it. */
  expiresAt: string | null
}

export type Resolution = { resolvedBy: string; note: string }
export type Verdict<T> = { taken: T } | { refused: number }

const bodyBytesMax = 65_536
const batchBytesMax = 1_048_576
const batchMax = 256
const integerDigitsMax = 12
const fractionDigitsMax = 8

export const uuidShape = /^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$/

/** A decimal > 0 within the limits as its shortest plain text, or null. Never through a double. */
export const canonicalAmount = (source: string): string | null => {
  const match = /^([0-9]+)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]+))?$/.exec(source)
  if (match === null) return null
  const [, whole = '', fraction = '', exponent = '0'] = match
  const significant = (whole + fraction).replace(/^0+/, '')
  const digits = significant.replace(/0+$/, '')
  const power = Number(exponent) - fraction.length + (significant.length - digits.length)
  if (digits === '' || power < -fractionDigitsMax || digits.length + power > integerDigitsMax) return null
  const scaled = (digits + '0'.repeat(power + fractionDigitsMax)).padStart(fractionDigitsMax + 1, '0')
  return `${scaled.slice(0, -fractionDigitsMax)}.${scaled.slice(-fractionDigitsMax)}`.replace(/\.?0+$/, '')
}

/** An amount may come as a number in any notation, or as text in plain notation. */
export const amountOf = (value: Json | undefined): string | null => {
  if (value?.kind === 'number') return canonicalAmount(value.source)
  if (value?.kind !== 'string' || !/^(0|[1-9][0-9]*)(\.[0-9]+)?$/.test(value.value)) return null
  return canonicalAmount(value.value)
}

export const textOf = (value: Json | undefined): string => (value?.kind === 'string' ? value.value : '')
const isNull = (value: Json | undefined): boolean => value?.kind === 'literal' && value.value === null
const isKey = (text: string): boolean => /^[ -~]{1,64}$/.test(text)

/** JSON is UTF-8 (RFC 8259, section 8.1). A byte order mark may be ignored, and is. */
export const valueOf = (body: Uint8Array) => {
  try {
    return parseStrict(new TextDecoder('utf-8', { fatal: true }).decode(body))
  } catch {
    return null
  }
}

/** The members of an object in which each of them is known and stands once; null for any other value. */
export const knownMembers = (
  value: ReturnType<typeof parseStrict>,
  known: readonly string[],
): Map<string, Json> | null => {
  if (value === null || value === 'TOO_DEEP' || value.kind !== 'object') return null
  const names = value.members.map(([name]) => name)
  const lawful = names.every((name) => known.includes(name)) && new Set(names).size === names.length
  return lawful ? new Map(value.members) : null
}

const orderMembers = [
  'userId',
  'ticker',
  'side',
  'type',
  'timeInForce',
  'quantity',
  'price',
  'stopPrice',
  'displayQuantity',
  'postOnly',
  'expiresAt',
  'clientOrderId',
]

/** The text of a string in quotes (RFC 8941, 3.3.3), read character by character; null for any other. */
const unquoted = (text: string): string | null => {
  if (text.length < 2 || text[0] !== '"') return null
  let inside = ''
  for (let at = 1; at < text.length; at++) {
    const character = text[at]!
    if (character === '"') return at === text.length - 1 ? inside : null
    if (character === '\\') {
      at++
      if (text[at] !== '"' && text[at] !== '\\') return null
      inside += text[at]
    } else if (character < ' ' || character > '~') return null
    else inside += character
  }
  return null
}

/** Two headers of one name cannot be told from one with a comma and a space. */
const headerKey = (header: string): string | undefined => {
  const key = unquoted(header) ?? (header.includes(', ') ? '' : header)
  return isKey(key) ? key : undefined
}

/** The key of a request: in the body, in the header, or in both and the same. Undefined: a fault. */
const keyOf = (member: Json | undefined, header: string | null): string | null | undefined => {
  const absent = member === undefined || isNull(member)
  if (!absent && !isKey(textOf(member))) return undefined
  if (header === null) return absent ? null : textOf(member)
  if (!absent && textOf(member) === header) return header
  const key = headerKey(header)
  return absent || textOf(member) === key ? key : undefined
}

type Life = Pick<Terms, 'price' | 'stopPrice' | 'displayQuantity' | 'postOnly' | 'expiresAt'>

const dayMs = 86_400_000
/** No generated instant lies so near to a bound that it matters when it is judged. */
const isAhead = (at: number): boolean => at - Date.now() >= 1_000 && at - Date.now() <= 366 * dayMs

/** What belongs to the type and the time in force of an order; null if anything of it is wrong. */
const lifeOf = (members: Map<string, Json>, quantity: string): Life | null => {
  const [type, timeInForce] = [textOf(members.get('type')), textOf(members.get('timeInForce'))]
  const given = (name: string): boolean => members.has(name) && !isNull(members.get(name))
  const amount = (name: string): string | null | undefined =>
    given(name) ? (amountOf(members.get(name)) ?? undefined) : null
  const [price, stopPrice, displayQuantity] = [amount('price'), amount('stopPrice'), amount('displayQuantity')]
  if (price === undefined || stopPrice === undefined || displayQuantity === undefined) return null
  if (!['LIMIT', 'MARKET', 'STOP', 'STOP_LIMIT'].includes(type)) return null
  if ((type === 'LIMIT' || type === 'STOP_LIMIT') !== (price !== null)) return null
  if ((type === 'STOP' || type === 'STOP_LIMIT') !== (stopPrice !== null)) return null
  const flag = members.get('postOnly')
  const isFlag = flag?.kind === 'literal' && typeof flag.value === 'boolean'
  if (given('postOnly') && !isFlag) return null
  const postOnly = isFlag && flag.value === true
  const atOnce = timeInForce === 'IOC' || timeInForce === 'FOK'
  if (postOnly && (type !== 'LIMIT' || atOnce)) return null
  if (stopPrice !== null && atOnce) return null
  if (displayQuantity !== null && (price === null || atOnce || !isLess(displayQuantity, quantity))) return null
  if (given('expiresAt') !== (timeInForce === 'GTD')) return null
  const at = given('expiresAt') ? instantOf(textOf(members.get('expiresAt'))) : null
  if (given('expiresAt') && (at === null || !isAhead(at))) return null
  return { price, stopPrice, displayQuantity, postOnly, expiresAt: at === null ? null : new Date(at).toISOString() }
}

/** Of two canonical amounts. */
export const isLess = (one: string, other: string): boolean => {
  const scaled = (text: string): bigint => {
    const [whole = '', fraction = ''] = text.split('.')
    return BigInt(whole + fraction.padEnd(fractionDigitsMax, '0'))
  }
  return scaled(one) < scaled(other)
}

const termsOf = (members: Map<string, Json>, header: string | null): Terms | null => {
  const text = (name: string): string => textOf(members.get(name))
  const quantity = amountOf(members.get('quantity'))
  const clientOrderId = keyOf(members.get('clientOrderId'), header)
  const lawful =
    uuidShape.test(text('userId')) &&
    /^[A-Za-z0-9._/:^=+&@#-]{1,16}$/.test(text('ticker')) &&
    ['BUY', 'SELL'].includes(text('side')) &&
    ['GTC', 'IOC', 'FOK', 'DAY', 'GTD'].includes(text('timeInForce'))
  if (!lawful || quantity === null || clientOrderId === undefined) return null
  const life = lifeOf(members, quantity)
  if (life === null) return null
  const [side, type, timeInForce] = [text('side'), text('type'), text('timeInForce')]
  const [userId, ticker] = [text('userId').toLowerCase(), text('ticker').toUpperCase()]
  return { userId, clientOrderId, ticker, side, type, timeInForce, quantity, ...life }
}

export type BodyRequest = { contentType: string | null; coding?: string | null; key: string | null; body: Uint8Array }

/** What stands before any look at the body's text. */
export const refusedEarly = ({ contentType, coding, body }: BodyRequest, bytesMax = bodyBytesMax): number | null => {
  const [family, subtype = ''] = (contentType ?? '').split(';')[0]!.trim().toLowerCase().split('/')
  const isJson = subtype === 'json' || /^[a-z0-9.-]+\+json$/.test(subtype)
  if (family !== 'application' || !isJson) return 415
  const codings = (coding ?? '').split(',').map((one) => one.trim().toLowerCase())
  if (codings.some((one) => one !== '' && one !== 'identity')) return 415
  return body.length > bytesMax ? 413 : null
}

export const expectOrder = (request: BodyRequest): Verdict<Terms> => {
  const early = refusedEarly(request)
  if (early !== null) return { refused: early }
  const members = knownMembers(valueOf(request.body), orderMembers)
  const terms = members === null ? null : termsOf(members, request.key)
  return terms === null ? { refused: 400 } : { taken: terms }
}

export type Key = { userId: string; clientOrderId: string }

export const expectVoid = (request: BodyRequest): Verdict<Key> => {
  const early = refusedEarly(request)
  if (early !== null) return { refused: early }
  const members = knownMembers(valueOf(request.body), ['userId', 'clientOrderId'])
  const [userId, clientOrderId] = [textOf(members?.get('userId')), textOf(members?.get('clientOrderId'))]
  return uuidShape.test(userId) && isKey(clientOrderId)
    ? { taken: { userId: userId.toLowerCase(), clientOrderId } }
    : { refused: 400 }
}

/** What becomes of each order of a batch; `any`: it is nested so deep that the contract does not say. */
export const expectBatch = (request: BodyRequest): Verdict<Verdict<Terms>[]> | 'any' => {
  if (request.key !== null) return { refused: 400 }
  const early = refusedEarly(request, batchBytesMax)
  if (early !== null) return { refused: early }
  const value = valueOf(request.body)
  if (value === 'TOO_DEEP') return 'any'
  const list = knownMembers(value, ['orders'])?.get('orders')
  if (list?.kind !== 'array' || list.items.length < 1 || list.items.length > batchMax) return { refused: 400 }
  return {
    taken: list.items.map((item) => {
      const members = knownMembers(item, orderMembers)
      const terms = members === null ? null : termsOf(members, null)
      return terms === null ? { refused: 400 } : { taken: terms }
    }),
  }
}

/** An operator's words: 1 to so many characters, no controls, no half of a surrogate pair. */
export const isWords = (text: string, lengthMax: number): boolean =>
  text.length >= 1 && Array.from(text).length <= lengthMax && text.isWellFormed() && !/\p{Cc}/u.test(text)

export const expectResolution = (request: BodyRequest): Verdict<Resolution> => {
  const early = refusedEarly(request)
  if (early !== null) return { refused: early }
  const members = knownMembers(valueOf(request.body), ['resolvedBy', 'note'])
  const [resolvedBy, note] = [textOf(members?.get('resolvedBy')), textOf(members?.get('note'))]
  return isWords(resolvedBy, 200) && isWords(note, 2000) ? { taken: { resolvedBy, note } } : { refused: 400 }
}
