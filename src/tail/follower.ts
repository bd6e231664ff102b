// One follower: on its way to the head of the log first, then at it. It is pulled; at the head, what it does not pull waits for it.

import type { EventFilter, Following, Step } from '../app/follow.ts'
import { sleep } from '../app/sleep.ts'
import type { Place } from '../store/log.ts'
import { contains } from '../store/snapshot.ts'
import { describe, type Log } from '../telemetry/log.ts'
import { seenAtMost, seenFully } from './chunk.ts'
import { encodeCursor } from './cursor.ts'
import type { Gathered, Gathering } from './gathering.ts'
import { bytesOf, type Live, type LiveFollower } from './live.ts'
import { createMailbox, type Mailbox } from './mailbox.ts'
import type { Reader } from './reader.ts'
import { hasSeen, type Entry } from './ring.ts'
import { goOn, type Paths, type Stage, type Way } from './stages.ts'

export type FollowerParts = Paths & {
  reader: Reader
  live: Live
  gathering: Gathering
  /** How many bytes of events may wait for a follower that does not pull. */
  bufferMaxBytes: number
  log: Pick<Log, 'rarely'>
}

export type Follower = Following & {
  /** Ends it, as `close` does, once it was handed what waits for it. */
  end: () => void
  /** A moment has passed: if nothing was pulled since the last one, the step that waits is `idle`. */
  tick: () => void
  isLive: () => boolean
}

const errorPauseMs = 250

/** What waits is held back only while it is less than this part of what may wait. */
const heldPart = 1 / 4

/**
 * `handed`: the cursor of the last step that was pulled. `quiet`: nothing was pulled since the last tick. `idle`: it has to say so. `held`:
 * what waits in the mailbox is gathered. `asks`: it is at the head and waits for what comes. `last`: how it ended. `wake` ends what it waits for.
 */
type Own = {
  way: Way
  mailbox: Mailbox
  handed: string | null
  quiet: boolean
  idle: boolean
  held: boolean
  asks: boolean
  last: 'lagging' | 'ended' | null
  wake: () => void
  /** The place that it came from, while this replica has read less far. Null: what is read from now on is new to it. */
  ahead: Place | null
}

const begin = (way: Way): Own => ({
  way,
  ahead: null,
  mailbox: createMailbox(),
  handed: null,
  quiet: false,
  idle: false,
  held: false,
  asks: false,
  last: null,
  wake: () => undefined,
})

const woken = (own: Own): Promise<void> =>
  new Promise((resolve) => {
    own.wake = resolve
  })

/** Whether the follower has seen what this replica has not read yet. Once the replica has caught up, it stays so. */
const isAhead = (own: Own, { reader }: Pick<FollowerParts, 'reader'>): boolean => {
  const head = reader.head()
  if (own.ahead !== null && head !== null && contains(seenFully(head), seenAtMost(own.ahead))) own.ahead = null
  return own.ahead !== null
}

/** The entries that the follower has not seen at another replica. */
const newTo = (own: Own, parts: FollowerParts, entries: readonly Entry[]): readonly Entry[] => {
  const { ahead } = own
  if (ahead === null) return entries
  isAhead(own, parts)
  return entries.filter((entry) => !hasSeen(ahead, entry))
}

/** What waits at the head; null: nothing does. A cursor of the head would lead a follower that is ahead back to what it has seen. */
const atHead = (own: Own, parts: FollowerParts): Step | null => {
  const { reader, nowMs } = parts
  if (own.held) return null
  const events = own.mailbox.take()
  const wasIdle = own.idle
  own.idle = false
  if (events !== null) return { kind: 'events', events }
  const head = reader.head()
  return wasIdle && head !== null && !isAhead(own, parts) ? { kind: 'idle', cursor: encodeCursor(head, nowMs()) } : null
}

/** What is left for one that ended, then its end. */
const atEnd = (own: Own, last: NonNullable<Own['last']>): Step => {
  const events = own.mailbox.take()
  return events === null ? { kind: last, cursor: own.handed } : { kind: 'events', events }
}

const waitAtHead = async (own: Own): Promise<void> => {
  own.asks = true
  await woken(own)
  own.asks = false
}

