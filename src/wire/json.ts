// JSON in which no number loses a digit. JSON.parse reads numbers as doubles; a double carries any decimal of up to 15 significant digits
// exactly, so only a text with a longer run of digits is parsed in a slower way, which keeps the source text of each number.

import {
  amountDigits,
  parseJsonAmount,
  parsePlainAmount,
  type AmountDigits,
  type ParsedAmount,
} from '../domain/decimal.ts'

/** The source text of a JSON number that a double may not carry. */
export class NumberSource {
  constructor(readonly source: string) {}
}

/**
 * A quick test that misses no run of sixteen digits or more, with or without a point among them, and no exponent that a double may turn into
 * zero. It also matches a few other texts.
 */
const longNumber = /[\d.]{16}|[eE]-\d{3}/

type SourceContext = { source: string }
const keepSource = (_key: string, value: unknown, context?: SourceContext): unknown =>
  typeof value === 'number' ? new NumberSource(context!.source) : value

/** Parses JSON. All its numbers come as `number` if that is surely exact, else as NumberSource. Throws SyntaxError. */
export const parseExactJson = (text: string): unknown =>
  longNumber.test(text) ? JSON.parse(text, keepSource) : JSON.parse(text)

const withSource = (_key: string, value: unknown): unknown =>
  value instanceof NumberSource ? JSON.rawJSON(value.source) : value

/** The JSON of a value that parseExactJson returned: every number has the value that it had. */
export const toExactJson = (value: unknown): string => JSON.stringify(value, withSource)

/** The source text of a parsed JSON number, or null for anything else. */
export const numberText = (value: unknown): string | null => {
  if (typeof value === 'number') return String(value)
  return value instanceof NumberSource ? value.source : null
}

/** An amount from a parsed JSON value: a number in any notation, or a string in plain notation. */
export const amountFromJson = (value: unknown, digits: AmountDigits = amountDigits): ParsedAmount => {
  if (typeof value === 'string') return parsePlainAmount(value, digits)
  const text = numberText(value)
  if (text === null) return { ok: false, fault: 'NOT_A_NUMBER' }
  // JSON.parse reads a number that is far too large as Infinity.
  if (text === 'Infinity') return { ok: false, fault: 'TOO_MANY_INTEGER_DIGITS' }
  return text === '-Infinity' ? { ok: false, fault: 'NOT_POSITIVE' } : parseJsonAmount(text, digits)
}

const zero = /^-?0(?:\.0+)?(?:[eE][+-]?\d+)?$/

/** As amountFromJson, and zero is an amount too. */
export const amountOrZeroFromJson = (value: unknown): ParsedAmount => {
  const parsed = amountFromJson(value)
  if (parsed.ok || parsed.fault !== 'NOT_POSITIVE') return parsed
  const text = typeof value === 'string' ? value : numberText(value)
  return zero.test(text ?? '') ? { ok: true, amount: 0n } : parsed
}

const memberLike = /"\s*:/g
const stringOrBracket = /"(?:[^"\\]|\\.)*"(\s*:)?|[{}[\]]/gs

/** The first member name that occurs twice in the outermost object of valid JSON `text`, or null. */
const findRepeated = (text: string): string | null => {
  const names = new Set<string>()
  let depth = 0
  for (const [token, colon] of text.matchAll(stringOrBracket)) {
    if (token === '{' || token === '[') depth++
    else if (token === '}' || token === ']') depth--
    else if (colon !== undefined && depth === 1) {
      const name = JSON.parse(token.slice(0, token.length - colon.length)) as string
      if (names.has(name)) return name
      names.add(name)
    }
  }
  return null
}

/**
 * The first member name that the JSON object `text` repeats, or null. JSON.parse keeps the last of two members of one name, and nobody can
 * know which one was meant.
 */
export const repeatedMember = (text: string, parsed: object): string | null => {
  const names = text.match(memberLike)?.length ?? 0
  return names === Object.keys(parsed).length ? null : findRepeated(text)
}
