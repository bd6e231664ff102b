// Exact decimals. An amount is a bigint scaled by 10^8, a notional (quantity times price) one scaled by 10^16; neither is ever held in a
// double. Everything here is pure and total: bad text is a named fault, never an exception.

/** A quantity or price, scaled by 10^8: `150.5` is `15050000000n`. */
export type Amount = bigint
/** A sum of quantity × price, scaled by 10^16. */
export type Notional = bigint

/** How many digits an amount may have before and after its point. Trailing zeros do not count. */
export type AmountDigits = { integer: number; fraction: number }

/** The digits that the columns hold. Placing may be limited to fewer; trades never are. */
export const amountDigits: AmountDigits = { integer: 12, fraction: 8 }

const { integer: integerDigitsMax, fraction: fractionDigitsMax } = amountDigits
const tenTo = Array.from({ length: integerDigitsMax + fractionDigitsMax + 1 }, (_, n) => 10n ** BigInt(n))
const scale = tenTo[fractionDigitsMax]!

export type AmountFault = 'NOT_A_NUMBER' | 'NOT_POSITIVE' | 'TOO_MANY_INTEGER_DIGITS' | 'TOO_MANY_FRACTION_DIGITS'
export type ParsedAmount = { ok: true; amount: Amount } | { ok: false; fault: AmountFault }

/** `12 integer and 8 fraction digits`. */
export const digitsText = ({ integer, fraction }: AmountDigits): string =>
  `${integer} integer and ${fraction} fraction digits`

/** The form that an amount must have; completes "<member> …". */
export const amountRule = (digits: AmountDigits): string =>
  `must be a decimal > 0 with at most ${digitsText(digits)}, as a number or as a string in plain notation`

/** What is wrong with an amount; completes "<member> …" and names the limit in force. */
export const amountDetail = (fault: AmountFault, digits: AmountDigits): string => {
  switch (fault) {
    case 'NOT_A_NUMBER':
      return amountRule(digits)
    case 'NOT_POSITIVE':
      return 'must be greater than 0'
    case 'TOO_MANY_INTEGER_DIGITS':
      return `has more than ${digits.integer} integer digits`
    case 'TOO_MANY_FRACTION_DIGITS':
      return `has more than ${digits.fraction} fraction digits`
  }
}

/** Why `amount` is not an amount within these limits; null if it is one. */
export const amountFault = (amount: Amount, { integer, fraction }: AmountDigits): AmountFault | null => {
  if (amount <= 0n) return 'NOT_POSITIVE'
  if (amount >= tenTo[fractionDigitsMax + integer]!) return 'TOO_MANY_INTEGER_DIGITS'
  if (fraction < fractionDigitsMax && amount % tenTo[fractionDigitsMax - fraction]! !== 0n)
    return 'TOO_MANY_FRACTION_DIGITS'
  return null
}

const pointCode = 46
const zeroCode = 48

const plainNotation = /^(0|[1-9]\d*)(?:\.(\d+))?$/
const jsonNotation = /^(-?)(0|[1-9]\d*)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/
/** Exponents beyond this can only be zero or far out of range; they are never expanded. */
const exponentMax = 400

const refused = (fault: AmountFault): ParsedAmount => ({ ok: false, fault })

/** Reads `digits` with an implied point `pointAt` places from their left. The limits say how many may stand before and after the point. */
const fromDigits = (digits: string, pointAt: number, { integer, fraction }: AmountDigits): ParsedAmount => {
  let first = 0
  while (first < digits.length && digits.charCodeAt(first) === zeroCode) first++
  if (first === digits.length) return refused('NOT_POSITIVE')
  let end = digits.length
  while (digits.charCodeAt(end - 1) === zeroCode) end--
  if (pointAt - first > integer) return refused('TOO_MANY_INTEGER_DIGITS')
  if (end - pointAt > fraction) return refused('TOO_MANY_FRACTION_DIGITS')
  return { ok: true, amount: BigInt(digits.slice(first, end)) * 10n ** BigInt(fractionDigitsMax - (end - pointAt)) }
}

/** `scales[n]`: what an amount of n fraction digits is multiplied by. */
const scales = Array.from({ length: fractionDigitsMax + 1 }, (_, n) => 10 ** (fractionDigitsMax - n))

/**
 * Reads an amount as nearly all are written: plain notation, within the limits as it stands, and small enough for a double. Null: any other
 * text, which has to be read the long way.
 */
