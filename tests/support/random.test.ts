// Proves: a seed has the same numbers for ever, on every machine. A seed that found a fault finds it again.

import { expect, test } from 'bun:test'
import { createRandom, randomStream, type Random } from './random.ts'

const firstOf = ({ int }: Random): number[] => Array.from({ length: 4 }, () => int(0, 999_999_999))

test('the numbers of a seed', () => {
  expect(firstOf(createRandom(1))).toEqual([563_671_773, 585_111_341, 895_907_392, 946_399_040])
  expect(firstOf(createRandom(1).fork())).toEqual([564_068_961, 372_172_079, 632_456_156, 698_492_845])
})

test('the numbers of a named stream', () => {
  expect(firstOf(randomStream(1, 'cycle', 7))).toEqual([665_845_551, 676_480_186, 414_836_524, 586_065_197])
})

test('a draw has the bounds that it promises', () => {
  const random = createRandom(2)
  const draws = Array.from({ length: 10_000 }, () => [random.int(-1, 1), random.below(3)] as const)
  expect(new Set(draws.map(([whole]) => whole))).toEqual(new Set([-1, 0, 1]))
  expect(new Set(draws.map(([, below]) => below))).toEqual(new Set([0, 1, 2]))
  expect(new Set(random.shuffle([1, 2, 3, 4]))).toEqual(new Set([1, 2, 3, 4]))
  expect(random.uuid()).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}$/)
  expect(random.uuidv7(new Date(0))).toMatch(/^00000000-0000-7[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/)
})
