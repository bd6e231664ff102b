// The one reader of a process. It reads while somebody follows: at once when this process has committed something, and every few
// milliseconds for the commits of others. What it reads goes into the ring and to the followers that are at the head.

import { createBell } from '../app/sleep.ts'
import { codeOf, storeFault } from '../store/faults.ts'
import { beginEpoch, readHead, type Place } from '../store/log.ts'
import type { Database } from '../store/sql.ts'
import { describe, type Log } from '../telemetry/log.ts'
import { placeAtHead, readChunk } from './chunk.ts'
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
  now: () => Date
  log: Pick<Log, 'rarely'>
  /** Called for every chunk with events: how many, and how old the newest one was. */
  onEvents: (count: number, ageMs: number) => void
  /** Called after each look, so that timers need no timer. */
  onLook: () => void
}

export type Reader = {
  /** Somebody follows, from now on until the function that it answers is called. */
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
export const readRowsMax = 4_000
const errorPauseMs = 250

type Outcome = 'again' | 'quiet' | 'failed'

export const createReader = (options: ReaderOptions): Reader => {
  const { db, ring, live, log, now } = options
  const bell = createBell()
  const stopping = new AbortController()
  let followers = 0
  let running = false
  let head: Place | null = null
  let obstacle: string | null = null
  let lagMs = 0
  let becomesReady = Promise.withResolvers<void>()
  let fresh: ((done: boolean) => void)[] = []

  const setHead = (place: Place | null): void => {
    if (place === null && head !== null) becomesReady = Promise.withResolvers<void>()
    head = place
    if (place !== null) becomesReady.resolve()
  }

  const failed = (why: string): Outcome => {
    obstacle = why
    log.rarely('warn', 'tail', 'the log cannot be read; streams wait', { error: why })
    return 'failed'
  }

  const begin = async (): Promise<Outcome> => {
    const found = await db.run(readHead)
    const place = placeAtHead(found)
    if (place !== null) {
      ring.restart(place)
      setHead(place)
      return 'quiet'
    }
    if (found.state.standby) return failed('the server is a standby')
    await db.run(beginEpoch)
    return 'again'
  }

  const look = async (from: Place): Promise<Outcome> => {
    const chunk = await readChunk(db, from, { filter: {}, rowsMax: readRowsMax, looksMax: 0 })
    if (chunk.kind === 'standby') return failed('the server is a standby')
    if (chunk.kind === 'otherDatabase') {
      setHead(null)
      ring.restart(null)
      live.reset('OTHER_DATABASE')
      return 'again'
    }
    const nowMs = now().getTime()
    setHead(chunk.end)
    if (chunk.rows.length > 0) {
      const entries = entriesOf(chunk, nowMs, options.write)
      ring.append(entries)
      live.deliver(entries.entries)
      lagMs = Math.max(0, nowMs - (chunk.rows.at(-1)!.history.at?.getTime() ?? nowMs))
      options.onEvents(chunk.rows.length, lagMs)
    }
    return chunk.complete ? 'quiet' : 'again'
  }

  /** One look; it never rejects. */
  const step = async (): Promise<Outcome> => {
    try {
      const outcome = head === null ? await begin() : await look(head)
      if (outcome !== 'failed') obstacle = null
      return outcome
    } catch (error) {
      const fault = storeFault(error)
      // Whatever the connection was lost for: the server may have forgotten what it showed last. The place itself is safe (see advance).
      if (fault !== 'contention') ring.restart(head)
      return failed(`${describe(error).error}${codeOf(error) === '' ? '' : ` (${codeOf(error)})`}`)
    }
  }

  const run = async (): Promise<void> => {
    running = true
    while (followers > 0 && !stopping.signal.aborted) {
      const waiters = fresh
      fresh = []
      const outcome = await step()
      if (outcome === 'again') fresh.unshift(...waiters)
      else for (const resolve of waiters) resolve(outcome === 'quiet')
      options.onLook()
      if (outcome === 'again' || fresh.length > 0) continue
      await bell.wait(outcome === 'failed' ? errorPauseMs : options.pollMs, stopping.signal)
    }
    running = false
    for (const resolve of fresh.splice(0)) resolve(false)
    setHead(null)
    ring.restart(null)
    obstacle = null
    lagMs = 0
  }

  return {
    enter() {
      let inside = true
      followers++
      if (!running && !stopping.signal.aborted) void run()
      return () => {
        if (inside) followers--
        inside = false
      }
    },
    wake() {
      if (running) bell.ring()
    },
    head: () => head,
    ready: () => becomesReady.promise,
    afresh() {
      if (!running || head === null) return Promise.resolve(false)
      const { promise, resolve } = Promise.withResolvers<boolean>()
      fresh.push(resolve)
      bell.ring()
      return promise
    },
    close() {
      stopping.abort()
      becomesReady.resolve()
    },
    obstacle: () => obstacle,
    lagMs: () => lagMs,
  }
}
