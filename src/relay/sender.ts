// What the relay needs from a carrier of events. kafka/sender.ts is one such carrier; the tests have others.

import type { EventKind } from '../domain/events.ts'
import type { OutboxEvent } from '../store/outbox.ts'

/** The number of partitions of the topic of each kind. */
export type Partitions = Record<EventKind, number>

/** The result of a send. `acked`: events that are on the topic for good. `failed`: tickers that could not be sent, and why. */
export type SendReport = { acked: OutboxEvent[]; failed: Map<string, unknown> }

export type Sender = {
  /** Rejects while no broker answers. */
  partitions: () => Promise<Partitions>
  /** The partition of a ticker on a topic with this number of partitions. */
  partitionOf: (ticker: string, partitions: number) => number
  /** Sends events of one kind to one partition, in their order. It never rejects: the report says what went wrong. */
  send: (kind: EventKind, partition: number, events: readonly OutboxEvent[]) => Promise<SendReport>
}
