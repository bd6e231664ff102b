// Stops whose price was met while somebody had them locked, such as a session that was forgotten within a transaction. They are tried again
// here, and hold up neither fills nor other stops.

import { OrdersLocked } from './lockedOrders.ts'
import { SettleAborted } from './settle.ts'
import { sleep } from './sleep.ts'
import { triggerByTrades, type Due, type StopContext, type StopPools } from './stops.ts'

export type LockedStops = {
  /** The stops that wait here, by id. */
  ids: () => readonly string[]
  /** Whether no more stops should be left, but waited for. */
  isFull: () => boolean
  /** Resolves when each of these stops was triggered, or no longer waits for its price; rejects when the signal of the context is aborted. */
  add: (left: readonly Due[], context: StopContext) => Promise<void>
}

/** Stops that are left at a time: with as many, more than a forgotten session is wrong. */
const stopsMax = 1_000
const pauseMs = 250

const idsOf = (stops: readonly Due[]): Set<string> => new Set(stops.map(({ orderId }) => orderId))

export const createLockedStops = (pools: StopPools): LockedStops => {
  const waiting = new Set<string>()
  return {
    ids: () => [...waiting],
    isFull: () => waiting.size >= stopsMax,
    async add(left, context) {
      let rest = left
      try {
        while (rest.length > 0) {
          for (const id of idsOf(rest)) waiting.add(id)
          const text = `another session holds ${rest.length} stops locked, such as ${rest[0]!.orderId}`
          context.onRetry(new OrdersLocked(text))
          await sleep(pauseMs, context.signal)
          if (context.signal.aborted) throw new SettleAborted('stopped before these stops could be had')
          const trades = [...new Set(rest.map(({ received }) => received))]
          const own = idsOf(rest)
          const except = [...waiting.difference(own)]
          rest = await triggerByTrades(pools, trades, { ...context, except, locked: 'pass' })
          for (const id of own.difference(idsOf(rest))) waiting.delete(id)
        }
      } finally {
        for (const id of idsOf(rest)) waiting.delete(id)
      }
    },
  }
}
