// One stream for each credential, shared by the tabs that have it. It keeps what it knows, so that a tab that opens later begins with
// that and costs the service nothing.

import { createBook, type Book, type Change } from '../model/book.ts'
import { follow, type FollowOptions, type Following } from './follow.ts'
import type { FeedState, FromFeed, Line, ToFeed } from './protocol.ts'
import type { News } from './reading.ts'

export type HubOptions = Omit<FollowOptions, 'headers' | 'signal' | 'onNews' | 'onState' | 'onResume'> & {
  /** Calls back after this many ms, once. */
  readonly later: (ms: number, callback: () => void) => void
  /** Calls back once nobody holds this lock. */
  readonly whenFree: (lock: string, callback: () => void) => void
}

type Tab = Line<FromFeed, ToFeed>
type Stream = {
  readonly tabs: Set<Tab>
  readonly book: Book
  readonly following: Following
  readonly stop: () => void
  readonly state: () => FeedState
}

/** Changes go to the tabs this often, so that hundreds of them are one message. */
const batchMs = 40

export const createHub = ({ later, whenFree, ...followOptions }: HubOptions) => {
  const streams = new Map<string, Stream>()
  const streamOfTab = new Map<Tab, string>()

  const open = (headers: Readonly<Record<string, string>>): Stream => {
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

  const leave = (tab: Tab): void => {
    const name = streamOfTab.get(tab)
    if (name === undefined) return
    streamOfTab.delete(tab)
    const stream = streams.get(name)!
    stream.tabs.delete(tab)
    if (stream.tabs.size > 0) return
    stream.stop()
    streams.delete(name)
  }

  const join = (tab: Tab, headers: Readonly<Record<string, string>>): void => {
    leave(tab)
    const name = JSON.stringify(headers)
    const known = streams.get(name)
    // One that was refused for good is tried anew for a tab that comes.
    const stream = known === undefined || known.state().kind === 'refused' ? open(headers) : known
    if (known !== undefined && known !== stream) for (const other of known.tabs) stream.tabs.add(other)
    streams.set(name, stream)
    stream.tabs.add(tab)
    streamOfTab.set(tab, name)
    tab.send({ kind: 'state', state: stream.state() })
    const changes = stream.book.rows().map(({ order }) => ({ order, kind: null }))
    if (changes.length > 0) tab.send({ kind: 'changes', changes })
  }

  return {
    /** Takes a tab in, which says by itself what it wants. */
    connect(tab: Tab): void {
      tab.onMessage((message) => {
        if (message.kind === 'join') join(tab, message.headers)
        else if (message.kind === 'leave') leave(tab)
        else if (message.kind === 'hold') whenFree(message.lock, () => leave(tab))
        else streams.get(streamOfTab.get(tab) ?? '')?.following.retry()
      })
    },
    /** How many streams there are, and tabs that follow them. */
    counts: () => ({ streams: streams.size, tabs: streamOfTab.size }),
  }
}
