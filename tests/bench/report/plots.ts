// The plots of a report, as far as their figures were measured.

import type { Measurement } from '../bench.ts'
import { median } from '../measure/statistics.ts'
import type { CellSummary } from './summary.ts'
import type { Chart, Line } from './svg.ts'

export type Plot = { file: string; chart: Chart }

const pointsOf = (cells: readonly CellSummary[], xOf: (cell: CellSummary) => number | undefined, figure: string) =>
  cells
    .flatMap((cell) => {
      const [x, y] = [xOf(cell), cell.figures[figure]?.median]
      return x === undefined || y === undefined ? [] : [{ x, y }]
    })
    .toSorted((a, b) => a.x - b.x)

const latencyPlot = (cells: readonly CellSummary[]): Plot => {
  const paced = cells.filter(({ workload, figures }) => workload === 'W1' && figures['offered'] !== undefined)
  const line = (name: string, figure: string): Line => ({
    name,
    points: pointsOf(paced, ({ figures }) => figures['offered']?.median, figure),
  })
  return {
    file: 'latency-by-rate.svg',
    chart: {
      title: 'POST /orders: latency from the intended send time',
      x: { label: 'offered orders a second', scale: 'log' },
      y: { label: 'milliseconds', scale: 'log' },
      lines: [line('p50', 'p50Ms'), line('p99', 'p99Ms'), line('p99.9', 'p999Ms')],
    },
  }
}

const batchOf = ({ workload, cell }: CellSummary): number | undefined => {
  const found = workload === 'W1' ? /^batches of at most (\d+)$/.exec(cell) : null
  return found === null ? undefined : Number(found[1])
}

const batchPlot = (cells: readonly CellSummary[]): Plot => ({
  file: 'throughput-by-batch.svg',
  chart: {
    title: 'POST /orders, 512 connections: orders that share a transaction',
    x: {
      label: 'BATCH_MAX_ORDERS',
      scale: 'log',
      at: cells.map(batchOf).filter((batch) => batch !== undefined),
    },
    y: { label: 'orders a second', scale: 'linear' },
    lines: [{ name: 'orders/s', points: pointsOf(cells, batchOf, 'perSecond') }],
  },
})

const sizeOf = ({ workload, cell }: CellSummary, kind: string): number | undefined => {
  const found = workload === 'W6' ? /^(\w+) at ([\d,]+)$/.exec(cell) : null
  return found?.[1] === kind ? Number(found[2]!.replaceAll(',', '')) : undefined
}

const growthPlot = (cells: readonly CellSummary[]): Plot => {
  const line = (kind: string): Line => {
    const points = pointsOf(cells, (cell) => sizeOf(cell, kind), 'perSecond')
    const first = points[0]?.y ?? 1
    return { name: kind, points: points.map(({ x, y }) => ({ x, y: (y / first) * 100 })) }
  }
  const lines = ['POST', 'trades', 'GET', 'list'].map(line)
  const sizes = [...new Set(lines.flatMap(({ points }) => points.map(({ x }) => x)))]
  return {
    file: 'throughput-by-size.svg',
    chart: {
      title: 'Throughput as the table grows',
      x: { label: 'orders in the table', scale: 'log', at: sizes },
      y: { label: 'percent of the smallest table', scale: 'linear' },
      lines,
    },
  }
}

const timePlots = (measurements: readonly Measurement[]): Plot[] => {
  const series = measurements.find(({ workload, recount }) => workload === 'W5' && recount.ok)?.series ?? []
  const line = (name: string, figure: string): Line => ({
    name,
    points: series.flatMap((sample) =>
      Number.isFinite(sample[figure]) ? [{ x: sample['seconds']! / 60, y: sample[figure]! }] : [],
    ),
  })
  const x = { label: 'minutes', scale: 'linear' } as const
  return [
    {
      file: 'latency-over-time.svg',
      chart: {
        title: 'Mixed load with the engine: p99 of every ten seconds',
        x,
        y: { label: 'milliseconds', scale: 'linear' },
        lines: [line('p99', 'p99Ms')],
      },
    },
    {
      file: 'size-over-time.svg',
      chart: {
        title: 'Mixed load with the engine: memory and tables',
        x,
        y: { label: 'MB', scale: 'linear' },
        lines: [
          line('memory', 'residentMb'),
          line('orders', 'ordersMb'),
          line('ledger', 'fillsMb'),
          line('outbox', 'outboxMb'),
        ],
      },
    },
  ]
}

/** Published events a second between the samples of the closed loop, the median of all rounds. */
const publishedPlot = (measurements: readonly Measurement[]): Plot => {
  const rounds = measurements.filter(
    ({ workload, cell, recount }) => workload === 'W1' && cell === '64 connections' && recount.ok,
  )
  const rates = rounds.map(({ series = [] }) =>
    series.slice(1).map((sample, i) => {
      const before = series[i]!
      return (sample['published']! - before['published']!) / (sample['seconds']! - before['seconds']!)
    }),
  )
  const length = rates.length === 0 ? 0 : Math.min(...rates.map((each) => each.length))
  const points = Array.from({ length }, (_, i) => ({
    x: rounds[0]!.series![i + 1]!['seconds']!,
    y: median(rates.map((each) => each[i]!)),
  }))
  return {
    file: 'published-over-time.svg',
    chart: {
      title: 'POST /orders, 64 connections: events published meanwhile',
      x: { label: 'seconds', scale: 'linear' },
      y: { label: 'events a second', scale: 'linear' },
      lines: [{ name: 'published', points }],
    },
  }
}

/** A line needs two points to be one. */
const isDrawable = ({ chart }: Plot): boolean => chart.lines.some(({ points }) => points.length > 1)

export const plotsOf = (cells: readonly CellSummary[], measurements: readonly Measurement[]): Plot[] =>
  [
    latencyPlot(cells),
    batchPlot(cells),
    publishedPlot(measurements),
    growthPlot(cells),
    ...timePlots(measurements),
  ].filter(isDrawable)
