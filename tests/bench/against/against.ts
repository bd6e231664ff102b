// `bun run bench --against`: a binary, A, and the tree's, B, in turn on the same servers, by the processor time that an operation
// takes of the service, of Postgres and of Kafka. How many operations there are in a second depends on what else the machine does.

import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { endAllHeld } from '../../stack/guard.ts'
import { dataDir } from '../../stack/paths.ts'
import { StackError } from '../../stack/stackError.ts'
import { createBench, fullScale, type Bench, type Measured, type Workload } from '../bench.ts'
import { comparedNames, type Options, type WorkloadName } from '../options.ts'
import { createSay, runWorkload, type Say } from '../run.ts'
import { keepReport, newState, type BenchState } from '../state.ts'
import { measurePosts } from '../workloads/closedLoop.ts'
import { measureDrain } from '../workloads/outage.ts'
import { measureTrades } from '../workloads/w2.ts'
import { measureReads } from '../workloads/w4.ts'
import { measureBatches } from '../workloads/w12.ts'
import { describeMachine, outputOf } from '../world/machine.ts'
import type { Tools } from '../world/tools.ts'
import { forgetServers, forgetWorld, startWorld, type World } from '../world/world.ts'
import { compareCosts, comparisonHead, comparisonLine, microsOf, sides, type Comparison, type Side } from './compare.ts'

type ComparedName = (typeof comparedNames)[number]
type Plan = {
  title: string
  /** The size of the loaded table that it needs. */
  orders: (scale: Bench['scale']) => number | null
  measure: (bench: Bench) => Promise<Measured>
}

const connections = 64
/** Of W12. More requests than this have thousands of orders wait, and a short measurement ends before it has enough answers. */
const batches = { size: 100, connections: 16 }
/** Of W3, roughly. */
const drainedPerSecond = 10_000

const plans: Readonly<Record<ComparedName, Plan>> = {
  W1: {
    title: 'Placing orders',
    orders: () => null,
    measure: (bench) => measurePosts(bench, { connections }),
  },
  W2: {
    title: 'Applying trades',
    orders: ({ tradedOrders }) => tradedOrders,
    measure: (bench) => {
      const { tradedOrders: orders, trades: count } = bench.scale
      return measureTrades(bench, { orders, count, hot: false, scope: 'tables' })
    },
  },
  W3: {
    title: 'The outbox',
    orders: () => null,
    measure: measureDrain,
  },
  W4: {
    title: 'Reading an order',
    orders: ({ readOrders }) => readOrders,
    measure: async (bench) => {
      const orders = bench.scale.readOrders
      return measureReads(bench, { trial: { database: await bench.world.loadedDatabase(orders) }, orders, connections })
    },
  },
  W6: {
    title: 'Growth',
    orders: ({ readOrders }) => readOrders,
    measure: async (bench) => {
      const copyOf = await bench.world.loadedDatabase(bench.scale.readOrders)
      return measurePosts(bench, { connections, trial: { copyOf }, scope: 'none' })
    },
  },
  W12: {
    title: 'Placing many orders a request',
    orders: () => null,
    measure: (bench) => measureBatches(bench, batches),
  },
}

/** Adds the cost of an operation to the figures, so that each round's line has it. */
const withMicros = (measured: Measured): Measured => {
  if (measured.cost === undefined) throw new Error('a measurement without its cost cannot be compared')
  const micros = Object.entries(microsOf(measured.cost)).map(([name, value]) => [`${name}Micros`, value] as const)
  const { perSecond } = measured.figures
  return { ...measured, figures: { ...(perSecond !== undefined && { perSecond }), ...Object.fromEntries(micros) } }
}

const workloadOf = (name: ComparedName, benches: Readonly<Record<Side, Bench>>): Workload => ({
  name,
  title: plans[name].title,
  rounds: benches.B.scale.rounds,
  cells: sides.map((side) => ({ name: side, run: async () => withMicros(await plans[name].measure(benches[side])) })),
  alternating: true,
})

