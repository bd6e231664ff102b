// Holds the offsets of partitions with legs or stops whose order somebody has locked, until the legs have their dispositions and their letters
// are written, and the stops are triggered.

import type { LegOutcome, OrderLegs } from '../../app/fill.ts'
import type { LockedFills } from '../../app/lockedFills.ts'
import type { Due } from '../../app/stops.ts'
import { coordinatesText } from '../../wire/coordinates.ts'
import type { DeadLetter } from '../inbound/deadLetters.ts'
import type { Hold, Messages } from '../inbound/handle.ts'

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

/** The messages of these legs, alone: nothing else has to be kept while they wait. */
const messagesOf = (left: readonly OrderLegs[], byPlace: Messages): Messages =>
  new Map(
    left.flatMap(({ legs }) =>
      legs.map(({ received }) => {
        const at = coordinatesText(received.source)
        return [at, byPlace.get(at)!] as const
      }),
    ),
  )

/** Holds a partition until this is over, which makes letters. It may be that nobody waits for it any more: the partition was given away. */
const holdUntil = (hold: Hold, partition: number, later: Promise<readonly DeadLetter[]>): void => {
  later.catch(() => undefined)
  hold(partition, later)
}

type HoldBack = { left: readonly OrderLegs[]; locked: LockedFills; byPlace: Messages; hold: Hold }

/** Holds the partitions of these legs. `settle` makes the letters of their outcomes. */
export const holdBack = (
  { left, locked, byPlace, hold }: HoldBack,
  settle: (outcomes: readonly LegOutcome[], messages: Messages) => DeadLetter[],
): void => {
  const messages = messagesOf(left, byPlace)
  const later = locked.add(left).then((outcomes) => settle(outcomes, messages))
  for (const partition of new Set(messages.values().map((message) => message.partition)))
    holdUntil(
      hold,
      partition,
      later.then((letters) => letters.filter(({ source }) => source.partition === partition)),
    )
}

/** Holds the partitions of the trades whose stops are left, until each of these was had. */
export const holdStops = (left: readonly Due[], hold: Hold, over: Promise<void>): void => {
  for (const partition of new Set(left.map(({ received }) => received.source.partition)))
    holdUntil(
      hold,
      partition,
      over.then(() => []),
    )
}
