// A stream of orders with the tabs that follow it. It keeps what it knows, for the tabs that come later.

import { createBook, type Book, type Change } from '../model/book.ts'
import { follow, type FollowOptions, type Following } from './follow.ts'
import type { FeedState, FromFeed, Line, ToFeed } from './protocol.ts'
import type { News } from './reading.ts'

export type StreamOptions = Omit<FollowOptions, 'headers' | 'signal' | 'onNews' | 'onState' | 'onResume'> & {
  /** Calls back after this many ms, once. */
  readonly later: (ms: number, callback: () => void) => void
}

export type Tab = Line<FromFeed, ToFeed>
export type Stream = {
  readonly tabs: Set<Tab>
  readonly book: Book
  readonly following: Following
  readonly stop: () => void
  readonly state: () => FeedState
}

/** Changes go to the tabs this often, so that hundreds of them are one message. */
const batchMs = 40

export const openStream = (
  headers: Readonly<Record<string, string>>,
  { later, ...followOptions }: StreamOptions,
): Stream => {
  const ending = new AbortController()
  const tabs = new Set<Tab>()
  const book = createBook()
  const tellAll = (message: FromFeed): void => tabs.forEach((tab) => tab.send(message))
  let waiting: Change[] = []
  let state: FeedState = { kind: 'connecting' }

  const flush = (): void => {
    if (waiting.length > 0) tellAll({ kind: 'changes', changes: waiting })
    waiting = []
  }
  const takeNews = (news: News): void => {
    if (news.kind === 'changes') {
      if (waiting.length === 0) later(batchMs, flush)
      book.put(news.changes)
      waiting.push(...news.changes)
    } else if (news.kind === 'reset') {
      waiting = []
      book.clear()
      tellAll(news)
    }
  }
  return {
    tabs,
    book,
    state: () => state,
    stop: () => ending.abort(),
    following: follow({
      ...followOptions,
      headers,
      signal: ending.signal,
      onNews: (news) => news.forEach(takeNews),
      onState(next) {
        flush()
        state = next
        tellAll({ kind: 'state', state })
      },
      onResume: () => tellAll({ kind: 'resumed' }),
    }),
  }
}
