// What happens to a connection, one at a time and in a fair order: its end, what was asked for again, reports, messages, the time. It keeps few
// messages of the client and no second page of reports: whoever brings more waits.

import type { Message } from '../protocol/codec.ts'
import type { ReportPage } from './reports.ts'
import type { Peer } from './types.ts'

export type Item =
  | { kind: 'message'; message: Message }
  | { kind: 'garbled' }
  | { kind: 'tick' }
  | { kind: 'resend'; from: number; to: number }
  | { kind: 'page'; page: ReportPage; kept: (more: boolean) => void }
  | { kind: 'logout'; text: string | null }
  | { kind: 'fail'; reason: string }

export type InboxOptions = {
  peer: Pick<Peer, 'pause' | 'resume' | 'unsent'>
  /** Whether the next message may be treated now. */
  mayReceive: () => boolean
  mayReport: () => boolean
  /** Whether something waits that is no item. */
  isDue: () => boolean
  /** Never rejects. */
  treat: (item: Item) => Promise<void>
  now: () => number
}

export type Inbox = {
  push: (item: Item) => void
  /** Resolves once the page is kept and sent; false: no more is wanted. */
  page: (page: ReportPage) => Promise<boolean>
  tick: () => void
  /** Something changed: is there anything to treat? */
  wake: () => void
  /** Nothing more is treated. */
  close: () => void
  /** For how long the oldest event of the page that waits has waited. */
  pageWaitMs: () => number
}

/** Messages that wait: from so many on the client is not read, and again from so few. */
const messagesHigh = 512
const messagesLow = 128
/** While so much is not sent, nothing is added of what can wait. */
const unsentHighBytes = 262_144

export const createInbox = ({ peer, mayReceive, mayReport, isDue, treat, now }: InboxOptions): Inbox => {
  const urgent: Item[] = []
  const messages: Item[] = []
  const resends: Item[] = []
  let page: Extract<Item, { kind: 'page' }> | null = null
  let ticked = false
  let isPaused = false
  let isClosed = false
  let running = false

  const takeMessage = (): Item | null => {
    if (messages.length === 0 || !mayReceive()) return null
    const item = messages.shift()!
    if (isPaused && messages.length <= messagesLow) {
      isPaused = false
      peer.resume()
    }
    return item
  }

  const takePage = (): Item | null => {
    const item = page
    if (item === null || !mayReport()) return null
    page = null
    return item
  }

  const take = (): Item | null => {
    const first = urgent.shift()
    if (first !== undefined) return first
    if (ticked || isDue()) {
      ticked = false
      return { kind: 'tick' }
    }
    const hasRoom = peer.unsent() < unsentHighBytes
    return (hasRoom ? (resends.shift() ?? takePage()) : null) ?? takeMessage()
  }

  const run = async (): Promise<void> => {
    running = true
    // What happens in one turn is here before the first of it is treated.
    await Promise.resolve()
    for (let item = take(); item !== null && !isClosed; item = take()) await treat(item)
    running = false
  }

  const wake = (): void => {
    if (!running && !isClosed) void run()
  }

  return {
    push(item) {
      if (isClosed) return
      if (item.kind === 'message' || item.kind === 'garbled') {
        messages.push(item)
        if (!isPaused && messages.length >= messagesHigh) {
          isPaused = true
          peer.pause()
        }
      } else (item.kind === 'resend' ? resends : urgent).push(item)
      wake()
    },
    page(next) {
      if (isClosed) return Promise.resolve(false)
      const { promise, resolve } = Promise.withResolvers<boolean>()
      page = { kind: 'page', page: next, kept: resolve }
      wake()
      return promise
    },
    tick() {
      ticked = true
      wake()
    },
    wake,
    close() {
      isClosed = true
      page?.kept(false)
      page = null
    },
    pageWaitMs() {
      const at = page?.page.events[0]?.at
      return at === null || at === undefined ? 0 : Math.max(0, now() - at.getTime())
    },
  }
}
