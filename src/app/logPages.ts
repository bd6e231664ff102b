// The port to those who follow the log page by page and keep their place with what they did: no event is left out, however long they were
// away, and none comes twice as long as each page and its place are kept in one. The tail (src/tail/pages/) implements it.

import type { HistoryEvent } from '../domain/history.ts'

/** A place in the log as it is kept. `cursor`: see tail/cursor.ts; it never ages. */
export type KeptPlace = { logEpoch: number; cursor: string }

/** What comes after one place up to another: those events that concern who follows, in the order of the log; at most `pageMax`. */
export type LogPage = { from: KeptPlace | null; to: KeptPlace; events: readonly HistoryEvent[] }

/** Events of a page. */
export const pageMax = 500

/** What is looked for: see LogInterest. It may find more than `concerns` lets through, never less. */
export type PageInterest = { session: string; userIds: readonly string[] }

/** Who follows. `id`: for the log and for operators. */
export type PageReader = {
  id: string
  interest: PageInterest
  concerns: (event: HistoryEvent) => boolean
}

export type PageFollowing = {
  /** Keeps the page and its place; false: nothing more is to come. The next page comes afterwards. */
  onPage: (page: LogPage) => Promise<boolean>
  signal: AbortSignal
}

/** `oldestAgeMs`: for how long the oldest event has waited that was read and is not kept, or for how long the log could not be read. */
export type PageReaderState = { id: string; live: boolean; oldestAgeMs: number }

export type LogPages = {
  /**
   * Follows the log from a place; null: from now on, and the first page says where that is (`from` is null, and it has no events). Resolves
   * once `onPage` said false or the signal is aborted, never during `onPage`; rejects if `onPage` does. While Postgres cannot be read, it waits.
   */
  follow: (reader: PageReader, from: KeptPlace | null, following: PageFollowing) => Promise<void>
  /** A commit of this process wrote the log: look at once. */
  ring: () => void
  /** `obstacle`: why the log cannot be read now. */
  state: () => { readers: readonly PageReaderState[]; obstacle: string | null }
}
