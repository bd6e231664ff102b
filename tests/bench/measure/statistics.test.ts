// Proves: the arithmetic of rounds is right.

import { describe, expect, test } from 'bun:test'
import { randomStream } from '../../support/random.ts'
import { median, medianInterval, percentile, slope, spreadOf } from './statistics.ts'

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

describe('the interval of the median', () => {
  const upTo = (n: number) => Array.from({ length: n }, (_, i) => n - i)

  // The ranks and confidences of the sign test's tables.
  test.each([
    [6, 1, 0.96875],
    [7, 1, 0.984375],
    [8, 1, 0.9921875],
    [9, 2, 0.9609375],
    [10, 2, 0.978515625],
    [15, 4, 0.96484375],
    [20, 6, 0.958610534667969],
    [100, 40, 0.964799799782052],
  ])('of %d values is from the %d. to the one as far from the end', (n, rank, coverage) => {
    const interval = medianInterval(upTo(n))
    expect(interval).toMatchObject({ low: rank, high: n + 1 - rank })
    expect(interval.coverage).toBeCloseTo(coverage, 12)
  })

  test.each([
    [1, 0],
    [2, 0.5],
    [5, 0.9375],
  ])('of %d values, too few, is the least and the most, and says how little that is', (n, coverage) => {
    expect(medianInterval(upTo(n))).toEqual({ low: 1, high: n, coverage })
  })

  test('of no value is none', () => {
    expect(medianInterval([])).toEqual({ low: Number.NaN, high: Number.NaN, coverage: Number.NaN })
  })

  test('holds the true median as often as it says', () => {
    const rng = randomStream('median interval')
    // Of a skewed distribution, whose median is a quarter and whose mean is a third.
    const draw = () => rng.next() ** 2
    const draws = 20_000
    let hits = 0
    for (let i = 0; i < draws; i++) {
      const { low, high } = medianInterval(Array.from({ length: 9 }, draw))
      if (low <= 0.25 && 0.25 <= high) hits++
    }
    expect(hits / draws).toBeCloseTo(0.9609, 2)
  })
})
