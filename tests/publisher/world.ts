// A database of its own with any number of publishers on it, and a topic in memory that a test can break.

import { cancelBatch } from '../../src/app/cancel.ts'
import { partitionOf } from '../../src/kafka/partition.ts'
import { createPublisher, type Publisher } from '../../src/publisher/publisher.ts'
import type { LogMessage, LogSender } from '../../src/publisher/sender.ts'
import type { Database } from '../../src/store/sql.ts'
import { aPlacement, anEvent, byRequest } from '../support/builders.ts'
import { createDatabase } from '../support/database.ts'
import { logIdsOf } from '../support/logRows.ts'
import { quietLog } from '../support/quietLog.ts'
import { placeAll } from '../support/storeOrders.ts'
import { until } from '../support/until.ts'

export type Sent = LogMessage & { partition: number }

const partitionCount = 3
/** So long that nobody is too slow to renew the lease: the machine may be busy. Who stops gives it back. */
const patientTtlMs = 10_000

/** A topic in memory. `refuse`: why a partition does not take these messages now; null: it does. */
const createTopic = () => {
  const sent: Sent[] = []
  const topic = {
    sent,
    /** The first occurrence of each event. */
    firsts: (): Sent[] =>
      [...new Map(sent.toReversed().map((message) => [message.eventId, message])).values()].toReversed(),
    refuse: (_partition: number, _messages: readonly LogMessage[]): Error | null => null,
    /** How many messages of a refused request, from its first one on, are taken and acknowledged. */
    acked: 0,
    /** Messages behind those that arrive all the same. */
    takenAnyway: 0,
    sender: undefined as unknown as LogSender,
  }
  topic.sender = {
    partitions: async () => partitionCount,
    partitionOf,
    async send(partition, messages) {
      await Bun.sleep(0)
      const refusal = topic.refuse(partition, messages)
      const acked = refusal === null ? messages.length : Math.min(topic.acked, messages.length)
      const some = refusal === null ? messages : messages.slice(0, acked + topic.takenAnyway)
      sent.push(...some.map((message) => ({ ...message, partition })))
      return { acked, error: refusal }
    },
  }
  return topic
}

export const createPublisherWorld = async () => {
  const database = await createDatabase()
  const { sql } = database
  const db = database.open({ connections: 6 })
  const open = (): Database => database.open({ plans: 'log', connections: 2 })
  const topic = createTopic()
  const running: { publisher: Publisher; stop: () => Promise<void> }[] = []
  const ring = (): void => running.forEach(({ publisher }) => publisher.ring())

  const start = (options: { batchMax?: number; leaseTtlMs?: number; through?: Database; sender?: LogSender } = {}) => {
    const { log, lines } = quietLog()
    const stopping = new AbortController()
    const publisher = createPublisher({
      db: options.through ?? open(),
      sender: options.sender ?? topic.sender,
      replicaId: crypto.randomUUID(),
      leaseTtlMs: options.leaseTtlMs ?? patientTtlMs,
      batchMax: options.batchMax ?? 100,
      clock: () => performance.now(),
      log,
    })
    const done = publisher.run(stopping.signal)
    const stop = async (): Promise<void> => {
      stopping.abort()
      await done
    }
    running.push({ publisher, stop })
    return { publisher, lines, stop }
  }

  return {
    database,
    sql,
    db,
    open,
    topic,
    start,
    /** Starts one and waits until it publishes: events from now on are on the topic. */
    async begin(options: Parameters<typeof start>[0] = {}) {
      const one = start(options)
      await until(async () => (await sql`select from event_publication limit 1`).length > 0, {
        what: 'a place is kept',
      })
      return one
    },
    async place(...tickers: string[]): Promise<string[]> {
      const placements = tickers.map((ticker) => aPlacement({ ticker }))
      await placeAll(db, placements, ring)
      return placements.map(({ order }) => order.id)
    },
    cancel: (...ids: string[]) =>
      cancelBatch(
        db,
        ids.map((id) => ({ id, cause: byRequest.cause, event: anEvent() })),
        { again: false, now: new Date(), onCommitted: ring },
      ),
    /** Resolves when the topic has these events, by their ids. */
    has: (ids: readonly string[]) =>
      until(
        () => {
          const there = new Set(topic.sent.map(({ eventId }) => eventId))
          return ids.every((id) => there.has(id))
        },
        { what: `the topic has ${ids.length} events` },
      ),
    /** The ids of all events that the log has, but those of before it. */
    logged: () => logIdsOf(database),
    async stop() {
      await Promise.all(running.map((one) => one.stop()))
      await database.drop()
    },
  }
}
export type PublisherWorld = Awaited<ReturnType<typeof createPublisherWorld>>
