// The relay: outbox → Kafka. It reads committed events, lowest positions first, keeps one batch per ticker outstanding, and deletes exactly
// the positions that the broker acknowledged. A cancellation is sent only after the acknowledgement of every lower placement of its ticker.
// Repeats after a crash carry the same eventId; order does not depend on leases or on timing.

import type { OutboxFloor } from '../app/monitor.ts'
import { createBell, sleep, type Bell } from '../app/sleep.ts'
import { readOutbox, type OutboxEvent } from '../store/outbox.ts'
import type { Database } from '../store/sql.ts'
import { describe, type Log } from '../telemetry/log.ts'
import { createAcknowledged } from './acknowledged.ts'
import { deliver, rejoin, stayingOf, type Delivery, type Wave } from './delivery.ts'
import { createFloor, raiseFloor } from './floor.ts'
import { createLeaseKeeper, type LeaseKeeper } from './leaseKeeper.ts'
import { pauseMs, pollMs, waveMaxMs } from './pace.ts'
import type { Sender } from './sender.ts'
import { createSetAside } from './setAside.ts'

export type RelayOptions = {
  db: Database
  sender: Sender
  replicaId: string
  /** Of this binary. */
  version: string
  leaseTtlMs: number
  /** Events per read. */
  batchMax: number
  /** How many events may be under way to the broker at a time. */
  inFlightMax: number
  /** Called for every acknowledged event: how long ago it was written, in ms. */
  onPublished?: (ageMs: number) => void
  log: Log
}

type RelayState = {
  inFlight: number
  setAside: string[]
  floor: bigint
  /** The shards that this replica has a lease on. */
  shards: readonly number[]
  published: number
}

export type Relay = {
  /** A commit appended events: look at once. */
  ring: () => void
  /** Runs until `signal`, then sends the events that were committed here before it. */
  run: (signal: AbortSignal) => Promise<void>
  /** See OutboxFloor. */
  floor: OutboxFloor
  state: () => RelayState
}

/** `bell` and `appended` ring when a commit appended events, `quiet` when nothing is being sent any more. `reading`: the shards of the read under way. */
type Running = {
  options: RelayOptions
  delivery: Delivery
  leases: LeaseKeeper
  bell: Bell
  quiet: Bell
  appended: Bell
  reading: readonly number[]
}

const errorPauseMs = 250
const lastLooksMax = 50

/** What one read looks for. */
type ReadScope = {
  floor: bigint
  except: readonly string[]
  only: readonly string[] | null
  partitions: Wave['partitions']
}

/**
 * Reads once and starts to send what it got; returns both. It marks its shards as being read until their tickers are busy, so that no shard
 * is handed over in between: the new holder would send the same events. It must not await before the query, for floor and shards have to be
 * sampled together.
 */
const readAndSend = async (
  running: Running,
  { partitions, ...scope }: ReadScope,
): Promise<{ events: readonly OutboxEvent[]; started: number }> => {
  const { options, delivery, leases } = running
  const shards = leases.sendable()
  const readAt = performance.now()
  running.reading = shards
  try {
    const { replicaId, batchMax } = options
    // What is locked stands in front of the others, and none of it is sent.
    const limit = batchMax + delivery.acknowledged.locked.size
    const events = await options.db.run((sql) => readOutbox(sql, { replicaId, shards, limit, ...scope }))
    return { events, started: deliver(delivery, { events, readAt, partitions }) }
  } finally {
    running.reading = []
  }
}

/** Tries the set-aside tickers that are due. Their events may stand below the floor, so they are read by name. */
const retrySetAside = async (running: Running, partitions: Wave['partitions']): Promise<number> => {
  const { setAside, busy } = running.delivery
  setAside.keepOnly(running.leases.shards())
  const due = setAside.due().filter((ticker) => !busy.has(ticker))
  if (due.length === 0) return 0
  const { events, started } = await readAndSend(running, { floor: 0n, except: [], only: due, partitions })
  const waiting = new Set(events.map((event) => event.order.ticker))
  for (const ticker of due) if (!waiting.has(ticker)) rejoin(running.delivery, ticker)
  return started
}

/** One look at the outbox; returns how many events it started to send. */
const step = async (running: Running): Promise<number> => {
  const { options, delivery, leases } = running
  if (delivery.inFlight >= options.inFlightMax || leases.shards().length === 0) return 0
  const partitions = await delivery.sender.partitions()
  delivery.acknowledged.beforeRead()
  const retried = await retrySetAside(running, partitions)
  const except = [...delivery.busy.keys(), ...delivery.setAside.tickers()]
  const { started } = await readAndSend(running, { floor: delivery.floor.current(), except, only: null, partitions })
  return retried + started
}

