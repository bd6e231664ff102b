// What Kafka's side adds to each kind of event (domain/events.ts): its topic and the encoder of its value.

import type { EventKind } from '../domain/events.ts'
import type { Order } from '../domain/order.ts'
import { encodeCancelled, encodePlaced } from './schema.ts'
import type { Topics } from './topics.ts'

type EventRow = {
  /** Which of the topics it goes to. */
  topic: keyof Topics
  encode: (order: Order, occurredAt: Date) => string
}

export const eventTable = {
  PLACED: { topic: 'placed', encode: encodePlaced },
  CANCELLED: { topic: 'cancelled', encode: encodeCancelled },
} as const satisfies Record<EventKind, EventRow>