/** A step of the way. It never rejects: while Postgres is away, it takes long. */
const onTheWay = async (own: Own, parts: FollowerParts): Promise<Step | null> => {
  try {
    return await goOn(own.way, parts)
  } catch (error) {
    parts.log.rarely('warn', 'tail', 'the log cannot be read; streams wait', describe(error))
    await sleep(errorPauseMs)
    return null
  }
}

const handedBy = (step: Step, before: string | null): string | null => {
  switch (step.kind) {
    case 'events':
      return step.events.at(-1)!.cursor
    case 'idle':
    case 'live':
      return step.cursor
    case 'reset':
      return null
    case 'snapshot':
    case 'lagging':
    case 'ended':
      return before
  }
}

const nextStep = async (own: Own, parts: FollowerParts): Promise<Step> => {
  for (;;) {
    let step: Step | null
    if (own.last !== null) {
      step = atEnd(own, own.last)
    } else if (own.way.stage.kind === 'live') {
      step = atHead(own, parts)
      if (step === null) await waitAtHead(own)
    } else {
      step = await Promise.race([onTheWay(own, parts), woken(own).then(() => null)])
      if (own.last !== null) continue
    }
    if (step === null) continue
    own.handed = handedBy(step, own.handed)
    own.quiet = false
    return step
  }
}

type Admission = { bytesMax: number; atOnce: () => boolean }

const letGo = (own: Own): void => {
  own.held = false
  own.wake()
}

/**
 * Puts what came to what waits, and lets it go or holds it. False: more than the bound would wait for one who does not ask. One delivery is
 * always taken, however large it is, and all that is held back from one who asks.
 */
const accept = (own: Own, delivery: { entries: readonly Entry[]; bytes: number }, mayHave: Admission): boolean => {
  const { mailbox, asks } = own
  const waiting = mailbox.bytes()
  if (!asks && waiting > 0 && waiting + delivery.bytes > mayHave.bytesMax) return false
  mailbox.push(delivery.entries, delivery.bytes)
  if (mailbox.bytes() > heldPart * mayHave.bytesMax || mayHave.atOnce()) letGo(own)
  else own.held = true
  return true
}

/** `onLagging`: called when it was given up because it does not pull. `onEnd`: called once, however it ended. */
export type FollowerOptions = {
  filter: EventFilter
  stage: Stage
  onLagging: () => void
  onEnd: (follower: Follower) => void
}

export const createFollower = (
  parts: FollowerParts,
  { filter, stage, onLagging, onEnd }: FollowerOptions,
): Follower => {
  const leave = parts.reader.enter()
  const own = begin({
    filter,
    stage,
    arrive(origin) {
      own.ahead = origin
      parts.live.add(self)
    },
  })
  const finish = (last: NonNullable<Own['last']>): void => {
    if (own.last !== null) return
    own.last = last
    own.way.stage = { kind: 'ended' }
    parts.live.remove(self)
    parts.gathering.forget(self)
    leave()
    own.wake()
    onEnd(follower)
  }
  const admission: Admission = { bytesMax: parts.bufferMaxBytes, atOnce: () => parts.gathering.admits(self) }
  const self: LiveFollower & Gathered = {
    filter,
    push(entries, bytes) {
      const fresh = newTo(own, parts, entries)
      if (fresh.length === 0) return
      if (accept(own, { entries: fresh, bytes: fresh === entries ? bytes : bytesOf(fresh) }, admission)) return
      own.mailbox.clear()
      finish('lagging')
      onLagging()
    },
    release: () => letGo(own),
    reset(because) {
      own.mailbox.clear()
      own.held = false
      // Else the end of its window would wake it amid its new way, and what was read for it just then be lost.
      parts.gathering.forget(self)
      own.ahead = null
      own.way.stage = { kind: 'start', because }
      own.wake()
    },
  }
  const follower: Follower = {
    next: () => nextStep(own, parts),
    end: () => finish('ended'),
    close() {
      own.mailbox.clear()
      finish('ended')
    },
    tick() {
      own.idle = own.quiet && own.way.stage.kind === 'live'
      own.quiet = true
      if (own.idle) own.wake()
    },
    isLive: () => own.way.stage.kind === 'live',
  }
  return follower
}
