// wrk against the service, with all that makes it a figure: warm-up, processor shares, the backlog meanwhile, and the recount
// afterwards.

import type { Bench, Measured } from '../bench.ts'
import { sharesOf, startCpuClock } from '../measure/cpu.ts'
import { runWrk, type WrkResult } from '../measure/wrk.ts'
import { watchBacklog } from '../recount/backlog.ts'
import { gatherOrders, withVerify, type VerifyScope } from '../recount/evidence.ts'
import { judgeBacklog, judgeOrders, mergeRecounts, type Recount } from '../recount/recount.ts'
import { openTrial, type Trial, type TrialOptions } from '../world/trial.ts'

export type PostPlan = { connections: number; token?: string; trial?: TrialOptions; scope?: VerifyScope }

const accepted = ({ requests, refused }: WrkResult): number => requests - refused

type Posting = { connections: number; seconds: number; token?: string | undefined }

export const post = (bench: Bench, trial: Trial, { connections, seconds, token }: Posting) =>
  runWrk({
    wrk: bench.tools.wrk,
    script: 'post.lua',
    url: trial.url,
    connections,
    seconds,
    args: [bench.bodiesFile, crypto.randomUUID().slice(0, 8), ...(token === undefined ? [] : [token])],
  })

/** The answers that wrk got, of all runs together. At the end of a run it drops one request on each connection. */
export const ackedBy = (results: readonly WrkResult[], connections: number) => ({
  acked: results.reduce((sum, result) => sum + accepted(result), 0),
  ackedIds: null,
  unanswered: results.reduce((sum, { broken }) => sum + broken + connections, 0),
})

export const wrkFigures = (result: WrkResult) => ({
  perSecond: accepted(result) / result.seconds,
  refusedPerSecond: result.refused / result.seconds,
  broken: result.broken,
  p50Ms: result.p50Ms,
  p99Ms: result.p99Ms,
  p999Ms: result.p999Ms,
})

export const roots = (bench: Bench, service: number): Record<string, number> => ({
  service,
  postgres: bench.world.postgres.pid,
  kafka: bench.world.kafka.pid,
  harness: process.pid,
})

export const recountOrders = async (
  bench: Bench,
  trial: Trial,
  record: Parameters<typeof gatherOrders>[2],
  scope: VerifyScope,
): Promise<Recount> => {
  const recount = judgeOrders(await gatherOrders(trial, bench.reader, record))
  return withVerify(trial, bench.world.binary, recount, scope)
}

/** POST /orders as fast as so many connections take the answers, the relay publishing all the while. */
export const measurePosts = async (
  bench: Bench,
  { connections, token, trial: options, scope = 'topics' }: PostPlan,
): Promise<Measured> => {
  await using trial = await openTrial(bench.world, options)
  const service = await trial.serve()
  const warm = await post(bench, trial, { connections, token, seconds: bench.scale.warmupSeconds })
  await using backlog = watchBacklog(trial, bench.reader)
  const clock = startCpuClock(roots(bench, service.pid))
  const result = await post(bench, trial, { connections, token, seconds: bench.scale.seconds })
  const used = clock.stop()
  const cpu = { ...sharesOf(used), wrk: Math.round((result.cpuSeconds / result.seconds) * 100) }
  const samples = await backlog.stop()
  const orders = await recountOrders(bench, trial, ackedBy([warm, result], connections), scope)
  const series = samples.map(({ atMs, waiting, published }) => ({ seconds: atMs / 1000, waiting, published }))
  const recount = mergeRecounts(orders, judgeBacklog(samples))
  const cost = { operations: accepted(result), cpuSeconds: used.cpuSeconds }
  return { figures: wrkFigures(result), cpu, cost, recount, series }
}
