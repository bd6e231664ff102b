// W5: half an hour of mixed load with the engine matching: does anything drift, grow or pile up?

import type { Bench, Figures, Measured, Workload } from '../bench.ts'
import { residentMb, startCpuMeter } from '../measure/cpu.ts'
import { createHistogram, percentilesOf, type Histogram } from '../measure/histogram.ts'
import type { OpenLoopResult } from '../measure/openLoop.ts'
import { mean, slope } from '../measure/statistics.ts'
import { watch, type Watch } from '../measure/watch.ts'
import { watchBacklog } from '../recount/backlog.ts'
import { judgeBacklog, mergeRecounts } from '../recount/recount.ts'
import { openTrial, type Trial } from '../world/trial.ts'
import { roots } from './closedLoop.ts'
import { startEngine } from './engine.ts'
import { recountMixed } from './mixedRecount.ts'
import { runPaced } from './paced.ts'

/** Well below what the machine can do together with the engine: this is about time, not about speed. */
const perSecond = 1_000
const mix = { post: 0.7, get: 0.2, cancel: 0.1 } as const
const sampleMs = 10_000
const comparedMinutes = 5

type Sample = Figures & { seconds: number; residentMb: number }

const look = async ({ sql }: Trial): Promise<Figures> => {
  const [row] = await sql<Figures[]>`
    select (select n_dead_tup from pg_stat_user_tables where relname = 'orders')::float8 as "ordersDead",
           (select n_dead_tup from pg_stat_user_tables where relname = 'outbox')::float8 as "outboxDead",
           pg_total_relation_size('orders') / 1e6::float8 as "ordersMb",
           pg_total_relation_size('ingested_fills') / 1e6::float8 as "fillsMb",
           pg_total_relation_size('outbox') / 1e6::float8 as "outboxMb"`
  return row!
}

const startSampler = (bench: Bench, trial: Trial, pid: number): Watch<Sample> => {
  const startedAt = performance.now()
  return watch(sampleMs, async () => {
    const seconds = (performance.now() - startedAt) / 1000
    const sample: Sample = { seconds, residentMb: residentMb(pid), ...(await look(trial)) }
    const mb = (value: number | undefined): string => `${Math.round(value ?? 0)} MB`
    const { ordersMb, outboxMb } = sample
    bench.say(
      `W5: ${mb(sample.residentMb)} of memory after ${Math.round(seconds)} s, orders ${mb(ordersMb)}, outbox ${mb(outboxMb)}`,
    )
    return sample
  })
}

/** All kinds of requests together, of the windows from `from` to `to`. */
const latenciesOf = ({ latencies }: OpenLoopResult, from: number, to: number): Histogram =>
  createHistogram(...Object.values(latencies).flatMap((windows) => windows.slice(from, to)))

export const driftFigures = (result: OpenLoopResult, windows: number, compared: number): Figures => {
  const first = percentilesOf(latenciesOf(result, 0, compared))
  const last = percentilesOf(latenciesOf(result, windows - compared, windows))
  return {
    ...percentilesOf(latenciesOf(result, 0, windows)),
    firstP99Ms: first.p99Ms,
    lastP99Ms: last.p99Ms,
    driftPercent: (last.p99Ms / first.p99Ms - 1) * 100,
  }
}

/** Memory after the first third, in which the heap finds its size. */
export const growthFigures = (samples: readonly Sample[]): Figures => {
  const settled = samples.slice(Math.floor(samples.length / 3))
  const last = samples.at(-1)!
  return {
    residentMb: mean(settled.map((sample) => sample.residentMb)),
    residentMbPerHour: slope(settled.map((sample) => ({ x: sample.seconds, y: sample.residentMb }))) * 3600,
    ordersDeadMax: Math.max(...samples.map((sample) => sample['ordersDead'] ?? 0)),
    outboxDeadMax: Math.max(...samples.map((sample) => sample['outboxDead'] ?? 0)),
    ordersMb: last['ordersMb']!,
    fillsMb: last['fillsMb']!,
    outboxMb: last['outboxMb']!,
  }
}

const measureMixed = async (bench: Bench): Promise<Measured> => {
  await using trial = await openTrial(bench.world)
  const service = await trial.serve()
  await using engine = await startEngine(bench, trial)
  const seconds = bench.scale.mixedMinutes * 60
  const windowSeconds = sampleMs / 1000
  await using sampler = startSampler(bench, trial, service.pid)
  await using backlog = watchBacklog(trial, bench.reader)
  const meter = startCpuMeter({ ...roots(bench, service.pid), engine: engine.pid })
  const { result, record } = await runPaced(bench, trial, { perSecond, seconds, mix, windowSeconds })
  const cpu = { ...meter.stop(), generator: Math.round((result.cpuSeconds / seconds) * 100) }
  const [samples, backlogSamples] = await Promise.all([sampler.stop(), backlog.stop()])
  const recount = mergeRecounts(await recountMixed(bench, trial, { result, record }), judgeBacklog(backlogSamples))
  const windows = Math.ceil(seconds / windowSeconds)
  const compared = Math.min((comparedMinutes * 60) / windowSeconds, Math.ceil(windows / 3))
  const series = samples.map((sample, i) => ({ ...sample, p99Ms: latenciesOf(result, i, i + 1).percentileMs(0.99) }))
  const figures = { offered: perSecond, ...driftFigures(result, windows, compared), ...growthFigures(samples) }
  return { figures: { ...figures, ...answerFigures(result) }, cpu, recount, series }
}

/** How often each answer was given. */
const answerFigures = ({ answers }: OpenLoopResult): Figures =>
  Object.fromEntries(Object.entries(answers).map(([name, count]) => [`answers ${name}`, count]))

export const w5 = (bench: Bench): Workload => ({
  name: 'W5',
  title: 'Mixed load with the engine',
  rounds: 1,
  cells: [{ name: 'POST, GET, cancel', run: () => measureMixed(bench) }],
})
