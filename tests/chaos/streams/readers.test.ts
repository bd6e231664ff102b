// Proves: the stream clients of the harness read HTTP answers and server-sent events the same way wherever the bytes are cut, and an event
// whose end did not come counts for nothing.

import { expect, test } from 'bun:test'
import { createHttpReader, type Head } from './httpReader.ts'
import { createSseReader, type SseEvent } from './sseReader.ts'

const readHttp = (pieces: readonly Buffer[]) => {
  const heads: Head[] = []
  const body: Buffer[] = []
  let ends = 0
  const reader = createHttpReader({
    onHead: (head) => heads.push(head),
    onBody: (bytes) => body.push(Buffer.from(bytes)),
    onEnd: () => ends++,
  })
  for (const piece of pieces) reader.feed(piece)
  return { heads, body: Buffer.concat(body).toString(), ends }
}
const pieces = (text: string, size: number): Buffer[] => {
  const bytes = Buffer.from(text)
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) => bytes.subarray(i * size, (i + 1) * size))
}
const head = 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n'
const chunked = `${head}Transfer-Encoding: chunked\r\n\r\n4\r\näb\n\r\nA\r\n\r\n0123456\r\r\n0\r\n\r\n`

test.each([1, 2, 3, 7, 1_000])('an answer in chunks, %d bytes at a time', (size) => {
  const { heads, body, ends } = readHttp(pieces(chunked, size))
  expect(heads).toEqual([
    { status: 200, headers: { 'content-type': 'text/event-stream', 'transfer-encoding': 'chunked' } },
  ])
  expect(body).toBe('äb\n\r\n0123456\r')
  expect(ends).toBe(1)
})

test('an answer with a length, and one that ends with its connection', () => {
  expect(readHttp(pieces(`${head}Content-Length: 5\r\n\r\nhello`, 4))).toMatchObject({ body: 'hello', ends: 1 })
  expect(readHttp(pieces(`${head}Content-Length: 0\r\n\r\n`, 4))).toMatchObject({ body: '', ends: 1 })
  expect(readHttp(pieces(`${head}\r\nhello`, 4))).toMatchObject({ body: 'hello', ends: 0 })
})

test('bytes that are no HTTP are not taken for an answer', () => {
  expect(() => readHttp([Buffer.from('SSH-2.0\r\n\r\n')])).toThrow('no status line')
  expect(() => readHttp([Buffer.from(`${head}Transfer-Encoding: chunked\r\n\r\nx\r\n`)])).toThrow('no size of a chunk')
  expect(() => readHttp([Buffer.from(`${head}Transfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n`)])).toThrow('longer than')
})

const stream =
  ': hello\n\nevent: snapshot\ndata: {"orders":[]}\n\nevent: live\nid: c1\ndata: {}\n\nid: c2\nevent:order\ndata:{"ü":\ndata: 1}\r\n\r\n' +
  ': still here\nid: c3\n\ndata\nevent: order\nid: c4\ndata: unfinished\n'

test.each([1, 2, 5, 1_000])('events, %d bytes at a time', (size) => {
  const events: SseEvent[] = []
  const reader = createSseReader(null, (event) => events.push(event))
  for (const piece of pieces(stream, size)) reader.feed(piece)
  expect(events).toEqual([
    { event: 'snapshot', data: '{"orders":[]}' },
    { event: 'live', data: '{}' },
    { event: 'order', data: '{"ü":\n1}' },
  ])
  expect(reader.lastEventId()).toBe('c3')
})

test('a cursor stays until there is another', () => {
  const reader = createSseReader('c0', () => undefined)
  reader.feed(Buffer.from('data: x\n\nid: c1\n'))
  expect(reader.lastEventId()).toBe('c0')
  reader.feed(Buffer.from('\n'))
  expect(reader.lastEventId()).toBe('c1')
})
