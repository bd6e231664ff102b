// The definition of a workload and its inputs, shared by all workloads.

import { join } from 'node:path'
import type { CpuShares, CpuUse } from './measure/cpu.ts'
import { writeBodies } from './mix/orderMix.ts'
import type { WorkloadName } from './options.ts'
import type { Recount } from './recount/recount.ts'
import { openTopicReader, type TopicReader } from './recount/topicScan.ts'
import type { Say } from './run.ts'
import type { BenchState } from './state.ts'
import type { Tools } from './world/tools.ts'
import type { World } from './world/world.ts'

/** By name with its unit: `perSecond`, `p99Ms`. */
export type Figures = Record<string, number>

/** How many operations there were, and the processor time of all of them. */
export type Cost = { operations: number; cpuSeconds: CpuUse['cpuSeconds'] }

export type Measured = {
  figures: Figures
  /** Percent of one core, by process. */
  cpu: CpuShares
  recount: Recount
  /** Present if operations and processor time were counted over the same time. */
  cost?: Cost
  /** Figures by time, for the plots. */
  series?: readonly Figures[]
}

export type Measurement = Measured & { workload: WorkloadName; cell: string; round: number; at: string; tookMs: number }

/** One thing that is measured, once in each round. */
export type Cell = {
  name: string
  /** Less often than the other cells: in the first so many rounds. */
  rounds?: number
  run: (round: number) => Promise<Measured>
}

export type Workload = {
  name: WorkloadName
  title: string
  rounds: number
  cells: readonly Cell[]
  /** Every second round goes through the cells from the last to the first, so that none gains by its place. */
  alternating?: boolean
}

export type Scale = {
  rounds: number
  /** Of a timed measurement, and before it. */
  seconds: number
  warmupSeconds: number
  /** Orders that trades are applied to (W2), and that are read (W4). */
  tradedOrders: number
  readOrders: number
  /** Messages that are drained. */
  trades: number
  /** Rows of the outbox that are drained (W3). */
  outboxRows: number
  mixedMinutes: number
  growthMillions: number
}

export type Bench = {
  world: World
  tools: Tools
  scale: Scale
  reader: TopicReader
  /** The bodies that wrk sends. */
  bodiesFile: string
  say: Say
  /** The valid figures so far, one for each round. */
  values: (workload: WorkloadName, cell: string, figure: string) => number[]
}

export const fullScale = (size: { rounds: number; seconds: number; minutes: number; millions: number }): Scale => ({
  rounds: size.rounds,
  seconds: size.seconds,
  warmupSeconds: 3,
  tradedOrders: 100_000,
  readOrders: 1_000_000,
  trades: size.seconds * 10_000,
  outboxRows: 500_000,
  mixedMinutes: size.minutes,
  growthMillions: size.millions,
})

/** Two short rounds, and one loaded table for trades and reads. */
export const quickScale = (): Scale => ({
  ...fullScale({ rounds: 2, seconds: 4, minutes: 1, millions: 1 }),
  warmupSeconds: 2,
  readOrders: 100_000,
  trades: 30_000,
})

/** The inputs of workloads, on servers that run. */
export const createBench = (
  world: World,
  { tools, state, say }: { tools: Tools; state: BenchState; say: Say },
): Bench => {
  const bodiesFile = join(world.dir, 'bodies.txt')
  writeBodies(bodiesFile)
  return {
    world,
    tools,
    scale: state.scale,
    reader: openTopicReader(world.kafka.bootstrap),
    bodiesFile,
    say,
    values: (workload, cell, figure) =>
      state.measurements
        .filter((one) => one.workload === workload && one.cell === cell && one.recount.ok)
        .flatMap(({ figures }) => figures[figure] ?? []),
  }
}
