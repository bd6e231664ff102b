// The tab's side of the feed: the book of orders, kept up to date, and how the connection is.

import { createBook, type Book, type Change } from '../model/book.ts'
import { orderFromJson } from '../model/order.ts'
import type { Service } from '../service/service.ts'
import type { FeedState, FromFeed, Line, ToFeed } from './protocol.ts'

/** What happened to the connection lately, in words for a person. */
type Notice = { readonly kind: 'resumed' | 'reset'; readonly text: string }

export type Feed = {
  readonly book: Book
  readonly state: () => FeedState
  readonly notice: () => Notice | null
  readonly dismiss: () => void
  /** Takes orders that an answer brought, before the stream does. */
  readonly put: (changes: readonly Change[]) => void
  /** Calls back when the book, the state or the notice changed; often, so draw once a frame. Returns how to stop that. */
  readonly onChange: (listener: () => void) => () => void
  /** Connects now. */
  readonly retry: () => void
  /** Follows, with the credential that the service has now. */
  readonly join: () => void
  readonly leave: () => void
}

/** How many of the newest orders are read beside those that are open, by pages of `pageRows`. */
const pagesMax = 2
const pageRows = 500

const resetTexts: Readonly<Record<string, string>> = {
  CURSOR_TOO_OLD: 'This page was away for too long to catch up',
  TOO_FAR_BEHIND: 'Too much happened to catch up',
  OTHER_DATABASE: 'The service has another database now',
  SNAPSHOT_CUT_OFF: 'The connection was lost before all orders were read',
  CURSOR_NOT_TAKEN: 'The service no longer knows where this page was',
}

/** Reads the newest orders, ended ones among them: the stream begins with what is open. False: the service refused. */
const readRecent = async (service: Service, onOrders: (orders: readonly Change[]) => void): Promise<boolean> => {
  let cursor: string | null = null
  for (let page = 0; page < pagesMax; page++) {
    const query: string = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`
    const { problem, body } = await service.call('GET', `/orders?limit=${pageRows}${query}`)
    if (problem !== undefined) return false
    const { orders, nextCursor } = body as { orders: readonly unknown[]; nextCursor: string | null }
    onOrders(orders.map((one) => ({ order: orderFromJson(one), kind: null })))
    if (nextCursor === null) return true
    cursor = nextCursor
  }
  return true
}

export const createFeed = (service: Service, line: Line<ToFeed, FromFeed>): Feed => {
  const book = createBook()
  const listeners = new Set<() => void>()
  let state: FeedState = { kind: 'connecting' }
  let notice: Notice | null = null
  let hasRecent = false
  const tell = (): void => listeners.forEach((listener) => listener())

  const put = (changes: readonly Change[]): void => {
    if (book.put(changes) > 0) tell()
  }
  const take = (message: FromFeed): void => {
    if (message.kind === 'changes') book.put(message.changes)
    else if (message.kind === 'resumed') notice = { kind: 'resumed', text: 'Connected again; nothing was missed' }
    else if (message.kind === 'reset') {
      book.clear()
      hasRecent = false
      const why = resetTexts[message.reason] ?? `The stream begins anew (${message.reason})`
      notice = { kind: 'reset', text: `${why}: the orders were read anew` }
    } else {
      state = message.state
      if (state.kind === 'waiting') notice = null
      if (state.kind === 'live' && !hasRecent) {
        hasRecent = true
        void readRecent(service, put).then((ok) => (hasRecent = ok))
      }
    }
    tell()
  }

  line.onMessage(take)
  return {
    book,
    state: () => state,
    notice: () => notice,
    dismiss() {
      notice = null
      tell()
    },
    put,
    onChange(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    retry: () => line.send({ kind: 'retry' }),
    join() {
      book.clear()
      hasRecent = false
      line.send({ kind: 'join', headers: service.credentialHeaders() })
      tell()
    },
    leave: () => line.send({ kind: 'leave' }),
  }
}
