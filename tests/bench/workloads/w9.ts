// W9: what another replica adds, on one machine with one Postgres.

import type { Bench, Measured, Workload } from '../bench.ts'
import { startCpuMeter } from '../measure/cpu.ts'
import { openTrial, type Trial } from '../world/trial.ts'
import { ackedBy, post, recountOrders, roots } from './closedLoop.ts'

const replicasMax = 3
/** The connections of all replicas together. */
const connections = 192

/** Every replica gets its part of the connections from a wrk of its own. */
const postToAll = (bench: Bench, trial: Trial, urls: readonly string[], seconds: number) =>
  Promise.all(urls.map((url) => post(bench, { ...trial, url }, { connections: connections / urls.length, seconds })))

const measureReplicas = async (bench: Bench, replicas: number): Promise<Measured> => {
  await using trial = await openTrial(bench.world)
  const first = await trial.serve()
  const others: { pid: number; url: string }[] = []
  for (let n = 1; n < replicas; n++) others.push(await trial.serveBeside())
  const urls = [trial.url, ...others.map(({ url }) => url)]
  const { seconds, warmupSeconds } = bench.scale
  const warm = await postToAll(bench, trial, urls, warmupSeconds)
  const beside = Object.fromEntries(others.map(({ pid }, n) => [`service ${n + 2}`, pid]))
  const meter = startCpuMeter({ ...roots(bench, first.pid), ...beside })
  const results = await postToAll(bench, trial, urls, seconds)
  const cpu = meter.stop()
  const measured = ackedBy(results, connections)
  const worst = (figure: 'p50Ms' | 'p99Ms'): number => Math.max(...results.map((result) => result[figure]))
  const figures = { replicas, perSecond: measured.acked / seconds, p50Ms: worst('p50Ms'), p99Ms: worst('p99Ms') }
  return {
    figures,
    cpu,
    recount: await recountOrders(bench, trial, ackedBy([...warm, ...results], connections), 'topics'),
  }
}

export const w9 = (bench: Bench): Workload => ({
  name: 'W9',
  title: 'Replicas',
  rounds: Math.min(3, bench.scale.rounds),
  cells: Array.from({ length: replicasMax }, (_, n) => ({
    name: `${n + 1} ${n === 0 ? 'replica' : 'replicas'}`,
    run: () => measureReplicas(bench, n + 1),
  })),
})
