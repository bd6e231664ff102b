// All that differs between the kinds of events, said once. A new kind is a row here and does not compile before it has one.

import type { Order } from '../domain/order.ts'
import type { EventKind } from '../store/outbox.ts'
import { encodeCancelled, encodePlaced } from './schema.ts'
import type { Topics } from './topics.ts'

type EventRow = {
  /** Of the events of one ticker that are read together, those of a lower rank are acknowledged before a higher one is sent. */
  rank: number
  /** Which of the topics it goes to. */
  topic: keyof Topics
  /** Its type in the words of CloudEvents. */
  ceType: string
  /** What `orders verify` calls it. */
  noun: string
  encode: (order: Order, occurredAt: Date) => string
}

export const eventTable = {
  PLACED: { rank: 0, topic: 'placed', ceType: 'order.placed.v1', noun: 'placement', encode: encodePlaced },
  CANCELLED: {
    rank: 1,
    topic: 'cancelled',
    ceType: 'order.cancelled.v1',
    noun: 'cancellation',
    encode: encodeCancelled,
  },
} as const satisfies Record<EventKind, EventRow>

export const kindsByRank: readonly EventKind[] = (Object.keys(eventTable) as EventKind[]).toSorted(
  (a, b) => eventTable[a].rank - eventTable[b].rank,
)

/** A value for each kind. */
export const forEachKind = <T>(of: (kind: EventKind) => T): Record<EventKind, T> =>
  Object.fromEntries(kindsByRank.map((kind) => [kind, of(kind)])) as Record<EventKind, T>
