// Hostile texts and bytes, made from lawful ones: at the level of a value, a member, the syntax, and the bytes. Everything
// depends on the random numbers of the argument alone.

import type { Random } from '../support/random.ts'
import { lines, wordsOf } from './words.ts'

/** A member as JSON source: the name with its quotes, the value as it stands. */
export type Member = readonly [name: string, value: string]

/** Stands in values, never in plain member names: an answer that contains it echoes its input. */
export const secret = 's3cr3t<w0rd>'

const deep = (open: string, close: string, depth: number): string => open.repeat(depth) + close.repeat(depth)
const long = (rng: Random): string => `"${'A'.repeat(rng.pick([65, 200, 2_001, 5_000, 60_000]))}"`

const numbers = wordsOf(`
  0 -0 -1 0.0 1e-9 1e-8 1E-7 1e11 1e12 1e+2 15.05E1 1e400 -1e400 1e999999999 1e-999999999 0e999999999
  1E99999999999999999999999
  999999999999.99999999 1000000000000 9007199254740993 0.1000000000000000055 123456789012.123456789 0.30000000000000004
  100.000000000000000000000000 01 +1 .5 5. 1e 1e+ 0x10 1_000 NaN Infinity -Infinity --1 1.2.3 \uff11 1n 1767323045
  1767323045.678901 1767323045678 253402300800 1e11 99999999999.999999 12345678901234567890 4.9e-324 0.00000001000000`)

/** JSON source as it stands: the escapes are JSON's. */
const escapes = lines(String.raw`
  ""
  " "
  " 1"
  "1 "
  "1\n"
  "1,5"
  "\u0661"
  "\u0000"
  "a\u0000b"
  "AAPL\u0000"
  "AAPL\n"
  "\ud800"
  "\udc00x"
  "\ud83d\ude00"
  "\u202eAAPL"
  "\u0042UY"
  "BUY "
  "\/\b\f\t"
  "\u00zz"
  "\x41"
  "00000000-0000-0000-0000-000000000000\n"
  "unterminated
  'AAPL'`)
const plain = wordsOf(`
  "0" "1e2" "-1" "+1" "01" "0.00000001" "999999999999.99999999" "NaN" "0x10" "__proto__" "constructor" "BRK.B-x"
  "buy" "LIMIT" "MARKET"
  "GTC" "00000000-0000-0000-0000-000000000000" "{00000000-0000-0000-0000-000000000000}"
  "00000000000000000000000000000000"
  "00000000-0000-0000-0000-00000000000g" "2026-02-30T00:00:00Z"`)
const raw = [
  '\u2028',
  '\ufeffAAPL',
  '\ufffe',
  '\u00a0',
  '\ud800',
  '\u0001',
  'a\tb',
  '\u0000',
  secret,
  `'; drop table orders; -- ${secret}`,
]
const strings = [...escapes, ...plain, ...raw.map((text) => `"${text}"`), `"\${${secret}}"`]

const others = [
  '',
  ...wordsOf(`
    null true false [] {} [1] ["AAPL"] {"":0} {"__proto__":null} {"toString":1,"valueOf":1} undefined
    {"$gt":0} nul TRUE [[[[]]]]
    {"source":"1"} {"length":1}`),
]

const hostileValue = (rng: Random): string =>
  rng.weighted([
    [5, () => rng.pick(numbers)],
    [5, () => rng.pick(strings)],
    [3, () => rng.pick(others)],
    [0.3, () => long(rng)],
    [0.2, () => deep('[', ']', rng.pick([10, 300, 5_000, 30_000]))],
    [0.2, () => deep('{"a":', '}', rng.pick([10, 300, 4_000])).replace(/:\}/, ':0}')],
    [0.2, () => '9'.repeat(rng.pick([20, 400, 30_000]))],
    [0.2, () => `1e${'9'.repeat(rng.pick([3, 30, 3_000]))}`],
  ] as const)()

const hostileNames = [
  ...wordsOf(`
    "__proto__" "constructor" "prototype" "toString" "hasOwnProperty" "valueOf" ""
    "PRICE" "Price" "id" "status" "filledQuantity"
    "version" "a/b~c" "__defineGetter__" "length" "then" "orderStatus" "timestamp"
    "0" "\u0440rice" price 'price' "${secret}"`),
  ...lines(String.raw`
    " price"
    "price "
    "pr\u0069ce"
    "\u0000"
    "price\u0000"
    "\ud800"`),
]

const swap = (rng: Random, members: readonly Member[]): Member[] => {
  const [i, j] = [rng.below(members.length), rng.below(members.length)]
  return members.map(([name, value], at) => [name, at === i ? members[j]![1] : at === j ? members[i]![1] : value])
}

