// What happens to a connection, one at a time and in a fair order: its end, the time, then pages (of what was asked for again, or of reports) and
// messages by turns. It keeps few messages of the client and no second page of reports: whoever brings more waits.

import type { Message } from '../protocol/codec.ts'
import type { Wanted } from './feeding.ts'
import type { ReportPage } from './reports.ts'
import type { Peer } from './types.ts'

export type Item =
  | { kind: 'message'; message: Message }
  | { kind: 'garbled' }
  /** `isBehind`: messages wait. */
  | { kind: 'tick'; isBehind: boolean }
  | Wanted
  | { kind: 'page'; page: ReportPage; kept: (more: boolean) => void }
  /** Somebody else logs on to the session. */
  | { kind: 'rival' }
  | { kind: 'logout'; text: string | null }
  | { kind: 'fail'; error: unknown }

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
/** After a page so many messages have their turn, and the other way round a page, if it is there. */
const messagesATurn = 64
/** While so much is not sent, nothing is added of what can wait. */
const unsentHighBytes = 262_144

type Page = Extract<Item, { kind: 'page' }>

/** What waits, and what of it comes next. */
const createQueue = ({ peer, mayReceive, mayReport, isDue }: InboxOptions) => {
  const urgent: Item[] = []
  const messages: Item[] = []
  const resends: Item[] = []
  let page: Page | null = null
  let ticked = false
  let isPaused = false
  /** How many messages come before the next page. */
  let messagesFirst = 0

  const takeMessage = (): Item | null => {
    if (messages.length === 0 || !mayReceive()) return null
    const item = messages.shift()!
    messagesFirst -= 1
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
  const takeNextPage = (): Item | null => {
    if (peer.unsent() >= unsentHighBytes) return null
    const item = resends.shift() ?? takePage()
    if (item !== null) messagesFirst = messagesATurn
    return item
  }
  return {
    add(item: Item): void {
      if (item.kind === 'page') page = item
      else if (item.kind === 'resend') resends.push(item)
      else if (item.kind === 'logout' || item.kind === 'fail' || item.kind === 'rival') urgent.push(item)
      else {
        messages.push(item)
        if (isPaused || messages.length < messagesHigh) return
        isPaused = true
        peer.pause()
      }
    },
    take(): Item | null {
      const first = urgent.shift()
      if (first !== undefined) return first
      if (ticked || isDue()) {
        ticked = false
        return { kind: 'tick', isBehind: messages.length > 0 }
      }
      return messagesFirst > 0 ? (takeMessage() ?? takeNextPage()) : (takeNextPage() ?? takeMessage())
    },
    tick: (): void => void (ticked = true),
    /** The page that waits. */
    page: () => page,
  }
}

export const createInbox = (options: InboxOptions): Inbox => {
  const { treat, now } = options
  const queue = createQueue(options)
  let isClosed = false
  let running = false
  const next = (): Item | null => (isClosed ? null : queue.take())

  const run = async (): Promise<void> => {
    running = true
    // What happens in one turn is here before the first of it is treated.
    await Promise.resolve()
    for (let item = next(); item !== null; item = next()) await treat(item)
    running = false
  }
  const wake = (): void => {
    if (!running && !isClosed) void run()
  }
  const push = (item: Item): void => {
    if (isClosed) return
    queue.add(item)
    wake()
  }
  return {
    push,
    page(page) {
      if (isClosed) return Promise.resolve(false)
      const { promise, resolve } = Promise.withResolvers<boolean>()
      push({ kind: 'page', page, kept: resolve })
      return promise
    },
    tick() {
      if (isClosed) return
      queue.tick()
      wake()
    },
    wake,
    close() {
      isClosed = true
      queue.page()?.kept(false)
    },
    pageWaitMs() {
      const at = queue.page()?.page.events[0]?.at
      return at === null || at === undefined ? 0 : Math.max(0, now() - at.getTime())
    },
  }
}
