// The open loop against the service, with the backlog meanwhile and the recount by identity afterwards, which make it a figure.

import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Bench, Figures, Measured } from '../bench.ts'
import { startCpuMeter } from '../measure/cpu.ts'
import { createHistogram, percentilesOf } from '../measure/histogram.ts'
import { openLoop, type OpenLoopPlan, type OpenLoopResult } from '../measure/openLoop.ts'
import { watchBacklog } from '../recount/backlog.ts'
import { judgeBacklog, mergeRecounts } from '../recount/recount.ts'
import { openTrial, type Trial } from '../world/trial.ts'
import { recountOrders, roots } from './closedLoop.ts'

export type ClientRecord = { acked: number; ackedIds: string[]; unanswered: number }

/** A request with an answer from 500 on, or without one, may have stored something. */
const clientRecord = (result: OpenLoopResult, ackedFile: string): ClientRecord => {
  const text = readFileSync(ackedFile, 'utf8').trimEnd()
  const ackedIds = text === '' ? [] : text.split('\n')
  const doubtful = Object.entries(result.answers).filter(([name]) => /^post (5\d\d|lost)$/.test(name))
  const unanswered = doubtful.reduce((sum, [, count]) => sum + count, result.unanswered)
  return { acked: result.answers['post 202'] ?? 0, ackedIds, unanswered }
}

/** Posts that got another answer than 202. */
const refusedOf = ({ answers }: OpenLoopResult): number =>
  Object.entries(answers)
    .filter(([name]) => name.startsWith('post') && name !== 'post 202')
    .reduce((sum, [, count]) => sum + count, 0)

export const runPaced = async (
  bench: Bench,
  trial: Trial,
  plan: Pick<OpenLoopPlan, 'perSecond' | 'seconds'> & Partial<OpenLoopPlan>,
): Promise<{ result: OpenLoopResult; record: ClientRecord }> => {
  const ackedFile = join(bench.world.dir, `${trial.name}.acked`)
  const result = await openLoop({
    port: Number(new URL(trial.url).port),
    warmupSeconds: bench.scale.warmupSeconds,
    mix: { post: 1, get: 0, cancel: 0 },
    windowSeconds: plan.seconds,
    ...plan,
    ackedFile,
  })
  const record = clientRecord(result, ackedFile)
  rmSync(ackedFile)
  return { result, record }
}

export const pacedFigures = (result: OpenLoopResult, seconds: number): Figures => {
  const histogram = createHistogram(...result.latencies.post)
  return {
    perSecond: histogram.count() / seconds,
    refused: refusedOf(result),
    ...percentilesOf(histogram),
    generatorLateP99Ms: result.lateP99Ms,
  }
}

type PacedOptions = {
  plan?: Partial<OpenLoopPlan>
  /** Adds figures of its own while database and topics are still there. */
  more?: (trial: Trial) => Promise<Figures>
}

/** POST /orders at a steady rate. */
export const measurePaced = async (
  bench: Bench,
  perSecond: number,
  { plan = {}, more = async () => ({}) }: PacedOptions = {},
): Promise<Measured> => {
  await using trial = await openTrial(bench.world)
  const service = await trial.serve()
  await using backlog = watchBacklog(trial, bench.reader)
  const meter = startCpuMeter(roots(bench, service.pid))
  const { seconds, warmupSeconds } = bench.scale
  const { result, record } = await runPaced(bench, trial, { perSecond, seconds, ...plan })
  const generator = Math.round((result.cpuSeconds / (seconds + warmupSeconds)) * 100)
  const cpu = { ...meter.stop(), generator }
  const samples = await backlog.stop()
  const recount = mergeRecounts(await recountOrders(bench, trial, record, 'topics'), judgeBacklog(samples))
  return { figures: { offered: perSecond, ...pacedFigures(result, seconds), ...(await more(trial)) }, cpu, recount }
}
