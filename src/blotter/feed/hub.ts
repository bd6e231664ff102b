// One stream for each credential, shared by the tabs that have it. It keeps what it knows, so that a tab that opens later begins with
// that and costs the service nothing.

import { openStream, type Stream, type StreamOptions, type Tab } from './stream.ts'

export type HubOptions = StreamOptions & {
  /** Calls back once nobody holds this lock. */
  readonly whenFree: (lock: string, callback: () => void) => void
}

export const createHub = ({ whenFree, ...options }: HubOptions) => {
  const streams = new Map<string, Stream>()
  const streamOfTab = new Map<Tab, string>()

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
    const stream = known === undefined || known.state().kind === 'refused' ? openStream(headers, options) : known
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
