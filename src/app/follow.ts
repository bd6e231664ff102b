// The port to the tail: how a door follows the log of all orders, by a stream or by polling. The tail (src/tail/) implements it.

import type { Order } from '../domain/order.ts'
import type { LogFilter } from '../store/log.ts'

/** A longer text is no cursor. (Some thousand transactions that run at the same time.) */
export const cursorLengthMax = 8_192

/** Which events a follower gets. */
export type EventFilter = LogFilter

/**
 * One event of the log. `text`: the JSON of `{ event, order }`, written once for all who follow (as the tail is told to write it). Beside
 * it only what is needed to sort and choose: many thousands of them are kept in memory.
 */
export type LogEvent = {
  /** Its place in the log. */
  position: bigint
  orderId: string
  version: number
  userId: string
  ticker: string
  text: string
}

/** An event with the cursor that resumes after it. Such a resumption may repeat events, this one among them, and never skips one. */
export type Followed = { event: LogEvent; cursor: string }

/** Why a follower begins anew: its cursor is too old, too many events passed since, or it comes from another database. */
export const resetReasons = ['CURSOR_TOO_OLD', 'TOO_FAR_BEHIND', 'OTHER_DATABASE'] as const
export type ResetReason = (typeof resetReasons)[number]

/**
 * What a follower gets next. It begins with `snapshot` pages and `live` (no cursor), or at once with events. A `reset` is followed by
 * `snapshot` pages and `live`. After `lagging` and `ended` nothing comes any more.
 */
export type Step =
  /** A page of open orders that pass the filter, newest first. */
  | { kind: 'snapshot'; orders: readonly Order[] }
  /** The snapshot is complete: an order that is not in it is not open. What follows are changes since it began. */
  | { kind: 'live'; cursor: string }
  | { kind: 'events'; events: readonly Followed[] }
  /** No event passed the filter, but the cursor moved on: heartbeats carry it. */
  | { kind: 'idle'; cursor: string }
  | { kind: 'reset'; reason: ResetReason }
  /** The follower reads too slowly: more bytes than `STREAM_BUFFER_MAX_BYTES` waited for it. Null: it had no cursor yet. */
  | { kind: 'lagging'; cursor: string | null }
  /** The tail stops: the service shuts down. */
  | { kind: 'ended'; cursor: string | null }

export type Following = {
  /** The next step, as soon as there is one. One call at a time. Never rejects: while Postgres is away, it waits. */
  next: () => Promise<Step>
  /** Ends it: a `next` that waits gets `ended`. */
  close: () => void
}

export type BadCursor = { ok: false; code: 'BAD_CURSOR' }

/**
 * One page of polling. `CURSOR_EXPIRED`: begin anew without a cursor, for this reason. `OVERLOADED`: too many wait. `UNAVAILABLE`: Postgres
 * cannot be read now.
 */
export type PageResult =
  | { ok: true; events: readonly LogEvent[]; cursor: string }
  | { ok: false; code: 'CURSOR_EXPIRED'; reason: ResetReason }
  | { ok: false; code: 'OVERLOADED' | 'UNAVAILABLE' }
  | BadCursor

export type TailState = {
  followers: number
  /** Followers that read from Postgres now, and that wait to: snapshots and cursors of before the ring. */
  catchingUp: number
  /** Events and bytes of the ring. */
  ring: { events: number; bytes: number }
  /** How old the newest events were when they were read, in ms; 0 while nothing is followed. */
  lagMs: number
  /** Why the log cannot be read now; null: it can, or nobody follows. */
  obstacle: string | null
}

export type Follow = {
  /**
   * `cursor`: null for a snapshot first. `onLagging`: called once, when the next step becomes `lagging`: a reader whose socket takes
   * nothing does not ask for it.
   */
  open: (
    filter: EventFilter,
    cursor: string | null,
    onLagging?: () => void,
  ) => { ok: true; following: Following } | BadCursor
  /** At most `limit` events after `cursor`; null: from now on, so there are none yet. */
  page: (filter: EventFilter, cursor: string | null, limit: number) => Promise<PageResult>
  /** Every follower gets `ended`. */
  close: () => void
  state: () => TailState
}
