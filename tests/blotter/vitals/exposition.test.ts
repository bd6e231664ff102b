// Proves: the page reads /metrics as the strict reader of the tests does, whatever stands in a label, and passes over what it does not know.

import { describe, expect, test } from 'bun:test'
import * as fc from 'fast-check'
import { maxOf, parseExposition, sumOf, valuesOf } from '../../../src/blotter/vitals/exposition.ts'
import { metricsText } from '../../../src/metrics/metric.ts'
import { parseExposition as parseStrictly } from '../../support/exposition.ts'

const metric = fc.record({
  name: fc.stringMatching(/^[a-z]{3,9}$/),
  type: fc.constant('gauge' as const),
  help: fc.constant('Words.'),
  samples: fc.uniqueArray(
    fc.record({
      labels: fc.record({ kind: fc.string({ unit: 'binary' }), of: fc.constantFrom('} 5', '",x="', '\\', '\n', ',') }),
      value: fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.integer()),
    }),
    { selector: ({ labels }) => JSON.stringify(labels), minLength: 1, maxLength: 5 },
  ),
})

test('every sample of a page that this service writes', () => {
  fc.assert(
    fc.property(fc.uniqueArray(metric, { selector: ({ name }) => name, maxLength: 5 }), (metrics) => {
      const page = metricsText(metrics)
      if (metrics.length === 0) return
      const expected = parseStrictly(page)
      const found = parseExposition(page)
      expect([...found.keys()]).toEqual([...expected.keys()])
      for (const [name, { series }] of expected)
        expect(found.get(name)).toEqual(series.map(({ labels, value }) => ({ labels, value })))
    }),
  )
})

describe('a page of somebody else', () => {
  const page = [
    '# a remark',
    'up 1 1767323045000',
    'odd{a="1",} 2.5e-3',
    'lag{partition="0"} 3',
    'lag{partition="1"} 7',
    'end +Inf',
    'low -Inf',
    'what is this',
    '',
  ].join('\n')

  test('timestamps, trailing commas and infinities are read, other lines are not', () => {
    const found = parseExposition(page)
    expect([...found.keys()]).toEqual(['up', 'odd', 'lag', 'end', 'low'])
    expect(found.get('up')).toEqual([{ labels: {}, value: 1 }])
    expect(found.get('odd')).toEqual([{ labels: { a: '1' }, value: 0.0025 }])
    expect([maxOf(found, 'end'), maxOf(found, 'low')]).toEqual([Infinity, -Infinity])
  })

  test('sums and greatest values are of the series that have the labels', () => {
    const found = parseExposition(page)
    expect(valuesOf(found, 'lag', { partition: '1' })).toHaveLength(1)
    expect([sumOf(found, 'lag'), sumOf(found, 'lag', { partition: '0' }), sumOf(found, 'none')]).toEqual([10, 3, 0])
    expect([maxOf(found, 'lag'), maxOf(found, 'none')]).toEqual([7, null])
  })
})
