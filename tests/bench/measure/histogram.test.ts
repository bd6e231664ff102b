// Proves: the histogram agrees with a sorted list of the same values.

import { describe, expect, test } from 'bun:test'
import { randomStream } from '../../support/random.ts'
import { createHistogram, percentilesOf } from './histogram.ts'
import { percentile } from './statistics.ts'

const recorded = (micros: readonly number[]) => {
  const histogram = createHistogram()
  micros.forEach(histogram.record)
  return histogram
}

describe('a histogram', () => {
  test('keeps small values exactly', () => {
    const histogram = recorded([1, 2, 3, 2_047])
    expect(histogram.percentileMs(0.25)).toBe(0.001)
    expect(histogram.percentileMs(0.5)).toBe(0.002)
    expect(histogram.percentileMs(1)).toBe(2.047)
  })

  test.each([2_048, 2_049, 4_095, 4_096, 65_535, 1_000_000, 59_999_999, 1_234_567_890])(
    'keeps %d µs to one part in a thousand, never below it',
    (micros) => {
      const answer = Math.round(recorded([micros]).percentileMs(1) * 1000)
      expect(answer).toBeGreaterThanOrEqual(micros)
      expect(answer).toBeLessThan(micros * 1.001)
    },
  )

  test('agrees with a sorted list on percentiles of many values', () => {
    const rng = randomStream('histogram')
    const micros = Array.from({ length: 20_000 }, () => Math.round(10 ** (1 + 5 * rng.next())))
    const histogram = recorded(micros)
    for (const part of [0.01, 0.5, 0.9, 0.99, 0.999, 1]) {
      const exact = percentile(micros, part) / 1000
      expect(histogram.percentileMs(part)).toBeGreaterThanOrEqual(exact)
      expect(histogram.percentileMs(part)).toBeLessThanOrEqual(exact * 1.001)
    }
  })

  test('takes what is too large for the largest, and what is below zero for zero', () => {
    expect(recorded([1e12]).percentileMs(1)).toBeGreaterThan(2_000_000)
    expect(recorded([-5]).percentileMs(1)).toBe(0)
  })

  test('is the sum of its parts', () => {
    const parts = [recorded([10, 20, 30]).sparse(), recorded([1_000_000]).sparse()]
    const whole = createHistogram(...parts)
    expect(whole.count()).toBe(4)
    expect(whole.percentileMs(0.75)).toBe(0.03)
    expect(whole.percentileMs(1)).toBeGreaterThanOrEqual(1000)
  })

  test('says nothing of nothing', () => {
    expect(createHistogram().percentileMs(0.5)).toBeNaN()
  })

  test('tells the three percentiles apart', () => {
    const { p50Ms, p99Ms, p999Ms } = percentilesOf(recorded(Array.from({ length: 1_000 }, (_, i) => i + 1)))
    expect([p50Ms, p99Ms, p999Ms]).toEqual([0.5, 0.99, 0.999])
  })
})
