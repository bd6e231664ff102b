// The arithmetic of rounds.

import { expect, test } from 'bun:test'
import { median, percentile, slope, spreadOf } from './statistics.ts'

test('the median is the middle, or the mean of the two in the middle', () => {
  expect(median([9, 1, 5])).toBe(5)
  expect(median([9, 1, 5, 7])).toBe(6)
  expect(median([3])).toBe(3)
  expect(median([])).toBeNaN()
})

test('the median sorts numbers as numbers', () => {
  expect(median([100, 20, 3])).toBe(20)
})

test('a percentile is a value that was there', () => {
  const values = Array.from({ length: 100 }, (_, i) => 100 - i)
  expect(percentile(values, 0.5)).toBe(50)
  expect(percentile(values, 0.99)).toBe(99)
  expect(percentile(values, 1)).toBe(100)
  expect(percentile(values, 0)).toBe(1)
})

test('a spread names the least and the most', () => {
  expect(spreadOf([2, 8, 4])).toEqual({ median: 4, min: 2, max: 8, rounds: 3 })
})

test('the slope is by how much y rises with x', () => {
  expect(slope([1, 2, 3].map((x) => ({ x, y: 5 - 2 * x })))).toBeCloseTo(-2)
  expect(slope([0, 1, 2, 3].map((x) => ({ x, y: x % 2 })))).toBeCloseTo(0.2)
  expect(slope([{ x: 4, y: 9 }])).toBe(0)
})
