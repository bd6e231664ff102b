// Derives a run from its seed: how many replicas and clients, how slow everything is, and how often what goes wrong. One seed
// in five is calm: replicas come and go, but nothing breaks, so nothing may be published twice.

import { createRandom, type Random } from '../support/random.ts'

/** Probabilities, each of one statement, one produce request or one call. */
export type FaultRates = {
  /** Rolled back for contention or by a time-out. */
  canceled: number
  /** Refused before anything was sent. */
  refused: number
  /** The connection breaks: before it ran, after it ran, or it runs though nobody waits for it any more. */
  dropped: number
  lost: number
  stray: number
  /** No answer until the deadline. */
  silent: number
}

export type Plan = {
  calm: boolean
  replicas: number
  clients: number
  actionsPerClient: number
  tickers: number
  partitions: { placed: number; cancelled: number; trades: number; reports: number }
  batchMax: number
  batchLanes: number
  tradeLanes: number
  tradesBatchMax: number
  relayBatchMax: number
  relayInFlightMax: number
  leaseTtlMs: number
  outboxMaxRows: number
  unknownToDeadLetters: boolean
  /** How often trading is halted and resumed; how many hold a dead man's switch; how often somebody cancels many orders. */
  halts: number
  switches: number
  massCancels: number
  /** The share of clients' acts that are batches. */
  batches: number
  /** Until then, the index of old orders counts too. 0: it never did. */
  keysFilledAfterMs: number
  /** How eager the engine is: the chance of another trade each time it looks. */
  tradePace: number
  /** The share of orders that are stops. */
  stops: number
  stopToleranceMs: number
  /** The share of orders that end by the clock, and when at the latest, from their acceptance. */
  expiring: number
  endsWithinMs: number
  /** The share of orders that are executed at once or not at all. */
  immediate: number
  settleMs: number
  graceMs: number
  /** The share of what the engine says that is a report. 0: it sends none. */
  reports: number
  reportWaitMs: number
  followers: number
  /** The share of their streams that are read slowly. */
  slowFollowers: number
  /** From then on, their streams last. */
  followersRestAfterMs: number
  ringEventsMax: number
  bufferMaxBytes: number
  resumeMaxEvents: number
  cursorMaxAgeMs: number
  /** The share of steps inside a statement at which others may get in between, and for how long. */
  stepPause: { share: number; maxMs: number }
  travelMaxMs: number
  clockSkewMaxMs: number
  /** How long the broker takes to acknowledge. */
  acknowledgeMaxMs: number
  /** How long the broker holds back the answer to a fetch: a consumer may be that far behind. */
  fetchMs: number
  sessionTimeoutMs: number
  startWithinMs: number
  statements: FaultRates
  sends: FaultRates
  calls: { lost: number }
  /** How often each happens in a run. */
  kills: number
  restarts: number
  postgresCrashes: number
  /** Of somebody else, who may end an order. */
  longTransactions: number
  /** Whether the database loses its newest part at the end. */
  loss: boolean
  brokerOutages: number
  partitionOutages: number
  poisonedTickers: number
  rebalances: number
  streamFailures: number
}

const none: FaultRates = { canceled: 0, refused: 0, dropped: 0, lost: 0, stray: 0, silent: 0 }

const faultRates = (random: Random): FaultRates => {
  if (random.chance(0.3)) return none
  const rate = random.pick([0.01, 0.03, 0.1])
  const some = (): number => (random.chance(0.6) ? rate * random.next() : 0)
  return { canceled: some(), refused: some(), dropped: some(), lost: some(), stray: some(), silent: some() / 4 }
}

