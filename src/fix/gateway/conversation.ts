// What is said in one connection, from its logon to its end. What happens is treated one at a time: a message, a page of reports, the time. The
// state machine (session/) says what follows, and its outputs are carried out in their order, each stored before the next.
//
// Orders and cancels are not awaited: hundreds may be under way, and the line of the session (app/fixLine.ts) keeps their order. Whatever numbers a
// message of ours is awaited: the machine and the store both count, and must come to the same number, else the connection ends and a new one
// begins from the store. Nothing is lost by an end: a number whose effect is not stored was not consumed, so the client sends it again.

import type { FixSession as HeldSession } from '../../app/fix.ts'
import type { SentMessage } from '../../store/fixSent.ts'
import type { Log } from '../../telemetry/log.ts'
import { encode, utcTimestamp, valueOf, type Message } from '../protocol/codec.ts'
import { dictionary } from '../protocol/messages.ts'
import { mayReceive, sessionOf, step } from '../session/session.ts'
import {
  defaultLimits,
  type Outgoing,
  type SessionConfig,
  type SessionInput,
  type SessionOutput,
} from '../session/state.ts'
import type { FixSession } from '../sessionsFile.ts'
import type { Admission, Admitted } from './admission.ts'
import { receivedOf, requestIdOf, type Desk } from './desk.ts'
import { createInbox, type Item } from './inbox.ts'
import { encodeReports, type ReportPage } from './reports.ts'
import type { Conversation, Peer } from './types.ts'

export type ConversationOptions = {
  peer: Peer
  admission: Admission
  log: Log
  /** ms since 1970 */
  now: () => number
  onBug: (error: unknown) => void
  onEnd: () => void
}

/** What the gateway knows of a conversation beside what the transport does. */
export type OpenConversation = Conversation & {
  /** The session that is logged on. */
  session: () => FixSession | null
  /** For how long the oldest event has waited that it has to report, in ms. */
  reportsWaitMs: () => number
}

/** Messages of the session itself: nobody needs their bytes again. A Reject (3) is sent again as it was. */
const ownTypes: ReadonlySet<string> = new Set(['0', '1', '2', '4', '5', 'A'])
const duePageMax = 100
const someone = ''

