// Proves: a run selects the right letters, in the right order, each once, in whatever order they come.

import { describe, expect, test } from 'bun:test'
import type { Letter } from '../../src/kafka/letters.ts'
import { createLetterBook, type Selector } from '../../src/redrive/letterBook.ts'

const allLetters: Selector = { disposition: undefined, orderIds: [], ids: [], sinceMs: undefined, untilMs: undefined }

const letter = (id: string, changes: Partial<Letter> = {}): Letter => ({
  id,
  rootId: id,
  disposition: 'UNKNOWN_ORDER',
  reason: 'no such order here',
  legs: [],
  letteredAtMs: 0,
  leftOut: false,
  content: id,
  place: { partition: 0, offset: 0n },
  ...changes,
})

const bookOf = (selector: Partial<Selector>, ...letters: Letter[]) => {
  const book = createLetterBook({ ...allLetters, ...selector })
  for (const one of letters) book.add(one)
  return book
}
const rootsOf = (book: ReturnType<typeof bookOf>, limit = Infinity) =>
  book.select(limit).selected.map(({ rootId }) => rootId)

describe('a letter book', () => {
  test('sorts by topic, partition and offset as numbers, and limits after that', () => {
    const book = bookOf({}, letter('t-10-1'), letter('t-2-10'), letter('t-2-9'), letter('odd'), letter('a-b-0-0'))
    expect(rootsOf(book)).toEqual(['odd', 'a-b-0-0', 't-2-9', 't-2-10', 't-10-1'])
    expect(rootsOf(book, 2)).toEqual(['odd', 'a-b-0-0'])
  })

  test('takes the letters of one root for one, whichever comes first', () => {
    const back = letter('t-0-9', { rootId: 't-0-1', content: 't-0-1', place: { partition: 1, offset: 5n } })
    for (const letters of [
      [letter('t-0-1'), back],
      [back, letter('t-0-1')],
    ]) {
      const book = bookOf({}, ...letters)
      expect(book.count()).toBe(1)
      expect(rootsOf(book)).toEqual(['t-0-1'])
    }
  })

  test('selects a root by any of its letters', () => {
    const letters = [
      letter('t-0-1'),
      letter('t-0-9', { rootId: 't-0-1', content: 't-0-1', disposition: 'MALFORMED', letteredAtMs: 50 }),
    ]
    expect(rootsOf(bookOf({ disposition: 'MALFORMED' }, ...letters))).toEqual(['t-0-1'])
    expect(rootsOf(bookOf({ sinceMs: 50 }, ...letters))).toEqual(['t-0-1'])
    expect(rootsOf(bookOf({ sinceMs: 51 }, ...letters))).toEqual([])
    expect(rootsOf(bookOf({ ids: ['t-0-9'] }, ...letters))).toEqual(['t-0-1'])
    // One letter has to match as a whole.
    expect(rootsOf(bookOf({ disposition: 'UNKNOWN_ORDER', sinceMs: 50 }, ...letters))).toEqual([])
  })

  test('sends the letter that has its bytes', () => {
    const empty = letter('t-0-1', { leftOut: true, content: null })
    const whole = letter('t-0-9', { rootId: 't-0-1', place: { partition: 2, offset: 7n } })
    const book = bookOf({}, empty, whole)
    expect(book.select(9)).toMatchObject({ selected: [{ place: { partition: 2, offset: 7n } }], leftOut: [] })
    expect(bookOf({}, empty).select(9)).toEqual({ selected: [], leftOut: ['t-0-1'] })
  })

  test('takes messages for several that had the same coordinates, because their topic was made anew', () => {
    const back = letter('t-0-9', { rootId: 't-0-1', content: 'old' })
    const letters = [
      letter('t-0-1', { content: 'old', place: { partition: 0, offset: 3n } }),
      letter('t-0-1', { content: 'new', legs: ['BUY:a'], place: { partition: 0, offset: 4n } }),
      letter('t-0-1', { content: null, leftOut: true }),
      back,
    ]
    const book = bookOf({}, ...letters)
    expect(book.count()).toBe(2)
    expect(book.select(9).selected.map(({ place }) => place.offset)).toEqual([3n, 4n])
    expect(bookOf({ orderIds: ['a'] }, ...letters).select(9).selected).toMatchObject([{ place: { offset: 4n } }])
  })

  test('finds an order by a whole leg, not by a part of one', () => {
    const letters = [letter('t-0-1', { legs: ['BUY:aa', 'SELL:b'] }), letter('t-0-2', { legs: ['BUY:a'] })]
    expect(rootsOf(bookOf({ orderIds: ['a'] }, ...letters))).toEqual(['t-0-2'])
    expect(rootsOf(bookOf({ orderIds: ['b', 'zz'] }, ...letters))).toEqual(['t-0-1'])
  })

  test('says which of the asked-for ids it never saw', () => {
    expect(bookOf({ ids: ['t-0-1', 't-0-2'] }, letter('t-0-1')).notFound()).toEqual(['t-0-2'])
  })
})
