// The one reader of a replica for all who follow page by page. It reads while somebody follows: at once when this process has committed
// something, and every few milliseconds for the commits of others. What it reads reaches those whom it concerns, without asking the others;
// the newest part stays in memory, for who has caught up and joins.

import { createBell } from '../../app/sleep.ts'
import type { HistoryEvent } from '../../domain/history.ts'
import type { LogInterest, LogRow, Place } from '../../store/log.ts'
import { contains } from '../../store/snapshot.ts'
import { describe, type Log } from '../../telemetry/log.ts'
import { placeAtHead, seenAtMost } from '../chunk.ts'
import type { Stretch } from './portions.ts'
import type { LogSource } from './source.ts'

/** Somebody at the head. */
export type LiveReader = {
  readonly interest: LogInterest
  readonly concerns: (event: HistoryEvent) => boolean
  /** Takes what concerns it. It may have read some of it before it joined. */
  readonly push: (stretch: Stretch) => void
  /** It is at the head no more, and was given nothing beyond the present head: what it has not kept counts as not read. */
  readonly drop: () => void
}

export type SharedReader = {
  /** Somebody follows, from now on until the function that it answers is called, once. */
  enter: () => () => void
  /**
   * Takes in somebody who has read everything up to this place, and gives it what it lacks. False: the place lies too far back. Nothing may
   * be awaited between the reading and this.
   */
  join: (reader: LiveReader, place: Place) => boolean
  leave: (reader: LiveReader) => void
  /** How far it has read; null: nowhere yet. */
  head: () => Place | null
  ring: () => void
  /** Why the log cannot be read, and since when; null: it can. */
  fault: () => Fault | null
}

/** `since`: as the clock has it. */
export type Fault = { error: string; since: number }

export type SharedOptions = {
  source: LogSource
  pollMs: number
  /** Events that stay in memory. */
  eventsMax: number
  now: () => Date
  log: Pick<Log, 'rarely'>
  /** Called after each look, so that timers need no timer. */
  onLook: () => void
}

const errorPauseMs = 250

type Index = Map<string, Set<LiveReader>>

const putInto = (index: Index, key: string, reader: LiveReader): void =>
  void index.set(key, (index.get(key) ?? new Set()).add(reader))

const takeFrom = (index: Index, key: string, reader: LiveReader): void => {
  const set = index.get(key)
  set?.delete(reader)
  if (set?.size === 0) index.delete(key)
}

/** Those at the head, by what concerns them. */
const createAudience = () => {
  const all = new Set<LiveReader>()
  const [bySession, byUser]: [Index, Index] = [new Map(), new Map()]

  const leave = (reader: LiveReader): void => {
    all.delete(reader)
    takeFrom(bySession, reader.interest.session, reader)
    for (const userId of reader.interest.userIds) takeFrom(byUser, userId, reader)
  }

  const of = ({ order, door, cause }: HistoryEvent): Set<LiveReader> => {
    const session = door?.kind === 'fix' ? bySession.get(door.session) : undefined
    const causer = cause.session === undefined ? undefined : bySession.get(cause.session)
    return new Set([...(session ?? []), ...(causer ?? []), ...(byUser.get(order.userId) ?? [])])
  }

  return {
    join(reader: LiveReader): void {
      all.add(reader)
      putInto(bySession, reader.interest.session, reader)
      for (const userId of reader.interest.userIds) putInto(byUser, userId, reader)
    },
    leave,
    deliver({ start, end, rows }: Stretch): void {
      const lists = new Map<LiveReader, LogRow[]>()
      for (const row of rows)
        for (const reader of of(row.history)) {
          if (!reader.concerns(row.history)) continue
          const list = lists.get(reader)
          if (list === undefined) lists.set(reader, [row])
          else list.push(row)
        }
      for (const [reader, list] of lists) reader.push({ start, end, rows: list })
    },
    dropAll(): void {
      for (const reader of all) {
        leave(reader)
        reader.drop()
      }
    },
  }
}

/** The newest stretches, and where they begin. */
const createRecent = (eventsMax: number) => {
  let stretches: Stretch[] = []
  let start: Place | null = null
  let events = 0
  return {
    begin(place: Place | null): void {
      stretches = []
      start = place
      events = 0
    },
    add(stretch: Stretch): void {
      stretches.push(stretch)
      events += stretch.rows.length
      while (stretches.length > 0 && events > eventsMax) {
        const oldest = stretches.shift()!
        events -= oldest.rows.length
        start = oldest.end
      }
    },
    /** Null: it has not everything that comes after the place. */
    after: (place: Place): readonly Stretch[] | null =>
      place.page === null && start?.epoch === place.epoch && contains(place.snapshot, seenAtMost(start))
        ? stretches
        : null,
  }
}

export const createSharedReader = ({ source, pollMs, eventsMax, now, log, onLook }: SharedOptions): SharedReader => {
  const bell = createBell()
  const audience = createAudience()
  const recent = createRecent(eventsMax)
  let [followers, running] = [0, false]
  let head: Place | null = null
  let fault: Fault | null = null

  const beginAt = (place: Place | null): void => {
    head = place
    recent.begin(place)
    audience.dropAll()
  }

  /** True: look again at once. */
  const look = async (): Promise<boolean> => {
    if (head === null) {
      beginAt(placeAtHead(await source.head()))
      return false
    }
    const batch = await source.read(head, null, {})
    if (batch === null) {
      beginAt(null)
      return true
    }
    const { start, place: end, rows, more } = batch
    // Nothing may be awaited in here: whoever joins has all that was read, or gets what comes.
    head = end
    if (rows.length > 0) {
      recent.add({ start, end, rows })
      audience.deliver({ start, end, rows })
    }
    return more
  }

  const lookSafely = async (): Promise<'again' | 'quiet' | 'failed'> => {
    try {
      const again = await look()
      fault = null
      return again ? 'again' : 'quiet'
    } catch (error) {
      const fields = describe(error)
      fault = { error: fields.error, since: fault?.since ?? now().getTime() }
      log.rarely('warn', 'log pages', 'the log cannot be read; reports wait', fields)
      // The connection may be lost because the server was: what it showed last and nobody kept is read again.
      beginAt(head)
      return 'failed'
    }
  }

  const run = async (): Promise<void> => {
    running = true
    while (followers > 0) {
      const outcome = await lookSafely()
      onLook()
      if (outcome !== 'again') await bell.wait(outcome === 'failed' ? errorPauseMs : pollMs)
    }
    running = false
    beginAt(null)
    fault = null
  }

  return {
    enter() {
      followers++
      if (!running) void run()
      return () => {
        if (--followers === 0) bell.ring()
      }
    },
    join(reader, place) {
      const missed = recent.after(place)
      if (missed === null) return false
      audience.join(reader)
      for (const { start, end, rows } of missed) {
        const some = rows.filter(({ history }) => reader.concerns(history))
        if (some.length > 0) reader.push({ start, end, rows: some })
      }
      return true
    },
    leave: audience.leave,
    head: () => head,
    ring: () => {
      if (running) bell.ring()
    },
    fault: () => fault,
  }
}
