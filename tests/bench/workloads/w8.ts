// W8: overload and fairness. Refused requests cost accepted ones little, one busy ticker does not delay the others, and reads
// stay quick while writes use the whole machine.

import type { Bench, Figures, Measured, Workload } from '../bench.ts'
import { residentMb, startCpuMeter } from '../measure/cpu.ts'
import { createHistogram, percentilesOf } from '../measure/histogram.ts'
import type { OpenLoopPlan } from '../measure/openLoop.ts'
import { median, slope } from '../measure/statistics.ts'
import { watch } from '../measure/watch.ts'
import { openTrial, type Trial } from '../world/trial.ts'
import { ackedBy, measurePosts, post, recountOrders, roots } from './closedLoop.ts'
import { measurePaced, pacedFigures, runPaced } from './paced.ts'
import { publishLatency } from './w3.ts'

const maximum = 'maximum'
const connections = 256
/** More than may wait in the service (QUEUE_MAX_REQUESTS), or the load would wait in the generator and nothing were refused. */
const crowd = 12_000
const sampleMs = 500
const hot = { ticker: 'HOT', share: 0.9 } as const
const reads = { perSecond: 500, mix: { post: 0.02, get: 0.98, cancel: 0 } } as const

const without = (why: string): Measured => ({ figures: {}, cpu: {}, recount: { ok: false, faults: [why], facts: {} } })

/** Runs `measure` with so many times the maximum that was measured in this run. */
const atTimes = async (bench: Bench, times: number, measure: (perSecond: number) => Promise<Measured>) => {
  const most = bench.values('W8', maximum, 'perSecond')
  return most.length === 0 ? without('the maximum has no valid figure') : measure(Math.round(median(most) * times))
}

const memoryFigures = (samples: readonly { seconds: number; mb: number }[]): Figures => {
  const settled = samples.slice(Math.floor(samples.length / 3))
  return {
    residentMbMax: Math.max(...samples.map(({ mb }) => mb)),
    residentMbPerMinute: slope(settled.map(({ seconds, mb }) => ({ x: seconds, y: mb }))) * 60,
  }
}

const overload = async (bench: Bench, perSecond: number): Promise<Measured> => {
  await using trial = await openTrial(bench.world)
  const service = await trial.serve()
  const { seconds, warmupSeconds } = bench.scale
  const startedAt = performance.now()
  await using memory = watch(sampleMs, async () => ({
    seconds: (performance.now() - startedAt) / 1000,
    mb: residentMb(service.pid),
  }))
  const meter = startCpuMeter(roots(bench, service.pid))
  const { result, record } = await runPaced(bench, trial, { perSecond, seconds, connections: crowd })
  const generator = Math.round((result.cpuSeconds / (seconds + warmupSeconds)) * 100)
  const cpu = { ...meter.stop(), generator }
  const figures = { offered: perSecond, ...pacedFigures(result, seconds), ...memoryFigures(await memory.stop()) }
  return { figures, cpu, recount: await recountOrders(bench, trial, record, 'topics') }
}

/** The publication latency of the tickers that are not hot. */
const othersLatency = (bench: Bench) => (trial: Trial) =>
  publishLatency(bench, trial, ({ ticker }) => ticker !== hot.ticker)

const paced = (bench: Bench, perSecond: number, plan: Partial<OpenLoopPlan>): Promise<Measured> =>
  measurePaced(bench, perSecond, { plan, more: othersLatency(bench) })

const readsMeanwhile = async (bench: Bench): Promise<Measured> => {
  await using trial = await openTrial(bench.world)
  const service = await trial.serve()
  const { seconds, warmupSeconds } = bench.scale
  const meter = startCpuMeter(roots(bench, service.pid))
  const [posted, { result, record }] = await Promise.all([
    post(bench, trial, { connections, seconds: seconds + warmupSeconds }),
    runPaced(bench, trial, { seconds, ...reads }),
  ])
  const cpu = meter.stop()
  const own = ackedBy([posted], connections)
  const all = { acked: own.acked + record.acked, ackedIds: null, unanswered: own.unanswered + record.unanswered }
  const gets = createHistogram(...result.latencies.get)
  const figures = {
    perSecond: gets.count() / seconds,
    ...percentilesOf(gets),
    postsPerSecond: own.acked / posted.seconds,
  }
  return { figures, cpu, recount: await recountOrders(bench, trial, all, 'topics') }
}

export const w8 = (bench: Bench): Workload => ({
  name: 'W8',
  title: 'Overload and fairness',
  rounds: Math.min(3, bench.scale.rounds),
  cells: [
    { name: maximum, run: () => measurePosts(bench, { connections }) },
    { name: 'twice the maximum', run: () => atTimes(bench, 2, (perSecond) => overload(bench, perSecond)) },
    { name: 'many tickers', run: () => atTimes(bench, 0.4, (perSecond) => paced(bench, perSecond, {})) },
    { name: 'one hot ticker', run: () => atTimes(bench, 0.4, (perSecond) => paced(bench, perSecond, { hot })) },
    { name: 'GET while POST takes all', run: () => readsMeanwhile(bench) },
  ],
})
