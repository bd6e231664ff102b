// What the relay needs of whatever carries events: kafka/sender.ts is it, and the tests have others.

import type { EventKind } from '../domain/events.ts'
import type { OutboxEvent } from '../store/outbox.ts'

/** The number of partitions of the topic of each kind. */
export type Partitions = Record<EventKind, number>

/** What became of a send: `acked` are on the topic for good. `failed`: tickers that could not be sent, and why. */
export type SendReport = { acked: OutboxEvent[]; failed: Map<string, unknown> }

export type Sender = {
  /** Rejects while no broker answers. */
  partitions: () => Promise<Partitions>
  /** The partition of a ticker on a topic that has so many. */
  partitionOf: (ticker: string, partitions: number) => number
  /** Sends events of one kind to one partition, in their order. Whatever went wrong is in the report; it does not reject. */
  send: (kind: EventKind, partition: number, events: readonly OutboxEvent[]) => Promise<SendReport>
}
