// A tab's line to the feed: to the worker that all tabs share, or to a hub of the tab's own where there is no such worker.

import { createHub } from './hub.ts'
import { lineOver } from './portLine.ts'
import { workerName, type FromFeed, type Line, type ToFeed } from './protocol.ts'
import { surroundings } from './surroundings.ts'

type TabLine = Line<ToFeed, FromFeed>

const toWorker = (): TabLine =>
  lineOver(new SharedWorker('/blotter/feed.js', { type: 'module', name: workerName }).port)

const toOwnHub = (): TabLine => {
  let [fromFeed, toFeed]: [(message: FromFeed) => void, (message: ToFeed) => void] = [() => undefined, () => undefined]
  createHub(surroundings).connect({
    send: (message) => fromFeed(message),
    onMessage: (take) => void (toFeed = take),
  })
  return { send: (message) => toFeed(message), onMessage: (take) => void (fromFeed = take) }
}

export const openLine = (): TabLine => ('SharedWorker' in globalThis ? toWorker() : toOwnHub())
