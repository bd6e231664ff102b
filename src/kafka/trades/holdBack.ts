// Holds the offsets of partitions with legs whose order somebody has locked, until these have their dispositions and their letters are written.

import type { LegOutcome, OrderLegs } from '../../app/fill.ts'
import type { LockedFills } from '../../app/lockedFills.ts'
import { coordinatesText } from '../../wire/coordinates.ts'
import type { DeadLetter } from '../inbound/deadLetters.ts'
import type { Hold, Messages } from '../inbound/handle.ts'

/** How long a batch waits for orders that somebody has locked: longer than any statement of ours holds one, where Postgres is well. */
export const patienceMs = (hold: Hold | undefined): number => (hold === undefined ? Infinity : 1_000)

/** The fills that wait, one collection for each signal: they end with the consumer that they wait in. */
export const lockedFillsBySignal = (create: (signal: AbortSignal) => LockedFills) => {
  const bySignal = new WeakMap<AbortSignal, LockedFills>()
  return (signal: AbortSignal): LockedFills => {
    const locked = bySignal.get(signal) ?? create(signal)
    bySignal.set(signal, locked)
    return locked
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

type HoldBack = { left: readonly OrderLegs[]; locked: LockedFills; byPlace: Messages; hold: Hold }

/** Holds the partitions of these legs. `settle` makes the letters of their outcomes. */
export const holdBack = (
  { left, locked, byPlace, hold }: HoldBack,
  settle: (outcomes: readonly LegOutcome[], messages: Messages) => DeadLetter[],
): void => {
  const messages = messagesOf(left, byPlace)
  const later = locked.add(left).then((outcomes) => settle(outcomes, messages))
  for (const partition of new Set(messages.values().map((message) => message.partition))) {
    const own = later.then((letters) => letters.filter(({ source }) => source.partition === partition))
    // It may be that nobody waits for it any more: the partition was given to another replica.
    own.catch(() => undefined)
    hold(partition, own)
  }
}