/** Before the first round, so that none of them follows a load. */
const loadAll = async (worlds: Readonly<Record<Side, World>>, orders: readonly number[], say: Say): Promise<void> => {
  for (const count of new Set(orders))
    for (const side of sides) {
      say(`${side}: loading ${count.toLocaleString('en-US')} orders`)
      try {
        await worlds[side].loadedDatabase(count)
      } catch (cause) {
        const hint =
          'where its schema is too old for them, compare the others alone (--only W1,W3) or name a later binary'
        throw new StackError(
          'START_FAILED',
          `${side} cannot have the loaded orders of W2, W4 and W6 (${hint}): ${String(cause)}`,
        )
      }
    }
}

type Report = { state: BenchState; binaries: Record<Side, string>; comparisons: Comparison[] }

const fileIn = (dir: string): string => join(dir, 'report', 'report.json')

const writeReport = (file: string, { state, binaries, comparisons }: Report): void => {
  const { startedAt, machine, scale, measurements } = state
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(
    file,
    `${JSON.stringify({ startedAt, binaries, machine, scale, comparisons, measurements }, null, 2)}\n`,
  )
}

/** The lines that the command ends with; answers its exit code. */
const conclude = (file: string, { state, binaries, comparisons }: Report, failures: number): number => {
  const invalid = state.measurements.filter(({ recount }) => !recount.ok)
  for (const { workload, cell, round, recount } of invalid)
    console.log(`invalid: ${workload} ${cell}, round ${round}: ${recount.faults.join('; ')}`)
  for (const side of sides) console.log(`${side}: ${binaries[side]}`)
  console.log(comparisonHead)
  for (const comparison of comparisons) console.log(comparisonLine(comparison))
  console.log(`report: ${file}`)
  if (failures > 0) console.error(`${failures} measurements failed: their rounds are not compared`)
  return failures > 0 || invalid.length > 0 ? 1 : 0
}

/** The world of a binary. Both are copies beside each other, so that neither has its file or its databases in another way than the other. */
const startSide = (world: World, side: Side, binary: string): Promise<World> => {
  const copy = join(world.dir, `orders-${side}`)
  copyFileSync(binary, copy)
  return world.beside(copy, side.toLowerCase())
}

/** A drain takes about as long as the timed measurements. */
const scaleOf = (options: Options): Bench['scale'] => ({
  ...fullScale(options),
  outboxRows: options.seconds * drainedPerSecond,
})

const isCompared = (name: WorkloadName): name is ComparedName => comparedNames.some((cell) => cell === name)

/** Answers the exit code. */
export const compareBinaries = async (options: Options & { against: string }, tools: Tools): Promise<number> => {
  const dir = join(dataDir, 'bench-against')
  keepReport(dir)
  forgetWorld(dir)
  const [state, say] = [newState(scaleOf(options)), createSay()]
  const names = options.only.filter(isCompared)
  say('starting Postgres and Kafka, building the binary')
  const world = await startWorld(dir, { log: say })
  const worlds: Record<Side, World> = {
    A: await startSide(world, 'A', options.against),
    B: await startSide(world, 'B', world.binary),
  }
  const versionOf = (side: Side): string => outputOf([worlds[side].binary, '--version'])
  const binaries = { A: `${options.against}, ${versionOf('A')}`, B: `the tree, ${versionOf('B')}` }
  state.machine = await describeMachine(world, tools, 'not measured in a comparison')
  await loadAll(
    worlds,
    names.flatMap((name) => plans[name].orders(state.scale) ?? []),
    say,
  )
  const bench = createBench(world, { tools, state, say })
  const benches = { A: { ...bench, world: worlds.A }, B: { ...bench, world: worlds.B } }
  const report: Report = { state, binaries, comparisons: [] }
  let failures = 0
  for (const name of names) {
    failures += await runWorkload(bench, workloadOf(name, benches), state, dir)
    report.comparisons.push(...compareCosts(state.measurements, name))
    writeReport(fileIn(dir), report)
  }
  await bench.reader.close()
  await world.close()
  await endAllHeld()
  forgetServers(dir)
  return conclude(fileIn(dir), report, failures)
}
