// Computes from the measurements of two binaries, round by round, how much more one costs than the other. Pure.

import type { Cost, Measurement } from '../bench.ts'
import { median, medianInterval, type Interval } from '../measure/statistics.ts'
import type { WorkloadName } from '../options.ts'

const processes = ['service', 'postgres', 'kafka'] as const

/** A process, or all of them together: work that moved from one to another is no gain. */
const costNames = [...processes, 'all'] as const
type CostName = (typeof costNames)[number]

/** The cells of a comparison: the binary that was named, and the tree's. */
export const sides = ['A', 'B'] as const
export type Side = (typeof sides)[number]

export type Comparison = {
  workload: WorkloadName
  cost: CostName
  rounds: number
  /** Medians, in µs of processor time an operation. */
  a: number
  b: number
  /** B - A of each round in percent of A: their median, and where the true one lies. Null where A took no time that could be counted. */
  differencePercent: ({ median: number } & Interval) | null
}

/** µs of processor time an operation. */
export const microsOf = ({ operations, cpuSeconds }: Cost): Record<CostName, number> => {
  const micros = (name: string): number => ((cpuSeconds[name] ?? 0) / operations) * 1e6
  const [service, postgres, kafka] = [micros('service'), micros('postgres'), micros('kafka')]
  return { service, postgres, kafka, all: service + postgres + kafka }
}

type Pair = Record<Side, Record<CostName, number>>

/** The rounds in which both were measured and both recounts found nothing. */
const pairsOf = (measurements: readonly Measurement[], workload: WorkloadName): Pair[] => {
  const valid = measurements.filter((one) => one.workload === workload && one.recount.ok)
  const costs = (side: Side) =>
    new Map(valid.filter(({ cell }) => cell === side).flatMap(({ round, cost }) => (cost ? [[round, cost]] : [])))
  const [a, b] = [costs('A'), costs('B')]
  return [...a].flatMap(([round, cost]) => {
    const other = b.get(round)
    return other === undefined ? [] : [{ A: microsOf(cost), B: microsOf(other) }]
  })
}

const differenceOf = (pairs: readonly Pair[], cost: CostName): Comparison['differencePercent'] => {
  if (pairs.some(({ A }) => A[cost] === 0)) return null
  const percents = pairs.map(({ A, B }) => ((B[cost] - A[cost]) / A[cost]) * 100)
  return { median: median(percents), ...medianInterval(percents) }
}

/** Leaves out workloads without a valid round. */
export const compareCosts = (measurements: readonly Measurement[], workload: WorkloadName): Comparison[] => {
  const pairs = pairsOf(measurements, workload)
  if (pairs.length === 0) return []
  return costNames.map((cost) => ({
    workload,
    cost,
    rounds: pairs.length,
    a: median(pairs.map(({ A }) => A[cost])),
    b: median(pairs.map(({ B }) => B[cost])),
    differencePercent: differenceOf(pairs, cost),
  }))
}

const signed = (percent: number): string => `${percent < 0 ? '-' : '+'}${Math.abs(percent).toFixed(1)} %`
const microsText = (micros: number): string => `${micros.toFixed(1).padStart(7)} µs`

const differenceText = ({ differencePercent, rounds }: Comparison): string => {
  if (differencePercent === null) return 'too little to compare'
  const { median: middle, low, high, coverage } = differencePercent
  const interval = `${signed(low)} to ${signed(high)}`.padEnd(20)
  return `${signed(middle).padStart(8)}   ${interval} (${(coverage * 100).toFixed(1)} %, rounds: ${rounds})`
}

/** One line, under `comparisonHead`. */
export const comparisonLine = (comparison: Comparison): string => {
  const { workload, cost, a, b } = comparison
  return `${workload} ${cost.padEnd(8)}  A ${microsText(a)}   B ${microsText(b)}   ${differenceText(comparison)}`
}

/** The heads of the columns of `comparisonLine`. */
export const comparisonHead = `Processor time an operation (W1, W6, W12: an order accepted, W2: a leg disposed of, W3: an event published, W4: a request answered). Medians of
A and of B; then B - A of each round in percent of A: the median, and between which the true median lies by the sign test (confidence).`
