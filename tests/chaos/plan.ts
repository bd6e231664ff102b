// The faults of a run, drawn from its seed: which, to whom, when. Every cycle has a crash (SIGKILL of something) and most have
// a second fault beside it. Drawn from decks, so that every kind has its turn however short the run is.

import { randomStream } from '../support/random.ts'

const crashPoints = [
  'after-commit-before-answer',
  'after-ack-before-delete',
  'after-ledger-before-offset',
  'after-trigger-before-offset',
  'after-report-before-offset',
  'after-page-of-sweep',
] as const
export type CrashPoint = (typeof crashPoints)[number]

/** A cycle draws one crash from the shuffled deck. Crash points fire by themselves, in the code of the service. */
const crashDeck = [
  'kill replica',
  'kill replica',
  'kill replica',
  ...crashPoints,
  ...crashPoints,
  'kill Postgres',
  'kill Postgres',
  'kill Kafka',
] as const
export type Crash = (typeof crashDeck)[number]

const companionDeck = [
  'cut Postgres',
  'stall Postgres',
  'cut Kafka',
  'stall Kafka',
  'pause past the lease',
  'pause past the session',
  'third member',
  'restart replica',
  'cut Postgres',
  'third member',
  'stall Postgres',
  'none',
  'none',
] as const
export type Companion = (typeof companionDeck)[number]

export type CyclePlan = {
  cycle: number
  crash: Crash
  /** The replica that crashes, if the crash hits one. */
  crashOf: 0 | 1
  crashAfterMs: number
  /** The n-th passing of a named point is the crash. */
  nth: number
  /** How long a killed server stays away. */
  awayMs: number
  /** Whether somebody removes a dead member from the group, as an operator may; otherwise the broker waits for its session to end. */
  tellGroup: boolean
  companion: Companion
  companionOf: 0 | 1
  companionAfterMs: number
  companionForMs: number
  /** Whether a stalled connection goes on afterwards, or is cut; whether a third member is killed or leaves. */
  gently: boolean
  /** Requests a second. */
  rate: number
}

const lastsMs: Record<Companion, [number, number]> = {
  'cut Postgres': [200, 1_500],
  'stall Postgres': [500, 5_500],
  'cut Kafka': [200, 1_500],
  'stall Kafka': [500, 5_000],
  'pause past the lease': [2_500, 4_000],
  'pause past the session': [11_000, 12_500],
  'third member': [1_500, 4_000],
  'restart replica': [0, 0],
  none: [0, 0],
}

const passes: Record<CrashPoint, number> = {
  'after-commit-before-answer': 150,
  'after-ack-before-delete': 60,
  'after-ledger-before-offset': 12,
  'after-trigger-before-offset': 4,
  'after-report-before-offset': 12,
  'after-page-of-sweep': 1,
}
export const isCrashPoint = (crash: Crash): crash is CrashPoint => (crashPoints as readonly string[]).includes(crash)

/** Endless shuffled decks, one after the other. */
const dealer = <T>(cards: readonly T[], shuffle: (cards: readonly T[]) => T[]): (() => T) => {
  let deck: T[] = []
  return () => {
    if (deck.length === 0) deck = shuffle(cards)
    return deck.pop()!
  }
}

/** The first `count` cycles of this seed; a longer run begins with the same ones. */
export const planCycles = (seed: number, count: number): CyclePlan[] => {
  const decks = randomStream(seed, 'decks')
  const nextCrash = dealer<Crash>(crashDeck, decks.shuffle)
  const nextCompanion = dealer<Companion>(companionDeck, decks.shuffle)
  return Array.from({ length: count }, (_, index) => {
    const rng = randomStream(seed, 'cycle', index + 1)
    const crash = nextCrash()
    const companion = nextCompanion()
    const crashOf = rng.pick([0, 1] as const)
    // If both faults concern a replica's process, they hit different replicas.
    const companionOf = /pause|restart/.test(companion) ? ((1 - crashOf) as 0 | 1) : rng.pick([0, 1] as const)
    return {
      cycle: index + 1,
      crash,
      crashOf,
      crashAfterMs: rng.int(100, 2_000),
      nth: isCrashPoint(crash) ? rng.int(1, passes[crash]) : 0,
      awayMs: rng.int(0, 1_500),
      tellGroup: rng.chance(0.75),
      companion,
      companionOf,
      companionAfterMs: rng.int(0, 2_000),
      companionForMs: rng.int(...lastsMs[companion]),
      gently: rng.chance(0.5),
      rate: rng.int(90, 260),
    }
  })
}
