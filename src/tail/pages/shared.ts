// The one reader of a replica for all who follow page by page. It reads while somebody follows: at once when this process has committed
// something, and every few milliseconds for the commits of others.

import { createBell, type Bell } from '../../app/sleep.ts'
import type { Place } from '../../store/log.ts'
import { describe, type Log } from '../../telemetry/log.ts'
import { placeAtHead } from '../chunk.ts'
import { createAudience, type LiveReader } from './audience.ts'
import { createRecent } from './recent.ts'
import type { LogSource } from './source.ts'

export type SharedReader = {
  /** Somebody follows, from now on until the function that it answers is called, once. */
  enter: () => () => void
  /**
   * Takes in somebody who has read everything up to this place, and hands it what it lacks. False: the place lies too far back.
   */
  join: (reader: LiveReader, place: Place) => boolean
  leave: (reader: LiveReader) => void
  /** How far it has read; null: nowhere yet. */
  head: () => Place | null
  ring: () => void
  /** Why the log cannot be read, and since when; null: it can. */
  fault: () => Fault | null
}

/** `since`: as the clock has it, in milliseconds. */
type Fault = { error: string; since: number }

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

type Own = {
  readonly options: SharedOptions
  readonly bell: Bell
  readonly audience: ReturnType<typeof createAudience>
  readonly recent: ReturnType<typeof createRecent>
  followers: number
  running: boolean
  head: Place | null
  fault: Fault | null
}

/** Whatever is in memory is dropped; it goes on from here. */
const beginAt = (own: Own, place: Place | null): void => {
  own.head = place
  own.recent.begin(place)
  own.audience.dropAll()
}

type Outcome = 'again' | 'quiet' | 'failed'

const look = async (own: Own): Promise<Outcome> => {
  const { head, audience, recent } = own
  const { source } = own.options
  if (head === null) {
    beginAt(own, placeAtHead(await source.head()))
    return 'quiet'
  }
  const batch = await source.read(head, null, {})
  if (batch === null) {
    beginAt(own, null)
    return 'again'
  }
  const { start, place: end, rows, more } = batch
  // Nothing may be awaited in here: whoever joins has all that was read, or gets what comes.
  own.head = end
  if (rows.length > 0) {
    recent.add({ start, end, rows })
    audience.deliver({ start, end, rows })
  }
  return more ? 'again' : 'quiet'
}

/** One look; it never rejects. */
const step = async (own: Own): Promise<Outcome> => {
  const { log, now } = own.options
  try {
    const outcome = await look(own)
    own.fault = null
    return outcome
  } catch (error) {
    const fields = describe(error)
    own.fault = { error: fields.error, since: own.fault?.since ?? now().getTime() }
    log.rarely('warn', 'log pages', 'the log cannot be read; reports wait', fields)
    // The connection may be lost because the server was: it may not have what it showed last. The place itself is safe (see advance).
    beginAt(own, own.head)
    return 'failed'
  }
}

const run = async (own: Own): Promise<void> => {
  const { bell, options } = own
  own.running = true
  while (own.followers > 0) {
    const outcome = await step(own)
    options.onLook()
    if (outcome !== 'again') await bell.wait(outcome === 'failed' ? errorPauseMs : options.pollMs)
  }
  own.running = false
  beginAt(own, null)
  own.fault = null
}

export const createSharedReader = (options: SharedOptions): SharedReader => {
  const own: Own = {
    options,
    bell: createBell(),
    audience: createAudience(),
    recent: createRecent(options.eventsMax),
    followers: 0,
    running: false,
    head: null,
    fault: null,
  }
  return {
    enter() {
      own.followers++
      if (!own.running) void run(own)
      return () => {
        if (--own.followers === 0) own.bell.ring()
      }
    },
    join(reader, place) {
      const missed = own.recent.after(place)
      if (missed === null) return false
      own.audience.join(reader)
      for (const { start, end, find } of missed) {
        const some = find()(reader.interest).filter(({ history }) => reader.concerns(history))
        if (some.length > 0) reader.push({ start, end, rows: some })
      }
      return true
    },
    leave: own.audience.leave,
    head: () => own.head,
    ring() {
      if (own.running) own.bell.ring()
    },
    fault: () => own.fault,
  }
}
