// What is said in one connection, from its logon to its end. What happens is treated one at a time: a message, a page of reports, the time. The
// state machine (session/) says what follows, and its outputs are carried out in their order, each stored before the next.
//
// Whatever numbers a message of ours is awaited: the machine and the store both count, and must come to the same number, else the connection ends
// and a new one begins from the store. Nothing is lost by an end: a number whose effect is not stored was not consumed, so the client sends it again.

import { storeFault } from '../../store/faults.ts'
import { describe, type Log } from '../../telemetry/log.ts'
import { mayReceive } from '../session/session.ts'
import type { FixSession } from '../sessionsFile.ts'
import { compIdsOf, type Admission } from './admission.ts'
import { createClockJumps } from './clockJumps.ts'
import { createDelivering } from './delivering.ts'
import { createFeeding, type Feed } from './feeding.ts'
import { createInbox, type Inbox, type Item } from './inbox.ts'
import { beginTalk, configOf, Ended, type Talk } from './talk.ts'
import { createTelling } from './telling.ts'
import type { Conversation, Peer } from './types.ts'

export type ConversationOptions = {
  peer: Peer
  admission: Admission
  log: Log
  /** ms since 1970 */
  now: () => number
  /** ms that really went by, whatever the clock says */
  elapsed: () => number
  onBug: (error: unknown) => void
  /** It is done with, and its session was given back. */
  onEnd: () => void
}

/** What the gateway knows of a conversation beside what the transport does. */
export type OpenConversation = Conversation & {
  /** The session that is logged on. */
  session: () => FixSession | null
  /** For how long the oldest event has waited that it has to report, in ms. */
  reportsWaitMs: () => number
}

/** Messages of a session that wait for a statement; beyond, nothing is read. */
const waitingMax = 5_000

/** Lets whoever logs on in, or ends the connection without a word. */
const createAuthenticating =
  ({ admission, log }: ConversationOptions, talk: Talk, { feed, inbox }: { feed: Feed; inbox: Inbox }) =>
  async (password: string | null): Promise<void> => {
    const { address } = talk.peer
    const answer = await admission.admit({
      senderCompId: talk.config.theirs,
      targetCompId: talk.config.ours,
      password,
      peer: talk.peer,
      onPage: (page) => inbox.page(page),
      onLost: () => inbox.push({ kind: 'fail', error: new Ended('SESSION_LOST') }),
      onRival: () => inbox.push({ kind: 'rival' }),
    })
    if (!answer.ok) {
      const { reason } = answer
      log.rarely('warn', `fix logon ${reason}`, 'a FIX logon was refused', { address, reason })
      return feed({ kind: 'authenticated', ok: false })
    }
    if (talk.isOver) return answer.leave()
    talk.admitted = answer
    const { nextIn, nextOut } = answer.held.taken
    talk.submittedIn = nextIn
    talk.state = { ...talk.state, nextIn, applied: nextIn, nextOut }
    await feed({ kind: 'authenticated', ok: true })
    talk.duesWait = true
  }

/** Treats one thing that happened. */
const createTreating = (options: ConversationOptions, talk: Talk, inbox: Inbox) => {
  const fail = (error: unknown): void => inbox.push({ kind: 'fail', error })
  const feed: Feed = createFeeding({
    talk,
    deliver: (delivery, at) => delivering.deliver(delivery, at),
    authenticate: (password) => authenticate(password),
    resend: inbox.push,
  })
  const delivering = createDelivering({ talk, feed, fail, wake: inbox.wake })
  const telling = createTelling(talk, feed)
  const authenticate = createAuthenticating(options, talk, { feed, inbox })

  const treat = async (item: Item): Promise<void> => {
    switch (item.kind) {
      case 'message':
        // The CompIDs of a logon say by which rules it is judged.
        if (talk.state.phase === 'opened') {
          const compIds = compIdsOf(item.message)
          talk.config = configOf(compIds, options.admission.find(compIds))
        }
        return feed({ kind: 'received', message: item.message })
      case 'garbled':
      case 'tick':
      case 'rival':
        return feed(item)
      case 'resend':
        return telling.resend(item)
      case 'page':
        return telling.report(item.page).then(
          () => item.kept(true),
          (error: unknown) => {
            item.kept(false)
            throw error
          },
        )
      case 'logout':
        if (talk.state.phase !== 'active') throw new Ended('SHUTDOWN')
        return feed({ kind: 'logout', text: item.text })
      case 'fail':
        throw item.error
    }
  }

  const clockJumps = createClockJumps(options.now, options.elapsed)
  return async (item: Item): Promise<void> => {
    const movedMs = clockJumps()
    if (movedMs !== 0) await feed({ kind: 'clock', movedMs })
    await treat(item)
    if (talk.duesWait && talk.state.phase === 'active' && !talk.isOver) await delivering.answerDues()
  }
}

const logDetail = ({ peer: { address }, log }: ConversationOptions, { message: reason, detail }: Ended): void => {
  if (detail !== null) log.rarely('warn', `fix logon ${reason}`, 'a FIX logon was refused', { address, reason, detail })
}

export const createConversation = (options: ConversationOptions): OpenConversation => {
  const { peer, log, now, onBug, onEnd } = options
  const talk = beginTalk(peer, now)
  const done = Promise.withResolvers<void>()
  /** What is treated now. */
  let treating: Promise<void> = Promise.resolve()

  const giveBack = async (): Promise<void> => {
    // Who was about to be let in gives the session back there.
    if (talk.admitted === null) await treating
    else await talk.admitted.leave()
  }

  /** Ends the connection, and gives the session back once what was under way has come to its end. */
  const end = (reason: string): void => {
    if (talk.isOver) return
    talk.isOver = true
    inbox.close()
    peer.close(reason)
    void giveBack()
      .catch(onBug)
      .finally(() => {
        onEnd()
        done.resolve()
      })
  }

  const failed = (error: unknown): void => {
    if (error instanceof Ended) {
      logDetail(options, error)
      return end(error.message)
    }
    if (storeFault(error) === 'bug') {
      onBug(error)
      return end('INTERNAL')
    }
    log.rarely('warn', 'fix store', 'a FIX session ends: the database did not answer', describe(error))
    end('UNAVAILABLE')
  }

  const inbox = createInbox({
    peer,
    mayReceive: () =>
      mayReceive(talk.state, talk.config) && (talk.admitted === null || talk.admitted.held.waiting() < waitingMax),
    mayReport: () => talk.state.phase === 'active',
    treat(item) {
      treating = treat(item).catch(failed)
      return treating
    },
    /** Something was settled: is there anything to answer? */
    isDue: () => talk.duesWait && talk.state.phase === 'active',
    now,
  })
  const treat = createTreating(options, talk, inbox)

  return {
    received: (message) => inbox.push({ kind: 'message', message }),
    garbled: () => inbox.push({ kind: 'garbled' }),
    tick: inbox.tick,
    drained: inbox.wake,
    closed: () => end('CLOSED'),
    logout(text) {
      if (!talk.isOver) inbox.push({ kind: 'logout', text })
      return done.promise
    },
    session: () => (talk.isOver ? null : (talk.admitted?.session ?? null)),
    reportsWaitMs: inbox.pageWaitMs,
  }
}
