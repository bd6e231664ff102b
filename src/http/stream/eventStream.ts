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
  snapshotBlock,
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
/** The longest time that a timer counts. */
const timerMsMax = 2 ** 31 - 1

/** `cursor`: the client's, once it has read the block; undefined: as before. */
type Block = { text: string; cursor?: string }

/** The blocks of a step, lazily: a step may have many events. */
const blocksOf = (step: Exclude<Step, { kind: 'idle' | 'lagging' | 'ended' }>): Iterator<Block> => {
  switch (step.kind) {
    case 'snapshot':
      return [{ text: snapshotBlock(step.orders) }].values()
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

export const createEventStream = (following: Following, options: EventStreamOptions): EventStream => {
  const { retryMs, heartbeatMs, expiresAtMs, nowMs, isStillAllowed, onClosing, observe } = options
  let controller!: ReadableStreamDefaultController<Uint8Array>
  let blocks = noBlocks
  /** Where the client resumes if it reads everything that went to the socket. */
  let sentCursor: string | null = null
  let isAsking = false
  let isHeartbeatDue = false
  let isOver = false
  let timer: ReturnType<typeof setTimeout>
  /** Wakes the `pull` that waits; null: the socket takes nothing now. */
  let wake: (() => void) | null = null

  const wakeUp = (): void => {
    const waiting = wake
    wake = null
    waiting?.()
  }
  const stop = (end: StreamEnd): void => {
    isOver = true
    clearTimeout(timer)
    following.close()
    observe.onEnd(end)
  }
  /** Sends the last block and ends the stream. What the socket has not taken yet still goes out before it. */
  const finish = (end: StreamEnd, text: string): void => {
    if (isOver) return
    stop(end)
    controller.enqueue(encoder.encode(text))
    controller.close()
    onClosing()
    wakeUp()
  }
  const take = (step: Step): void => {
    switch (step.kind) {
      case 'idle':
        sentCursor = step.cursor
        return
      case 'lagging':
        return finish('lagging', laggingBlock(step.cursor))
      case 'ended':
        return finish('shutdown', endBlock(stopping, step.cursor))
      case 'reset':
        observe.onReset(step.reason)
        sentCursor = null
        break
      case 'events':
        observe.onEvents(step.events.length)
        break
      case 'snapshot':
      case 'live':
        break
    }
    blocks = blocksOf(step)
  }
  const ask = async (): Promise<void> => {
    if (isAsking || isOver) return
    isAsking = true
    const step = await following.next()
    isAsking = false
    if (isOver) return
    take(step)
    wakeUp()
  }
  /** What goes to the socket next; empty if nothing is there. */
  const nextText = (): string => {
    let text = ''
    while (text.length < chunkMax) {
      const { done, value } = blocks.next()
      if (done === true) break
      text += value.text
      sentCursor = value.cursor ?? sentCursor
    }
    if (text === '' && isHeartbeatDue) text = heartbeatBlock(sentCursor)
    isHeartbeatDue &&= text === ''
    return text
  }
  const beat = async (): Promise<void> => {
    const isExpired = nowMs() >= expiresAtMs
    if (isExpired || !(await isStillAllowed()))
      return finish('credential', endBlock('the credential is not good any more', sentCursor))
    if (isOver) return
    // A client that takes nothing gets none: it would only wait with the rest.
    isHeartbeatDue = wake !== null
    wakeUp()
    schedule()
  }
  const schedule = (): void => {
    const untilExpiry = Math.max(0, expiresAtMs - nowMs())
    timer = setTimeout(() => void beat(), Math.min(heartbeatMs, untilExpiry, timerMsMax))
  }
  const body = new ReadableStream<Uint8Array>(
    {
      start(own) {
        controller = own
        // Bun holds the headers back until there is a first byte.
        controller.enqueue(encoder.encode(retryBlock(retryMs)))
        schedule()
      },
      async pull() {
        let text = nextText()
        while (text === '' && !isOver) {
          const { promise, resolve } = Promise.withResolvers<void>()
          wake = resolve
          void ask()
          await promise
          text = isOver ? '' : nextText()
        }
        if (text !== '') controller.enqueue(encoder.encode(text))
      },
      cancel() {
        if (!isOver) stop('client')
        wakeUp()
      },
    },
    // Nothing is asked for ahead of the socket.
    { highWaterMark: 0 },
  )
  return {
    body,
    lag: () => finish('lagging', laggingBlock(sentCursor)),
    end: () => finish('shutdown', endBlock(stopping, sentCursor)),
  }
}
