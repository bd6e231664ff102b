// One who follows the log page by page: from its kept place by reads of its own, at the head by what the shared reader hands out. Who is too
// slow there goes back to reading by itself.

import {
  pageMax,
  type KeptPlace,
  type LogPage,
  type PageFollowing,
  type PageReader,
  type PageReaderState,
} from '../../app/logPages.ts'
import { createBell, sleep, type Bell } from '../../app/sleep.ts'
import type { Place } from '../../store/log.ts'
import { describe, type Log } from '../../telemetry/log.ts'
import { encodeCursor } from '../cursor.ts'
import type { LiveReader } from './audience.ts'
import { createMail, type Mail } from './mail.ts'
import { createPlaceReading, type PlaceReading, type ReadingParts } from './placeReading.ts'
import { beyond, joinPlaces, portionsOf, type Portion, type Stretch } from './portions.ts'
import type { SharedReader } from './shared.ts'

export type FollowerParts = ReadingParts & {
  shared: SharedReader
  now: () => Date
  log: Pick<Log, 'rarely' | 'error'>
}

export type Follower = {
  /** See LogPages.follow. */
  run: () => Promise<void>
  /** Time went by: who has heard nothing for long keeps a newer place. */
  tick: () => void
  state: () => PageReaderState
}

const errorPauseMs = 250
/** A place without events is kept at most so often, and only if the log went on by so many rows: a restart reads them again. */
const idleMoveMs = 10_000
const idleMoveRows = 5_000n
/** At the head it rests until it is rung; the bell wants a limit. */
const restMaxMs = 3_600_000

/**
 * `kept`: what onPage kept last, and when and at which row that was. `at`: up to here everything is kept, or concerns it not. `joined`: it is at
 * the head: what it had read when it came there, and what it was handed out since. `oldest`: the time of the oldest event that is being kept.
 * `failingSince`: since when its reads fail. `fault`: what onPage threw.
 */
type Own = {
  readonly parts: FollowerParts
  readonly reader: PageReader
  readonly following: PageFollowing
  readonly reading: PlaceReading
  readonly bell: Bell
  kept: { place: KeptPlace | null; at: number; row: bigint }
  at: Place | null
  joined: { from: Place; mail: Mail } | null
  oldest: Date | null
  failingSince: number | null
  movesOn: boolean
  ended: boolean
  fault: { error: unknown } | null
}

const nowMs = ({ parts }: Own): number => parts.now().getTime()

const isDone = ({ ended, following }: Own): boolean => ended || following.signal.aborted

const rowOf = ({ witness }: Place): bigint => witness?.position ?? 0n

/** Whether it goes on. */
const onPage = async (own: Own, page: LogPage): Promise<boolean> => {
  own.oldest = page.events[0]?.at ?? null
  try {
    return await own.following.onPage(page)
  } catch (error) {
    own.fault = { error }
    return false
  } finally {
    own.oldest = null
  }
}

const keep = async (own: Own, { to, rows }: Portion): Promise<void> => {
  if (isDone(own)) return
  const place = { logEpoch: to.epoch, cursor: encodeCursor(to, nowMs(own)) }
  const events = rows.map(({ history }) => history)
  own.ended = !(await onPage(own, { from: own.kept.place, to: place, events }))
  if (own.ended) return
  own.kept = { place, at: nowMs(own), row: rowOf(to) }
  own.at = to
  own.movesOn = false
}

/** From its kept place; or from the head of the log, which is kept first. */
const begin = async (own: Own): Promise<void> => {
  const { place } = own.kept
  if (place === null) await keep(own, { to: await own.reading.head(), rows: [] })
  else own.at = await own.reading.begin(place.cursor)
}

const isFarFrom = ({ kept }: Own, place: Place): boolean => rowOf(place) - kept.row >= idleMoveRows
const restsLong = (own: Own): boolean => nowMs(own) - own.kept.at >= idleMoveMs

const join = (own: Own, live: LiveReader): void => {
  own.joined = { from: own.at!, mail: createMail() }
  if (!own.parts.shared.join(live, own.at!)) own.joined = null
}

