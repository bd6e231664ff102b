// Proves: of the rows that were found locked, those are known that were not had since; and never more than so many.

import { expect, test } from 'bun:test'
import { createFoundLocked } from '../../src/app/foundLocked.ts'

test('a row that was found locked is known until it is had', () => {
  const found = createFoundLocked()
  expect(found.among(['a', 'b'])).toEqual([])
  found.note(['a', 'b'], new Set(['a', 'c']))
  expect(found.among(['c', 'b', 'a', 'c'])).toEqual(['c', 'a'])
  found.note(['a'], new Set())
  expect(found.among(['a', 'b', 'c'])).toEqual(['c'])
})

test('the oldest of too many are forgotten', () => {
  const found = createFoundLocked()
  const rows = Array.from({ length: 1_500 }, (_, n) => `row ${n}`)
  found.note(rows, new Set(rows))
  expect(found.among(rows)).toEqual(rows.slice(500))
  found.note([rows[500]!], new Set([rows[500]!]))
  found.note(['one more'], new Set(['one more']))
  expect(found.among([rows[500]!, rows[501]!, 'one more'])).toEqual([rows[500]!, 'one more'])
})
