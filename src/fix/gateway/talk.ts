// What a connection knows of itself while it lasts. Its parts share it, and change it one at a time.

import type { FixSession as HeldSession } from '../../app/fix.ts'
import { dictionary } from '../protocol/messages.ts'
import { sessionOf, step } from '../session/session.ts'
import { defaultLimits, type SessionConfig, type SessionState } from '../session/state.ts'
import type { FixSession } from '../sessionsFile.ts'
import type { Admitted } from './admission.ts'
import type { Peer } from './types.ts'

export type Talk = {
  readonly peer: Peer
  /** ms since 1970 */
  readonly now: () => number
  config: SessionConfig
  state: SessionState
  /** Null: nobody is logged on yet. */
  admitted: Admitted | null
  /** The number that the store expects once everything under way is stored. */
  submittedIn: number
  /** Orders and cancels that are carried out; none of them rejects. */
  readonly underWay: Set<Promise<void>>
  /** By their keys the orders that are under way: each resolves once it is over. */
  readonly keysUnderWay: Map<string, Promise<unknown>>
  /** Requests whose orders are looked up before they are submitted. */
  lookUps: number
  /** Resolves once everything before is submitted to the session's line; null: it is. Never rejects. */
  tail: Promise<void> | null
  /** There are messages that wait for an answer. */
  duesWait: boolean
  isOver: boolean
}

/** The connection ends here; the reason, and a sentence about it where there is one, are for the log. */
export class Ended extends Error {
  override name = 'Ended'

  constructor(
    reason?: string,
    readonly detail: string | null = null,
  ) {
    super(reason)
  }
}

type CompIds = Pick<FixSession, 'senderCompId' | 'targetCompId'>

/** Null: there is no such session; it is refused where passwords are. */
export const configOf = ({ senderCompId, targetCompId }: CompIds, session: FixSession | null): SessionConfig => ({
  ours: targetCompId,
  theirs: senderCompId,
  resetOnLogon: session?.resetOnLogon ?? false,
  dictionary,
  limits: {
    ...defaultLimits,
    ...(session !== null && {
      heartbeatMinS: session.heartbeat.minSeconds,
      heartbeatMaxS: session.heartbeat.maxSeconds,
    }),
  },
})

export const beginTalk = (peer: Peer, now: () => number): Talk => {
  const config = configOf({ senderCompId: '', targetCompId: '' }, null)
  return {
    peer,
    now,
    config,
    state: step(config, sessionOf({ nextIn: 1, nextOut: 1 }), { kind: 'opened' }, now()).state,
    admitted: null,
    submittedIn: 1,
    underWay: new Set(),
    keysUnderWay: new Map(),
    lookUps: 0,
    tail: null,
    duesWait: false,
    isOver: false,
  }
}

/** The session of whoever is logged on. */
export const heldOf = ({ admitted }: Talk): HeldSession => admitted!.held

/** Submits something to the session's line, after everything before it, and after what it needs is there. */
export const inTurn = async <P, R>(talk: Talk, needed: Promise<P>, submit: (found: P) => Promise<R>): Promise<R> => {
  const before = talk.tail
  // It is awaited in its turn: until then nobody else hears that it failed.
  needed.catch(() => undefined)
  const submitted = (async () => {
    await before
    const found = await needed
    // Not awaited: what comes next goes to the line at once.
    return { outcome: submit(found) }
  })()
  const tail = submitted.then(
    () => undefined,
    () => undefined,
  )
  talk.tail = tail
  void tail.then(() => {
    if (talk.tail === tail) talk.tail = null
    return undefined
  })
  return (await submitted).outcome
}
