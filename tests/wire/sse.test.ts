// Proves: server-sent events are read as the standard says, wherever the chunks are cut.

import { expect, test } from 'bun:test'
import * as fc from 'fast-check'
import { createSseReader, StreamTooLong, type SseMessage } from '../../src/wire/sse.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

const read = (text: string, cuts: readonly number[] = [], lastId: string | null = null): SseMessage[] => {
  const all = bytes(text)
  const reader = createSseReader(lastId)
  const at = [0, ...cuts.map((cut) => cut % (all.length + 1)).toSorted((a, b) => a - b), all.length]
  return at.slice(1).flatMap((end, i) => reader.take(all.slice(at[i], end)))
}

test('a message has a name, data of several lines and the last id', () => {
  expect(read('event: order\nid: c1\ndata: {"a":\ndata: 1}\n\n')).toEqual([
    { name: 'order', data: '{"a":\n1}', id: 'c1' },
  ])
  expect(read('data:tight\n\ndata:  two spaces\n\n')).toEqual([
    { name: 'message', data: 'tight', id: null },
    { name: 'message', data: ' two spaces', id: null },
  ])
})

test('the id stays until another comes, and moves on without data', () => {
  expect(read('data: a\n\nid: 7\n: heartbeat\n\ndata: b\n\n', [], '6').map(({ data, id }) => [data, id])).toEqual([
    ['a', '6'],
    ['', '7'],
    ['b', '7'],
  ])
})

test('what is no field is left out: comments, unknown names, an id with a NUL', () => {
  expect(read(': hello\nretried: 1\nid: a\0b\ndata: x\n\n', [], 'old')).toEqual([
    { name: 'message', data: 'x', id: 'old' },
  ])
})

test('a message that the stream cuts off is none, nor is its id', () => {
  expect(read('id: 1\ndata: a\n\nid: 2\ndata: b\n')).toEqual([{ name: 'message', data: 'a', id: '1' }])
})

test('the wish for a pause is read, and nothing else as one', () => {
  const reader = createSseReader()
  reader.take(bytes('retry: 2500\nretry: soon\n\n'))
  expect(reader.retryMs()).toBe(2_500)
})

test('every way to cut the chunks, and every way to end a line, reads the same', () => {
  const expected = [
    { name: 'snapshot', data: 'Ångström 😀', id: null },
    { name: 'order', data: 'x\n\ny', id: 'é' },
  ]
  const text =
    '\uFEFFretry: 1\nevent: snapshot\ndata: Ångström 😀\n\n: c\nevent: order\nid: é\ndata: x\ndata\ndata: y\n\n'
  fc.assert(
    fc.property(fc.array(fc.nat()), fc.constantFrom('\n', '\r\n'), (cuts, end) => {
      expect(read(text.replaceAll('\n', end), cuts)).toEqual(expected)
    }),
  )
})

test('a line without an end is given up', () => {
  const reader = createSseReader()
  const mib = new Uint8Array(1_048_576).fill(97)
  expect(() => {
    for (let i = 0; i < 17; i++) reader.take(mib)
  }).toThrow(StreamTooLong)
})
