// The publisher: log → order.event.v1. One replica at a time reads the log from the place that was kept last, sends what it finds, and keeps
// the new place once all of it is acknowledged. So events may come again, under the same id, and none is left out.

import { createBell, sleep } from '../app/sleep.ts'
import type { Place } from '../store/log.ts'
import { savePublicationPlace } from '../store/publication.ts'
import type { Database } from '../store/sql.ts'
import { encodeCursor } from '../tail/cursor.ts'
import { describe, type Log } from '../telemetry/log.ts'
import { writeEvent } from '../wire/event.ts'
import { deliver } from './delivery.ts'
import { createPublicationLease } from './lease.ts'
import { createLogReader, type Batch } from './reader.ts'
import type { LogMessage, LogSender } from './sender.ts'

export type PublisherOptions = {
  /** A pool for reads of the log. */
  db: Database
  sender: LogSender
  replicaId: string
  leaseTtlMs: number
  /** Events per read. */
  batchMax: number
  /** Milliseconds that only go up. */
  clock: () => number
  log: Log
}

export type PublisherState = {
  /** Whether this replica publishes. */
  held: boolean
  /** Events that the brokers acknowledged, those that came again included. */
  published: number
  /** How long the oldest event has waited that was read and is not acknowledged, or for how long the log could not be read. */
  oldestAgeMs: number
  /** Why nothing is published now; null: nothing is in the way, or another replica publishes. */
  obstacle: string | null
}

export type Publisher = {
  /** A commit added to the log: look at once. */
  ring: () => void
  run: (signal: AbortSignal) => Promise<void>
  state: () => PublisherState
}

const pollMs = { first: 20, last: 200 }
/** Between reads of a busy log, so that a read, a request for each partition and a place that is kept serve many events. */
const gatherMs = 20
const errorPauseMs = 250

const messageOf = ({ history }: Batch['rows'][number]): LogMessage => ({
  ticker: history.order.ticker,
  // What a consumer can make by itself from the value.
  eventId: `${history.order.id}.${history.order.version}`,
  at: history.at,
  value: writeEvent(history),
})

export const createPublisher = (options: PublisherOptions): Publisher => {
  const { db, sender, replicaId, leaseTtlMs, batchMax, clock, log } = options
  const bell = createBell()
  const lease = createPublicationLease({ db, replicaId, ttlMs: leaseTtlMs, clock, onTaken: () => bell.ring(), log })
  const reader = createLogReader({ db, batchMax, log })
  let published = 0
  let obstacle: string | null = null
  let oldest: Date | null = null
  let readAt = clock()
  let isPublishing = false

  const save = async (place: Place): Promise<boolean> => {
    const cursor = encodeCursor(place, lease.time().getTime())
    return db.run((sql) => savePublicationPlace(sql, { replicaId, epoch: place.epoch, cursor }))
  }

  /** Publishes a batch. Null: the lease is gone, or the process stops. */
  const publish = async ({ rows, place }: Batch, signal: AbortSignal): Promise<Place | null> => {
    oldest = rows[0]?.history.at ?? null
    const goesOn = (): boolean => lease.held() && !signal.aborted
    const onObstacle = (next: string | null): void => {
      obstacle = next
    }
    const messages = rows.map(messageOf)
    const isSent = await deliver({ sender, log, goesOn, onObstacle }, messages, { time: lease.time, signal })
    if (!isSent) return null
    published += messages.length
    if (!(await save(place))) return null
    oldest = null
    return place
  }

  /** In a backlog the next batch is read while this one is sent. What fails then is thrown when that batch is taken. */
  const ahead = ({ more, place }: Batch): Promise<Batch> | null => {
    const next = more ? reader.next(place) : null
    next?.catch(() => undefined)
    return next
  }

  /** Publishes from the kept place on, until the lease ends or something fails. */
  const follow = async (signal: AbortSignal): Promise<void> => {
    if (!lease.held()) return
    isPublishing = true
    let next: Promise<Batch> | null = reader.begin()
    let place: Place | null = null
    let idleMs = pollMs.first
    while (lease.held() && !signal.aborted) {
      const batch: Batch = await (next ?? reader.next(place!))
      readAt = clock()
      obstacle = null
      next = ahead(batch)
      const isNew: boolean = batch.rows.length > 0 || place === null
      place = isNew ? await publish(batch, signal) : batch.place
      if (place === null) return
      idleMs = isNew ? pollMs.first : Math.min(pollMs.last, idleMs * 2)
      if (next !== null) continue
      if (batch.rows.length === 0) await bell.wait(idleMs, signal)
      else await sleep(gatherMs, signal)
    }
  }

  const awaitLease = async (signal: AbortSignal): Promise<void> => {
    if (isPublishing) log.info('this replica does not publish the log any more')
    isPublishing = false
    await bell.wait(leaseTtlMs / 5, signal)
  }

  const run = async (signal: AbortSignal): Promise<void> => {
    while (!signal.aborted) {
      readAt = clock()
      oldest = null
      // Whatever was in memory is dropped with the connection: the kept place is the truth.
      await follow(signal).catch((error: unknown) => {
        const fields = describe(error)
        obstacle = fields.error
        log.rarely('warn', 'publisher', 'the log cannot be published now; its events wait', fields)
      })
      if (lease.held()) await sleep(errorPauseMs, signal)
      else await awaitLease(signal)
    }
  }

  return {
    ring: () => {
      if (lease.held()) bell.ring()
    },
    async run(signal) {
      const leasing = new AbortController()
      const renewals = lease.run(leasing.signal)
      await run(signal)
      leasing.abort()
      await renewals
      await lease
        .release()
        .catch((error: unknown) => log.warn('the lease to publish the log ends by itself', describe(error)))
    },
    state() {
      const held = lease.held()
      const waitedMs = oldest === null ? 0 : lease.time().getTime() - oldest.getTime()
      const silentMs = obstacle === null ? 0 : clock() - readAt
      return {
        held,
        published,
        oldestAgeMs: held ? Math.max(0, waitedMs, silentMs) : 0,
        obstacle: held ? obstacle : null,
      }
    },
  }
}
