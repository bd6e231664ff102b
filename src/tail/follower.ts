// One follower: on its way to the head of the log first, then at it. It is pulled; at the head, what it does not pull waits for it.

import type { EventFilter, Following, Step } from '../app/follow.ts'
import { sleep } from '../app/sleep.ts'
import type { Place } from '../store/log.ts'
import { contains } from '../store/snapshot.ts'
import { describe, type Log } from '../telemetry/log.ts'
import { seenAtMost, seenFully } from './chunk.ts'
import { encodeCursor } from './cursor.ts'
import { bytesOf, type Live, type LiveFollower } from './live.ts'
import { createMailbox, type Mailbox } from './mailbox.ts'
import type { Reader } from './reader.ts'
import { hasSeen, type Entry } from './ring.ts'
import { goOn, type Paths, type Stage, type Way } from './stages.ts'

export type FollowerParts = Paths & {
  reader: Reader
  live: Live
  /** How many bytes of events may wait for a follower that does not pull. */
  bufferMaxBytes: number
  log: Pick<Log, 'rarely'>
}

export type Follower = Following & {
  /** A moment has passed: if nothing was pulled since the last one, the step that waits is `idle`. */
  tick: () => void
  isLive: () => boolean
}

const errorPauseMs = 250

/**
 * `handed`: the cursor of the last step that was pulled. `quiet`: nothing was pulled since the last tick. `idle`: it has to say so. `last`:
 * the step that ends it. `wake` ends what it waits for.
 */
type Own = {
  way: Way
  mailbox: Mailbox
  handed: string | null
  quiet: boolean
  idle: boolean
  last: Step | null
  wake: () => void
  /** The place that it came from, while this replica has read less far. Null: what is read from now on is new to it. */
  ahead: Place | null
}

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
  const events = own.mailbox.take()
  const wasIdle = own.idle
  own.idle = false
  if (events !== null) return { kind: 'events', events }
  const head = reader.head()
  return wasIdle && head !== null && !isAhead(own, parts) ? { kind: 'idle', cursor: encodeCursor(head, nowMs()) } : null
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
    if (own.last !== null) return own.last
    let step: Step | null
    if (own.way.stage.kind === 'live') {
      step = atHead(own, parts)
      if (step === null) await woken(own)
    } else {
      step = await Promise.race([onTheWay(own, parts), woken(own).then(() => null)])
    }
    if (step === null || own.last !== null) continue
    own.handed = handedBy(step, own.handed)
    own.quiet = false
    return step
  }
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
  const own: Own = {
    way: {
      filter,
      stage,
      arrive(origin) {
        own.ahead = origin
        parts.live.add(self)
      },
    },
    ahead: null,
    mailbox: createMailbox(parts.bufferMaxBytes),
    handed: null,
    quiet: false,
    idle: false,
    last: null,
    wake: () => undefined,
  }
  const finish = (step: Step): void => {
    if (own.last !== null) return
    own.last = step
    own.way.stage = { kind: 'ended' }
    own.mailbox.clear()
    parts.live.remove(self)
    leave()
    own.wake()
    onEnd(follower)
  }
  const self: LiveFollower = {
    filter,
    push(entries, bytes) {
      const fresh = newTo(own, parts, entries)
      if (fresh.length === 0) return
      if (own.mailbox.push(fresh, fresh === entries ? bytes : bytesOf(fresh))) return own.wake()
      finish({ kind: 'lagging', cursor: own.handed })
      onLagging()
    },
    reset(because) {
      own.mailbox.clear()
      own.ahead = null
      own.way.stage = { kind: 'start', because }
      own.wake()
    },
  }
  const follower: Follower = {
    next: () => nextStep(own, parts),
    close: () => finish({ kind: 'ended', cursor: own.handed }),
    tick() {
      own.idle = own.quiet && own.way.stage.kind === 'live'
      own.quiet = true
      if (own.idle) own.wake()
    },
    isLive: () => own.way.stage.kind === 'live',
  }
  return follower
}
