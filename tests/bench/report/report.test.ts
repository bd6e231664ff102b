// Proves: measurements become the right report: ratios are taken round by round, what does not count is left out, and the plots
// can be read.

import { describe, expect, test } from 'bun:test'
import { fullScale, type Bench, type Measurement } from '../bench.ts'
import { workloadsOf } from '../workloads/all.ts'
import { growthSizes } from '../workloads/w6.ts'
import { cellOf, goalPlans, growthPlans, meets, ratioOf, ratioPlans } from './bars.ts'
import { markdownReport, numberText, spreadText, type ReportParts } from './markdown.ts'
import { plotsOf } from './plots.ts'
import { summarise } from './summary.ts'
import { lineChart, linearTicks, logTicks, spreadLabels } from './svg.ts'

const scale = fullScale({ rounds: 5, seconds: 15, minutes: 30, millions: 10 })
/** Naming cells touches nothing of a running benchmark. */
const cells = workloadsOf({ scale } as Bench)

const measured = (
  workload: Measurement['workload'],
  cell: string,
  figures: Measurement['figures'],
  rest: Partial<Measurement> = {},
): Measurement => ({
  workload,
  cell,
  figures,
  round: 1,
  cpu: { service: 50 },
  recount: { ok: true, faults: [], facts: {} },
  at: '2026-01-02T03:04:05.000Z',
  tookMs: 1,
  ...rest,
})

const invalid: Partial<Measurement> = { recount: { ok: false, faults: ['3 orders are gone'], facts: {} } }

describe('ratios', () => {
  const [plan] = ratioPlans.filter(({ name }) => name === 'W1/L1')
  const l1 = 'L1 begin; insert; insert; commit'

  test('are taken round by round', () => {
    const measurements = [
      measured('W1', l1, { perSecond: 100 }),
      measured('W1', '64 connections', { perSecond: 300 }),
      measured('W1', l1, { perSecond: 50 }, { round: 2 }),
      measured('W1', '64 connections', { perSecond: 200 }, { round: 2 }),
    ]
    expect(ratioOf(plan!, measurements).spread).toEqual({ median: 3.5, min: 3, max: 4, rounds: 2 })
  })

  test('leave out a round without a recount', () => {
    const measurements = [
      measured('W1', l1, { perSecond: 100 }),
      measured('W1', '64 connections', { perSecond: 900 }, invalid),
    ]
    expect(ratioOf(plan!, measurements).spread).toBeNull()
  })

  test('do not take one cell for another that begins alike', () => {
    expect(cellOf({ cell: '64 connections' }, ['64 connections, Kafka stopped', '64 connections'])).toBe(
      '64 connections',
    )
    expect(cellOf({ cell: 'L1' }, ['L10 else', l1])).toBe(l1)
    expect(cellOf({ cell: 'GET' }, ['GET, 64 connections'])).toBe('GET, 64 connections')
  })

  test('meet a bar from the right side', () => {
    expect(meets({ atLeast: 2.5 }, 2.5)).toBe(true)
    expect(meets({ atLeast: 2.5 }, 2.49)).toBe(false)
    expect(meets({ atMost: 1.2 }, 1.3)).toBe(false)
  })

  const places = [
    ...[...ratioPlans, ...growthPlans(growthSizes(scale))].flatMap(({ over, under }) => [over, under]),
    ...goalPlans.map(({ of }) => of),
  ]
  test.each(places.map((place) => [`${place.workload} ${place.cell}`, place] as const))('%s is a cell', (_, place) => {
    const names = cells.find(({ name }) => name === place.workload)!.cells.map(({ name }) => name)
    expect(names).toContain(cellOf(place, names)!)
  })
})

test('every cell of a workload has a name of its own', () => {
  for (const workload of cells) {
    const names = workload.cells.map(({ name }) => name)
    expect(new Set(names).size).toBe(names.length)
  }
})

describe('a summary', () => {
  const [summary] = summarise([
    measured('W1', 'x', { perSecond: 10, p99Ms: 1 }),
    measured('W1', 'x', { perSecond: 30, p99Ms: 3 }, { round: 2, cpu: { service: 70 } }),
    measured('W1', 'x', { perSecond: 999 }, { round: 3, ...invalid }),
  ])

  test('has the spread of the rounds that count', () => {
    expect(summary!.figures['perSecond']).toEqual({ median: 20, min: 10, max: 30, rounds: 2 })
    expect(summary!.cpu).toEqual({ service: 60 })
  })

  test('names those that do not', () => {
    expect(summary!.invalid).toEqual([{ round: 3, faults: ['3 orders are gone'] }])
  })
})

