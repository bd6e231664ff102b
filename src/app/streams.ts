// The use cases that follow the log: a stream, and polling. They decide what a caller may follow and how many streams may be open; the
// tail (app/follow.ts) brings the events.

import { isAdmin, ownUser, owns, subjectOf, type Call, type Caller } from './caller.ts'
import type { BadCursor, EventFilter, Follow, Following, PageResult, TailState } from './follow.ts'

/** `cursor`: where to resume; null: a stream begins with a snapshot, polling begins now. */
type Wish = { filter: EventFilter; cursor: string | null }

export type TooManyStreams = { ok: false; code: 'TOO_MANY_STREAMS'; whose: 'caller' | 'all' }
type OpenedStream = { ok: true; following: Following } | TooManyStreams | BadCursor

export type StreamUseCases = {
  /**
   * Opens a stream of what the caller may see. Whoever opens it closes it, whatever its last step was. `onLagging`: called when so much
   * waits for a reader that does not ask that it was given up; `next` says it too.
   */
  follow: (call: Pick<Call, 'caller'>, wish: Wish, onLagging: () => void) => OpenedStream
  /** One page of polling: at most `limit` events. */
  events: (call: Pick<Call, 'caller'>, wish: Wish & { limit: number }) => Promise<PageResult>
  state: () => StreamsState
}

/** `open`: streams, of `max` at the most. */
type StreamsState = { open: number; max: number; tail: TailState }

type Refusal = Exclude<OpenedStream | PageResult, { ok: true }>['code']

export type StreamsOptions = {
  follow: Pick<Follow, 'open' | 'page' | 'state'>
  /** How many streams may be open in all. */
  max: number
  /** How many of them one caller may have, if callers identify themselves. */
  perCallerMax: number
  onRefusal?: (call: 'follow' | 'events', code: Refusal) => void
}

/** No order has this id. */
const noOrder = '00000000-0000-0000-0000-000000000000'

/**
 * The filter that keeps this caller to what lists show it: an administrator sees everything, everybody else the own orders. Of another
 * user there is nothing to see, whether that user has orders or not.
 */
const visibleTo = (caller: Caller | null, filter: EventFilter): EventFilter => {
  if (isAdmin(caller)) return filter
  const userId = ownUser(caller)
  if (userId === null) return { orderId: noOrder }
  const isForeign = filter.userId !== undefined && !owns(caller, filter.userId)
  return { ...filter, userId, ...(isForeign ? { orderId: noOrder } : {}) }
}

/** Counts the open streams, in all and of each caller that has a name. */
const createCount = ({ max, perCallerMax }: Pick<StreamsOptions, 'max' | 'perCallerMax'>) => {
  const ofCallers = new Map<string, number>()
  let open = 0
  return {
    open: () => open,
    refusal(subject: string | null): TooManyStreams | null {
      if (open >= max) return { ok: false, code: 'TOO_MANY_STREAMS', whose: 'all' }
      const own = subject === null ? 0 : (ofCallers.get(subject) ?? 0)
      return own >= perCallerMax ? { ok: false, code: 'TOO_MANY_STREAMS', whose: 'caller' } : null
    },
    add(subject: string | null): void {
      open++
      if (subject !== null) ofCallers.set(subject, (ofCallers.get(subject) ?? 0) + 1)
    },
    remove(subject: string | null): void {
      open--
      if (subject === null) return
      const rest = ofCallers.get(subject)! - 1
      if (rest === 0) ofCallers.delete(subject)
      else ofCallers.set(subject, rest)
    },
  }
}

export const createStreams = ({ follow, onRefusal = () => undefined, ...limits }: StreamsOptions): StreamUseCases => {
  const count = createCount(limits)

  const open = (caller: Caller | null, { filter, cursor }: Wish, onLagging: () => void): OpenedStream => {
    const subject = subjectOf(caller)
    const refusal = count.refusal(subject)
    if (refusal !== null) return refusal
    const opened = follow.open(visibleTo(caller, filter), cursor, onLagging)
    if (!opened.ok) return opened
    const { following } = opened
    count.add(subject)
    let isOpen = true
    return {
      ok: true,
      following: {
        next: following.next,
        close() {
          if (!isOpen) return
          isOpen = false
          count.remove(subject)
          following.close()
        },
      },
    }
  }

  return {
    follow({ caller }, wish, onLagging) {
      const opened = open(caller, wish, onLagging)
      if (!opened.ok) onRefusal('follow', opened.code)
      return opened
    },
    async events({ caller }, { filter, cursor, limit }) {
      const page = await follow.page(visibleTo(caller, filter), cursor, limit)
      if (!page.ok) onRefusal('events', page.code)
      return page
    },
    state: () => ({ open: count.open(), max: limits.max, tail: follow.state() }),
  }
}
