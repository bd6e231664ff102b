// `bun run bench`: see options.ts for what it takes and README.md for what it measures.

import { join } from 'node:path'
import { runCommand } from '../../src/build/command.ts'
import { inRepo } from '../../src/build/repository.ts'
import { endAllHeld, killAllHeld } from '../stack/guard.ts'
import { dataDir } from '../stack/paths.ts'
import { onStopSignals } from '../stack/signals.ts'
import { compareBinaries } from './against/against.ts'
import { createBench, fullScale, quickScale, type Workload } from './bench.ts'
import { help, readOptions, type Options } from './options.ts'
import { barText, meets, type Ratio } from './report/bars.ts'
import { spreadText } from './report/markdown.ts'
import { publishReport, ratiosOf, writeReport } from './report/report.ts'
import { createSay, runWorkload } from './run.ts'
import { keepReport, newState, readState, writeState, type BenchState } from './state.ts'
import { quickWorkloads, workloadsOf } from './workloads/all.ts'
import { describeMachine, testFsync } from './world/machine.ts'
import { findTools, type Tools } from './world/tools.ts'
import { forgetServers, forgetWorld, startWorld } from './world/world.ts'

const resultsDir = inRepo('tests', 'bench', 'results')

const begin = (dir: string, options: Options): BenchState => {
  if (options.resume) return readState(dir)
  if (!options.quick) keepReport(dir)
  forgetWorld(dir)
  return newState(options.quick ? quickScale() : fullScale(options))
}

const ratioLine = ({ name, spread, bar }: Ratio): string => {
  const verdict =
    bar === null || spread === null ? '' : `  ${barText(bar)}: ${meets(bar, spread.median) ? 'met' : 'not met'}`
  return `ratio ${name} ${spread === null ? 'invalid' : spreadText(spread)}${verdict}`
}

const quickLine = ({ name, spread }: Ratio): string =>
  `ratio ${name} ${spread === null ? 'invalid' : spread.median.toFixed(2)}`

/** The lines that the command ends with. */
const conclude = (state: BenchState, { quick }: Options): number => {
  const invalid = state.measurements.filter(({ recount }) => !recount.ok)
  for (const { workload, cell, round, recount } of invalid)
    console.log(`invalid: ${workload} ${cell}, round ${round}: ${recount.faults.join('; ')}`)
  const ratios = ratiosOf(state)
  const wanted = ['W1/L1', 'W2/L5', 'W4/L8']
  const lines = quick ? ratios.filter(({ name }) => wanted.includes(name)).map(quickLine) : ratios.map(ratioLine)
  for (const line of lines) console.log(line)
  return invalid.length === 0 ? 0 : 1
}

/** Answers how many cells failed. */
const measureAll = async (dir: string, state: BenchState, options: Options, tools: Tools): Promise<number> => {
  const say = createSay()
  say('starting Postgres and Kafka, building the binary')
  const world = await startWorld(dir, { log: say })
  const fsync = options.quick
    ? 'not measured in a quick run'
    : (state.machine?.fsync ?? (await testFsync(tools, world, say)))
  state.machine = await describeMachine(world, tools, fsync)
  writeState(dir, state)
  const bench = createBench(world, { tools, state, say })
  const all: Workload[] = options.quick ? quickWorkloads(bench) : workloadsOf(bench)
  const titles = Object.fromEntries(all.map(({ name, title }) => [name, title]))
  let failures = 0
  for (const workload of all.filter(({ name }) => options.only.includes(name))) {
    failures += await runWorkload(bench, workload, state, dir)
    writeReport(join(dir, 'report'), state, titles)
  }
  await bench.reader.close()
  await world.close()
  await endAllHeld()
  return failures
}

const main = async (): Promise<number> => {
  const options = readOptions(process.argv.slice(2))
  if (options === 'help') {
    console.log(help)
    return 0
  }
  const tools = findTools()
  if (typeof tools === 'string') {
    console.error(tools)
    return 2
  }
  if (options.against !== null) return compareBinaries({ ...options, against: options.against }, tools)
  const dir = join(dataDir, options.quick ? 'bench-quick' : 'bench')
  const state = begin(dir, options)
  const failures = await measureAll(dir, state, options, tools)
  if (failures === 0) forgetServers(dir)
  if (options.publish) publishReport(join(dir, 'report'), resultsDir)
  console.log(`report: ${join(options.publish ? resultsDir : join(dir, 'report'), 'report.md')}`)
  const exitCode = conclude(state, options)
  if (failures > 0) console.error(`${failures} measurements failed: run again with --resume to repeat them`)
  return failures > 0 ? 1 : exitCode
}

onStopSignals({
  first: () => void endAllHeld().then(() => process.exit(130)),
  again: () => void killAllHeld().then(() => process.exit(130)),
})
await runCommand(main)