describe('the Markdown', () => {
  const measurements = [
    measured('W1', 'L1 x', { perSecond: 100 }),
    measured('W1', '64 connections', { perSecond: 200, p99Ms: 4.5678, refusedPerSecond: 0 }),
    measured('W1', '16 connections', { perSecond: 77_777 }, invalid),
  ]
  const parts: ReportParts = {
    startedAt: '2026-01-02T03:04:05.000Z',
    machine: { cpu: 'Some CPU', cores: 2, postgresSettings: { fsync: 'on' } } as unknown as ReportParts['machine'],
    ratios: ratioPlans.filter(({ name }) => name.startsWith('W1/L')).map((plan) => ratioOf(plan, measurements)),
    goals: [{ plan: goalPlans[0]!, spread: null }],
    cells: summarise(measurements),
    titles: { W1: 'Placing orders' },
    plots: [{ file: 'a.svg', title: 'A plot' }],
  }
  const text = markdownReport(parts)

  test('says of each ratio whether its bar is met', () => {
    expect(text).toContain('| W1/L1 | a transaction an order | 2 | ≥ 2.5 | **not met** |')
    expect(text).toContain('| W1/L2 | a statement an order | – |  | not measured |')
  })

  test('shows a figure with its cell, and other figures by name', () => {
    expect(text).toContain('| 64 connections | 200 |  | 4.57 |  | service 50 |')
    expect(text).toContain('| 64 connections | refusedPerSecond | 0 |')
  })

  test('never shows an invalid figure, but says why', () => {
    expect(text).not.toContain('77,777')
    expect(text).toContain('- 16 connections, round 1: 3 orders are gone')
  })

  test('shows machine, goals and plots', () => {
    expect(text).toContain('| cpu | Some CPU |')
    expect(text).toContain('| W1 p99 at 1,000/s | – | ms | ≤ 10 |')
    expect(text).toContain('![A plot](a.svg)')
  })

  test('writes every table in its full width', () => {
    for (const block of text.split('\n\n').filter((part) => part.startsWith('|'))) {
      const widths = block
        .trim()
        .split('\n')
        .map((line) => line.split('|').length)
      expect(new Set(widths).size).toBe(1)
    }
  })

  test.each([
    [1234.5, '1,235'],
    [12.345, '12.3'],
    [0.012345, '0.0123'],
    [2, '2'],
  ])('writes %p as %p', (value, written) => {
    expect(numberText(value)).toBe(written)
  })

  test('tells the spread of several rounds', () => {
    expect(spreadText({ median: 5, min: 4, max: 6, rounds: 3 })).toBe('5 (4 to 6)')
  })
})

describe('the charts', () => {
  const points = [1, 10, 100].map((x) => ({ x, y: x * 2 }))
  const chart = {
    title: 'A < B & "C"',
    x: { label: 'rate', scale: 'log' },
    y: { label: 'ms', scale: 'linear' },
    lines: [
      { name: 'p50', points },
      { name: 'none', points: [] },
    ],
  } as const

  test('have a title, labelled axes and a named line, and draw no line without points', () => {
    const svg = lineChart(chart)
    expect(svg).toContain('<title>A &lt; B &amp; &quot;C&quot;</title>')
    for (const label of ['>rate<', '>ms<', '>p50<']) expect(svg).toContain(label)
    expect(svg).not.toContain('>none<')
    expect(svg.match(/<polyline/g)).toHaveLength(1)
    expect(svg).not.toContain('NaN')
  })

  test('keep every point inside the frame', () => {
    const places = [...lineChart(chart).matchAll(/<circle cx="([\d.-]+)" cy="([\d.-]+)"/g)].map(([, x, y]) => [
      Number(x),
      Number(y),
    ])
    expect(places).toHaveLength(3)
    for (const [x, y] of places) {
      expect(x).toBeGreaterThanOrEqual(76)
      expect(x).toBeLessThanOrEqual(590)
      expect(y).toBeGreaterThanOrEqual(48)
      expect(y).toBeLessThanOrEqual(340)
    }
  })

  test('step by 1, 2 or 5', () => {
    expect(linearTicks(0, 95)).toEqual([0, 20, 40, 60, 80])
    expect(linearTicks(0, 4)).toEqual([0, 1, 2, 3, 4])
    expect(logTicks(1, 100)).toEqual([1, 2, 5, 10, 20, 50, 100])
    expect(logTicks(1, 100_000)).toEqual([1, 10, 100, 1_000, 10_000, 100_000])
  })

  test('keep labels apart', () => {
    expect(spreadLabels([100, 300, 102])).toEqual([100, 300, 116])
  })

  test('are drawn as far as there are figures', () => {
    const measurements = [
      ...[500, 1_000].map((offered) => measured('W1', `${offered}/s`, { offered, p50Ms: 1, p99Ms: 2, p999Ms: 3 })),
      measured('W1', 'batches of at most 64', { perSecond: 5 }),
      measured('W6', 'POST at 100,000', { perSecond: 50 }),
      measured('W6', 'POST at 1,000,000', { perSecond: 40 }),
    ]
    const plots = plotsOf(summarise(measurements), measurements)
    expect(plots.map(({ file }) => file)).toEqual(['latency-by-rate.svg', 'throughput-by-size.svg'])
    expect(plots[1]!.chart.lines[0]!.points).toEqual([
      { x: 100_000, y: 100 },
      { x: 1_000_000, y: 80 },
    ])
  })
})
