// Proves: counters and histograms add up what they observe, a series for each choice of labels, and not without end.

import { expect, test } from 'bun:test'
import * as fc from 'fast-check'
import { createCounter, createHistogram } from '../../src/metrics/instruments.ts'
import { metricsText } from '../../src/metrics/metric.ts'
import { parseExposition } from '../support/exposition.ts'

const read = (...instruments: { metric: () => Parameters<typeof metricsText>[0][number] }[]) =>
  parseExposition(metricsText(instruments.map((instrument) => instrument.metric())))

test('a counter without labels is there from the start', () => {
  const all = createCounter({ name: 'a_total', help: 'A.' })
  expect(read(all).get('a_total')!.series).toEqual([{ name: 'a_total', labels: {}, value: 0 }])
  all.of().add()
  all.of().add(2)
  expect(read(all).get('a_total')!.series).toEqual([{ name: 'a_total', labels: {}, value: 3 }])
})

test('each choice of labels is a series of its own', () => {
  const all = createCounter({ name: 'a_total', help: 'A.', labels: ['kind', 'code'] })
  expect(read(all).get('a_total')!.series).toEqual([])
  all.of('get', 'x').add()
  all.of('get', 'y').add()
  all.of('get', 'x').add()
  expect(
    read(all)
      .get('a_total')!
      .series.map(({ labels, value }) => [labels, value]),
  ).toEqual([
    [{ kind: 'get', code: 'x' }, 2],
    [{ kind: 'get', code: 'y' }, 1],
  ])
})

test('a value on a bound belongs to that bucket', () => {
  const all = createHistogram({ name: 'a_seconds', help: 'A.', buckets: [0.1, 1] })
  for (const value of [0, 0.1, 0.11, 1, 1.01]) all.of().observe(value)
  const values = read(all)
    .get('a_seconds')!
    .series.map(({ name, labels, value }) => [name, labels['le'], Math.round(value * 100) / 100])
  expect(values).toEqual([
    ['a_seconds_bucket', '0.1', 2],
    ['a_seconds_bucket', '1', 4],
    ['a_seconds_bucket', '+Inf', 5],
    ['a_seconds_sum', undefined, 2.22],
    ['a_seconds_count', undefined, 5],
  ])
})

test('buckets count what is at or below their bound, whatever comes', () => {
  const buckets = [0.01, 0.1, 1, 10]
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0, max: 20, noNaN: true })), (values) => {
      const all = createHistogram({ name: 'a_seconds', help: 'A.', labels: ['kind'], buckets })
      for (const value of values) all.of('get').observe(value)
      for (const { name, labels, value } of read(all).get('a_seconds')!.series)
        if (name.endsWith('_bucket')) {
          const bound = labels['le'] === '+Inf' ? Infinity : Number(labels['le'])
          expect(value).toBe(values.filter((one) => one <= bound).length)
        }
    }),
  )
})

test('a label that takes any value does not make a page without end', () => {
  const all = createCounter({ name: 'a_total', help: 'A.', labels: ['path', 'method'] })
  for (let i = 0; i < 5_000; i++) all.of(`/${i}`, 'GET').add()
  const { series } = read(all).get('a_total')!
  expect(series.length).toBe(1_001)
  expect(series.at(-1)).toEqual({ name: 'a_total', labels: { path: 'other', method: 'other' }, value: 4_000 })
})
