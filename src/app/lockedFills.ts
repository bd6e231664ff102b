// Fills of orders that somebody has locked, such as a session that was forgotten within a transaction. They wait here, those of each order in
// the order they came, and hold up the fills of no other order.

import type { Database } from '../store/sql.ts'
import { applyUnlocked, type FillContext, type LegOutcome, type OrderLegs } from './fill.ts'
import { sleep } from './sleep.ts'

export type LockedFills = {
  /** Whether legs of this order wait, so that later ones have to wait behind them. */
  isBehind: (orderId: string) => boolean
  /** Resolves with the outcomes once these legs have their dispositions; rejects when the signal of the context is aborted. */
  add: (left: readonly OrderLegs[]) => Promise<LegOutcome[]>
  /** Resolves when more legs may be added, or the signal is aborted. */
  room: () => Promise<void>
}

/** Legs that wait. While there are as many, whoever has more has to wait too. */
const legsMax = 1_000
/** Orders that are tried at a time, and the pause after none of them could be had. */
const ordersMax = 100
const pauseMs = 100

/** For an operator. */
export class OrdersLocked extends Error {
  override name = 'OrdersLocked'
}

/** Legs of one order that were added together. `outcomes`: of those of them that have their dispositions. */
type Waiting = {
  group: OrderLegs
  outcomes: LegOutcome[]
  resolve: (outcomes: LegOutcome[]) => void
  reject: (error: unknown) => void
}
/** `queues`: by order, the next one to be tried first. `legs`: how many wait. */
type State = { db: Database; context: FillContext; queues: Map<string, Waiting[]>; legs: number; isRunning: boolean }

const note = (
  state: State,
  tried: readonly Waiting[],
  { outcomes, left }: Awaited<ReturnType<typeof applyUnlocked>>,
): void => {
  const { queues } = state
  const outcomesOf = Map.groupBy(outcomes, ({ leg }) => leg.orderId)
  const leftOf = Map.groupBy(left, ({ orderId }) => orderId)
  for (const waiting of tried) {
    const { orderId } = waiting.group
    const own = outcomesOf.get(orderId) ?? []
    state.legs -= own.length
    waiting.outcomes.push(...own)
    waiting.group = { orderId, legs: (leftOf.get(orderId) ?? []).flatMap(({ legs }) => legs) }
    const isSettled = waiting.group.legs.length === 0
    const queue = queues.get(orderId)!.slice(isSettled ? 1 : 0)
    // The orders that were not tried have their turn next.
    queues.delete(orderId)
    if (queue.length > 0) queues.set(orderId, queue)
    if (isSettled) waiting.resolve(waiting.outcomes)
  }
}

const run = async (state: State): Promise<void> => {
  const { db, context, queues } = state
  while (queues.size > 0) {
    const tried = [...queues.values()].slice(0, ordersMax).map(([first]) => first!)
    const groups = tried.map(({ group }) => group)
    const applied = await applyUnlocked(db, groups, context, { isBehind: () => false, patienceMs: 0 })
    note(state, tried, applied)
    const [first] = applied.left
    if (first === undefined) continue
    const text = `another session holds ${applied.left.length} orders locked, such as ${first.orderId}`
    context.onRetry(new OrdersLocked(text))
    if (applied.outcomes.length === 0) await sleep(pauseMs, context.signal)
  }
}

const giveUp =
  (state: State) =>
  (error: unknown): void => {
    for (const { reject } of [...state.queues.values()].flat()) reject(error)
    state.queues.clear()
    state.legs = 0
  }

const start = (state: State): void => {
  if (state.isRunning) return
  state.isRunning = true
  void run(state)
    .catch(giveUp(state))
    .finally(() => (state.isRunning = false))
}

const addOne = (state: State, group: OrderLegs): Promise<LegOutcome[]> => {
  const { promise, resolve, reject } = Promise.withResolvers<LegOutcome[]>()
  const { queues } = state
  queues.set(group.orderId, [...(queues.get(group.orderId) ?? []), { group, outcomes: [], resolve, reject }])
  state.legs += group.legs.length
  return promise
}

export const createLockedFills = (db: Database, context: FillContext): LockedFills => {
  const state: State = { db, context, queues: new Map(), legs: 0, isRunning: false }
  return {
    isBehind: (orderId) => state.queues.has(orderId),
    async add(left) {
      const all = Promise.all(left.map((group) => addOne(state, group)))
      start(state)
      return (await all).flat()
    },
    async room() {
      while (state.legs >= legsMax && !context.signal.aborted) await sleep(pauseMs, context.signal)
    },
  }
}
