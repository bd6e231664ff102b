// Proves: a page is what the format wants, whatever stands in a label.

import { describe, expect, test } from 'bun:test'
import * as fc from 'fast-check'
import { metricsText } from '../../src/metrics/metric.ts'
import { parseExposition } from '../support/exposition.ts'

test('a page has each metric with its words and its samples', () => {
  const page = metricsText([
    { name: 'orders_rows', type: 'gauge', help: 'Rows that wait.', samples: [{ value: 3 }] },
    { name: 'orders_events_total', type: 'counter', help: 'Events.', samples: [{ value: 0.5 }] },
    {
      name: 'orders_loads',
      type: 'gauge',
      help: 'Loads by kind.',
      labels: ['kind'],
      samples: [
        { labels: { kind: 'get' }, value: 1 },
        { labels: { kind: 'odd "\\ \n' }, value: 2 },
      ],
    },
  ])
  expect(page).toBe(`# HELP orders_rows Rows that wait.
# TYPE orders_rows gauge
orders_rows 3
# HELP orders_events_total Events.
# TYPE orders_events_total counter
orders_events_total 0.5
# HELP orders_loads Loads by kind.
# TYPE orders_loads gauge
orders_loads{kind="get"} 1
orders_loads{kind="odd \\"\\\\ \\n"} 2
`)
  expect(parseExposition(page).size).toBe(3)
})

test('every label is read back as it was', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.double({ noNaN: true, noDefaultInfinity: true }), (text, value) => {
      const page = metricsText([
        { name: 'orders_rows', help: 'Rows.', type: 'gauge', samples: [{ labels: { a: text, b: text }, value }] },
      ])
      const [series] = parseExposition(page).get('orders_rows')!.series
      expect(series!.labels).toEqual({ a: text, b: text })
    }),
  )
})

describe('the reader of the tests refuses', () => {
  const head = '# HELP a_total A.\n# TYPE a_total counter\n'
  const histogram = '# HELP h H.\n# TYPE h histogram\n'
  test.each([
    ['a page without an end', `${head}a_total 1`],
    ['a metric without help', '# TYPE a_total counter\na_total 1\n'],
    ['a metric without type', '# HELP a_total A.\na_total 1\n'],
    ['a sample before its metric', 'a_total 1\n'],
    ['a sample of another metric', `${head}b_total 1\n`],
    ['a metric twice', `${head}a_total 1\n${head}a_total 1\n`],
    ['a series twice', `${head}a_total{x="1"} 1\na_total{x="1"} 2\n`],
    ['a label twice', `${head}a_total{x="1",x="2"} 1\n`],
    ['a label with a bare quote', `${head}a_total{x="""} 1\n`],
    ['a value that is none', `${head}a_total one\n`],
    ['two values', `${head}a_total 1 2\n`],
    ['an empty line', `${head}\na_total 1\n`],
    ['a counter that is not called so', '# HELP a A.\n# TYPE a counter\na 1\n'],
    ['a counter below zero', `${head}a_total -1\n`],
    ['a histogram without a sum', `${histogram}h_bucket{le="+Inf"} 1\nh_count 1\n`],
    ['a histogram without its last bucket', `${histogram}h_bucket{le="1"} 1\nh_sum 1\nh_count 1\n`],
    ['buckets that fall', `${histogram}h_bucket{le="1"} 2\nh_bucket{le="+Inf"} 1\nh_sum 1\nh_count 1\n`],
    ['a count that is another', `${histogram}h_bucket{le="+Inf"} 1\nh_sum 1\nh_count 2\n`],
  ])('%s', (_, page) => {
    expect(() => parseExposition(page)).toThrow()
  })
})
