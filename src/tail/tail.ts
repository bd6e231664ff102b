// The tail: the log → whoever follows it. One reader a process feeds all followers; see src/README.md.

import type { Follow } from '../app/follow.ts'
import type { Database } from '../store/sql.ts'
import type { Log } from '../telemetry/log.ts'
import { createCatchUp } from './catchUp.ts'
import { decodeCursor, type Cursor } from './cursor.ts'
import type { WriteEvent } from './entries.ts'
import { createFollower, type Follower, type FollowerParts } from './follower.ts'
import { createGathering } from './gathering.ts'
import { createLanes } from './lanes.ts'
import { createLive } from './live.ts'
import { createPolling } from './polling.ts'
import { createReader } from './reader.ts'
import { createRing } from './ring.ts'
import { behindAt, type Stage } from './stages.ts'

export type TailOptions = {
  /** A pool with plans of the kind `log`. One of its connections is for the reader, the others are `lanes`. */
  db: Database
  lanes: number
  /** The pool for lists: open orders are read there. */
  lists: Database
  /** Writes the JSON of an event, `{ event, order }`. */
  write: WriteEvent
  pollMs: number
  ring: { eventsMax: number; bytesMax: number }
  bufferMaxBytes: number
  /** A follower that gets change after change has those of so many ms together. */
  gatherMs: number
  cursorMaxAgeMs: number
  resumeMaxEvents: number
  now: () => Date
  log: Pick<Log, 'rarely'>
}

export type Tail = Follow & {
  /** A commit of this process wrote the log: look at once. */
  ring: () => void
}

/** Polls at a time. Most of them need no connection. */
const pollingLanes = 100
const pollsWaitingMax = 500
const listLanes = 2

/** A follower for which nothing came for about this time gets a step with a new cursor. */
const idleMs = 10_000
/** They are not all asked at once. */
const groupCount = 20

const nothing = (): void => undefined

/** Asks one group of the followers after another, so that all are asked once in idleMs. */
const createTicker = () => {
  const groups = Array.from({ length: groupCount }, () => new Set<Follower>())
  let [turn, lastAt, added] = [0, 0, 0]
  return {
    add: (follower: Follower) => void groups[added++ % groupCount]!.add(follower),
    remove: (follower: Follower) => groups.forEach((group) => group.delete(follower)),
    all: () => groups.flatMap((group) => [...group]),
    look(nowMs: number) {
      if (nowMs - lastAt < idleMs / groupCount) return
      lastAt = nowMs
      for (const follower of groups[turn++ % groupCount]!) follower.tick()
    },
  }
}

const createParts = (options: TailOptions, onLook: () => void) => {
  const { db, lists, write, now, log } = options
  const nowMs = () => now().getTime()
  const ring = createRing(options.ring)
  const live = createLive()
  const gathering = createGathering(options.gatherMs)
  const reader = createReader({
    db,
    ring,
    live,
    write,
    pollMs: options.pollMs,
    mayRest: () => live.size() > 0 && gathering.waiting() >= live.size(),
    restMs: options.gatherMs,
    now,
    log,
    onLook,
  })
  const lanes = createLanes(options.lanes, Infinity)
  const catchUp = createCatchUp({
    db,
    ring,
    reader,
    lanes,
    write,
    now,
    resumeMax: options.resumeMaxEvents,
  })
  const followers: FollowerParts = {
    reader,
    ring,
    live,
    gathering,
    catchUp,
    lists,
    listLanes: createLanes(listLanes, Infinity),
    nowMs,
    bufferMaxBytes: options.bufferMaxBytes,
    log,
  }
  const polls = createLanes(pollingLanes, pollsWaitingMax)
  return {
    ring,
    reader,
    followers,
    page: createPolling({ reader, ring, catchUp, lanes: polls, nowMs, log }),
    nowMs,
  }
}

export const createTail = (options: TailOptions): Tail => {
  const ticker = createTicker()
  const { ring, reader, followers, page, nowMs } = createParts(options, () => ticker.look(performance.now()))
  let closed = false

  const isOld = ({ issuedAtMs }: Cursor): boolean => nowMs() - issuedAtMs > options.cursorMaxAgeMs

  const stageOf = (cursor: Cursor | null): Stage => {
    if (cursor === null) return { kind: 'start', because: null }
    return isOld(cursor) ? { kind: 'start', because: 'CURSOR_TOO_OLD' } : behindAt(cursor.place)
  }

  return {
    open(filter, text, onLagging = nothing) {
      const cursor = text === null ? null : decodeCursor(text)
      if (text !== null && cursor === null) return { ok: false, code: 'BAD_CURSOR' }
      const following = createFollower(followers, { filter, stage: stageOf(cursor), onLagging, onEnd: ticker.remove })
      ticker.add(following)
      if (closed) following.close()
      return { ok: true, following }
    },
    async page(filter, text, limit) {
      const cursor = text === null ? null : decodeCursor(text)
      if (text !== null && cursor === null) return { ok: false, code: 'BAD_CURSOR' }
      if (cursor !== null && isOld(cursor)) return { ok: false, code: 'CURSOR_EXPIRED', reason: 'CURSOR_TOO_OLD' }
      return page(filter, cursor?.place ?? null, limit)
    },
    ring: reader.wake,
    close() {
      closed = true
      for (const following of ticker.all()) following.end()
      reader.close()
    },
    state() {
      const all = ticker.all()
      return {
        followers: all.length,
        catchingUp: all.filter((following) => !following.isLive()).length,
        ring: ring.size(),
        lagMs: reader.lagMs(),
        obstacle: reader.obstacle(),
      }
    },
  }
}
