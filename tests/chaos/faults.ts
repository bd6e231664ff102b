// Injects faults into a world while requests are under way. A fault counts once it has happened, not when it was planned.

import { existsSync, readFileSync } from 'node:fs'
import { isCrashPoint, type Companion, type Crash, type CrashPoint, type CyclePlan } from './plan.ts'
import type { Replica } from './replica.ts'
import type { World } from './world.ts'

export type Count = (fault: string) => void

/** A member that was killed before is remembered by its group for ten seconds. */
const pointLimitMs = 25_000
const joinLimitMs = 5_000

/** Does at once what Kafka does ten seconds after a member died. Kafka itself may be away. */
const tellGroup = (world: World, replica: Replica, { tellGroup: tell }: CyclePlan): void => {
  const clientId = replica.clientId()
  if (tell && clientId !== null) void world.side.expel(clientId).catch(() => undefined)
}

const killReplica = async (world: World, plan: CyclePlan, count: Count): Promise<void> => {
  const replica = world.replicas[plan.crashOf]
  await replica.kill()
  count('kill replica')
  tellGroup(world, replica, plan)
  await Bun.sleep(plan.awayMs)
  replica.start()
}

const fired = ({ crashLog }: World): number =>
  existsSync(crashLog) ? readFileSync(crashLog, 'utf8').split('\n').length : 0

/** The replica is started again with the point armed, and ends there by itself. */
const crashAtPoint = async (world: World, plan: CyclePlan, point: CrashPoint, count: Count): Promise<void> => {
  const replica = world.replicas[plan.crashOf]
  const before = fired(world)
  if (plan.gently) await replica.stop()
  else await replica.kill()
  count(plan.gently ? 'restart replica' : 'kill replica')
  if (!plan.gently) tellGroup(world, replica, plan)
  replica.start({ point, nth: plan.nth, log: world.crashLog })
  await Promise.race([replica.exited(), Bun.sleep(pointLimitMs)])
  count(fired(world) > before ? point : `${point} (not reached)`)
  await replica.kill()
  tellGroup(world, replica, plan)
  await Bun.sleep(plan.awayMs)
  replica.start()
}

const killServer = async (server: World['postgres'] | World['kafka'], plan: CyclePlan, count: Count): Promise<void> => {
  await server.kill()
  count(`kill ${server.name}`)
  await Bun.sleep(plan.awayMs)
  await server.restart()
}

export const crash = async (world: World, plan: CyclePlan, count: Count): Promise<void> => {
  await Bun.sleep(plan.crashAfterMs)
  const kind: Crash = plan.crash
  if (isCrashPoint(kind)) return crashAtPoint(world, plan, kind, count)
  switch (kind) {
    case 'kill replica':
      return killReplica(world, plan, count)
    case 'kill Postgres':
      return killServer(world.postgres, plan, count)
    case 'kill Kafka':
      return killServer(world.kafka, plan, count)
  }
}

/** Cut at the beginning, in the middle and at the end, so that reconnecting is cut too. */
const cut = async (world: World, plan: CyclePlan, server: 'postgres' | 'kafka'): Promise<void> => {
  for (let times = 0; times < 3; times++) {
    world.proxies[plan.companionOf][server].cut()
    await Bun.sleep(plan.companionForMs / 3)
  }
}

const stall = async (world: World, plan: CyclePlan, server: 'postgres' | 'kafka'): Promise<void> => {
  const proxy = world.proxies[plan.companionOf][server]
  proxy.stall()
  await Bun.sleep(plan.companionForMs)
  if (plan.gently) proxy.flow()
  else proxy.cut()
}

const freeze = async (world: World, plan: CyclePlan): Promise<void> => {
  const replica = world.replicas[plan.companionOf]
  replica.pause()
  await Bun.sleep(plan.companionForMs)
  replica.goOn()
}

const joinAndLeave = async ({ third }: World, plan: CyclePlan): Promise<void> => {
  third.start()
  const limit = performance.now() + joinLimitMs
  while (!(await third.readiness()) && performance.now() < limit) await Bun.sleep(100)
  await Bun.sleep(plan.companionForMs)
  if (plan.gently) await third.stop()
  else await third.kill()
}

const restart = async (replica: Replica): Promise<void> => {
  await replica.stop()
  replica.start()
}

const companions: Record<Companion, (world: World, plan: CyclePlan) => Promise<void>> = {
  'cut Postgres': (world, plan) => cut(world, plan, 'postgres'),
  'stall Postgres': (world, plan) => stall(world, plan, 'postgres'),
  'cut Kafka': (world, plan) => cut(world, plan, 'kafka'),
  'stall Kafka': (world, plan) => stall(world, plan, 'kafka'),
  'pause past the lease': freeze,
  'pause past the session': freeze,
  'third member': joinAndLeave,
  'restart replica': (world, plan) => restart(world.replicas[plan.companionOf]),
  none: async () => undefined,
}

export const accompany = async (world: World, plan: CyclePlan, count: Count): Promise<void> => {
  await Bun.sleep(plan.companionAfterMs)
  await companions[plan.companion](world, plan)
  if (plan.companion !== 'none') count(plan.companion)
}
