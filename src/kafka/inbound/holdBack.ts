// Holds the offsets of partitions with messages for orders that somebody has locked, until all of such a message has its disposition and its
// letters are written.

import type { OrderItems } from '../../app/byOrder.ts'
import type { LockedOrders } from '../../app/lockedOrders.ts'
import type { Source } from '../../store/fills.ts'
import { coordinatesText } from '../../wire/coordinates.ts'
import type { DeadLetter } from './deadLetters.ts'
import type { Hold, Messages } from './handle.ts'

/** How long a batch waits for orders that somebody has locked: longer than any statement of ours holds one, where Postgres is well. */
export const patienceMs = (hold: Hold | undefined): number => (hold === undefined ? Infinity : 1_000)

/** What waits, one collection for each signal: it ends with the consumer that it waits in. */
export const bySignal = <T>(create: (signal: AbortSignal) => T) => {
  const collections = new WeakMap<AbortSignal, T>()
  return (signal: AbortSignal): T => {
    const collection = collections.get(signal) ?? create(signal)
    collections.set(signal, collection)
    return collection
  }
}

/** Holds a partition until this is over, which makes letters. It may be that nobody waits for it any more: the partition was given away. */
export const holdUntil = (hold: Hold, partition: number, later: Promise<readonly DeadLetter[]>): void => {
  later.catch(() => undefined)
  hold(partition, later)
}

type HoldBack<I, O> = {
  left: readonly OrderItems<I>[]
  sourceOf: (item: I) => Source
  locked: LockedOrders<I, O>
  byPlace: Messages
  hold: Hold
}

/** Holds the partitions of these items. `settle` makes the letters of their outcomes. */
export const holdBack = <I, O>(
  { left, sourceOf, locked, byPlace, hold }: HoldBack<I, O>,
  settle: (outcomes: readonly O[], messages: Messages) => DeadLetter[],
): void => {
  // Their messages alone: nothing else has to be kept while they wait.
  const places = left.flatMap(({ items }) => items.map((item) => coordinatesText(sourceOf(item))))
  const messages: Messages = new Map(places.map((at) => [at, byPlace.get(at)!]))
  const later = locked.add(left).then((outcomes) => settle(outcomes, messages))
  for (const partition of new Set(messages.values().map((message) => message.partition)))
    holdUntil(
      hold,
      partition,
      later.then((letters) => letters.filter(({ source }) => source.partition === partition)),
    )
}
