// What a tab and the feed say to each other. The feed is a worker that tabs share, or runs in the tab where there is none.

import type { Change } from '../model/book.ts'

/**
 * `snapshot`: what is open is being read. `waiting`: the connection was lost; another is made at `untilMs`, in ms since 1970. `refused`: it
 * will not get better by itself. `status`: of the answer.
 */
export type FeedState =
  | { readonly kind: 'connecting' | 'snapshot' | 'live' }
  | { readonly kind: 'waiting'; readonly reason: string; readonly untilMs: number }
  | { readonly kind: 'refused'; readonly reason: string; readonly status: number }

export type FromFeed =
  | { readonly kind: 'state'; readonly state: FeedState }
  | { readonly kind: 'changes'; readonly changes: readonly Change[] }
  /** What is known may be incomplete: forget it. The open orders follow anew. */
  | { readonly kind: 'reset'; readonly reason: string }
  /** The stream goes on where it was, after a connection that was lost. */
  | { readonly kind: 'resumed' }

/** `join`: follow with this credential; again with another one. `hold`: the tab is gone when this lock is free. `retry`: connect now. */
export type ToFeed =
  | { readonly kind: 'join'; readonly headers: Readonly<Record<string, string>> }
  | { readonly kind: 'hold'; readonly lock: string }
  | { readonly kind: 'retry' | 'leave' }

/** One end of a line between a tab and the feed. */
export type Line<Out, In> = { send: (message: Out) => void; onMessage: (take: (message: In) => void) => void }

/** The name of the worker. Raise it with this file, so that a tab of another version has a worker of its own. */
export const workerName = 'orders-feed-1'
