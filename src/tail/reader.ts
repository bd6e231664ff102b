// The one reader of a process. It reads while somebody follows: at once when this process has committed something, and every few
// milliseconds for the commits of others. What it reads goes into the ring and to the followers that are at the head.

import type { ResetReason } from '../app/follow.ts'
import { createBell, type Bell } from '../app/sleep.ts'
import { storeFault } from '../store/faults.ts'
import { beginEpoch, readHead, type Place } from '../store/log.ts'
import type { Database } from '../store/sql.ts'
import { describe, type Log } from '../telemetry/log.ts'
import { placeAtHead, readChunk, standbyText, type Chunk } from './chunk.ts'
import { entriesOf, type WriteEvent } from './entries.ts'
import type { Live } from './live.ts'
import type { Ring } from './ring.ts'

export type ReaderOptions = {
  db: Database
  ring: Ring
  live: Live
  write: WriteEvent
  /** How often it looks for commits of other processes. */
  pollMs: number
  /** True: everybody who is at the head would have to wait for what is read now. Then it looks every `restMs`, not oftener. */
  mayRest: () => boolean
  restMs: number
  now: () => Date
  log: Pick<Log, 'rarely'>
  /** Called after each look, so that timers need no timer. */
  onLook: () => void
}

export type Reader = {
  /** Somebody follows, from now on until the function that it answers is called, once. */
  enter: () => () => void
  /** A commit of this process: look at once. */
  wake: () => void
  /** How far it has read; null while nobody follows, and before the first read. */
  head: () => Place | null
  /** Resolves once there is a head, or the reader is closed. */
  ready: () => Promise<void>
  /** Resolves with true once everything is read that was committed before this call; with false if it cannot be read. */
  afresh: () => Promise<boolean>
  close: () => void
  /** Why the log cannot be read. */
  obstacle: () => string | null
  lagMs: () => number
}

/** Rows of one source in one read. What one transaction wrote is below that, unless somebody configured batches to be huge. */
const readRowsMax = 4_000
const errorPauseMs = 250
/** A transaction may have written more rows than can be sorted in time. After so many reads in vain everybody begins anew, behind it. */
const timeoutsMax = 5

type Outcome = 'again' | 'quiet' | 'failed'

/**
 * `timeouts`: reads in a row that did not end in time. `fresh`: who waits for the next complete look. `rest`: at its end it looks for a commit
 * of this process.
 */
type Own = {
  options: ReaderOptions
  bell: Bell
  stopping: AbortController
  followers: number
  running: boolean
  head: Place | null
  obstacle: string | null
  timeouts: number
  lagMs: number
  becomesReady: PromiseWithResolvers<void>
  fresh: ((done: boolean) => void)[]
  rest: ReturnType<typeof setTimeout> | undefined
}

const setHead = (own: Own, place: Place | null): void => {
  if (place === null && own.head !== null) own.becomesReady = Promise.withResolvers<void>()
  own.head = place
  if (place !== null) own.becomesReady.resolve()
}

const failed = (own: Own, why: string): Outcome => {
  own.obstacle = why
  own.options.log.rarely('warn', 'tail', 'the log cannot be read; streams wait', { error: why })
  return 'failed'
}

/** Without a head: it begins where the log is now. */
const begin = async (own: Own): Promise<Outcome> => {
  const { db, ring } = own.options
  const found = await db.run(readHead)
  const place = placeAtHead(found)
  if (place !== null) {
    ring.restart(place)
    setHead(own, place)
    return 'quiet'
  }
  if (found.state.standby) return failed(own, standbyText)
  await db.run(beginEpoch)
  return 'again'
}

const take = (own: Own, chunk: Chunk): void => {
  const { ring, live, write, now } = own.options
  const nowMs = now().getTime()
  const read = entriesOf(chunk, nowMs, write)
  // Nothing may be awaited in here: whoever arrives at the end of the ring becomes live.
  setHead(own, chunk.end)
  ring.append(read)
  live.deliver(read.entries)
  own.lagMs = Math.max(0, nowMs - (chunk.rows.at(-1)!.history.at?.getTime() ?? nowMs))
}