const readShort = (text: string, { integer, fraction }: AmountDigits): Amount | null => {
  const { length } = text
  let digits = 0
  let pointAt = length
  for (let at = 0; at < length; at++) {
    const code = text.charCodeAt(at)
    const digit = code - zeroCode
    if (digit >= 0 && digit <= 9) digits = digits * 10 + digit
    else if (code === pointCode && pointAt === length) pointAt = at
    else return null
  }
  const fractionDigits = pointAt === length ? 0 : length - pointAt - 1
  const isPlain = pointAt > 0 && pointAt !== length - 1 && (pointAt === 1 || text.charCodeAt(0) !== zeroCode)
  if (!isPlain || pointAt > integer || fractionDigits > fraction) return null
  const scaled = digits * scales[fractionDigits]!
  return scaled > 0 && scaled <= Number.MAX_SAFE_INTEGER ? BigInt(scaled) : null
}

/** Reads an amount that came as a string: plain notation only, such as `150.50`. Trailing zeros do not count. */
export const parsePlainAmount = (text: string, digits: AmountDigits = amountDigits): ParsedAmount => {
  const amount = readShort(text, digits)
  if (amount !== null) return { ok: true, amount }
  const match = plainNotation.exec(text)
  if (match === null) return refused('NOT_A_NUMBER')
  const [, integer = '', fraction = ''] = match
  return fromDigits(integer + fraction, integer.length, digits)
}

/** Reads the source text of a JSON number, in any notation JSON has: `1e-7`, `15.05E1`. */
export const parseJsonAmount = (source: string, digits: AmountDigits = amountDigits): ParsedAmount => {
  const amount = readShort(source, digits)
  if (amount !== null) return { ok: true, amount }
  const match = jsonNotation.exec(source)
  if (match === null) return refused('NOT_A_NUMBER')
  const [, sign, integer = '', fraction = '', exponentText = '0'] = match
  if (sign === '-') return refused('NOT_POSITIVE')
  const exponent = Number(exponentText)
  if (Math.abs(exponent) <= exponentMax) return fromDigits(integer + fraction, integer.length + exponent, digits)
  if (!/[1-9]/.test(integer + fraction)) return refused('NOT_POSITIVE')
  return refused(exponent > 0 ? 'TOO_MANY_INTEGER_DIGITS' : 'TOO_MANY_FRACTION_DIGITS')
}

/** Writes a value scaled by 10^`places` in shortest plain notation: never an exponent, never a trailing zero. */
const format = (value: bigint, places: number): string => {
  const digits = value.toString().padStart(places + 1, '0')
  let end = digits.length
  const point = end - places
  while (end > point && digits.charCodeAt(end - 1) === zeroCode) end--
  return end === point ? digits.slice(0, point) : `${digits.slice(0, point)}.${digits.slice(point, end)}`
}

/** `15050000000n` → `150.5`. For JSON numbers and for SQL alike. */
export const formatAmount = (amount: Amount): string => format(amount, fractionDigitsMax)

/** As formatAmount, for a notional. */
export const formatNotional = (notional: Notional): string => format(notional, 2 * fractionDigitsMax)

/** Reads what Postgres writes for a `numeric(20,8)` or `numeric(40,16)`: exactly `places` fraction digits. */
const fromSql = (text: string, places: number): bigint => {
  const point = text.indexOf('.')
  if (point === -1) return BigInt(text) * 10n ** BigInt(places)
  return BigInt(text.slice(0, point) + text.slice(point + 1).padEnd(places, '0'))
}

/** The shortest notation, as formatAmount writes it, of what Postgres writes for a `numeric(20,8)`: `150.50000000` → `150.5`. */
export const plainFromSql = (text: string): string => {
  const point = text.indexOf('.')
  if (point === -1) return text
  let end = text.length
  while (text.charCodeAt(end - 1) === zeroCode) end--
  return text.slice(0, end - 1 === point ? point : end)
}

export const amountFromSql = (text: string): Amount => fromSql(text, fractionDigitsMax)
export const notionalFromSql = (text: string): Notional => fromSql(text, 2 * fractionDigitsMax)

/** Exact: 10^8 × 10^8 = 10^16. */
export const notionalOf = (quantity: Amount, price: Amount): Notional => quantity * price

/** Notional ÷ quantity, rounded half-even to 8 places. `quantity` > 0. */
export const averagePrice = (notional: Notional, quantity: Amount): Amount => {
  const floor = notional / quantity
  const twiceRest = (notional % quantity) * 2n
  const up = twiceRest > quantity || (twiceRest === quantity && floor % 2n === 1n)
  return up ? floor + 1n : floor
}

/** The whole number `n` as an amount. */
export const wholeAmount = (n: number): Amount => BigInt(n) * scale
