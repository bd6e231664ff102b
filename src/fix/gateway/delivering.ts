// The application messages of a connection. Orders and cancels are not awaited: hundreds may be under way, and the line of the session
// (app/fixLine.ts) keeps their order. What their statements could not do is answered afterwards.

import { dictionary } from '../protocol/messages.ts'
import { step } from '../session/session.ts'
import type { Desk } from './desk.ts'
import { receivedOf, requestIdOf } from './desk.ts'
import { textOfAsked, type Asked, type Errand } from './errands.ts'
import type { Delivery, Feed } from './feeding.ts'
import { Ended, heldOf, inTurn, type Talk } from './talk.ts'

export type DeliveringParts = {
  talk: Talk
  feed: Feed
  /** The connection has to end, for a reason that is known, or by an error. */
  fail: (reason: unknown) => void
  /** Something was settled. */
  wake: () => void
}

export type Delivering = {
  /** Resolves once the next message may be treated. */
  deliver: (delivery: Delivery, at: number) => Promise<void>
  /** Answers what waits for an answer: also what a connection before left behind, or another replica. */
  answerDues: () => Promise<void>
}

const duePageMax = 100
/** Orders that are looked up at a time for the requests of one session. */
const lookUpsMax = 16

const isOfHeader = (tag: number): boolean => dictionary.header.members.has(tag)

type Outcome = { ok: boolean; code?: string }
type Common = { number: number; request: string }

const deskOf = ({ admitted }: Talk): Desk => admitted!.desk

/** The order of a request; it may be under way. */
const lookUp = async (talk: Talk, { request }: Extract<Errand, { kind: 'cancel' }>) => {
  const { key } = request.target
  talk.lookUps += 1
  try {
    if (key !== null) await talk.keysUnderWay.get(key)
    return await deskOf(talk).find(request)
  } finally {
    talk.lookUps -= 1
  }
}

/** Submits a request to cancel. What it says about its order has to be so. */
const submitCancel = (
  talk: Talk,
  common: Common,
  requestId: string,
  errand: Extract<Errand, { kind: 'cancel' }>,
): Promise<Outcome> => {
  const desk = deskOf(talk)
  const held = heldOf(talk)
  return inTurn(talk, lookUp(talk, errand), (found) => {
    const userId = found?.seen.order.userId ?? desk.someUser()
    return held.cancel({
      ...common,
      call: desk.callOf(userId, requestId),
      key: { userId, clientOrderId: errand.key },
      target: found === null ? null : { orderId: found.seen.order.id },
      ...(found !== null && found.contradiction !== null && { heldBack: 'CONTRADICTION' }),
    })
  })
}

/** Of orders and requests without anything to look up, most are submitted at once. */
const submit = (talk: Talk, run: () => Promise<Outcome>): Promise<Outcome> =>
  talk.tail === null ? run() : inTurn(talk, Promise.resolve(), run)

const submitPlace = (
  talk: Talk,
  common: Common,
  requestId: string,
  { terms }: Extract<Errand, { kind: 'place' }>,
): Promise<Outcome> => {
  const { keysUnderWay } = talk
  const key = terms.clientOrderId!
  const call = deskOf(talk).callOf(terms.userId, requestId)
  const outcome = submit(talk, () => heldOf(talk).place({ ...common, call, terms }))
  const over = outcome
    .catch(() => undefined)
    .finally(() => {
      if (keysUnderWay.get(key) === over) keysUnderWay.delete(key)
    })
  keysUnderWay.set(key, over)
  return outcome
}

/** A mass cancel is only kept: the answer to it carries it out. */
const submitMassCancel = (talk: Talk, common: Common, requestId: string, clientOrderId: string): Promise<Outcome> => {
  const desk = deskOf(talk)
  const userId = desk.someUser()
  const request = {
    ...common,
    call: desk.callOf(userId, requestId),
    key: { userId, clientOrderId },
    target: null,
    heldBack: 'MASS_CANCEL',
  }
  return submit(talk, () => heldOf(talk).cancel(request))
}

/** Follows messages that are carried out meanwhile. The machine hears of them in their order. */
const createFollowing = ({ talk, fail, wake }: DeliveringParts) => {
  let last: Promise<void> = Promise.resolve()

  /** To tell the machine puts nothing out, so it may happen at any time. */
  const settle = (number: number, { ok, code }: Outcome): void => {
    if (!ok && code !== 'DUE' && code !== 'ORDER_REJECTED') return fail(new Ended(code))
    if (code === 'DUE') talk.duesWait = true
    talk.state = step(talk.config, talk.state, { kind: 'applied', number }, talk.now()).state
    wake()
  }
  const see = async (number: number, outcome: Promise<Outcome>, before: Promise<void>): Promise<void> => {
    try {
      const result = await outcome
      await before
      settle(number, result)
    } catch (error) {
      fail(error)
    }
  }
  return (number: number, outcome: Promise<Outcome>): void => {
    talk.submittedIn = number + 1
    const seen = see(number, outcome, last)
    last = seen
    talk.underWay.add(seen)
    void seen.finally(() => talk.underWay.delete(seen))
  }
}

export const createDelivering = (parts: DeliveringParts): Delivering => {
  const { talk, feed } = parts
  const follow = createFollowing(parts)

  const answerDues = async (): Promise<void> => {
    talk.duesWait = false
    for (;;) {
      const dues = await heldOf(talk).dues(duePageMax)
      for (const due of dues) {
        const messages = await deskOf(talk).answerDue(due, new Date(talk.now()))
        await feed({ kind: 'send', messages }, { answered: [{ series: due.series, number: due.number }] })
        // Nothing is recorded any more: they wait for the next connection.
        if (talk.isOver) return
      }
      if (dues.length < duePageMax) return
    }
  }

  const carryOut = async (errand: Errand, asked: Asked, number: number): Promise<void> => {
    const common = { number, request: textOfAsked(asked) }
    const requestId = requestIdOf(asked.received)
    switch (errand.kind) {
      case 'answer':
        return feed({ kind: 'send', consumes: number, messages: errand.messages })
      case 'find':
        await Promise.all(talk.underWay)
        return feed({ kind: 'send', consumes: number, messages: await errand.answer() })
      case 'place':
        return follow(number, submitPlace(talk, common, requestId, errand))
      case 'cancel':
        if (talk.lookUps >= lookUpsMax) await talk.tail
        return follow(number, submitCancel(talk, common, requestId, errand))
      case 'massCancel':
        follow(number, submitMassCancel(talk, common, requestId, errand.key))
        // An order that comes after it is not meant.
        await Promise.all(talk.underWay)
        return talk.duesWait ? answerDues() : undefined
    }
  }

  return {
    answerDues,
    deliver({ number, message, possResend }, at) {
      const desk = deskOf(talk)
      const asked = desk.asked(receivedOf(message, { number, possResend }, isOfHeader), new Date(at))
      return carryOut(desk.read(asked, new Date(at)), asked, number)
    },
  }
}
