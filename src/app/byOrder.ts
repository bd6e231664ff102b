// Settles what came in for orders, order by order. What is for an order that somebody else has locked can be left.

import { untilSettled, type SettleContext, type Settler } from './settle.ts'

/** What came in for one order, in the order it came: legs of trades, or reports. */
export type OrderItems<I> = { orderId: string; items: readonly I[] }

/** What becomes of items whose order somebody else has locked. */
export type Leaving = {
  /** Whether the items of an order have to wait behind others. */
  isBehind: (orderId: string) => boolean
  /** How long to wait for locked orders, in milliseconds, before their items are left. */
  patienceMs: number
}

/** Waits for locked orders. */
export const leaveNone: Leaving = { isBehind: () => false, patienceMs: Infinity }

/** `left`: items without an outcome, in the order in which each order's came. */
export type Applied<I, O> = { outcomes: O[]; left: OrderItems<I>[] }

/**
 * Two parts to settle one after the other: each with half of the orders or, if there is only one order, half of its items. Null: there is
 * only one item.
 */
const halve = <I>(groups: readonly OrderItems<I>[]): [OrderItems<I>[], OrderItems<I>[]] | null => {
  const half = groups.length >> 1
  if (half > 0) return [groups.slice(0, half), groups.slice(half)]
  const [{ orderId, items }] = groups as readonly [OrderItems<I>]
  const earlier = items.length >> 1
  if (earlier === 0) return null
  return [[{ orderId, items: items.slice(0, earlier) }], [{ orderId, items: items.slice(earlier) }]]
}

/**
 * Gives items their outcomes, but for those of orders that stay locked, and of those that wait behind others. While Postgres is away it waits
 * and tries again; only the signal ends it early, with SettleAborted.
 */
export const settleByOrder = async <I, O>(
  groups: readonly OrderItems<I>[],
  { attempt, unstorable }: Pick<Settler<OrderItems<I>, O>, 'attempt' | 'unstorable'>,
  context: SettleContext,
  { isBehind, patienceMs }: Leaving,
): Promise<Applied<I, O>> => {
  const left: OrderItems<I>[] = []
  const leftIds = new Set<string>()
  const startedAt = performance.now()
  const waits = ({ orderId }: OrderItems<I>): boolean => leftIds.has(orderId) || isBehind(orderId)
  const outcomes = await untilSettled<OrderItems<I>, O>(
    groups,
    {
      async attempt(some) {
        left.push(...some.filter((group) => waits(group)))
        const free = some.filter((group) => !waits(group))
        return free.length === 0 ? { settled: [], again: [] } : attempt(free)
      },
      leave(again) {
        if (performance.now() - startedAt < patienceMs) return false
        left.push(...again)
        for (const { orderId } of again) leftIds.add(orderId)
        return true
      },
      halve,
      unstorable,
    },
    context,
  )
  return { outcomes, left }
}
