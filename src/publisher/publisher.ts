// The publisher: log → order.event.v1. One replica at a time reads the log from the place that was kept last, sends what it finds, and keeps
// the new place once all of it is acknowledged. So events may come again, under the same id, and none is left out.

import { createBell, sleep, type Bell } from '../app/sleep.ts'
import type { Place } from '../store/log.ts'
import { savePublicationPlace } from '../store/publication.ts'
import type { Database } from '../store/sql.ts'
import { encodeCursor } from '../tail/cursor.ts'
import { describe, type Log } from '../telemetry/log.ts'
import { writeEvent } from '../wire/event.ts'
import { deliver } from './delivery.ts'
import { createPublicationLease, type PublicationLeaseKeeper } from './lease.ts'
import { createLogReader, type Batch, type LogReader } from './reader.ts'
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

/** `oldest`: the time of the oldest event that was read and is not kept as published. `readAt`: when the log was read last, by the clock. */
type Running = {
  options: PublisherOptions
  lease: PublicationLeaseKeeper
  reader: LogReader
  bell: Bell
  published: number
  obstacle: string | null
  oldest: Date | null
  readAt: number
  isPublishing: boolean
}

/** Publishes a batch and keeps its place. Null: the lease is gone, or the process stops. */
const publish = async (running: Running, { rows, place }: Batch, signal: AbortSignal): Promise<Place | null> => {
  const { options, lease } = running
  const { sender, log, db, replicaId } = options
  running.oldest = rows[0]?.history.at ?? null
  const goesOn = (): boolean => lease.held() && !signal.aborted
  const onObstacle = (obstacle: string | null): void => {
    running.obstacle = obstacle
  }
  const messages = rows.map(messageOf)
  if (!(await deliver({ sender, log, goesOn, onObstacle }, messages, { time: lease.time, signal }))) return null
  running.published += messages.length
  const cursor = encodeCursor(place, lease.time().getTime())
  const isKept = await db.run((sql) => savePublicationPlace(sql, { replicaId, epoch: place.epoch, cursor }))
  if (!isKept) return null
  running.oldest = null
  return place
}

/** In a backlog the next batch is read while this one is sent. What fails then is thrown when that batch is taken. */
const readAhead = ({ reader }: Running, { more, place }: Batch): Promise<Batch> | null => {
  const next = more ? reader.next(place) : null
  next?.catch(() => undefined)
  return next
}

/** From here on its age counts. What fails later is tried again, and must not make it young. */
const takeOver = (running: Running): void => {
  running.isPublishing = true
  running.readAt = running.options.clock()
  running.oldest = null
}

/** Publishes from the kept place on, until the lease ends or something fails. */
const follow = async (running: Running, signal: AbortSignal): Promise<void> => {
  const { options, lease, reader, bell } = running
  if (!lease.held()) return
  if (!running.isPublishing) takeOver(running)
  let next: Promise<Batch> | null = reader.begin()
  let place: Place | null = null
  let idleMs = pollMs.first
  while (lease.held() && !signal.aborted) {
    const batch: Batch = await (next ?? reader.next(place!))
    running.readAt = options.clock()
    running.obstacle = null
    next = readAhead(running, batch)
    const isNew: boolean = batch.rows.length > 0 || place === null
    place = isNew ? await publish(running, batch, signal) : batch.place
    if (place === null) return
    idleMs = isNew ? pollMs.first : Math.min(pollMs.last, idleMs * 2)
    if (next !== null) continue
    if (batch.rows.length === 0) await bell.wait(idleMs, signal)
    else await sleep(gatherMs, signal)
  }
}

const awaitLease = async (running: Running, signal: AbortSignal): Promise<void> => {
  const { options, bell } = running
  if (running.isPublishing) options.log.info('this replica does not publish the log any more')
  running.isPublishing = false
  await bell.wait(options.leaseTtlMs / 5, signal)
}

const run = async (running: Running, signal: AbortSignal): Promise<void> => {
  const { options, lease } = running
  while (!signal.aborted) {
    // Whatever was in memory is dropped with the connection: the kept place is the truth.
    await follow(running, signal).catch((error: unknown) => {
      const fields = describe(error)
      running.obstacle = fields.error
      options.log.rarely('warn', 'publisher', 'the log cannot be published now; its events wait', fields)
    })
    if (lease.held()) await sleep(errorPauseMs, signal)
    else await awaitLease(running, signal)
  }
}

const stateOf = ({ options, lease, published, obstacle, oldest, readAt }: Running): PublisherState => {
  if (!lease.held()) return { held: false, published, oldestAgeMs: 0, obstacle: null }
  const waitedMs = oldest === null ? 0 : lease.time().getTime() - oldest.getTime()
  const silentMs = obstacle === null ? 0 : options.clock() - readAt
  return { held: true, published, oldestAgeMs: Math.max(0, waitedMs, silentMs), obstacle }
}

export const createPublisher = (options: PublisherOptions): Publisher => {
  const { db, replicaId, leaseTtlMs: ttlMs, batchMax, clock, log } = options
  const bell = createBell()
  const lease = createPublicationLease({ db, replicaId, ttlMs, clock, onTaken: () => bell.ring(), log })
  const reader = createLogReader({ db, batchMax, log })
  const nothing = { published: 0, obstacle: null, oldest: null, readAt: clock(), isPublishing: false }
  const running: Running = { options, lease, reader, bell, ...nothing }
  return {
    ring: () => {
      if (lease.held()) bell.ring()
    },
    async run(signal) {
      const leasing = new AbortController()
      const renewals = lease.run(leasing.signal)
      await run(running, signal)
      leasing.abort()
      await renewals
      await lease
        .release()
        .catch((error: unknown) => log.warn('the lease to publish the log ends by itself', describe(error)))
    },
    state: () => stateOf(running),
  }
}