/** One fault, sometimes none, in the members of an object. */
const mutateMembers = (rng: Random, members: readonly Member[]): Member[] => {
  if (members.length === 0) return [[rng.pick(hostileNames), hostileValue(rng)]]
  const at = rng.below(members.length)
  const [name, value] = members[at]!
  return rng.weighted<() => Member[]>([
    [8, () => members.with(at, [name, hostileValue(rng)])],
    [2, () => members.toSpliced(at, 1)],
    [1, () => members.toSpliced(rng.below(members.length + 1), 0, [name, rng.chance(0.5) ? value : hostileValue(rng)])],
    [1, () => members.with(at, [rng.pick(hostileNames), value])],
    [3, () => members.toSpliced(rng.below(members.length + 1), 0, [rng.pick(hostileNames), hostileValue(rng)])],
    [1, () => swap(rng, members)],
    [1, () => members.with(at, [name, value.startsWith('"') ? value.slice(1, -1) : `"${value}"`])],
    [0.5, () => members.with(at, [name, `[${value}]`])],
    [0.1, () => [...members, ...Array.from({ length: 2_000 }, (_, i): Member => [`"x${i}"`, '1'])]],
  ])()
}

const spaces = ['', '', '', '', ' ', '\n', '\t', '\r\n', '    '] as const
const escapeSome = (rng: Random, source: string): string =>
  source.replace(/[A-Za-z]/g, (letter) =>
    rng.chance(0.04)
      ? `\\u00${letter.charCodeAt(0).toString(16)[rng.chance(0.5) ? 'toUpperCase' : 'toLowerCase']()}`
      : letter,
  )

/** Writes the members as JSON text, in one of the many equivalent ways. */
export const renderObject = (rng: Random, members: readonly Member[]): string => {
  const plain = rng.chance(0.7)
  const gap = (): string => (plain ? '' : rng.pick(spaces))
  const text = (source: string): string => (plain || !/^"[A-Za-z]+"$/.test(source) ? source : escapeSome(rng, source))
  const inner = members.map(([name, value]) => `${gap()}${text(name)}${gap()}:${gap()}${text(value)}${gap()}`).join(',')
  return `${gap()}{${inner}}${gap()}`
}

const punctuation = [
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  '"',
  '\\',
  '//x\n',
  '/**/',
  '\u0000',
  '\u00a0',
  '\ufeff',
  '\f',
  'e',
  '-',
  '.',
  '0',
  "'",
]

/** A fault in the syntax; the text may stay lawful. */
const mutateText = (rng: Random, text: string): string => {
  const at = rng.below(text.length + 1)
  return rng.weighted<() => string>([
    [4, () => text.slice(0, at) + rng.pick(punctuation) + text.slice(at)],
    [3, () => text.slice(0, at) + text.slice(at + 1 + rng.below(3))],
    [1, () => text.slice(0, at)],
    [1, () => text + rng.pick([text, ',', '}', 'null', '\u0000', '\n', ' ', '#'])],
    [0.5, () => `\ufeff${text}`],
    [1, () => rng.pick(['[', '\ufeff', ' ', '\u2028', '(', ")]}'\n", '{"a":']) + text],
    [0.5, () => `[${text}]`],
    [0.3, () => JSON.stringify(text)],
    [0.2, () => deep('[', ']', rng.pick([1_000, 30_000])).replace('[]', `[${text}]`)],
    [0.5, () => rng.pick(['', 'null', '{}', '[]', '1', '""', 'true', secret, '[object Object]'])],
  ])()
}

/** NUL, no UTF-8, overlong, a surrogate, past the end, a byte order mark, a line separator, half a letter, controls. */
const hostileBytes = wordsOf('00 ff feff c080 eda080 f4908080 efbbbf e280a8 80 c3 1b 7f 0d0a0d0a').map((hex) =>
  Buffer.from(hex, 'hex'),
)

const utf16 = (bytes: Buffer): Buffer => Buffer.from(bytes.toString(), 'utf16le')

/** A fault in the bytes; the text may stay lawful. */
export const mutateBytes = (rng: Random, bytes: Buffer): Buffer => {
  if (bytes.length === 0) return rng.pick(hostileBytes)
  const at = rng.below(bytes.length)
  return rng.weighted<() => Buffer>([
    [4, () => Buffer.from(bytes.with(at, bytes[at]! ^ (1 << rng.below(8))))],
    [3, () => Buffer.concat([bytes.subarray(0, at), rng.pick(hostileBytes), bytes.subarray(at)])],
    [2, () => Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1)])],
    [1, () => bytes.subarray(0, at)],
    [0.5, () => utf16(bytes)],
    [0.5, () => Buffer.from(Bun.gzipSync(new Uint8Array(bytes)))],
    [0.5, () => Buffer.from(Array.from({ length: rng.below(200) }, () => rng.below(256)))],
  ])()
}

/** Turns members into bytes, with none to three faults on the way. */
export const hostileObject = (rng: Random, members: readonly Member[]): Buffer => {
  const faults = rng.weighted([
    [1, 0],
    [6, 1],
    [2, 2],
    [1, 3],
  ] as const)
  const levels = Array.from({ length: faults }, () =>
    rng.weighted([
      [7, 'member'],
      [2, 'text'],
      [1, 'byte'],
    ] as const),
  )
  const count = (level: string): number[] => levels.filter((other) => other === level).map(() => 0)
  const mutated = count('member').reduce<readonly Member[]>((found) => mutateMembers(rng, found), members)
  const text = count('text').reduce<string>((found) => mutateText(rng, found), renderObject(rng, mutated))
  return count('byte').reduce<Buffer>((found) => mutateBytes(rng, found), Buffer.from(text))
}
