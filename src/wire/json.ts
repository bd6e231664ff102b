// JSON in which no number loses a digit. JSON.parse reads numbers as doubles; a double carries any decimal of up to 15 significant digits
// exactly, so only a text with a longer run of digits is parsed in a slower way, which keeps the source text of each number.

import {
  amountDigits,
  parseJsonAmount,
  parsePlainAmount,
  type AmountDigits,
  type ParsedAmount,
} from '../domain/decimal.ts'

// This is part of ECMAScript, but TypeScript does not declare it yet.
declare global {
  interface JSON {
    rawJSON: (text: string) => object
  }
}

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

const colon = /\s*:/y
/** By their codes, which are faster to compare. */
const quote = 0x22
const backslash = 0x5c
const leftBrace = 0x7b
const rightBrace = 0x7d
const leftBracket = 0x5b
const rightBracket = 0x5d

/** The index after the string that begins at `start` in valid JSON. */
const endOfString = (text: string, start: number): number => {
  let at = start + 1
  for (;;) {
    const code = text.charCodeAt(at++)
    if (code === quote) return at
    if (code === backslash) at++
  }
}

/** `depth`: how many brackets are open around a string; of a bracket, with itself. */
type Token = { start: number; end: number; depth: number }

/** The strings and brackets of valid JSON. Not a regular expression: that takes half a second for a string of a million characters. */
function* tokensOf(text: string): Generator<Token> {
  let depth = 0
  for (let start = 0; start < text.length;) {
    const code = text.charCodeAt(start)
    const isString = code === quote
    const isEnd = code === rightBrace || code === rightBracket
    if (code === leftBrace || code === leftBracket) depth++
    const end = isString ? endOfString(text, start) : start + 1
    if (isString || isEnd || code === leftBrace || code === leftBracket) yield { start, end, depth }
    if (isEnd) depth--
    start = end
  }
}

/** The first member name that occurs twice in the outermost object of valid JSON `text`, or null. */
const findRepeated = (text: string): string | null => {
  const names = new Set<string>()
  for (const { start, end, depth } of tokensOf(text)) {
    if (depth !== 1 || text.charCodeAt(start) !== quote) continue
    colon.lastIndex = end
    if (!colon.test(text)) continue
    const name = JSON.parse(text.slice(start, end)) as string
    if (names.has(name)) return name
    names.add(name)
  }
  return null
}

const isSpace = (code: number): boolean => code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09

/** How many colons of valid JSON stand behind a quote: at least as many as it has members. */
const memberLikes = (text: string): number => {
  let count = 0
  for (let at = text.indexOf(':'); at !== -1; at = text.indexOf(':', at + 1)) {
    let before = at - 1
    while (isSpace(text.charCodeAt(before))) before--
    if (text.charCodeAt(before) === quote) count++
  }
  return count
}

/** Whether valid JSON has no more members than these objects in it: then none of them repeats one. */
const hasOnly = (text: string, objects: readonly object[]): boolean =>
  memberLikes(text) === objects.reduce((sum, one) => sum + Object.keys(one).length, 0)

/**
 * The first member name that the JSON object `text` repeats, or null. JSON.parse keeps the last of two members of one name, and nobody can
 * know which one was meant.
 */
export const repeatedMember = (text: string, parsed: object): string | null =>
  hasOnly(text, [parsed]) ? null : findRepeated(text)

/** The same for any object in valid JSON `text`, at any depth. */
export const repeatedMemberInside = (text: string): string | null => {
  const open: Set<string>[] = []
  for (const { start, end } of tokensOf(text)) {
    const code = text.charCodeAt(start)
    if (code === leftBrace || code === leftBracket) open.push(new Set())
    else if (code === rightBrace || code === rightBracket) open.pop()
    else {
      colon.lastIndex = end
      if (!colon.test(text)) continue
      const name = JSON.parse(text.slice(start, end)) as string
      if (open.at(-1)!.has(name)) return name
      open.at(-1)!.add(name)
    }
  }
  return null
}

/** The source text of each object in the list that is the only member of the JSON object `text`. */
const objectSources = (text: string): string[] => {
  const sources: string[] = []
  let begin = 0
  for (const { start, end, depth } of tokensOf(text)) {
    if (depth !== 3) continue
    const code = text.charCodeAt(start)
    if (code === leftBrace) begin = start
    else if (code === rightBrace) sources.push(text.slice(begin, end))
  }
  return sources
}

/**
 * The same where the only member of the object `text` is a list. `items`: the objects in it. Returns what the body itself repeats, and what
 * each of its items does.
 */
export const repeatedMembersOfList = (
  text: string,
  parsed: object,
  items: readonly object[],
): { ofBody: string | null; ofItems: (string | null)[] } => {
  if (hasOnly(text, [parsed, ...items])) return { ofBody: null, ofItems: items.map(() => null) }
  const ofBody = findRepeated(text)
  return { ofBody, ofItems: ofBody === null ? objectSources(text).map(findRepeated) : [] }
}