const configOf = (session: FixSession | null): SessionConfig => ({
  ours: session?.targetCompId ?? someone,
  theirs: session?.senderCompId ?? someone,
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

const isOfHeader = (tag: number): boolean => dictionary.header.members.has(tag)

/** How a record of the machine is stored. `stored`: it was, and its first number is this one. */
type Recording = { answered?: readonly { series: string; number: number }[]; stored?: number }

/** The connection ends here; the reason is for the log. */
class Ended extends Error {
  override name = 'Ended'
}

export const createConversation = ({
  peer,
  admission,
  log,
  now,
  onBug,
  onEnd,
}: ConversationOptions): OpenConversation => {
  let config = configOf(null)
  let state = sessionOf({ nextIn: 1, nextOut: 1 })
  let admitted: Admitted | null = null
  /** The number that the store expects once everything under way is stored. */
  let submittedIn = 1
  const underWay = new Set<Promise<unknown>>()
  let duesWait = false
  let isOver = false
  const done = Promise.withResolvers<void>()

  const held = (): HeldSession => admitted!.held
  const desk = (): Desk => admitted!.desk

  const feed = async (input: SessionInput, recording: Recording = {}, at = now()): Promise<void> => {
    const stepped = step(config, state, input, at)
    state = stepped.state
    for (const output of stepped.outputs) await carryOut(output, recording, at)
  }

  const record = async (
    { nextIn, sent }: Extract<SessionOutput, { kind: 'record' }>,
    { answered, stored }: Recording,
    at: number,
  ): Promise<void> => {
    const [first] = sent
    if (stored === undefined) {
      const answer = await held().step({
        ...(nextIn !== null && { expected: submittedIn, nextIn }),
        out: sent.map(({ type, bytes }) => (ownTypes.has(type) ? null : bytes)),
        ...(answered !== undefined && { answered }),
        at: new Date(at),
      })
      if (!answer.ok) throw new Ended(answer.code)
      if (first !== undefined && first.number !== answer.first) throw new Ended('OUT_OF_STEP')
    } else if (first?.number !== stored) throw new Ended('OUT_OF_STEP')
    if (nextIn === null) return
    submittedIn = nextIn
    await feed({ kind: 'applied', number: nextIn - 1 })
  }

  /** Follows a message that is carried out meanwhile. To tell the machine puts nothing out, so it may happen at any time. */
  const follow = (number: number, answer: Promise<{ ok: boolean; code?: string }>): void => {
    submittedIn = number + 1
    const settled = answer.then(({ ok, code }) => {
      underWay.delete(settled)
      if (!ok && code !== 'DUE' && code !== 'ORDER_REJECTED') return inbox.push({ kind: 'fail', reason: code! })
      if (code === 'DUE') duesWait = true
      state = step(config, state, { kind: 'applied', number }, now()).state
      inbox.wake()
    }, failed)
    underWay.add(settled)
  }

  const deliver = async (
    { number, message, possResend }: Extract<SessionOutput, { kind: 'deliver' }>,
    at: number,
  ): Promise<void> => {
    const asked = desk().asked(receivedOf(message, { number, possResend }, isOfHeader), new Date(at))
    const errand = desk().read(asked, new Date(at))
    const answer = (messages: readonly { type: string; body: Outgoing['body'] }[]): Promise<void> =>
      feed({ kind: 'send', consumes: number, messages })
    const common = { number, request: JSON.stringify(asked) }
    const requestId = requestIdOf(asked.received)
    switch (errand.kind) {
      case 'answer':
        return answer(errand.messages)
      case 'find':
        // The order may be under way.
        await Promise.all(underWay)
        return answer(await errand.answer())
      case 'place': {
        const { terms } = errand
        return follow(number, held().place({ ...common, call: desk().callOf(terms.userId, requestId), terms }))
      }
      case 'cancel': {
        await Promise.all(underWay)
        const found = await desk().find(errand.request)
        const userId = found?.seen.order.userId ?? desk().someUser()
        const request = {
          ...common,
          call: desk().callOf(userId, requestId),
          key: { userId, clientOrderId: errand.key },
          target: found === null ? null : { orderId: found.seen.order.id },
          ...(found !== null && found.contradiction !== null && { heldBack: 'CONTRADICTION' }),
        }
        return follow(number, held().cancel(request))
      }
      case 'massCancel': {
        const userId = desk().someUser()
        const call = desk().callOf(userId, requestId)
        const key = { userId, clientOrderId: errand.key }
        return follow(number, held().cancel({ ...common, call, key, target: null, heldBack: 'MASS_CANCEL' }))
      }
    }
  }

  /** Answers what waits for an answer: also what a connection before left behind, or another replica. */
  const answerDues = async (): Promise<void> => {
    duesWait = false
    for (;;) {
      const dues = await held().dues(duePageMax)
      for (const due of dues) {
        const messages = await desk().answerDue(due, new Date(now()))
        await feed({ kind: 'send', messages }, { answered: [{ series: due.series, number: due.number }] })
      }
      if (dues.length < duePageMax) return
    }
  }

  /** Numbers the reports of a page, then sends them. Those that have a number already were told. */
  const report = async (page: ReportPage): Promise<boolean> => {
    const at = now()
    const answer = await held().report({
      from: page.from,
      to: page.to,
      events: page.events.map(({ order }) => ({ orderId: order.id, version: order.version })),
      at: new Date(at),
    })
    if (!answer.ok) throw new Ended(answer.code)
    const [first] = answer.reports
    if (first === undefined) return true
    const fresh = new Set(answer.reports.map(({ orderId, version }) => `${orderId} ${version}`))
    const events = page.events.filter(({ order }) => fresh.has(`${order.id} ${order.version}`))
    await feed({ kind: 'send', messages: encodeReports(events, admitted!.session) }, { stored: first.number }, at)
    return true
  }

  const admit = async (
    { password }: Extract<SessionOutput, { kind: 'authenticate' }>,
    logon: Message | null,
  ): Promise<void> => {
    const answer = await admission.admit({
      senderCompId: valueOf(logon?.fields ?? [], 49) ?? someone,
      targetCompId: valueOf(logon?.fields ?? [], 56) ?? someone,
      password,
      peer,
      onPage: (page) => inbox.page(page),
      onLost: () => inbox.push({ kind: 'fail', reason: 'SESSION_LOST' }),
    })
    if (!answer.ok) {
      log.rarely('warn', `fix logon ${answer.reason}`, 'a FIX logon was refused', {
        address: peer.address,
        reason: answer.reason,
      })
      return feed({ kind: 'authenticated', ok: false })
    }
    if (isOver) return answer.leave()
    admitted = answer
    const { nextIn, nextOut } = admitted.held.taken
    submittedIn = nextIn
    state = { ...state, nextIn, applied: nextIn, nextOut }
    await feed({ kind: 'authenticated', ok: true })
    duesWait = true
  }

  const resend = async (from: number, to: number): Promise<void> => {
    const found = await held().sent({ from, to, limit: to - from + 1 })
    const messages = found.map((one) => ({ number: one.number, bytes: bytesOf(one) }))
    await feed({ kind: 'resent', from, to, messages })
  }

  /** What was sent under a number: its bytes, or its report, made again. */
  const bytesOf = (sent: SentMessage): Uint8Array => {
    if ('body' in sent) return sent.body
    const [{ type, body }] = encodeReports([sent.event], admitted!.session) as [Outgoing]
    const header = [
      [34, String(sent.number)],
      [49, config.ours],
      [52, utcTimestamp(sent.at.getTime())],
      [56, config.theirs],
    ] as const
    return encode(type, header, body)
  }

  const carryOut = async (output: SessionOutput, recording: Recording, at: number): Promise<void> => {
    if (isOver) return
    switch (output.kind) {
      case 'send':
        return peer.write(output.bytes)
      case 'record':
        return record(output, recording, at)
      case 'deliver':
        return deliver(output, at)
      case 'authenticate':
        return admit(output, state.logon)
      case 'reset': {
        const answer = await held().reset()
        if (!answer.ok) throw new Ended(answer.code)
        submittedIn = 1
        return
      }
      case 'resend':
        return inbox.push({ kind: 'resend', from: output.from, to: output.to })
      case 'continue':
        return feed({ kind: 'continue' })
      case 'close':
        throw new Ended(output.reason)
    }
  }

  const treat = async (item: Item): Promise<void> => {
    switch (item.kind) {
      case 'message':
        // The CompIDs of a logon say by which rules it is judged.
        if (state.phase === 'opened') config = configOf(admission.find(item.message))
        return feed({ kind: 'received', message: item.message })
      case 'garbled':
        return feed({ kind: 'garbled' })
      case 'tick':
        return feed({ kind: 'tick' })
      case 'resend':
        return resend(item.from, item.to)
      case 'page':
        return report(item.page).then(item.kept, (error: unknown) => {
          item.kept(false)
          throw error
        })
      case 'logout':
        if (state.phase !== 'active') throw new Ended('SHUTDOWN')
        return feed({ kind: 'logout', text: item.text })
      case 'fail':
        throw new Ended(item.reason)
    }
  }

  /** Ends the connection, and gives the session back once what was under way has come to its end. */
  const end = (reason: string): void => {
    if (isOver) return
    isOver = true
    inbox.close()
    peer.close(reason)
    const left = admitted?.leave() ?? Promise.resolve()
    void left.catch(onBug).finally(() => {
      onEnd()
      done.resolve()
    })
  }

  const failed = (error: unknown): void => {
    if (!(error instanceof Ended)) onBug(error)
    end(error instanceof Ended ? error.message : 'INTERNAL')
  }

  const inbox = createInbox({
    peer,
    mayReceive: () => mayReceive(state, config) && (admitted === null || admitted.held.waiting() < waitingMax),
    mayReport: () => state.phase === 'active',
    async treat(item) {
      if (isOver) return
      try {
        await treat(item)
        if (duesWait && state.phase === 'active' && !isOver) await answerDues()
      } catch (error) {
        failed(error)
      }
    },
    /** Something was settled: is there anything to answer? */
    isDue: () => duesWait && state.phase === 'active',
    now,
  })

  state = step(config, state, { kind: 'opened' }, now()).state
  const open: OpenConversation = {
    received: (message) => inbox.push({ kind: 'message', message }),
    garbled: () => inbox.push({ kind: 'garbled' }),
    tick: () => inbox.tick(),
    drained: () => inbox.wake(),
    closed: () => end('CLOSED'),
    logout(text) {
      if (!isOver) inbox.push({ kind: 'logout', text })
      return done.promise
    },
    session: () => (isOver ? null : (admitted?.session ?? null)),
    reportsWaitMs: () => inbox.pageWaitMs(),
  }
  return open
}

/** Messages of ours that wait for a statement; beyond, nothing is read. */
const waitingMax = 5_000
