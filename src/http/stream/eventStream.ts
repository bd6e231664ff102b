// One stream to one client: it asks for the next step when the socket takes more, so a slow client holds up nobody but itself. Bun calls
// `pull` only while the socket takes bytes, and `cancel` as soon as the client is gone.

import type { Following, Step } from '../../app/follow.ts'
import {
  endBlock,
  heartbeatBlock,
  laggingBlock,
  liveBlock,
  orderBlock,
  resetBlock,
  retryBlock,
  snapshotBlocks,
} from './blocks.ts'

/** Why a stream ended: its client left, was too slow, lost its credential, or the service stops. */
export const streamEnds = ['client', 'lagging', 'credential', 'shutdown'] as const
export type StreamEnd = (typeof streamEnds)[number]

export type StreamObserver = {
  onEvents: (count: number) => void
  onReset: (reason: Extract<Step, { kind: 'reset' }>['reason']) => void
  onEnd: (end: StreamEnd) => void
}

export type EventStreamOptions = {
  retryMs: number
  heartbeatMs: number
  /** The stream ends then; Infinity: never. By the clock `nowMs`. */
  expiresAtMs: number
  nowMs: () => number
  /** Whether the credential is still good; asked at every heartbeat. */
  isStillAllowed: () => boolean | Promise<boolean>
  /** The stream was ended by us: a client that takes nothing any more is to be disconnected within seconds. */
  onClosing: () => void
  observe: StreamObserver
}

/** At most so many characters go to the socket at a time, so that little waits below us when a client is given up. */
const chunkMax = 65_536

/** `cursor`: the client's, once it has read the block; undefined: as before. */
type Block = { text: string; cursor?: string }

/** The blocks of a step, lazily: a step may have many events. */
const blocksOf = (step: Exclude<Step, { kind: 'idle' | 'lagging' | 'ended' }>): Iterator<Block> => {
  switch (step.kind) {
    case 'snapshot':
      return snapshotBlocks(step.orders).map((text) => ({ text }))
    case 'live':
      return [{ text: liveBlock(step.cursor), cursor: step.cursor }].values()
    case 'reset':
      return [{ text: resetBlock(step.reason) }].values()
    case 'events':
      return step.events.values().map(({ event, cursor }) => ({ text: orderBlock(event.text, cursor), cursor }))
  }
}

const noBlocks: Iterator<Block> = [].values()
const stopping = 'the service stops: connect again'
const encoder = new TextEncoder()

export type EventStream = {
  body: ReadableStream<Uint8Array>
  /** Gives the reader up: too much waits for it. This and `end` may be called at any time, and do nothing once the stream is over. */
  lag: () => void
  /** Ends it: the service stops. What went to the socket still arrives. */
  end: () => void
}

/**
 * `sentCursor`: where the client resumes if it reads everything that went to the socket. `wake` wakes the `pull` that waits; null: the
 * socket takes nothing now.
 */
type Own = {
  readonly following: Following
  readonly options: EventStreamOptions
  controller: ReadableStreamDefaultController<Uint8Array> | null
  blocks: Iterator<Block>
  sentCursor: string | null
  isAsking: boolean
  isHeartbeatDue: boolean
  isOver: boolean
  timer: ReturnType<typeof setTimeout> | undefined
  wake: (() => void) | null
}

const send = ({ controller }: Own, text: string): void => controller!.enqueue(encoder.encode(text))

const wakeUp = (own: Own): void => {
  const { wake } = own
  own.wake = null
  wake?.()
}

const stop = (own: Own, end: StreamEnd): void => {
  own.isOver = true
  clearTimeout(own.timer)
  own.following.close()
  own.options.observe.onEnd(end)
}

/** Sends the last block and ends the stream. What the socket has not taken yet still goes out before it. */
const finish = (own: Own, end: StreamEnd, text: string): void => {
  if (own.isOver) return
  stop(own, end)
  send(own, text)
  own.controller!.close()
  own.options.onClosing()
  wakeUp(own)
}

const take = (own: Own, step: Step): void => {
  const { observe } = own.options
  switch (step.kind) {
    case 'idle':
      own.sentCursor = step.cursor
      return
    case 'lagging':
      return finish(own, 'lagging', laggingBlock(step.cursor))
    case 'ended':
      return finish(own, 'shutdown', endBlock(stopping, step.cursor))
    case 'reset':
      observe.onReset(step.reason)
      own.sentCursor = null
      break
    case 'events':
      observe.onEvents(step.events.length)
      break
    case 'snapshot':
    case 'live':
      break
  }
  own.blocks = blocksOf(step)
}

/** Asks for the next step, unless that is under way. */
const ask = async (own: Own): Promise<void> => {
  if (own.isAsking || own.isOver) return
  own.isAsking = true
  const step = await own.following.next()
  own.isAsking = false
  if (own.isOver) return
  take(own, step)
  wakeUp(own)
}

/** What goes to the socket next; empty if nothing is there. */
const nextText = (own: Own): string => {
  let text = ''
  while (text.length < chunkMax) {
    const { done, value } = own.blocks.next()
    if (done === true) break
    text += value.text
    own.sentCursor = value.cursor ?? own.sentCursor
  }
  if (text === '' && own.isHeartbeatDue) text = heartbeatBlock(own.sentCursor)
  own.isHeartbeatDue &&= text === ''
  return text
}

/** The socket takes more: gives it something as soon as there is something. */
const pull = async (own: Own): Promise<void> => {
  while (!own.isOver) {
    const text = nextText(own)
    if (text !== '') return send(own, text)
    const { promise, resolve } = Promise.withResolvers<void>()
    own.wake = resolve
    void ask(own)
    await promise
  }
}

const schedule = (own: Own): void => {
  const { expiresAtMs, heartbeatMs, nowMs } = own.options
  const untilExpiry = Math.max(0, expiresAtMs - nowMs())
  own.timer = setTimeout(() => void beat(own), Math.min(heartbeatMs, untilExpiry))
}

const beat = async (own: Own): Promise<void> => {
  const { expiresAtMs, nowMs, isStillAllowed } = own.options
  const isExpired = nowMs() >= expiresAtMs
  if (isExpired || !(await isStillAllowed()))
    return finish(own, 'credential', endBlock('the credential is not good any more', own.sentCursor))
  if (own.isOver) return
  // A client that takes nothing gets none: it would only wait with the rest.
  own.isHeartbeatDue = own.wake !== null
  wakeUp(own)
  schedule(own)
}

export const createEventStream = (following: Following, options: EventStreamOptions): EventStream => {
  const own: Own = {
    following,
    options,
    controller: null,
    blocks: noBlocks,
    sentCursor: null,
    isAsking: false,
    isHeartbeatDue: false,
    isOver: false,
    timer: undefined,
    wake: null,
  }
  const body = new ReadableStream<Uint8Array>(
    {
      start(controller) {
        own.controller = controller
        // Bun holds the headers back until there is a first byte.
        send(own, retryBlock(options.retryMs))
        schedule(own)
      },
      pull: () => pull(own),
      cancel() {
        if (!own.isOver) stop(own, 'client')
        wakeUp(own)
      },
    },
    // Nothing is asked for ahead of the socket.
    { highWaterMark: 0 },
  )
  return {
    body,
    lag: () => finish(own, 'lagging', laggingBlock(own.sentCursor)),
    end: () => finish(own, 'shutdown', endBlock(stopping, own.sentCursor)),
  }
}
