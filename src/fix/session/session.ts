// A session of FIX 4.4, of the side that accepts, as a pure function: (state, input, now) → state and outputs.
//
// Whoever calls it carries outputs out in their order: what follows a `record` goes out only once that is stored, so no number is ever used
// twice, whatever dies. A number that came in is *taken in* (`nextIn` moves, so it is never delivered again), and is *pending* until the
// outside says `applied`: for a message that was delivered, once the statement that carries it out has moved the stored number; for everything else,
// once the `record` with `nextIn` is stored. Many may be pending; they are applied in order, and `applied` is what the store holds. If one cannot be, the
// caller closes the connection and makes a new state from the store: the client sends again what was pending.
// What comes behind a gap waits in a bounded queue. One message is treated a step: `continue` asks for the next step at once, before
// any other message, so that the caller can put the effect of each message in its place. An answer that records the number of its message
// (`consumes`) is given while its `deliver` is carried out, before the outputs behind it; later answers have no number to move.
// A resend is read in pages that the caller fetches as the socket takes them (`resend`, `resent`); numbers without bytes are gaps. A page may cover
// any part of what is wanted, from its beginning.

import { change, close, emit, leave, sendLogout } from './draft.ts'
import { askAgain } from './gap.ts'
import { goOnWithQueue, received } from './inbound.ts'
import { authenticated, firstMessage } from './logon.ts'
import { resent } from './resend.ts'
import type { Draft, SessionConfig, SessionInput, SessionOutput, SessionState } from './state.ts'

/** A session as the store holds it, without a connection. */
export const sessionOf = ({ nextIn, nextOut }: { nextIn: number; nextOut: number }): SessionState => ({
  phase: 'closed',
  nextIn,
  applied: nextIn,
  nextOut,
  pending: 0,
  stale: 0,
  since: 0,
  receivedAt: 0,
  sentAt: 0,
  heartbeatMs: 0,
  testing: false,
  logon: null,
  queue: new Map(),
  highest: 0,
  asked: null,
  dropped: false,
  resend: null,
  held: null,
})

/** False: the caller reads no message until something changed (an answer to `authenticate`, an `applied`). */
export const mayReceive = ({ phase, pending }: SessionState, { limits }: SessionConfig): boolean =>
  phase !== 'authenticating' && pending < limits.pendingMessages

/** Of the interval of heartbeats: silence until a test request, and until the other side counts as gone. */
const testAfter = 1.2
const goneAfter = 2.4

const tick = (draft: Draft, isBehind: boolean): void => {
  const { state, now, config } = draft
  const age = now - state.since
  switch (state.phase) {
    case 'closed':
      return
    case 'opened':
    case 'authenticating':
      return age >= config.limits.logonMs ? close(draft, 'LOGON_TIMEOUT') : undefined
    case 'leaving':
      return age >= config.limits.logoutMs ? close(draft, 'LOGOUT_TIMEOUT') : undefined
    case 'active': {
      // While messages of the client wait, the silence is ours.
      const silence = isBehind ? 0 : now - state.receivedAt
      if (silence >= goneAfter * state.heartbeatMs) return close(draft, 'HEARTBEAT_TIMEOUT')
      if (!state.testing && silence >= testAfter * state.heartbeatMs) {
        emit(draft, [{ type: '1', body: [[112, 'TEST']] }])
        change(draft, { testing: true })
      } else if (!state.testing && now - state.sentAt >= state.heartbeatMs) emit(draft, [{ type: '0', body: [] }])
      return askAgain(draft)
    }
  }
}

/** How long the client has for a sign of life once another connection wants its session. */
const rivalMs = 5_000

/**
 * A client that comes back after its connection died without a word must not wait until that counts as gone: it is asked now. Amid a resend the question
 * would come behind it.
 */
const rival = (draft: Draft): void => {
  const { phase, resend, testing, receivedAt, heartbeatMs } = draft.state
  if (phase !== 'active' || resend !== null) return
  if (!testing) emit(draft, [{ type: '1', body: [[112, 'TEST']] }])
  change(draft, {
    testing: true,
    receivedAt: Math.min(receivedAt, draft.now + rivalMs - goneAfter * heartbeatMs),
  })
}

/**
 * Moves the times of the session with a clock that was set. Else one that is set forward ends every session as silent, and one that is set back
 * stops heartbeats and holds a dead connection until it has caught up.
 */
const followClock = (draft: Draft, movedMs: number): void => {
  const { since, receivedAt, sentAt, asked } = draft.state
  change(draft, {
    since: since + movedMs,
    receivedAt: receivedAt + movedMs,
    sentAt: sentAt + movedMs,
    asked: asked === null ? null : { ...asked, at: asked.at + movedMs },
  })
}

const applied = (draft: Draft, number: number): void => {
  const { stale, pending } = draft.state
  if (stale > 0) change(draft, { stale: stale - 1 })
  else if (pending > 0) change(draft, { pending: pending - 1, applied: number + 1 })
}

const treat = (draft: Draft, input: SessionInput): void => {
  const { phase } = draft.state
  switch (input.kind) {
    case 'opened':
      return change(draft, { phase: 'opened', since: draft.now })
    case 'closed':
      return leave(draft)
    case 'tick':
      return tick(draft, input.isBehind ?? false)
    case 'rival':
      return rival(draft)
    case 'clock':
      return followClock(draft, input.movedMs)
    case 'received':
      if (phase === 'opened') return firstMessage(draft, input.message)
      if (phase === 'authenticating') return close(draft, 'OUT_OF_TURN')
      return phase === 'closed' ? undefined : received(draft, input.message)
    case 'garbled':
      return phase === 'opened' ? close(draft, 'LOGON_INVALID') : undefined
    case 'continue':
      return goOnWithQueue(draft)
    case 'authenticated':
      return authenticated(draft, input.ok)
    case 'send':
      return emit(draft, input.messages, input.consumes ?? null)
    case 'applied':
      return applied(draft, input.number)
    case 'resent':
      return resent(draft, input)
    case 'logout':
      return phase === 'active' ? sendLogout(draft, input.text) : undefined
  }
}

export type Stepped = { state: SessionState; outputs: readonly SessionOutput[] }

/** `now`: milliseconds since 1970. It never throws on what a client sends. */
export const step = (config: SessionConfig, state: SessionState, input: SessionInput, now: number): Stepped => {
  const draft: Draft = { config, now, state, outputs: [] }
  treat(draft, input)
  return { state: draft.state, outputs: draft.outputs }
}
