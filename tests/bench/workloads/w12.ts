// W12: placing many orders a request. Beside it the same orders one by one, over the other route, in the same rounds.

import type { Bench, Cell, Measured, Workload } from '../bench.ts'
import { sharesOf, startCpuClock } from '../measure/cpu.ts'
import { runWrk, type WrkResult } from '../measure/wrk.ts'
import { watchBacklog } from '../recount/backlog.ts'
import { judgeBacklog, mergeRecounts } from '../recount/recount.ts'
import { openTrial, type Trial } from '../world/trial.ts'
import { ackedBy, measurePosts, recountOrders, roots, wrkFigures } from './closedLoop.ts'

const connections = 64
const sizes = [1, 10, 100] as const

/** `size`: orders a request. */
type BatchPlan = { size: number; connections: number }

const postBatches = (bench: Bench, trial: Trial, { size, connections, seconds }: BatchPlan & { seconds: number }) =>
  runWrk({
    wrk: bench.tools.wrk,
    script: 'batch.lua',
    url: trial.url,
    connections,
    seconds,
    args: [bench.bodiesFile, crypto.randomUUID().slice(0, 8), String(size)],
  })

/**
 * The orders that were acknowledged, if every order of every answer was: wrk reads no results, so the recount says whether that is true. An
 * order that was refused at its place is missing in the table, and the figure does not count.
 */
const ordersOf = (results: readonly WrkResult[], { size, connections }: BatchPlan) => {
  const { acked, unanswered, ...rest } = ackedBy(results, connections)
  return { ...rest, acked: acked * size, unanswered: unanswered * size }
}

/** `perSecond`, `refusedPerSecond`: orders; the latency is that of a request. */
const batchFigures = (result: WrkResult, size: number) => {
  const { perSecond, refusedPerSecond, ...rest } = wrkFigures(result)
  return { ...rest, perSecond: perSecond * size, refusedPerSecond: refusedPerSecond * size }
}

export const measureBatches = async (bench: Bench, plan: BatchPlan): Promise<Measured> => {
  await using trial = await openTrial(bench.world)
  const service = await trial.serve()
  const warm = await postBatches(bench, trial, { ...plan, seconds: bench.scale.warmupSeconds })
  await using backlog = watchBacklog(trial, bench.reader)
  const clock = startCpuClock(roots(bench, service.pid))
  const result = await postBatches(bench, trial, { ...plan, seconds: bench.scale.seconds })
  const used = clock.stop()
  const cpu = { ...sharesOf(used), wrk: Math.round((result.cpuSeconds / result.seconds) * 100) }
  const samples = await backlog.stop()
  const orders = await recountOrders(bench, trial, ordersOf([warm, result], plan), 'topics')
  const figures = batchFigures(result, plan.size)
  const cost = { operations: figures.perSecond * result.seconds, cpuSeconds: used.cpuSeconds }
  return { figures, cpu, cost, recount: mergeRecounts(orders, judgeBacklog(samples)) }
}

const batchCell = (bench: Bench, size: number): Cell => ({
  name: `${size} a request`,
  run: () => measureBatches(bench, { size, connections }),
})

export const w12 = (bench: Bench): Workload => ({
  name: 'W12',
  title: 'Placing many orders a request',
  rounds: bench.scale.rounds,
  cells: [
    { name: 'POST /orders', run: () => measurePosts(bench, { connections }) },
    ...sizes.map((size) => batchCell(bench, size)),
  ],
})
