// Proves: a place found by halves is the one that a scan finds, with repeats and at both ends.

import { expect, test } from 'bun:test'
import { firstIndex } from './bisect.ts'

test('the place found by halves is the one that a scan finds', () => {
  const list = [1, 3, 3, 3, 7, 8]
  for (let length = 0; length <= list.length; length++)
    for (let wanted = 0; wanted <= 9; wanted++) {
      const part = list.slice(0, length)
      const scanned = part.findIndex((item) => item >= wanted)
      expect(firstIndex(part, (item) => item >= wanted)).toBe(scanned === -1 ? length : scanned)
    }
})
