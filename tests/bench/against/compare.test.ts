// Proves: the rounds of two binaries become the right difference of costs.

import { describe, expect, test } from 'bun:test'
import type { Measurement } from '../bench.ts'
import { compareCosts, comparisonLine, microsOf, type Side } from './compare.ts'

type Cost = { operations?: number; service: number; postgres?: number; kafka?: number; ok?: boolean }

const measured = (cell: Side, round: number, cost: Cost): Measurement => {
  const { operations = 1_000_000, service, postgres = 200, kafka = 50, ok = true } = cost
  return {
    workload: 'W1',
    cell,
    round,
    at: '',
    tookMs: 1,
    figures: {},
    cpu: {},
    cost: { operations, cpuSeconds: { service, postgres, kafka, harness: 999 } },
    recount: { ok, faults: [], facts: {} },
  }
}

describe('the cost of an operation', () => {
  test('is the processor time of each, and of all but the harness', () => {
    const cpuSeconds = { service: 1, postgres: 2.5, kafka: 0.25, harness: 9 }
    expect(microsOf({ operations: 10_000, cpuSeconds })).toEqual({ service: 100, postgres: 250, kafka: 25, all: 375 })
  })
})

describe('a comparison', () => {
  test('pairs the rounds: what the machine did to both takes no part', () => {
    // Each round is slower than the last by far more than the two differ in any.
    const rounds = [100, 150, 225, 300, 420, 560, 700]
    const measurements = rounds.flatMap((micros, i) => [
      measured('A', i + 1, { service: micros }),
      measured('B', i + 1, { service: micros * (1 + (i - 1) / 100) }),
    ])
    const [service, postgres] = compareCosts(measurements.toReversed(), 'W1')
    expect(service).toMatchObject({ workload: 'W1', cost: 'service', rounds: 7, a: 300, b: 306 })
    expect(service!.differencePercent!.median).toBeCloseTo(2)
    expect(service!.differencePercent!.low).toBeCloseTo(-1)
    expect(service!.differencePercent!.high).toBeCloseTo(5)
    expect(postgres).toMatchObject({
      cost: 'postgres',
      differencePercent: { median: 0, low: 0, high: 0, coverage: 1 - 2 / 2 ** 7 },
    })
    expect(comparisonLine(service!)).toBe(
      'W1 service   A   300.0 µs   B   306.0 µs     +2.0 %   -1.0 % to +5.0 %     (98.4 %, rounds: 7)',
    )
  })

  test('counts an operation, not a second', () => {
    const measurements = [
      measured('A', 1, { service: 100, operations: 1_000_000 }),
      measured('B', 1, { service: 180, operations: 2_000_000 }),
    ]
    expect(compareCosts(measurements, 'W1')[0]!.differencePercent!.median).toBeCloseTo(-10)
  })

  test('leaves a round out where one of the two is missing or its recount found something', () => {
    const measurements = [
      measured('A', 1, { service: 100 }),
      measured('B', 1, { service: 110 }),
      measured('A', 2, { service: 100, ok: false }),
      measured('B', 2, { service: 900 }),
      measured('B', 3, { service: 900 }),
    ]
    expect(compareCosts(measurements, 'W1')[0]).toMatchObject({ rounds: 1, a: 100, b: 110 })
    expect(compareCosts(measurements.slice(2), 'W1')).toEqual([])
    expect(compareCosts(measurements, 'W4')).toEqual([])
  })

  test('makes no percent of nothing', () => {
    const measurements = [measured('A', 1, { service: 1, kafka: 0 }), measured('B', 1, { service: 1, kafka: 0.01 })]
    const kafka = compareCosts(measurements, 'W1').find(({ cost }) => cost === 'kafka')!
    expect(kafka.differencePercent).toBeNull()
    expect(comparisonLine(kafka)).toContain('too little to compare')
  })
})
