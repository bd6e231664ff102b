// Proves: a cursor is read by the list that gave it out and by no other; those of 1.1 are read where 1.1 gave them out.

import { describe, expect, test } from 'bun:test'
import { decodeCursor, encodeCursor, type CursorList } from '../../../src/http/exchange/cursor.ts'

const lists = ['order', 'fill', 'exception'] as const satisfies readonly CursorList[]
const id = '0197a9b0-0000-7000-8000-000000000001'
const base64url = (text: string): string => Buffer.from(text).toString('base64url')

describe('a cursor', () => {
  test.each(lists)('of the list of %ss is read there alone', (list) => {
    for (const position of [id, '7']) {
      const cursor = encodeCursor(list, position)!
      for (const other of lists) expect(decodeCursor(other, cursor)).toBe(other === list ? position : undefined)
    }
  })

  test('of the last page is null', () => {
    for (const list of lists) expect(encodeCursor(list, null)).toBeNull()
  })

  test('is read only as it was given out', () => {
    const cursor = encodeCursor('order', id)!
    for (const changed of ['', `${cursor}=`, ` ${cursor}`, `${cursor}\n`, `*${cursor}`, cursor.toLowerCase(), id])
      expect([changed, decodeCursor('order', changed)]).toEqual([changed, undefined])
  })
})

describe('a cursor of 1.1', () => {
  test('is the bare id of an order or of an exception', () => {
    expect(lists.map((list) => decodeCursor(list, base64url(id)))).toEqual([id, undefined, id])
  })

  test('names the version of a fill', () => {
    expect(lists.map((list) => decodeCursor(list, base64url('fill-12')))).toEqual([undefined, '12', undefined])
  })

  test('is no other text', () => {
    for (const text of ['x', '12', 'order', `${id}0`, `orders-${id}`])
      expect(lists.map((list) => decodeCursor(list, base64url(text)))).toEqual([undefined, undefined, undefined])
  })
})
