// Promises: whether one text pattern takes everything that another takes, decided for the form `^[class]{m,n}$`: one class of characters
// and how often it may come. Of any other form nothing is said, so whoever asks has to refuse it.

/** Code points from and to, both included. */
type Range = readonly [from: number, to: number]
/** What `^[class]{m,n}$` takes: ranges in ascending order that neither touch nor overlap, and the lengths. */
type TextSet = { ranges: readonly Range[]; min: number; max: number }

const lastCodePoint = 0x10ffff
const form = /^\^\[(?<not>\^?)(?<inside>(?:[^\]\\[]|\\.)+)\](?<times>[*+?]|\{\d+(?:,\d*)?\})?\$$/su

const timesOf = (times: string | undefined): [min: number, max: number] => {
  if (times === undefined) return [1, 1]
  if (times === '*') return [0, Infinity]
  if (times === '+') return [1, Infinity]
  if (times === '?') return [0, 1]
  const [min, max] = times.slice(1, -1).split(',')
  return [Number(min), max === undefined ? Number(min) : max === '' ? Infinity : Number(max)]
}

/** One character of a class, `\d`, or the hyphen that joins two characters; null for what is not read here, such as `\w`. */
type Token = Range | 'hyphen'

const tokenOf = (text: string): Token | null => {
  if (text === '-') return 'hyphen'
  if (text === '\\d') return [0x30, 0x39]
  const code = /^\\u([0-9a-f]{4})$|^\\x([0-9a-f]{2})$/i.exec(text)
  const point = code === null ? text.replace(/^\\/, '').codePointAt(0)! : parseInt(code[1] ?? code[2]!, 16)
  if (code === null && /^\\[a-z0-9]/i.test(text)) return null
  return [point, point]
}

const merged = (ranges: readonly Range[]): Range[] => {
  const result: Range[] = []
  for (const [from, to] of ranges.toSorted((a, b) => a[0] - b[0])) {
    const last = result.at(-1)
    if (last !== undefined && from <= last[1] + 1) result[result.length - 1] = [last[0], Math.max(last[1], to)]
    else result.push([from, to])
  }
  return result
}

/** Everything that is in none of the ranges. */
const complement = (ranges: readonly Range[]): Range[] => {
  const starts = [0, ...ranges.map(([, to]) => to + 1)]
  const ends = [...ranges.map(([from]) => from - 1), lastCodePoint]
  return starts.map((from, i): Range => [from, ends[i]!]).filter(([from, to]) => from <= to)
}

const rangesOf = (inside: string): Range[] | null => {
  const tokens = (inside.match(/\\u[0-9a-f]{4}|\\x[0-9a-f]{2}|\\.|./gisu) ?? []).map(tokenOf)
  const ranges: Range[] = []
  for (let i = 0; i < tokens.length; i++) {
    const [token, joint, end] = [tokens[i]!, tokens[i + 1], tokens[i + 2]]
    if (token === null || end === null) return null
    const from: Range = token === 'hyphen' ? [0x2d, 0x2d] : token
    if (joint !== 'hyphen' || end === undefined) {
      ranges.push(from)
      continue
    }
    // Of classes and hyphens as ends of a range, engines think differently.
    if (token === 'hyphen' || end === 'hyphen' || from[0] !== from[1] || end[0] !== end[1] || end[0] < from[0])
      return null
    ranges.push([from[0], end[0]])
    i += 2
  }
  return merged(ranges)
}

/** Null for a pattern of another form. */
const readPattern = (pattern: string): TextSet | null => {
  const groups = form.exec(pattern)?.groups
  if (groups === undefined) return null
  const ranges = rangesOf(groups['inside']!)
  if (ranges === null) return null
  const [min, max] = timesOf(groups['times'])
  return min > max ? null : { ranges: groups['not'] === '^' ? complement(ranges) : ranges, min, max }
}

const without = (ranges: readonly Range[], others: readonly Range[]): Range[] => {
  const outside = complement(others)
  return ranges.flatMap(([from, to]) =>
    outside
      .map(([start, end]): Range => [Math.max(from, start), Math.min(to, end)])
      .filter(([start, end]) => start <= end),
  )
}

/** The parts of `one|other` at its bars outside of groups and classes. */
const splitAtBars = (text: string): string[] => {
  const parts = ['']
  let depth = 0
  for (const [token] of text.matchAll(/\\.|\[(?:[^\]\\]|\\.)*\]|./gsu)) {
    if (token === '(') depth++
    if (token === ')') depth--
    if (token === '|' && depth === 0) parts.push('')
    else parts[parts.length - 1] += token
  }
  return parts
}

const isRegExp = (text: string): boolean => {
  try {
    return new RegExp(text).source !== ''
  } catch {
    return false
  }
}

/** The patterns that `^(one|other)$` takes together; null for any other form, `^(a)(b|c)$` for one: its parts are no patterns. */
const alternativesIn = (pattern: string): string[] | null => {
  const inside = /^\^\((?!\?)(.*)\)\$$/su.exec(pattern)?.[1]
  const parts = inside === undefined ? [] : splitAtBars(inside)
  return parts.length > 1 && parts.every(isRegExp) ? parts.map((one) => `^${one}$`) : null
}

/** True where everything that `narrow` takes is surely taken by `wide`. */
export const isPatternWithin = (narrow: string, wide: string): boolean => {
  if (narrow === wide) return true
  const alternatives = alternativesIn(wide)
  if (alternatives !== null) return alternatives.some((one) => isPatternWithin(narrow, one))
  const [inner, outer] = [readPattern(narrow), readPattern(wide)]
  if (inner === null || outer === null) return false
  return outer.min <= inner.min && inner.max <= outer.max && without(inner.ranges, outer.ranges).length === 0
}

export type PatternPair = { before: string; after: string }

/**
 * True where what newly comes out may newly be sent: an answer gives back what a request brought. The characters that the answer
 * gains are among those that the request gained, and its lengths grew only as the request's did.
 */
export const isEcho = (answer: PatternPair, request: PatternPair): boolean => {
  const [out, outNow] = [readPattern(answer.before), readPattern(answer.after)]
  const [sent, sentNow] = [readPattern(request.before), readPattern(request.after)]
  if (out === null || outNow === null || sent === null || sentNow === null) return false
  if (!isPatternWithin(answer.before, answer.after) || !isPatternWithin(request.before, request.after)) return false
  const gained = without(outNow.ranges, out.ranges)
  const isSameLength = out.min === outNow.min && out.max === outNow.max
  const grewAlike =
    out.min === sent.min && out.max === sent.max && outNow.min === sentNow.min && outNow.max === sentNow.max
  return without(gained, without(sentNow.ranges, sent.ranges)).length === 0 && (isSameLength || grewAlike)
}