const beginAnew = (own: Own, reason: ResetReason): void => {
  own.timeouts = 0
  setHead(own, null)
  own.options.ring.restart(null)
  own.options.live.reset(reason)
}

const look = async (own: Own, from: Place): Promise<Outcome> => {
  const { db } = own.options
  const chunk = await readChunk(db, from, { filter: {}, rowsMax: readRowsMax, looksMax: 0 })
  if (chunk.kind === 'standby') return failed(own, standbyText)
  if (chunk.kind === 'otherDatabase') {
    beginAnew(own, 'OTHER_DATABASE')
    return 'again'
  }
  if (chunk.rows.length > 0) take(own, chunk)
  else setHead(own, chunk.end)
  return chunk.complete ? 'quiet' : 'again'
}

/** One look; it never rejects. */
const step = async (own: Own): Promise<Outcome> => {
  try {
    const outcome = await (own.head === null ? begin(own) : look(own, own.head))
    own.timeouts = 0
    if (outcome !== 'failed') own.obstacle = null
    return outcome
  } catch (error) {
    // The connection may be lost because the server was: it may not have what it showed last. The place itself is safe (see advance).
    if (storeFault(error) !== 'contention') own.options.ring.restart(own.head)
    else if (++own.timeouts >= timeoutsMax) beginAnew(own, 'TOO_FAR_BEHIND')
    return failed(own, describe(error).error)
  }
}

const pauseMs = ({ pollMs, restMs, mayRest }: ReaderOptions): number => (mayRest() ? Math.max(pollMs, restMs) : pollMs)

const wake = (own: Own): void => {
  if (!own.running) return
  if (!own.options.mayRest()) return own.bell.ring()
  own.rest ??= setTimeout(() => {
    own.rest = undefined
    own.bell.ring()
  }, own.options.restMs)
}

const run = async (own: Own): Promise<void> => {
  const { options, bell, stopping } = own
  own.running = true
  while (own.followers > 0 && !stopping.signal.aborted) {
    const waiters = own.fresh
    own.fresh = []
    const outcome = await step(own)
    if (outcome === 'again') own.fresh.unshift(...waiters)
    else for (const resolve of waiters) resolve(outcome === 'quiet')
    options.onLook()
    if (outcome === 'again' || own.fresh.length > 0) continue
    await bell.wait(outcome === 'failed' ? errorPauseMs : pauseMs(options), stopping.signal)
  }
  own.running = false
  for (const resolve of own.fresh.splice(0)) resolve(false)
  setHead(own, null)
  options.ring.restart(null)
  own.obstacle = null
  own.lagMs = 0
}

export const createReader = (options: ReaderOptions): Reader => {
  const own: Own = {
    options,
    bell: createBell(),
    stopping: new AbortController(),
    followers: 0,
    running: false,
    head: null,
    obstacle: null,
    timeouts: 0,
    lagMs: 0,
    becomesReady: Promise.withResolvers<void>(),
    fresh: [],
    rest: undefined,
  }
  return {
    enter() {
      own.followers++
      if (!own.running && !own.stopping.signal.aborted) void run(own)
      return () => void own.followers--
    },
    wake: () => wake(own),
    head: () => own.head,
    ready: () => own.becomesReady.promise,
    afresh() {
      if (!own.running || own.head === null) return Promise.resolve(false)
      const { promise, resolve } = Promise.withResolvers<boolean>()
      own.fresh.push(resolve)
      own.bell.ring()
      return promise
    },
    close() {
      clearTimeout(own.rest)
      own.stopping.abort()
      own.becomesReady.resolve()
    },
    obstacle: () => own.obstacle,
    lagMs: () => own.lagMs,
  }
}
