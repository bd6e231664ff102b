// A gateway without a store: the session layer alone, which lets everybody in and repeats every order. What happens to a conversation is written down.

import type { Conversation, Gateway, Peer } from '../../../src/fix/gateway/types.ts'
import { dictionary } from '../../../src/fix/protocol/messages.ts'
import { sessionOf, step } from '../../../src/fix/session/session.ts'
import { defaultLimits, type SessionConfig, type SessionInput } from '../../../src/fix/session/state.ts'

const config: SessionConfig = {
  ours: 'ORDERS',
  theirs: 'BROKER1',
  resetOnLogon: true,
  dictionary,
  limits: defaultLimits,
}

export type StandInOptions = {
  /** Called instead of the session layer for each message. */
  onMessage?: (peer: Peer, count: number) => void
}

export const createStandIn = ({ onMessage }: StandInOptions = {}) => {
  const peers: Peer[] = []
  const events: string[] = []
  const running = new Set<Conversation>()

  const open = (peer: Peer): Conversation => {
    peers.push(peer)
    let state = sessionOf({ nextIn: 1, nextOut: 1 })
    let count = 0
    const feed = (input: SessionInput): void => {
      const stepped = step(config, state, input, Date.now())
      state = stepped.state
      for (const output of stepped.outputs) {
        if (output.kind === 'send') peer.write(output.bytes)
        else if (output.kind === 'record' && output.nextIn !== null)
          feed({ kind: 'applied', number: output.nextIn - 1 })
        else if (output.kind === 'authenticate') feed({ kind: 'authenticated', ok: true })
        else if (output.kind === 'deliver')
          feed({ kind: 'send', consumes: output.number, messages: [{ type: '8', body: [[58, 'echo']] }] })
        else if (output.kind === 'continue') feed({ kind: 'continue' })
        else if (output.kind === 'close') peer.close(output.reason)
      }
    }
    feed({ kind: 'opened' })
    const over = Promise.withResolvers<void>()
    const conversation: Conversation = {
      received(message) {
        count += 1
        if (onMessage === undefined) feed({ kind: 'received', message })
        else onMessage(peer, count)
      },
      garbled: () => feed({ kind: 'garbled' }),
      tick: () => feed({ kind: 'tick' }),
      drained: () => void events.push('drained'),
      closed() {
        events.push('closed')
        running.delete(conversation)
        feed({ kind: 'closed' })
        over.resolve()
      },
      logout(text) {
        feed({ kind: 'logout', text })
        if (state.phase !== 'leaving') peer.close('SHUTDOWN')
        return over.promise
      },
    }
    running.add(conversation)
    return conversation
  }
  const gateway: Gateway = {
    open,
    ring: () => undefined,
    state: () => ({ sessions: running.size, reportsWaitMs: 0 }),
    stop: async () => void (await Promise.all([...running].map((one) => one.logout('the service stops')))),
  }
  return { gateway, peers, events, running }
}
