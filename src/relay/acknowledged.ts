// Deletes the events that the broker acknowledged from the outbox, exactly these, and keeps them from being sent again after a read whose
// snapshot is older than their deletion.

import { sleep } from '../app/sleep.ts'
import { isLockTimeout } from '../store/faults.ts'
import { deleteEvents, vacuumOutbox, type OutboxEvent } from '../store/outbox.ts'
import type { Database } from '../store/sql.ts'
import { describe, type Log } from '../telemetry/log.ts'
import { createLockedEvents, type AcknowledgedEvent } from './lockedEvents.ts'

export type Acknowledged = {
  add: (events: readonly OutboxEvent[]) => void
  /** Whether an event that was just read is already acknowledged. */
  has: (event: OutboxEvent) => boolean
  /** Call it before every read: an event that is already deleted then cannot appear in the read. */
  beforeRead: () => void
  /** Whether an event of this shard may still stand in the outbox. */
  holds: (shard: number) => boolean
  /** Those whose rows a session of somebody else has locked: they stay in the outbox for as long. */
  locked: ReadonlySet<AcknowledgedEvent>
  /** Resolves when everything acknowledged is deleted, but for what is locked. */
  deleted: () => Promise<void>
}

const errorPauseMs = 250
/** The partitions of a wave are acknowledged shortly one after the other; one statement deletes the events of all. */
const lingerMs = 3
const vacuumEvery = 20_000

/** Autovacuum runs once a minute at most; at full speed 100 MB of dead events gather in a minute. */
const createVacuum = (db: Database, log: Log): ((deletions: number) => void) => {
  let sinceLast = 0
  let running = false
  return (deletions) => {
    sinceLast += deletions
    if (running || sinceLast < vacuumEvery) return
    running = true
    sinceLast = 0
    void db
      .run(vacuumOutbox)
      .catch((error: unknown) => log.rarely('warn', 'vacuum', 'the outbox could not be vacuumed', describe(error)))
      .finally(() => (running = false))
  }
}

/** `nowMs`: a monotonic clock. */
export const createAcknowledged = (db: Database, nowMs: () => number, log: Log): Acknowledged => {
  /** By the id of the event, the shard of each that a read may still return. */
  const shardOf = new Map<string, number>()
  let waiting: AcknowledgedEvent[] = []
  let deletedSinceRead: AcknowledgedEvent[] = []
  let deleting: Promise<void> | null = null
  const countDeletions = createVacuum(db, log)

  const onDeleted = (events: readonly AcknowledgedEvent[]): void => {
    deletedSinceRead.push(...events)
    countDeletions(events.length)
  }
  const locked = createLockedEvents({ db, onDeleted, nowMs, log })

  const deleteOrKeep = async (events: readonly AcknowledgedEvent[]): Promise<void> => {
    try {
      await db.run((sql) => deleteEvents(sql, events))
      onDeleted(events)
    } catch (error) {
      if (!isLockTimeout(error)) throw error
      await locked.take(events)
    }
  }

  const deleteWaiting = async (): Promise<void> => {
    while (waiting.length > 0) {
      await sleep(lingerMs)
      const events = waiting.slice()
      try {
        await deleteOrKeep(events)
        waiting = waiting.slice(events.length)
      } catch (error) {
        log.rarely('warn', 'outbox delete', 'published events could not be deleted yet', describe(error))
        await sleep(errorPauseMs)
      }
    }
    deleting = null
  }

  return {
    add(events) {
      for (const { position, eventId, shard, order } of events) {
        shardOf.set(eventId, shard)
        waiting.push({ position, eventId, shard, ticker: order.ticker })
      }
      if (waiting.length > 0) deleting ??= deleteWaiting()
    },
    has: ({ eventId }) => shardOf.has(eventId),
    beforeRead() {
      for (const { eventId } of deletedSinceRead) shardOf.delete(eventId)
      deletedSinceRead = []
      locked.retry()
    },
    holds: (shard) => shardOf.values().some((other) => other === shard),
    locked: locked.kept,
    async deleted() {
      await deleting
      await locked.tried()
    },
  }
}
