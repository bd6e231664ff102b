// Proves: whether a dead letter holds its whole message is decided by its header; only letters of version 1.0, which had no such
// header, are judged by the words that 1.0 wrote.

import { expect, test } from 'bun:test'
import { letterHeaders, type LetterPart } from '../../src/kafka/letterHeaders.ts'
import { letterOf, reasonsOfVersion1 } from '../../src/kafka/letters.ts'
import type { TopicRecord } from '../../src/kafka/topicReader.ts'

const record = ({ value, headers }: { value: string | null; headers: Record<string, string> }): TopicRecord => ({
  topic: 't.dlq',
  partition: 0,
  offset: 0n,
  publishedAtMs: 0,
  key: null,
  value: value === null ? null : Buffer.from(value),
  headers: Object.entries({ [letterHeaders.id]: 't-1-7', ...headers }).map(
    ([name, text]) => [Buffer.from(name), Buffer.from(text)] as const,
  ),
})
const isLeftOut = (value: string | null, headers: Record<string, string>) =>
  letterOf(record({ value, headers }))!.leftOut

/** As version 1.0 wrote them. */
const leftOutByVersion1 = 'is no JSON in UTF-8; too large for this topic, left out: value (9 bytes)'

test('the reasons of version 1.0 are those that it wrote', () => {
  expect(leftOutByVersion1).toContain(reasonsOfVersion1.leftOut)
  expect(reasonsOfVersion1).toEqual({ leftOut: 'too large for this topic, left out: ', noValue: 'is empty' })
})

test('a letter of version 1.0 is judged by them', () => {
  expect(isLeftOut(null, { 'x-reason': leftOutByVersion1 })).toBe(true)
  expect(
    isLeftOut('{}', { 'x-reason': 'no such order here; too large for this topic, left out: key (600 bytes)' }),
  ).toBe(true)
  expect(isLeftOut(null, { 'x-reason': 'is no JSON in UTF-8' })).toBe(true)
  expect(isLeftOut(null, { 'x-reason': 'is empty' })).toBe(false)
  expect(isLeftOut('{}', { 'x-reason': 'no such order here' })).toBe(false)
})

test('a letter with the header is judged by the header, whatever its reason says', () => {
  const reasons = [leftOutByVersion1, 'is empty', 'no such order here']
  const leftOut = { '': false, headers: false, value: true, key: true } satisfies Record<'' | LetterPart, boolean>
  for (const reason of reasons)
    for (const [parts, expected] of Object.entries(leftOut))
      for (const value of ['{}', null])
        expect(isLeftOut(value, { 'x-reason': reason, 'x-left-out': parts })).toBe(expected)
})
