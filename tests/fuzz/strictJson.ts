// The oracle's own JSON reader, exactly RFC 8259: it keeps the source text of every number and every repeated member. It shares
// nothing with the service, and does not use JSON.parse.

export type Json =
  | { kind: 'object'; members: [name: string, value: Json][] }
  | { kind: 'array'; items: Json[] }
  | { kind: 'string'; value: string }
  | { kind: 'number'; source: string }
  | { kind: 'literal'; value: true | false | null }

/** The contract does not promise to read JSON this deep, valid or not. */
const depthMax = 500

const space = /[ \t\n\r]*/y
const number = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y
// oxlint-disable-next-line no-control-regex
const plain = /[^"\\\u0000-\u001f]+/y
const escape = /\\(?:(["\\/bfnrt])|u([0-9a-fA-F]{4}))/y
const literals = [
  ['true', true],
  ['false', false],
  ['null', null],
] as const
const escapes: Record<string, string> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' }

class Refused extends Error {}

type Reader = { text: string; at: number; deepest: number }

const take = (reader: Reader, pattern: RegExp): RegExpExecArray | null => {
  pattern.lastIndex = reader.at
  const match = pattern.exec(reader.text)
  if (match !== null) reader.at = pattern.lastIndex
  return match
}

const skip = (reader: Reader): void => void take(reader, space)

const readString = (reader: Reader): string => {
  reader.at++
  let value = ''
  for (;;) {
    value += take(reader, plain)?.[0] ?? ''
    const next = reader.text[reader.at]
    if (next === '"') {
      reader.at++
      return value
    }
    const match = take(reader, escape)
    if (match === null) throw new Refused()
    value +=
      match[1] === undefined ? String.fromCharCode(Number.parseInt(match[2]!, 16)) : (escapes[match[1]] ?? match[1])
  }
}

/** The items between two brackets, separated by commas. */
const readItems = (reader: Reader, close: string, item: () => void): void => {
  reader.at++
  skip(reader)
  if (reader.text[reader.at] === close) {
    reader.at++
    return
  }
  for (;;) {
    skip(reader)
    item()
    skip(reader)
    const next = reader.text[reader.at++]
    if (next === close) return
    if (next !== ',') throw new Refused()
  }
}

const readObject = (reader: Reader, depth: number): Json => {
  const members: [string, Json][] = []
  readItems(reader, '}', () => {
    if (reader.text[reader.at] !== '"') throw new Refused()
    const name = readString(reader)
    skip(reader)
    if (reader.text[reader.at++] !== ':') throw new Refused()
    skip(reader)
    members.push([name, readValue(reader, depth + 1)])
  })
  return { kind: 'object', members }
}

const readValue = (reader: Reader, depth: number): Json => {
  reader.deepest = Math.max(reader.deepest, depth)
  if (depth > depthMax) throw new Refused()
  const first = reader.text[reader.at]
  if (first === '{') return readObject(reader, depth)
  if (first === '"') return { kind: 'string', value: readString(reader) }
  if (first === '[') {
    const items: Json[] = []
    readItems(reader, ']', () => items.push(readValue(reader, depth + 1)))
    return { kind: 'array', items }
  }
  for (const [word, value] of literals)
    if (reader.text.startsWith(word, reader.at)) {
      reader.at += word.length
      return { kind: 'literal', value }
    }
  const match = take(reader, number)
  if (match === null) throw new Refused()
  return { kind: 'number', source: match[0] }
}

/** Null: not JSON. `TOO_DEEP`: nested deeper than `depthMax`, whatever stands there. */
export const parseStrict = (text: string): Json | null | 'TOO_DEEP' => {
  const reader: Reader = { text, at: 0, deepest: 0 }
  try {
    skip(reader)
    const value = readValue(reader, 0)
    skip(reader)
    return reader.at === text.length ? value : null
  } catch (error) {
    if (!(error instanceof Refused)) throw error
    return reader.deepest > depthMax ? 'TOO_DEEP' : null
  }
}

/** The members of an object by name; of a repeated one the last. */
export const membersOf = (value: Json): Map<string, Json> => new Map(value.kind === 'object' ? value.members : [])
