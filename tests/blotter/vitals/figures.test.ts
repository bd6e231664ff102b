// Proves: rates and quantiles are of the last ten seconds of one process, quantiles are those of Prometheus, and thresholds those of the alerts.

import { describe, expect, test } from 'bun:test'
import { alertThresholds, thresholdIn } from '../../../src/blotter/vitals/alertThresholds.ts'
import { figuresOf } from '../../../src/blotter/vitals/figures.ts'
import { increaseOf, quantileOf } from '../../../src/blotter/vitals/histogram.ts'
import { readingOf } from '../../../src/blotter/vitals/reading.ts'
import { createHistogram } from '../../../src/metrics/instruments.ts'
import { metricsText } from '../../../src/metrics/metric.ts'

const start = Date.parse('2026-01-02T03:04:05Z')

/** `placed` orders, of which each took so many seconds. */
const pageOf = ({ placed, took = [], startedAt = 1 }: { placed: number; took?: number[]; startedAt?: number }) => {
  const answers = createHistogram({
    name: 'http_server_request_duration_seconds',
    help: 'Answers.',
    labels: ['http_route', 'http_request_method', 'http_response_status_code'],
    buckets: [0.1, 0.2, 0.4],
  })
  for (const seconds of took) answers.of('/orders', 'POST', '202').observe(seconds)
  answers.of('/orders', 'GET', '200').observe(9)
  return metricsText([
    answers.metric(),
    { name: 'process_start_time_seconds', type: 'gauge', help: 'Start.', samples: [{ value: startedAt }] },
    {
      name: 'orders_batch_size_items',
      type: 'histogram',
      help: 'Batches.',
      samples: [
        { suffix: '_sum', labels: { kind: 'place' }, value: placed },
        { suffix: '_sum', labels: { kind: 'cancel' }, value: 1_000_000 },
      ],
    },
    { name: 'orders_exceptions_open', type: 'gauge', help: 'Open.', samples: [{ value: 2 }] },
    { name: 'orders_report_exceptions_open', type: 'gauge', help: 'Open.', samples: [{ value: 1 }] },
    {
      name: 'orders_trades_lag_seconds',
      type: 'gauge',
      help: 'Lag.',
      samples: [0, 1].map((partition) => ({ labels: { partition: `${partition}` }, value: 4 + partition })),
    },
  ])
}

describe('the figures', () => {
  test('the first reading says what is now, and no rate', () => {
    const figures = figuresOf([readingOf(pageOf({ placed: 7, took: [0.1] }), start)])
    expect(figures).toMatchObject({ at: start, exceptionsOpen: 3, tradesLagSeconds: 5, outboxRows: 0 })
    expect([figures.ordersPerSecond, figures.acceptingP50Seconds]).toEqual([null, null])
  })

  test('rates and quantiles are of the last ten seconds', () => {
    const readings = [
      readingOf(pageOf({ placed: 0 }), start),
      readingOf(pageOf({ placed: 100, took: [0.3] }), start + 5_000),
      readingOf(pageOf({ placed: 150, took: [0.3, 0.05, 0.05] }), start + 15_000),
    ]
    const figures = figuresOf(readings)
    expect(figures.ordersPerSecond).toBe(5)
    // The 0.3 is older, and reads of lists are no accepting.
    expect(figures.acceptingP99Seconds).toBeCloseTo(0.099)
  })

  test('counters of another process are not compared', () => {
    const readings = [
      readingOf(pageOf({ placed: 500, took: [0.3] }), start),
      readingOf(pageOf({ placed: 10, took: [0.05], startedAt: 2 }), start + 2_000),
    ]
    expect(figuresOf(readings)).toMatchObject({ ordersPerSecond: null, acceptingP99Seconds: null })
    const next = readingOf(pageOf({ placed: 14, took: [0.05, 0.05], startedAt: 2 }), start + 4_000)
    expect(figuresOf([...readings, next]).ordersPerSecond).toBe(2)
  })
})

describe('a quantile', () => {
  const buckets = [
    { bound: 0.1, count: 50 },
    { bound: 0.2, count: 90 },
    { bound: 0.4, count: 99 },
    { bound: Infinity, count: 100 },
  ]

  // By hand: rank = q * 100; within its bucket in proportion.
  test.each([
    [0.5, 0.1],
    [0.25, 0.05],
    [0.7, 0.15],
    [0.99, 0.4],
    [0.995, 0.4],
  ])('%d of them', (q, seconds) => {
    expect(quantileOf(q, buckets)).toBeCloseTo(seconds)
  })

  test('nothing is known where nothing was observed', () => {
    expect(quantileOf(0.5, [])).toBeNull()
    expect(quantileOf(0.5, increaseOf(buckets, buckets))).toBeNull()
  })

  test('a bucket that is new was empty before', () => {
    expect(
      increaseOf(
        [{ bound: 1, count: 2 }],
        [
          { bound: 0.5, count: 1 },
          { bound: 1, count: 5 },
        ],
      ),
    ).toEqual([
      { bound: 0.5, count: 1 },
      { bound: 1, count: 3 },
    ])
  })
})

describe('thresholds', () => {
  test('are those of alerts.yaml', () => {
    expect(alertThresholds()).toEqual({
      acceptingP99Seconds: 0.25,
      outboxAgeSeconds: 30,
      tradesLagSeconds: 30,
      tradesLagMessages: 50_000,
      exceptionsOpen: 0,
      streamsShare: 0.9,
    })
  })

  test('of an alert that is gone, or compares something else, the page is not built', () => {
    const text = `
      - alert: Old
        expr: max(age_seconds) > 30
        labels: { severity: warning }
      - alert: Older
        expr: max(years) > 30
        labels: { severity: warning }
`
    expect(thresholdIn(text, 'Old', 'age_seconds')).toBe(30)
    expect(() => thresholdIn(text, 'New', 'age_seconds')).toThrow('New does not compare age_seconds')
    expect(() => thresholdIn(text, 'Old', 'rows')).toThrow('Old does not compare rows')
    expect(() => thresholdIn(text, 'Old', 'years')).toThrow('Old does not compare years')
  })
})
