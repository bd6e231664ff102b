// Feeds the state machine, and carries its outputs out in their order, each stored before the next.

import { step } from '../session/session.ts'
import type { SessionInput, SessionOutput } from '../session/state.ts'
import { Ended, heldOf, type Talk } from './talk.ts'

/** How a record of the machine is stored. `answered`: the messages that it answers. `stored`: it was, and its first number is this one. */
type Recording = { answered?: readonly { series: string; number: number }[]; stored?: number }

/** Resolves once every output is carried out. Rejects with Ended if the connection has to end. */
export type Feed = (input: SessionInput, recording?: Recording, at?: number) => Promise<void>

export type Delivery = Extract<SessionOutput, { kind: 'deliver' }>

export type Wanted = Extract<SessionOutput, { kind: 'resend' }>

export type FeedingParts = {
  talk: Talk
  deliver: (delivery: Delivery, at: number) => Promise<void>
  authenticate: (password: string | null) => Promise<void>
  /** A page of what was sent is asked for: once there is room for it. */
  resend: (wanted: Wanted) => void
}

/** Messages of the session itself: nobody needs their bytes again. A Reject (3) is sent again as it was. */
const ownTypes: ReadonlySet<string> = new Set(['0', '1', '2', '4', '5', 'A'])

export const createFeeding = ({ talk, deliver, authenticate, resend }: FeedingParts): Feed => {
  const feed: Feed = async (input, recording = {}, at = talk.now()) => {
    const { state, outputs } = step(talk.config, talk.state, input, at)
    talk.state = state
    for (const output of outputs) await carryOut(output, recording, at)
  }

  const record = async (
    { nextIn, sent }: Extract<SessionOutput, { kind: 'record' }>,
    { answered, stored }: Recording,
    at: number,
  ): Promise<void> => {
    const [first] = sent
    if (stored === undefined) {
      await talk.tail
      const answer = await heldOf(talk).step({
        ...(nextIn !== null && { expected: talk.submittedIn, nextIn }),
        out: sent.map(({ type, bytes }) => (ownTypes.has(type) ? null : bytes)),
        ...(answered !== undefined && { answered }),
        at: new Date(at),
      })
      if (!answer.ok) throw new Ended(answer.code)
      if (first !== undefined && first.number !== answer.first) throw new Ended('OUT_OF_STEP')
    } else if (first?.number !== stored) throw new Ended('OUT_OF_STEP')
    if (nextIn === null) return
    talk.submittedIn = nextIn
    await feed({ kind: 'applied', number: nextIn - 1 })
  }

  const reset = async (): Promise<void> => {
    await talk.tail
    const answer = await heldOf(talk).reset()
    if (!answer.ok) throw new Ended(answer.code)
    talk.submittedIn = 1
  }

  const carryOut = async (output: SessionOutput, recording: Recording, at: number): Promise<void> => {
    if (talk.isOver) return
    switch (output.kind) {
      case 'send':
        return talk.peer.write(output.bytes)
      case 'record':
        return record(output, recording, at)
      case 'deliver':
        return deliver(output, at)
      case 'authenticate':
        return authenticate(output.password)
      case 'reset':
        return reset()
      case 'resend':
        return resend(output)
      case 'continue':
        return feed({ kind: 'continue' })
      case 'close':
        throw new Ended(output.reason, output.detail)
    }
  }

  return feed
}
