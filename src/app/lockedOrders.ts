// What came in for orders that somebody has locked, such as a session that was forgotten within a transaction: legs of trades, or reports. It
// waits here, that of each order in the order it came, and holds up no other order.

import type { Applied, Leaving, OrderItems } from './byOrder.ts'
import type { SettleContext } from './settle.ts'
import { sleep } from './sleep.ts'

export type LockedOrders<I, O> = {
  /** Whether items of this order wait, so that later ones have to wait behind them. */
  isBehind: (orderId: string) => boolean
  /** Resolves with the outcomes once these items have them; rejects when the signal of the context is aborted. */
  add: (left: readonly OrderItems<I>[]) => Promise<O[]>
  /** Resolves when more items may be added, or the signal is aborted. */
  room: () => Promise<void>
}

/** How such items are applied. */
export type LockedKind<I, O> = {
  apply: (groups: readonly OrderItems<I>[], leaving: Leaving) => Promise<Applied<I, O>>
  orderIdOf: (outcome: O) => string
}

/** Items that wait. While there are as many, whoever has more has to wait too. */
const itemsMax = 1_000
/** Orders that are tried at a time, and the pause after none of them could be had. */
const ordersMax = 100
const pauseMs = 100

/** For an operator. */
export class OrdersLocked extends Error {
  override name = 'OrdersLocked'
}

/** Items of one order that were added together. `outcomes`: of those of them that have theirs. */
type Waiting<I, O> = {
  group: OrderItems<I>
  outcomes: O[]
  resolve: (outcomes: O[]) => void
  reject: (error: unknown) => void
}
/** `queues`: by order, the next one to be tried first. `items`: how many wait. */
type State<I, O> = {
  kind: LockedKind<I, O>
  context: SettleContext
  queues: Map<string, Waiting<I, O>[]>
  items: number
  isRunning: boolean
}

const note = <I, O>(state: State<I, O>, tried: readonly Waiting<I, O>[], { outcomes, left }: Applied<I, O>): void => {
  const { queues, kind } = state
  const outcomesOf = Map.groupBy(outcomes, kind.orderIdOf)
  const leftOf = Map.groupBy(left, ({ orderId }) => orderId)
  for (const waiting of tried) {
    const { orderId } = waiting.group
    const own = outcomesOf.get(orderId) ?? []
    state.items -= own.length
    waiting.outcomes.push(...own)
    waiting.group = { orderId, items: (leftOf.get(orderId) ?? []).flatMap(({ items }) => items) }
    const isSettled = waiting.group.items.length === 0
    const queue = queues.get(orderId)!.slice(isSettled ? 1 : 0)
    // The orders that were not tried have their turn next.
    queues.delete(orderId)
    if (queue.length > 0) queues.set(orderId, queue)
    if (isSettled) waiting.resolve(waiting.outcomes)
  }
}

/** Tries the first of each order, of so many orders. */
const tryOnce = async <I, O>(state: State<I, O>): Promise<void> => {
  const { kind, context, queues } = state
  const tried = [...queues.values()].slice(0, ordersMax).map(([first]) => first!)
  const groups = tried.map(({ group }) => group)
  const applied = await kind.apply(groups, { isBehind: () => false, patienceMs: 0 })
  note(state, tried, applied)
  const [first] = applied.left
  if (first === undefined) return
  const text = `another session holds ${applied.left.length} orders locked, such as ${first.orderId}`
  context.onRetry(new OrdersLocked(text))
  if (applied.outcomes.length === 0) await sleep(pauseMs, context.signal)
}

const giveUp = <I, O>(state: State<I, O>, error: unknown): void => {
  for (const { reject } of [...state.queues.values()].flat()) reject(error)
  state.queues.clear()
  state.items = 0
}

/** It ends in the very turn in which it sees that nothing waits: whoever adds something later starts it again. */
const run = async <I, O>(state: State<I, O>): Promise<void> => {
  state.isRunning = true
  try {
    while (state.queues.size > 0) await tryOnce(state)
  } catch (error) {
    giveUp(state, error)
  } finally {
    state.isRunning = false
  }
}

const addOne = <I, O>(state: State<I, O>, group: OrderItems<I>): Promise<O[]> => {
  const { promise, resolve, reject } = Promise.withResolvers<O[]>()
  const { queues } = state
  queues.set(group.orderId, [...(queues.get(group.orderId) ?? []), { group, outcomes: [], resolve, reject }])
  state.items += group.items.length
  return promise
}

export const createLockedOrders = <I, O>(kind: LockedKind<I, O>, context: SettleContext): LockedOrders<I, O> => {
  const state: State<I, O> = { kind, context, queues: new Map(), items: 0, isRunning: false }
  return {
    isBehind: (orderId) => state.queues.has(orderId),
    async add(left) {
      const all = Promise.all(left.map((group) => addOne(state, group)))
      if (!state.isRunning) void run(state)
      return (await all).flat()
    },
    async room() {
      while (state.items >= itemsMax && !context.signal.aborted) await sleep(pauseMs, context.signal)
    },
  }
}
