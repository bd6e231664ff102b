// One cycle: load, a crash, mostly a second fault beside it, and everything back on its feet.

import type { Clients } from './clients.ts'
import { accompany, crash, type Count } from './faults.ts'
import type { CyclePlan } from './plan.ts'
import type { World } from './world.ts'

export type CycleResult = { tookMs: number; recoveryMs: number; acked: string[] }

const leastMs = 3_000
/** A cycle lasts until this many orders were acknowledged in it, or until its limit. */
const leastAcked = 520
const moreLimitMs = 20_000
const readyLimitMs = 60_000
const pollMs = 50

const untilReady = async ({ replicas, proxies }: World): Promise<void> => {
  const limit = performance.now() + readyLimitMs
  for (const { postgres, kafka } of proxies) {
    postgres.flow()
    kafka.flow()
  }
  for (const replica of replicas) {
    replica.goOn()
    if (!replica.isRunning()) replica.start()
    while (!(await replica.readiness()) && performance.now() < limit) await Bun.sleep(pollMs)
  }
}

export const runCycle = async (world: World, clients: Clients, plan: CyclePlan, count: Count): Promise<CycleResult> => {
  const startedAt = performance.now()
  const ackedBefore = clients.acked()
  clients.setRate(plan.rate)
  await Promise.all([crash(world, plan, count), accompany(world, plan, count)])
  const faultsEndedAt = performance.now()
  await untilReady(world)
  const recoveryMs = performance.now() - faultsEndedAt
  const enough = () => clients.acked() - ackedBefore >= leastAcked && performance.now() - startedAt >= leastMs
  while (!enough() && performance.now() - faultsEndedAt < moreLimitMs) await Bun.sleep(pollMs)
  return { tookMs: performance.now() - startedAt, recoveryMs, acked: clients.take() }
}
