// One connection of the FIX door: bytes in, messages to its conversation; what the conversation writes, out as the peer reads it. Whoever sends
// faster than he is served is not read; whoever does not read what he is sent is cut off.
//
// It is closed in two steps: what was written goes out, then the end of our side, and what still comes is thrown away until the peer closes too. A
// socket that is closed while bytes of the peer are unread resets the connection, and the peer would never see our logout.

import { describe, type Log } from '../../telemetry/log.ts'
import type { Read } from '../protocol/reader.ts'
import { createReceiving } from './receiving.ts'
import { createSending, type Sending } from './sending.ts'
import type { Conversation, Gateway, Peer } from './types.ts'
import { typesIn } from './typesIn.ts'

/** What a connection needs of a socket (Bun's has it). */
type Line = {
  write: (bytes: Uint8Array) => number
  pause: () => void
  resume: () => void
  /** The end of our side; what the peer sends still comes. */
  shutdown: () => void
  /** Closes at once. */
  terminate: () => void
}

export type ConnectionLimits = {
  /** What the peer may leave unread. */
  unsentBytes: number
  /** How long the socket may take nothing of it. */
  unreadMs: number
  /** From `close` until the peer has to have taken everything and closed too. */
  lingerMs: number
}

export const connectionTimes = { unreadMs: 30_000, lingerMs: 2_000 } as const

/** Counts. `onEnd`: why a connection ended. */
export type FixObserver = {
  onMessage: (direction: 'in' | 'out', type: string) => void
  onGarbled: () => void
  onEnd: (reason: string) => void
}

export type ConnectionOptions = {
  line: Line
  address: string
  certificate: string | null
  limits: ConnectionLimits
  gateway: Pick<Gateway, 'open'>
  observer: FixObserver
  log: Log
  now: () => number
}

export type Connection = {
  received: (chunk: Uint8Array) => void
  /** The socket takes bytes again. */
  drained: () => void
  /** The socket is gone. */
  gone: () => void
  tick: () => void
  /** Sends what was written, then closes. */
  close: (reason: string) => void
  /** Closes at once. */
  cut: (reason: string) => void
  unsent: () => number
}

/** The conversation of a connection, which hears of its end once, and of nothing afterwards. */
const createHearing = ({ address, observer, log }: ConnectionOptions, onBug: () => void) => {
  let conversation: Conversation | null = null
  let isOver = false
  const guarded = (what: () => void): void => {
    try {
      what()
    } catch (error) {
      log.error('a FIX conversation failed', { address, ...describe(error) })
      onBug()
    }
  }
  const tell = (what: (conversation: Conversation) => void): void => {
    const one = conversation
    if (one !== null && !isOver) guarded(() => what(one))
  }
  return {
    open: (one: Conversation): void => void (conversation = one),
    tell,
    read(read: Read): void {
      if (read.kind === 'message') observer.onMessage('in', read.message.type)
      else observer.onGarbled()
      tell((one) => (read.kind === 'message' ? one.received(read.message) : one.garbled()))
    },
    end(reason: string): void {
      if (isOver) return
      isOver = true
      observer.onEnd(reason)
      log.rarely('info', `fix:${reason}`, 'a FIX connection ended', { address, reason })
      guarded(() => conversation?.closed())
    },
  }
}

type PeerParts = Pick<Peer, 'pause' | 'resume' | 'close'> & {
  sending: Sending
  isOpen: () => boolean
  cut: (reason: string) => void
}

const peerOf = (
  { address, certificate, limits, observer }: ConnectionOptions,
  { pause, resume, close, sending, isOpen, cut }: PeerParts,
): Peer => ({
  address,
  certificate,
  write(bytes) {
    if (!isOpen()) return
    sending.add(bytes)
    for (const type of typesIn(bytes)) observer.onMessage('out', type)
    if (sending.unsent() > limits.unsentBytes) cut('UNREAD')
  },
  unsent: sending.unsent,
  close,
  pause,
  resume,
})

export const openConnection = (options: ConnectionOptions): Connection => {
  const { line, limits, gateway, now } = options
  let phase: 'open' | 'closing' | 'lingering' | 'gone' = 'open'
  /** Once it is closing. */
  let [reason, closedAt] = ['CLIENT', 0]

  const cut = (why: string): void => {
    if (phase === 'gone') return
    phase = 'gone'
    receiving.stop()
    hearing.end(why)
    line.terminate()
  }
  const hearing = createHearing(options, () => cut('BUG'))
  const receiving = createReceiving({
    pause: () => line.pause(),
    resume: () => line.resume(),
    take: (read) => hearing.read(read),
  })
  const sending = createSending({
    write: (bytes) => line.write(bytes),
    onSent() {
      if (phase === 'open') return hearing.tell((one) => one.drained())
      if (phase !== 'closing') return
      phase = 'lingering'
      line.shutdown()
      line.resume()
      hearing.end(reason)
    },
    now,
  })
  const close = (why: string): void => {
    if (phase !== 'open') return
    ;[phase, reason, closedAt] = ['closing', why, now()]
    receiving.stop()
    sending.flushSoon()
  }
  const { pause, resume } = receiving
  hearing.open(gateway.open(peerOf(options, { pause, resume, close, sending, isOpen: () => phase === 'open', cut })))

  return {
    received(chunk) {
      if (!receiving.push(chunk)) cut('FLOOD')
    },
    drained() {
      if (phase === 'open' || phase === 'closing') sending.flush()
    },
    gone() {
      phase = 'gone'
      receiving.stop()
      hearing.end(reason)
    },
    tick() {
      if (phase === 'open' && sending.stuckMs() >= limits.unreadMs) cut('UNREAD')
      else if (phase === 'open') hearing.tell((one) => one.tick())
      else if (now() - closedAt >= limits.lingerMs) cut(reason)
    },
    close,
    cut,
    unsent: sending.unsent,
  }
}
