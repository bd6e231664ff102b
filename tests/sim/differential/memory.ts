// What the generator of store calls remembers, so that calls meet each other: ids, keys, positions and states read before.

import type { LegState } from '../../../src/store/fills.ts'
import type { EventPlace } from '../../../src/store/outbox.ts'
import { nothingRead, type RulesPlace } from '../../../src/store/rules.ts'
import type { Random } from '../../support/random.ts'

export type Memory = {
  random: Random
  ids: string[]
  users: string[]
  replicas: string[]
  /** Of the outbox. */
  events: EventPlace[]
  /** States that legs may be decided on, some of them stale by then, by the number of their read. */
  states: { read: number; state: LegState }[]
  /** Stops that were due when somebody looked last. */
  due: string[]
  count: number
  /** Of the rules of business. */
  epoch: bigint
  /** Up to where the rules were read. */
  place: RulesPlace
  /** Sweeps that somebody took. */
  taken: string[]
  /** Whether a place in the log was read. */
  followed: boolean
}

const epoch = new Date('2026-01-02T03:04:05.678Z')

export const createMemory = (random: Random): Memory => ({
  random,
  ids: [],
  users: [random.uuidv7(epoch), random.uuidv7(epoch)],
  replicas: [random.uuidv7(epoch), random.uuidv7(epoch), random.uuidv7(epoch)],
  events: [],
  states: [],
  due: [],
  count: 0,
  epoch: 1n,
  place: nothingRead,
  taken: [],
  followed: false,
})

export const newId = ({ random }: Memory): string => random.uuidv7(epoch)

/** Mostly one that is remembered and recent, sometimes a new one. */
export const someId = (memory: Memory): string => {
  const { random, ids } = memory
  return ids.length === 0 || random.chance(0.1) ? newId(memory) : random.pick(ids.slice(-6))
}

export const some = <T>(random: Random, max: number, make: () => T): T[] =>
  Array.from({ length: random.int(1, max) }, make)

/** Times around the epoch, so that clocks of replicas seem to go backwards. */
export const someTime = ({ random }: Memory): Date => new Date(epoch.getTime() + random.int(-5_000, 5_000))