const size = (random: Random): Omit<Plan, keyof ReturnType<typeof troubles> | 'calm'> => ({
  replicas: random.int(1, 3),
  clients: random.int(2, 6),
  actionsPerClient: random.int(6, 16),
  tickers: random.int(1, 8),
  partitions: {
    placed: random.int(1, 3),
    cancelled: random.int(1, 3),
    trades: random.int(1, 4),
    reports: random.int(1, 2),
  },
  batchMax: random.pick([1, 3, 8, 256]),
  batchLanes: random.int(1, 3),
  tradeLanes: random.int(1, 2),
  tradesBatchMax: random.pick([1, 4, 20, 500]),
  relayBatchMax: random.pick([1, 3, 10, 2000]),
  relayInFlightMax: random.pick([1, 20, 10_000]),
  leaseTtlMs: random.pick([1_500, 3_000, 5_000]),
  outboxMaxRows: random.pick([10, 2_000_000, 2_000_000]),
  unknownToDeadLetters: random.chance(0.8),
  halts: random.pick([0, 2, 6]),
  switches: random.int(0, 2),
  massCancels: random.pick([0, 2, 6]),
  batches: random.pick([0, 0.1, 0.3]),
  keysFilledAfterMs: random.pick([0, 0, 3_000]),
  tradePace: random.pick([0.08, 0.2, 0.5]),
  stops: random.pick([0, 0.3, 0.7]),
  stopToleranceMs: random.pick([0, 1_500, 1_500, 60_000]),
  expiring: random.pick([0, 0.3, 0.7]),
  endsWithinMs: random.pick([500, 3_000, 8_000]),
  immediate: random.pick([0, 0.2]),
  settleMs: random.pick([0, 300, 2_000]),
  graceMs: random.pick([0, 300, 3_000]),
  reports: random.pick([0, 0.1, 0.25]),
  reportWaitMs: random.pick([0, 500, 4_000]),
  followers: random.int(0, 4),
  slowFollowers: random.pick([0, 0.3]),
  followersRestAfterMs: 5_000,
  ringEventsMax: random.pick([5, 30, 100_000]),
  bufferMaxBytes: random.pick([3_000, 1_048_576, 1_048_576]),
  resumeMaxEvents: random.pick([10, 1_000_000, 1_000_000]),
  cursorMaxAgeMs: random.pick([2_000, 86_400_000, 86_400_000, 86_400_000]),
  stepPause: { share: random.pick([0, 0.05, 0.2]), maxMs: random.pick([5, 30, 150]) },
  travelMaxMs: random.pick([1, 10, 80]),
  acknowledgeMaxMs: random.pick([0, 0, 600]),
  clockSkewMaxMs: random.pick([0, 5, 2_000]),
  fetchMs: random.pick([25, 25, 25, 1_000]),
  sessionTimeoutMs: random.int(1_000, 6_000),
  startWithinMs: random.pick([50, 3_000]),
})

const quiet = {
  statements: none,
  sends: none,
  calls: { lost: 0 },
  kills: 0,
  restarts: 0,
  postgresCrashes: 0,
  longTransactions: 0,
  loss: false,
  brokerOutages: 0,
  partitionOutages: 0,
  poisonedTickers: 0,
  rebalances: 0,
  streamFailures: 0,
}

const troubles = (random: Random) => {
  const some = (max: number): number => (random.chance(0.4) ? random.int(1, max) : 0)
  return {
    statements: faultRates(random),
    sends: faultRates(random),
    calls: { lost: random.pick([0, 0, 0.05]) },
    kills: some(3),
    restarts: some(2),
    postgresCrashes: some(2),
    longTransactions: some(4),
    loss: random.chance(0.3),
    brokerOutages: some(2),
    partitionOutages: some(2),
    poisonedTickers: some(2),
    rebalances: some(8),
    streamFailures: some(2),
  }
}

export const planOf = (seed: number): { plan: Plan; random: Random } => {
  const random = createRandom(seed)
  const calm = random.chance(0.2)
  const sizes = size(random)
  if (!calm) return { plan: { calm, ...sizes, ...troubles(random) }, random }
  // A slow broker can outlast the leases of a replica that stops: then another one repeats what it was sending.
  const restarts = sizes.acknowledgeMaxMs === 0 ? random.int(0, 2) : 0
  return { plan: { calm, ...sizes, ...quiet, restarts }, random }
}
