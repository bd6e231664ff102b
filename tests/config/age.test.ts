// Proves: an age in an argument is read in milliseconds, and whatever is not one is refused.

import { expect, test } from 'bun:test'
import { ageOf } from '../../src/config/age.ts'

test.each([
  ['1s', 1_000],
  ['90m', 5_400_000],
  ['36h', 129_600_000],
  ['30d', 2_592_000_000],
  ['999999d', 86_399_913_600_000],
])('%s', (text, ms) => expect(ageOf(text)).toBe(ms))

test.each(['', '0d', '-1d', '1.5h', '1w', 'd', '30', ' 30d', '30d ', '30D', '1000000s', '1d\n'])('%j is none', (text) =>
  expect(ageOf(text)).toBeNull(),
)
