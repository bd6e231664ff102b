// Events that the broker acknowledged, and whose rows a session of somebody else has locked in the outbox. They are kept apart and tried again now
// and then, so that they hold up the deletion of no other.

import { isLockTimeout } from '../store/faults.ts'
import type { SetAsideTicker } from '../store/leases.ts'
import { deleteFreeEvents, type EventPlace } from '../store/outbox.ts'
import type { Database } from '../store/sql.ts'
import { describe, type Log } from '../telemetry/log.ts'

export type AcknowledgedEvent = EventPlace & SetAsideTicker

export type LockedEvents = {
  /** Deletes those that nobody has locked, and keeps the others. Throws, and keeps none, while the table itself cannot be had. */
  take: (events: readonly AcknowledgedEvent[]) => Promise<void>
  /** Tries those that are kept again, unless it did so a moment ago. */
  retry: () => void
  kept: ReadonlySet<AcknowledgedEvent>
  /** Resolves when none of them is being tried. */
  tried: () => Promise<void>
}

export type LockedEventsOptions = {
  db: Database
  onDeleted: (events: readonly AcknowledgedEvent[]) => void
  /** Monotonic milliseconds. */
  nowMs: () => number
  log: Log
}

const retryEveryMs = 1_000
/** A session may have locked thousands of rows. What an attempt has not come to by then comes first in the next one. */
const timeoutsMax = 200

export const createLockedEvents = ({ db, onDeleted, nowMs, log }: LockedEventsOptions): LockedEvents => {
  /** In the order in which they are tried. */
  const kept = new Set<AcknowledgedEvent>()
  let trying: Promise<void> | null = null
  let triedAt = -Infinity

  /** Halves what fails, until a locked row stands alone: that one goes behind the others. */
  const deleteFree = async (events: readonly AcknowledgedEvent[]): Promise<void> => {
    const parts = [events]
    for (let timeouts = 0; parts.length > 0 && timeouts < timeoutsMax;) {
      const part = parts.pop()!
      try {
        await db.run((sql) => deleteFreeEvents(sql, part))
        for (const event of part) kept.delete(event)
        onDeleted(part)
      } catch (error) {
        if (!isLockTimeout(error)) throw error
        timeouts++
        const half = part.length >> 1
        if (half > 0) parts.push(part.slice(half), part.slice(0, half))
        else for (const event of part) if (kept.delete(event)) kept.add(event)
      }
    }
  }

  const tryAll = async (events: readonly AcknowledgedEvent[]): Promise<void> => {
    try {
      await deleteFree(events)
      const [first] = kept
      const what = 'a session holds published events of the outbox locked; the others go on'
      if (first !== undefined) log.rarely('warn', 'locked events', what, { events: kept.size, ticker: first.ticker })
    } catch (error) {
      log.rarely('warn', 'outbox delete', 'published events could not be deleted yet', describe(error))
    }
    trying = null
  }

  return {
    kept,
    async take(events) {
      // It meets no row. So if it fails, the lock is one of the table, and no row is to blame.
      await db.run((sql) => deleteFreeEvents(sql, []))
      await trying
      for (const event of events) kept.add(event)
      await (trying = tryAll(events))
    },
    retry() {
      if (trying !== null || kept.size === 0 || nowMs() - triedAt < retryEveryMs) return
      triedAt = nowMs()
      trying = tryAll([...kept])
    },
    tried: () => trying ?? Promise.resolve(),
  }
}
