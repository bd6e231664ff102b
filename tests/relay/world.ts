// A database of its own with any number of relays on it, all of one test.

import { cancelBatch } from '../../src/app/cancel.ts'
import { createRelay, type Relay } from '../../src/relay/relay.ts'
import type { Sender } from '../../src/relay/sender.ts'
import type { Database } from '../../src/store/sql.ts'
import { aPlacement, anEvent, byRequest } from '../support/builders.ts'
import { createDatabase } from '../support/database.ts'
import { quietLog } from '../support/quietLog.ts'
import { placeAll } from '../support/storeOrders.ts'
import { until } from '../support/until.ts'

export type RelayWorld = Awaited<ReturnType<typeof createRelayWorld>>

/** So long that nobody is too slow to renew a lease: all relays are in this process, and the machine may be busy. */
const patientTtlMs = 10_000
/** In this time each relay renews its leases a few times. */
export const renewalsMs = (3 * patientTtlMs) / 5

export const createRelayWorld = async () => {
  const database = await createDatabase()
  const db = database.open({ connections: 6 }, { ...database.target, applicationName: 'relay' })
  const running: { stopping: AbortController; done: Promise<void> }[] = []
  const waiting = async (): Promise<string[]> =>
    (await database.sql`select order_id from outbox order by position`).map((row) => String(row['order_id']))

  /** Of the relays that are started from now on. */
  const leases = { ttlMs: patientTtlMs }
  return {
    database,
    db,
    leases,
    start(sender: Sender, through: Database = db) {
      const { log, lines } = quietLog()
      const stopping = new AbortController()
      const replicaId = crypto.randomUUID()
      const relay = createRelay({
        db: through,
        sender,
        replicaId,
        version: 'test',
        leaseTtlMs: leases.ttlMs,
        batchMax: 100,
        inFlightMax: 1_000,
        log,
      })
      const done = relay.run(stopping.signal)
      running.push({ stopping, done })
      return { relay, lines, stopping, done }
    },
    /** Stores orders of these tickers, in this order, in one batch of this relay's replica; answers their ids. */
    async place(relay: Relay, ...tickers: string[]): Promise<string[]> {
      const placements = tickers.map((ticker) => aPlacement({ ticker }))
      await placeAll(db, placements, relay.ring)
      return placements.map(({ order }) => order.id)
    },
    cancel: (relay: Relay, ...ids: string[]) =>
      cancelBatch(
        db,
        ids.map((id) => ({ id, cause: byRequest.cause, event: anEvent() })),
        { again: false, now: new Date(), onCommitted: relay.ring },
      ),
    /** The orders of the events that wait. */
    waiting,
    drained: () => until(async () => (await waiting()).length === 0, { what: 'the outbox is empty' }),
    async stop() {
      for (const { stopping } of running) stopping.abort()
      await Promise.all(running.map(({ done }) => done))
      await database.drop()
    },
  }
}
