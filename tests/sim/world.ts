// What the parts of one simulated run share.

import type { Random } from '../support/random.ts'
import type { Broker } from './kafka/broker.ts'
import type { Group } from './kafka/group.ts'
import type { FaultRates, Plan } from './plan.ts'
import type { Backup } from './postgres/backup.ts'
import type { Server } from './postgres/server.ts'
import type { Postgres } from './postgres/state.ts'
import type { Owner, Scheduler } from './scheduler.ts'

export type World = {
  plan: Plan
  random: Random
  scheduler: Scheduler
  /** One line of the run's log. */
  log: (line: string) => void
  /** Reports a promise that did not hold, as a sentence. */
  broken: (promise: string) => void
  /** False once everything has healed, so that the run can come to rest. */
  faulty: boolean
  db: Postgres
  server: Server
  /** Of before the loss; null: there is none. */
  backup: Backup | null
  broker: Broker
  /** Of those who read the trades. */
  group: Group
  /** Of those who read the reports. */
  reportGroup: Group
}

/** The start of every run, by all clocks. */
export const epochMs = Date.parse('2026-01-02T03:04:05.000Z')

export type Fate = keyof FaultRates | 'fine'

/** The fate of one statement or request. */
export const fateOf = ({ faulty, random }: World, rates: FaultRates): Fate => {
  if (!faulty) return 'fine'
  let left = random.next()
  for (const [fate, rate] of Object.entries(rates) as [Fate, number][]) {
    left -= rate
    if (left < 0) return fate
  }
  return 'fine'
}

/** How long a packet is under way. */
const travelMs = ({ random, plan }: World): number => 0.05 + random.skewed(plan.travelMaxMs)

/** How late a stray packet comes. */
export const strayMs = ({ random }: World): number => random.next() * 1_800

/** Happens after a packet's time, unless `owner` is dead by then. */
export const travel = (world: World, owner: Owner, arrive: () => void): void =>
  void world.scheduler.after(travelMs(world), owner, arrive)
