// W9: what another replica adds, on one machine with one Postgres: each on a port of its own, and all on one port.

import type { Bench, Measured, Workload } from '../bench.ts'
import { startCpuMeter } from '../measure/cpu.ts'
import { openTrial, type Trial } from '../world/trial.ts'
import { ackedBy, post, recountOrders, roots } from './closedLoop.ts'

const replicasMax = 3
/** The connections of all replicas together. */
const connections = 192

/** `urls`: each gets its part of the connections, from a wrk of its own. */
type Replicas = { pids: readonly number[]; urls: readonly string[] }

const serveApart = async (trial: Trial, count: number): Promise<Replicas> => {
  const first = await trial.serve()
  const others: { pid: number; url: string }[] = []
  for (let n = 1; n < count; n++) others.push(await trial.serveBeside())
  return { pids: [first, ...others].map(({ pid }) => pid), urls: [trial.url, ...others.map(({ url }) => url)] }
}

const serveTogether = async (trial: Trial, count: number): Promise<Replicas> => {
  const pids: number[] = []
  for (let n = 0; n < count; n++) pids.push((await trial.serveShared()).pid)
  return { pids, urls: [trial.url] }
}

const postToAll = (bench: Bench, trial: Trial, urls: readonly string[], seconds: number) =>
  Promise.all(urls.map((url) => post(bench, { ...trial, url }, { connections: connections / urls.length, seconds })))

const measureReplicas = async (bench: Bench, count: number, serve: typeof serveApart): Promise<Measured> => {
  await using trial = await openTrial(bench.world)
  const { pids, urls } = await serve(trial, count)
  const { seconds, warmupSeconds } = bench.scale
  const warm = await postToAll(bench, trial, urls, warmupSeconds)
  const beside = Object.fromEntries(pids.slice(1).map((pid, n) => [`service ${n + 2}`, pid]))
  const meter = startCpuMeter({ ...roots(bench, pids[0]!), ...beside })
  const results = await postToAll(bench, trial, urls, seconds)
  const cpu = meter.stop()
  const measured = ackedBy(results, connections)
  const worst = (figure: 'p50Ms' | 'p99Ms'): number => Math.max(...results.map((result) => result[figure]))
  return {
    figures: { replicas: count, perSecond: measured.acked / seconds, p50Ms: worst('p50Ms'), p99Ms: worst('p99Ms') },
    cpu,
    recount: await recountOrders(bench, trial, ackedBy([...warm, ...results], connections), 'topics'),
  }
}

export const w9 = (bench: Bench): Workload => ({
  name: 'W9',
  title: 'Replicas',
  rounds: Math.min(3, bench.scale.rounds),
  cells: Array.from({ length: replicasMax }, (_, n) => n + 1).flatMap((count) => [
    {
      name: `${count} ${count === 1 ? 'replica' : 'replicas'}`,
      run: () => measureReplicas(bench, count, serveApart),
    },
    {
      name: `${count} ${count === 1 ? 'process' : 'processes'} on one port`,
      run: () => measureReplicas(bench, count, serveTogether),
    },
  ]),
})