/** Waits until the next read is worth its cost. */
const betweenWaves = async ({ options, delivery, quiet }: Running, events: number, signal: AbortSignal) => {
  await quiet.wait(waveMaxMs(events, options.batchMax), signal)
  // In a backlog the next read would walk over every event that is not deleted yet.
  if (events >= options.batchMax) await delivery.acknowledged.deleted()
  const pause = pauseMs(events, options.batchMax)
  if (pause > 0) await sleep(pause, signal)
}

const isHeldUp = ({ busy, setAside }: Delivery): boolean => busy.size > 0 || setAside.nextInMs() !== null

const publish = async (running: Running, signal: AbortSignal): Promise<void> => {
  const { options, delivery, leases, bell, quiet } = running
  let idleMs = pollMs.first
  while (!signal.aborted) {
    try {
      const started = await step(running)
      idleMs = started > 0 ? pollMs.first : Math.min(leases.isAlone() ? pollMs.lastAlone : pollMs.last, idleMs * 2)
      if (started > 0) await betweenWaves(running, started, signal)
      else {
        // While commits come in, the bell rings all the time; but their events may wait behind a ticker that is being sent or set aside.
        if (isHeldUp(delivery)) await quiet.wait(pollMs.first, signal)
        await bell.wait(Math.min(idleMs, delivery.setAside.nextInMs() ?? idleMs), signal)
      }
    } catch (error) {
      options.log.rarely('warn', 'relay', 'the relay cannot work; events wait in the outbox', describe(error))
      await sleep(errorPauseMs, signal)
    }
  }
}

/** At shutdown: sends all events that are committed now, if the broker answers; the others wait in the outbox. */
const lastPass = async (running: Running): Promise<void> => {
  for (let looks = 0; looks < lastLooksMax; looks++) {
    // A look that begins while tickers are busy, or before sent events are deleted, does not see all that waits behind them.
    const seesAll = running.delivery.inFlight === 0
    if (seesAll) await running.delivery.acknowledged.deleted()
    const started = await step(running)
    if (seesAll && started === 0) return
    await running.quiet.wait(pollMs.first)
  }
}

const drain = async (running: Running): Promise<void> => {
  const { options, delivery } = running
  await lastPass(running).catch((error: unknown) =>
    options.log.warn('the relay stopped before the outbox was empty', describe(error)),
  )
  while (delivery.inFlight > 0) await running.quiet.wait(pollMs.last)
  await delivery.acknowledged.deleted()
}

const release = ({ options, leases }: Running): Promise<void> =>
  leases
    .release()
    .catch((error: unknown) =>
      options.log.warn('relay leases could not be released; they end by themselves', describe(error)),
    )

/** Whether events of this shard are being read, sent or deleted. */
const isBusy = ({ reading, delivery }: Running, shard: number): boolean =>
  reading.includes(shard) ||
  delivery.busy.values().some((other) => other === shard) ||
  delivery.acknowledged.holds(shard)

export const createRelay = (options: RelayOptions): Relay => {
  const { db, log, sender, replicaId, version, leaseTtlMs } = options
  const bell = createBell()
  const quiet = createBell()
  const appended = createBell()
  const delivery: Delivery = {
    sender,
    acknowledged: createAcknowledged(db, () => performance.now(), log),
    setAside: createSetAside(() => performance.now()),
    floor: createFloor(db, () => performance.now()),
    busy: new Map(),
    inFlight: 0,
    published: 0,
    onSettled() {
      if (delivery.inFlight === 0) quiet.ring()
    },
    onPublished: options.onPublished ?? (() => undefined),
    log,
  }
  const leases = createLeaseKeeper({
    db,
    replicaId,
    version,
    ttlMs: leaseTtlMs,
    log,
    setAside: () => stayingOf(delivery),
    isBusy: (shard) => isBusy(running, shard),
    isHeld: (shard) => delivery.acknowledged.locked.values().some((event) => event.shard === shard),
    onTaken: () => {
      delivery.floor.reset()
      bell.ring()
    },
  })
  const running: Running = { options, delivery, leases, bell, quiet, appended, reading: [] }

  return {
    ring: () => [bell, appended].forEach((one) => one.ring()),
    async run(signal) {
      // The leases are renewed until the last event is settled: a slow last pass must not look like a dead replica.
      const leasing = new AbortController()
      const renewals = leases.run(leasing.signal)
      await Promise.all([
        publish(running, signal),
        raiseFloor({ ...running, floor: delivery.floor, setAside: delivery.setAside, log }, signal),
      ])
      await drain(running)
      leasing.abort()
      await renewals
      await release(running)
    },
    floor: delivery.floor.current,
    state: () => ({
      inFlight: delivery.inFlight,
      setAside: delivery.setAside.tickers(),
      floor: delivery.floor.current(),
      shards: leases.shards(),
      published: delivery.published,
    }),
  }
}
