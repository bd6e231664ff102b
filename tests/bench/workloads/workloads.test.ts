// Proves: the right figures come from what the generator and the samplers report.

import { describe, expect, test } from 'bun:test'
import { createHistogram, type SparseCounts } from '../measure/histogram.ts'
import type { OpenLoopResult } from '../measure/openLoop.ts'
import { pacedFigures } from './paced.ts'
import { hotBooks } from './trades.ts'
import { driftFigures, growthFigures } from './w5.ts'

const window = (ms: number, count = 100): SparseCounts => {
  const histogram = createHistogram()
  for (let i = 0; i < count; i++) histogram.record(ms * 1000)
  return histogram.sparse()
}

const result = (latencies: Partial<OpenLoopResult['latencies']>, answers = {}): OpenLoopResult => ({
  beganAt: 0,
  answers,
  unanswered: 0,
  latencies: { post: [], get: [], cancel: [], ...latencies },
  lateP99Ms: 0.5,
  cpuSeconds: 1,
})

test('the open loop counts answers a second, and what was refused', () => {
  const run = result({ post: [window(2), window(4)] }, { 'post 202': 200, 'post 503': 7, 'post lost': 1, 'get 404': 9 })
  const { perSecond, refused, p50Ms, p99Ms } = pacedFigures(run, 10)
  expect({ perSecond, refused }).toEqual({ perSecond: 20, refused: 8 })
  expect(p50Ms).toBeCloseTo(2, 1)
  expect(p99Ms).toBeCloseTo(4, 1)
})

describe('the mixed load', () => {
  test('drifts by how much p99 rose from the first windows to the last, all kinds together', () => {
    const run = result({ post: [window(1), window(50), window(1)], get: [window(2), window(50), window(3)] })
    const { firstP99Ms, lastP99Ms, driftPercent } = driftFigures(run, 3, 1)
    expect(firstP99Ms).toBeCloseTo(2, 1)
    expect(lastP99Ms).toBeCloseTo(3, 1)
    expect(driftPercent).toBeCloseTo(50, 0)
  })

  test('grows by the slope of its memory once the first third is over', () => {
    const samples = [0, 1, 2, 3, 4, 5, 6, 7, 8].map((i) => ({
      seconds: i * 360,
      residentMb: i < 3 ? 50 * i : 200 + i,
      ordersDead: i,
      outboxDead: 10 - i,
      ordersMb: i,
      fillsMb: 2 * i,
      outboxMb: 1,
    }))
    const grown = growthFigures(samples)
    expect(grown['residentMbPerHour']).toBeCloseTo(10)
    expect(grown['residentMb']).toBeCloseTo(205.5)
    expect(grown).toMatchObject({ ordersDeadMax: 8, outboxDeadMax: 10, ordersMb: 8, fillsMb: 16 })
  })
})

test('the ten hot orders are of one ticker, five on each side', () => {
  const side = (name: string, count: number) => Array.from({ length: count }, (_, i) => `${name}${i}`)
  const books = [
    { ticker: 'T2', buys: side('b', 6), sells: side('s', 6) },
    { ticker: 'T1', buys: side('B', 20), sells: side('S', 9) },
  ]
  expect(hotBooks(books)).toEqual([{ ticker: 'T1', buys: side('B', 5), sells: side('S', 5) }])
})
