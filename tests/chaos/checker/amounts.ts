// The checker's own exact decimals: a text is read exactly or is null, never through a double.

const places = 8
/** 12 integer and 8 fraction digits. */
const limit = 10n ** 20n
const plainNotation = /^(\d+)(?:\.(\d+))?()$/
const jsonNotation = /^(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d{1,3}))?$/

/** The source of a JSON number, kept by `parseExact` in place of a double. */
export class JsonNumber {
  constructor(readonly source: string) {}
}

/** JSON with every number as its source text. Throws SyntaxError. */
export const parseExact = (text: string): unknown =>
  JSON.parse(text, (_name: string, value: unknown, context?: { source: string }) =>
    typeof value === 'number' ? new JsonNumber(context!.source) : value,
  )

const scaled = (text: string, notation: RegExp): bigint | null => {
  const match = notation.exec(text)
  if (match === null) return null
  const [, whole = '', fraction = '', exponent] = match
  const digits = BigInt(whole + fraction)
  const shift = places - fraction.length + Number(exponent || '0')
  if (shift >= 0) return digits * 10n ** BigInt(shift)
  const divisor = 10n ** BigInt(-shift)
  return digits % divisor === 0n ? digits / divisor : null
}

const inLimits = (amount: bigint | null): bigint | null =>
  amount !== null && amount > 0n && amount < limit ? amount : null

/** An amount as a message may carry it: a number in any notation, a string in plain notation; null for anything else. */
export const amountOf = (value: unknown): bigint | null => {
  if (value instanceof JsonNumber) return inLimits(scaled(value.source, jsonNotation))
  return typeof value === 'string' ? inLimits(scaled(value, plainNotation)) : null
}

/** A JSON number that may be 0; null for anything else. */
export const numberOf = (value: unknown): bigint | null =>
  value instanceof JsonNumber ? scaled(value.source, jsonNotation) : null

/** Reads the text of a `numeric` column at its own scale: `numeric(20,8)` gives an amount, `numeric(40,16)` a notional. */
export const fromColumn = (text: string): bigint => BigInt(text.replace('.', ''))
