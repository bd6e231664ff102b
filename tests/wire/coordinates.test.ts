// Proves: the place of a message can be written as text and read back, whatever its topic is called.

import { expect, test } from 'bun:test'
import { coordinatesText, parseCoordinates } from '../../src/wire/coordinates.ts'

test('coordinates are read from the end, for a topic may have hyphens', () => {
  const coordinates = { topic: 'a-1-b', partition: 2, offset: 30n }
  expect(coordinatesText(coordinates)).toBe('a-1-b-2-30')
  expect(parseCoordinates('a-1-b-2-30')).toEqual(coordinates)
  expect(parseCoordinates('nonsense')).toBeNull()
  expect(parseCoordinates('topic-1-')).toBeNull()
})
