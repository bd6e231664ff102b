// What each stream client saw, a file each, a JSON line for each thing. Messages are written as they came, so that the checker reads the
// service's own bytes.

import { closeSync, openSync, readdirSync, readSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { JsonNumber, parseExact } from '../checker/amounts.ts'
import type { StreamEvidence, StreamFilter, StreamLine } from '../checker/evidence.ts'

export type StreamLog = {
  follow: (filter: StreamFilter) => void
  connect: (connect: { form: 'stream' | 'poll'; cursor: string | null; slow: boolean; url: string }) => void
  /** `text`: the data as it came. */
  event: (event: string, text: string) => void
  page: (text: string) => void
  refused: (status: number, code: string | null) => void
  nonsense: (why: string) => void
  drained: () => void
  flush: () => void
}

const bufferedMax = 64 * 1024
const readBytes = 1024 * 1024

/** JSON of one line as it is; anything else as a text. */
const embed = (text: string): string => (/^\{[^\n]*\}$/.test(text) ? text : JSON.stringify(text))

/** `dir` exists. */
export const openStreamLog = (dir: string, client: string): StreamLog => {
  const descriptor = openSync(join(dir, `${client}.jsonl`), 'a')
  // An earlier run may have been cut within a line.
  let buffered = '\n'
  const flush = (): void => {
    if (buffered !== '') writeSync(descriptor, buffered)
    buffered = ''
  }
  const write = (line: string): void => {
    buffered += `${line}\n`
    if (buffered.length >= bufferedMax) flush()
  }
  return {
    follow: (filter) => write(JSON.stringify({ follow: filter })),
    connect: ({ form, ...rest }) => write(JSON.stringify({ connect: form, ...rest, at: Date.now() })),
    event: (event, text) => write(`{"event":${JSON.stringify(event)},"at":${Date.now()},"data":${embed(text)}}`),
    page: (text) => write(`{"at":${Date.now()},"page":${embed(text)}}`),
    refused: (refused, code) => write(JSON.stringify({ refused, code, at: Date.now() })),
    nonsense: (nonsense) => write(JSON.stringify({ nonsense, at: Date.now() })),
    drained: () => write('{"drained":true}'),
    flush,
  }
}

/** An event by its text. Many clients see the same one: it is parsed once, and its identity tells the checker that it is the same. */
type Memo = Map<string, unknown>

const orderLine = /^\{"event":"order","at":(\d+),"data":(\{.*\})\}$/

const toOrderLine = (text: string, memo: Memo): StreamLine | null => {
  const [, at, json] = orderLine.exec(text) ?? []
  if (json === undefined) return null
  const data = memo.get(json) ?? parseExact(json)
  memo.set(json, data)
  return { event: 'order', at: Number(at), data }
}

const toLine = (text: string, memo: Memo): StreamLine => {
  try {
    const order = toOrderLine(text, memo)
    if (order !== null) return order
    const fields = parseExact(text) as Record<string, unknown>
    for (const name of ['at', 'refused'])
      if (fields[name] instanceof JsonNumber) fields[name] = Number(fields[name].source)
    return fields as StreamLine
  } catch {
    return { nonsense: `not a line of JSON: ${text.slice(0, 200)}` }
  }
}

/** A line without its end was never written. */
function* linesOf(file: string, memo: Memo): Generator<StreamLine> {
  const descriptor = openSync(file, 'r')
  const decoder = new TextDecoder()
  const bytes = new Uint8Array(readBytes)
  let rest = ''
  try {
    for (let length = readSync(descriptor, bytes); length > 0; length = readSync(descriptor, bytes)) {
      const lines = (rest + decoder.decode(bytes.subarray(0, length), { stream: true })).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) if (line.endsWith('}')) yield toLine(line, memo)
    }
  } finally {
    closeSync(descriptor)
  }
}

/** What all clients of this folder saw, read as it is asked for. */
export const readStreamLogs = (dir: string): StreamEvidence[] => {
  const memo: Memo = new Map()
  return readdirSync(dir)
    .filter((name) => name.endsWith('.jsonl'))
    .toSorted()
    .map((name) => ({
      client: name.slice(0, -'.jsonl'.length),
      lines: { [Symbol.iterator]: () => linesOf(join(dir, name), memo) },
    }))
}
