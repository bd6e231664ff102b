// The seams of the gateway: sockets (transport.ts) on one side, what a connection says and hears (conversation.ts) on the other.

import type { Message } from '../protocol/codec.ts'

/** A connection as the conversation sees it. */
export type Peer = {
  /** The IP address of the client. */
  readonly address: string
  /** The name in the client's certificate, which was verified; null: it showed none. */
  readonly certificate: string | null
  /** Takes the bytes at once; they go out in order. */
  readonly write: (bytes: Uint8Array) => void
  /** Bytes that the socket has not taken yet. */
  readonly unsent: () => number
  /** Sends what was written, then closes. `reason` is for the log. */
  readonly close: (reason: string) => void
  /** No message is read until `resume`. */
  readonly pause: () => void
  readonly resume: () => void
}

/** What the transport calls, in the order in which things happen; nothing after `closed`. No call throws or blocks. */
export type Conversation = {
  readonly received: (message: Message) => void
  /** Bytes came that are no message. */
  readonly garbled: () => void
  /** Time went by: several times a second. */
  readonly tick: () => void
  /** The socket took what was unsent. */
  readonly drained: () => void
  readonly closed: () => void
  /** Logs the client out; resolves once the connection is done with and the session is given back. `text`: why, in Text (58). */
  readonly logout: (text: string | null) => Promise<void>
}

export type GatewayState = {
  /** Sessions that are logged on here. */
  sessions: number
  /** How long the oldest event waits that these sessions have to hear of, in milliseconds; 0: none waits. */
  reportsWaitMs: number
}

/** All sessions of FIX of this replica. */
export type Gateway = {
  readonly open: (peer: Peer) => Conversation
  /** The log may have grown. */
  readonly ring: () => void
  readonly state: () => GatewayState
  /** Logs every client out, and resolves once what was under way is answered and every session given back. No `open` after it. */
  readonly stop: () => Promise<void>
}
