// The data of a session: its settings, its state, and what goes in and out of a step. What they mean stands at the top of session.ts.

import type { Field, Message } from '../protocol/codec.ts'
import type { Dictionary } from '../protocol/dictionary.ts'

export type SessionLimits = {
  /** From the opening of the connection to a logon that was let in. */
  logonMs: number
  /** For the answer to our logout. */
  logoutMs: number
  /** Between SendingTime (52) and our clock. */
  clockSkewMs: number
  /** HeartBtInt (108) of a client. */
  heartbeatMinS: number
  heartbeatMaxS: number
  /** After so long without progress, a gap is asked for again. */
  gapMs: number
  /** Messages behind a gap that are kept; the others are asked for again. */
  queuedMessages: number
  /** Messages that were taken in and are not applied yet; beyond, nothing is read. */
  pendingMessages: number
  /** Messages of a page of a resend. */
  resendPage: number
  /** Numbers that one ResendRequest of ours asks for; null: all that are missing. */
  requestChunk: number | null
}

export const defaultLimits: SessionLimits = {
  logonMs: 10_000,
  logoutMs: 2000,
  clockSkewMs: 120_000,
  heartbeatMinS: 1,
  heartbeatMaxS: 3600,
  gapMs: 10_000,
  queuedMessages: 1000,
  pendingMessages: 1000,
  resendPage: 500,
  requestChunk: null,
}

export type SessionConfig = {
  /** CompIDs as the client sees them: `ours` is its TargetCompID. */
  ours: string
  theirs: string
  resetOnLogon: boolean
  dictionary: Dictionary
  limits: SessionLimits
}

/** `leaving`: our logout is out, its answer is not in. */
type Phase = 'closed' | 'opened' | 'authenticating' | 'active' | 'leaving'

/** A message behind a gap; null: what it asked for was done when it came. */
export type Queued = Message | null

/** A resend in progress. `at`: the next number to be treated; `gap`: the first number of those to be passed over. */
type Resend = { at: number; to: number; gap: number | null }

export type SessionState = {
  phase: Phase
  /** The next number to be taken in. Those from `applied` up to it are pending. */
  nextIn: number
  /** The next number that has had no effect yet: what the store holds. */
  applied: number
  nextOut: number
  /** Effects that were given out and not answered by `applied`. */
  pending: number
  /** Of those, how many are from before a reset of the numbers. */
  stale: number
  /** When the phase began, in milliseconds, as all times here. */
  since: number
  receivedAt: number
  sentAt: number
  heartbeatMs: number
  /** A test request is out since the last message came in. */
  testing: boolean
  logon: Message | null
  queue: ReadonlyMap<number, Queued>
  /** The highest number that came in over this connection. */
  highest: number
  /** What was asked for by ResendRequest, the last number included. */
  asked: { to: number; at: number } | null
  /** Messages behind the gap were dropped. */
  dropped: boolean
  resend: Resend | null
  /** The first number that a resend keeps from going out at once. */
  held: number | null
}

export type Outgoing = { type: string; body: readonly Field[]; header?: readonly Field[] }

export type SessionInput =
  | { kind: 'opened' }
  | { kind: 'closed' }
  /** `isBehind`: messages of the client have come that were not treated yet. */
  | { kind: 'tick'; isBehind?: boolean }
  /** Somebody else logs on to the session: is this connection dead? */
  | { kind: 'rival' }
  /** The clock was set by so much, in milliseconds: what is counted from a moment before goes on as if it had not been. */
  | { kind: 'clock'; movedMs: number }
  | { kind: 'received'; message: Message }
  | { kind: 'garbled' }
  | { kind: 'continue' }
  | { kind: 'authenticated'; ok: boolean }
  /** `consumes`: the number of the message that these answer, if nothing else records that it was taken in. */
  | { kind: 'send'; messages: readonly Outgoing[]; consumes?: number }
  | { kind: 'applied'; number: number }
  /** What was sent from `from` to `to`, in order; a number that is missing was a session message. `bytes`: as they were. */
  | { kind: 'resent'; from: number; to: number; messages: readonly { number: number; bytes: Uint8Array }[] }
  | { kind: 'logout'; text: string | null }

export type CloseReason =
  | 'LOGON_TIMEOUT'
  | 'LOGON_INVALID'
  | 'LOGON_REFUSED'
  | 'HEARTBEAT_TIMEOUT'
  | 'LOGOUT'
  | 'LOGOUT_TIMEOUT'
  | 'SEQUENCE_TOO_LOW'
  | 'SECOND_LOGON'
  | 'OUT_OF_TURN'

export type SessionOutput =
  | { kind: 'send'; bytes: Uint8Array }
  /** To be stored in one statement: the number that comes next, and messages that were numbered. */
  | { kind: 'record'; nextIn: number | null; sent: readonly { number: number; type: string; bytes: Uint8Array }[] }
  | { kind: 'deliver'; number: number; message: Message; possDup: boolean; possResend: boolean }
  | { kind: 'authenticate'; username: string | null; password: string | null }
  | { kind: 'reset' }
  /** Wanted is what was sent from `from` to `to`, at most `limit` messages at a time. */
  | { kind: 'resend'; from: number; to: number; limit: number }
  | { kind: 'continue' }
  /** `detail`: what the log says of it beside the reason. */
  | { kind: 'close'; reason: CloseReason; detail?: string }

/** One step in the making. */
export type Draft = {
  readonly config: SessionConfig
  readonly now: number
  state: SessionState
  readonly outputs: SessionOutput[]
}
