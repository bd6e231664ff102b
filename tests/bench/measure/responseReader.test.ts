// Proves: answers are read whole, however they are cut into pieces.

import { expect, test } from 'bun:test'
import { createResponseReader, type Answer } from './responseReader.ts'

const accepted =
  'HTTP/1.1 202 Accepted\r\ncontent-type: application/json\r\nLocation: /orders/abc\r\nContent-Length: 9\r\n\r\n{"a":"b"}'
const unavailable = 'HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\ncontent-length: 4\r\n\r\nbusy'
const empty = 'HTTP/1.1 204 No Content\r\n\r\n'

const readAll = (pieces: readonly string[]): Answer[] => {
  const answers: Answer[] = []
  const read = createResponseReader((answer) => answers.push(answer))
  pieces.forEach(read)
  return answers
}

const expected = [
  { status: 202, location: '/orders/abc' },
  { status: 503, location: null },
  { status: 204, location: null },
]

test('several answers in one piece', () => {
  expect(readAll([accepted + unavailable + empty])).toEqual(expected)
})

test('one byte at a time', () => {
  expect(readAll((accepted + unavailable + empty).split(''))).toEqual(expected)
})

test('an answer whose body is not whole is none yet', () => {
  expect(readAll([accepted.slice(0, -1)])).toEqual([])
})
