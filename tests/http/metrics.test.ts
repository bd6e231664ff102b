// Promises checked here: the figures are in Prometheus' text format, on both paths.

import { describe, expect, test } from 'bun:test'
import * as fc from 'fast-check'
import { metricsText, type Metric } from '../../src/http/metrics.ts'
import { createApp } from '../../src/http/server.ts'
import { callerOf, serverOptions } from './harness.ts'

const metrics: Metric[] = [
  { name: 'orders_rows', help: 'Rows that wait.', type: 'gauge', samples: [{ value: 3 }] },
  {
    name: 'orders_legs_total',
    help: 'Legs by what became of them.',
    type: 'counter',
    samples: [
      { labels: { disposition: 'APPLIED', side: 'BUY' }, value: 12 },
      { labels: { disposition: 'odd "\\ \n' }, value: 0.5 },
    ],
  },
]

const page = `# HELP orders_rows Rows that wait.
# TYPE orders_rows gauge
orders_rows 3
# HELP orders_legs_total Legs by what became of them.
# TYPE orders_legs_total counter
orders_legs_total{disposition="APPLIED",side="BUY"} 12
orders_legs_total{disposition="odd \\"\\\\ \\n"} 0.5
`

describe('the page', () => {
  test.each(['/metrics', '/actuator/prometheus'])('%s has every figure', async (path) => {
    const answer = await callerOf(createApp(serverOptions({ metrics: () => metrics })))('GET', path)
    expect([answer.status, answer.text]).toEqual([200, page])
    expect(answer.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
  })

  test('is made anew for every request', async () => {
    let value = 0
    const counting = () => [{ ...metrics[0]!, samples: [{ value: ++value }] }]
    const call = callerOf(createApp(serverOptions({ metrics: counting })))
    expect((await call('GET', '/metrics')).text).toContain('\norders_rows 1\n')
    expect((await call('GET', '/metrics')).text).toContain('\norders_rows 2\n')
  })

  test('keeps every line whole, whatever stands in a label', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const labelled = metricsText([{ ...metrics[0]!, samples: [{ labels: { text }, value: 1 }] }])
        const lines = labelled.split('\n')
        expect(lines).toHaveLength(4)
        const written = /^orders_rows\{text="((?:[^"\\]|\\["\\n])*)"\} 1$/su.exec(lines[2]!)?.[1]
        expect(written?.replace(/\\(.)/g, (_, c: string) => (c === 'n' ? '\n' : c))).toBe(text)
      }),
    )
  })
})
