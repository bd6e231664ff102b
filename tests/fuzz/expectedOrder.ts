// Part of the independent oracle: it judges a body by the contract, without a line of the service: taken, and as which order,
// or refused.

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
}

export type Resolution = { resolvedBy: string; note: string }
export type Verdict<T> = { taken: T } | { refused: number }

const bodyBytesMax = 65_536
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

const textOf = (value: Json | undefined): string => (value?.kind === 'string' ? value.value : '')
const isNull = (value: Json | undefined): boolean => value?.kind === 'literal' && value.value === null
const isKey = (text: string): boolean => /^[ -~]{1,64}$/.test(text)

/** The members of a body that is an object in which each of them is known and stands once; null for any other. */
const knownMembers = (body: Uint8Array, known: readonly string[]): Map<string, Json> | null => {
  // A byte order mark may be ignored (RFC 8259, section 8.1), and is.
  const value = parseStrict(new TextDecoder().decode(body))
  if (value === null || value === 'TOO_DEEP' || value.kind !== 'object') return null
  const names = value.members.map(([name]) => name)
  const lawful = names.every((name) => known.includes(name)) && new Set(names).size === names.length
  return lawful ? new Map(value.members) : null
}

const orderMembers = ['userId', 'ticker', 'side', 'type', 'timeInForce', 'quantity', 'price', 'clientOrderId']

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

const termsOf = (members: Map<string, Json>, header: string | null): Terms | null => {
  const text = (name: string): string => textOf(members.get(name))
  const priced = members.has('price') && !isNull(members.get('price'))
  const price = priced ? amountOf(members.get('price')) : null
  const quantity = amountOf(members.get('quantity'))
  const clientOrderId = keyOf(members.get('clientOrderId'), header)
  const lawful =
    uuidShape.test(text('userId')) &&
    /^[A-Za-z0-9._/:^=+&@#-]{1,16}$/.test(text('ticker')) &&
    ['BUY', 'SELL'].includes(text('side')) &&
    ['GTC', 'IOC', 'FOK', 'DAY'].includes(text('timeInForce')) &&
    ((text('type') === 'LIMIT' && price !== null) || (text('type') === 'MARKET' && !priced))
  if (!lawful || quantity === null || clientOrderId === undefined) return null
  const [side, type, timeInForce] = [text('side'), text('type'), text('timeInForce')]
  const [userId, ticker] = [text('userId').toLowerCase(), text('ticker').toUpperCase()]
  return { userId, clientOrderId, ticker, side, type, timeInForce, quantity, price }
}

export type BodyRequest = { contentType: string | null; coding?: string | null; key: string | null; body: Uint8Array }

/** What stands before any look at the body's text. */
const refusedEarly = ({ contentType, coding, body }: BodyRequest): number | null => {
  const [family, subtype = ''] = (contentType ?? '').split(';')[0]!.trim().toLowerCase().split('/')
  const isJson = subtype === 'json' || /^[a-z0-9.-]+\+json$/.test(subtype)
  if (family !== 'application' || !isJson) return 415
  const codings = (coding ?? '').split(',').map((one) => one.trim().toLowerCase())
  if (codings.some((one) => one !== '' && one !== 'identity')) return 415
  return body.length > bodyBytesMax ? 413 : null
}

export const expectOrder = (request: BodyRequest): Verdict<Terms> => {
  const early = refusedEarly(request)
  if (early !== null) return { refused: early }
  const members = knownMembers(request.body, orderMembers)
  const terms = members === null ? null : termsOf(members, request.key)
  return terms === null ? { refused: 400 } : { taken: terms }
}

/** An operator's words: 1 to so many characters, no controls, no half of a surrogate pair. */
const isWords = (text: string, lengthMax: number): boolean =>
  text.length >= 1 && text.length <= lengthMax && text.isWellFormed() && !/\p{Cc}/u.test(text)

export const expectResolution = (request: BodyRequest): Verdict<Resolution> => {
  const early = refusedEarly(request)
  if (early !== null) return { refused: early }
  const members = knownMembers(request.body, ['resolvedBy', 'note'])
  const [resolvedBy, note] = [textOf(members?.get('resolvedBy')), textOf(members?.get('note'))]
  return isWords(resolvedBy, 200) && isWords(note, 2000) ? { taken: { resolvedBy, note } } : { refused: 400 }
}