/** One read of its own; at the end of the log it joins the others. */
const catchUp = async (own: Own, live: LiveReader): Promise<void> => {
  const { start, rows, place: end, more } = await own.reading.next(own.at!)
  own.failingSince = null
  const some = rows.filter(({ history }) => own.reader.concerns(history))
  if (some.length > 0) for (const portion of portionsOf({ start, end, rows: some }, pageMax)) await keep(own, portion)
  else if (isFarFrom(own, end) && restsLong(own)) await keep(own, { to: end, rows: [] })
  else own.at = end
  if (!more && !isDone(own)) join(own, live)
}

/** Where it stands while nothing waits for it. */
const standsAt = ({ joined, parts }: Own): Place | null => {
  const head = parts.shared.head()
  return joined === null || head === null ? null : joinPlaces(joined.from, head)
}

/** At the head: what waits goes out, page by page. */
const goLive = async (own: Own): Promise<void> => {
  const { joined } = own
  if (joined === null) return
  while (own.joined === joined && !isDone(own)) {
    const portion = joined.mail.take()
    // What was handed out with others, or after it, and concerns others, is seen with it.
    const head = joined.mail.isEmpty() ? standsAt(own) : null
    if (portion !== null) await keep(own, head === null ? portion : { ...portion, to: head })
    else if (own.movesOn && head !== null) await keep(own, { to: head, rows: [] })
    else await own.bell.wait(restMaxMs, own.following.signal)
  }
}

const createLiveReader = (own: Own): LiveReader => {
  const { reader, bell } = own
  const live: LiveReader = {
    ...reader,
    push(stretch: Stretch) {
      if (own.joined === null) return
      const { from, mail } = own.joined
      const { rows, ...ends } = beyond(from, stretch)
      if (rows.length > 0 && !mail.push({ ...ends, rows })) {
        own.parts.shared.leave(live)
        own.joined = null
      }
      bell.ring()
    },
    drop() {
      // Who has heard of everything need not read it again.
      if (own.joined?.mail.isEmpty() === true && own.oldest === null) own.at = standsAt(own) ?? own.at
      own.joined = null
      bell.ring()
    },
  }
  return live
}

const follow = async (own: Own, live: LiveReader): Promise<void> => {
  while (!isDone(own)) {
    try {
      if (own.at === null) await begin(own)
      else if (own.joined === null) await catchUp(own, live)
      else await goLive(own)
    } catch (error) {
      own.failingSince ??= nowMs(own)
      own.parts.log.rarely('warn', 'log pages', 'the log cannot be read; reports wait', describe(error))
      await sleep(errorPauseMs, own.following.signal)
    }
  }
  own.parts.shared.leave(live)
}

const stateOf = (own: Own): PageReaderState => {
  const { reader, joined, oldest, failingSince, parts } = own
  const since = joined === null ? failingSince : (parts.shared.fault()?.since ?? null)
  const times = [oldest?.getTime(), joined?.mail.oldest()?.getTime(), since].filter((time) => typeof time === 'number')
  const now = nowMs(own)
  return { id: reader.id, live: joined !== null, oldestAgeMs: Math.max(0, ...times.map((time) => now - time)) }
}

export const createFollower = (
  parts: FollowerParts,
  reader: PageReader,
  { from, ...following }: PageFollowing & { from: KeptPlace | null },
): Follower => {
  const own: Own = {
    parts,
    reader,
    following,
    reading: createPlaceReading(parts, reader),
    bell: createBell(),
    kept: { place: from, at: -Infinity, row: 0n },
    at: null,
    joined: null,
    oldest: null,
    failingSince: null,
    movesOn: false,
    ended: false,
    fault: null,
  }
  return {
    async run() {
      const leave = parts.shared.enter()
      await follow(own, createLiveReader(own))
      leave()
      if (own.fault !== null) throw own.fault.error
    },
    tick() {
      const place = own.joined?.mail.isEmpty() === true && restsLong(own) ? standsAt(own) : null
      if (place === null || !isFarFrom(own, place)) return
      own.movesOn = true
      own.bell.ring()
    },
    state: () => stateOf(own),
  }
}
