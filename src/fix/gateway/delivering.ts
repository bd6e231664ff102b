// The application messages of a connection. Orders and cancels are not awaited: hundreds may be under way, and the line of the session
// (app/fixLine.ts) keeps their order. What their statements could not do is answered afterwards.

import { dictionary } from '../protocol/messages.ts'
import { step } from '../session/session.ts'
import type { Desk } from './desk.ts'
import { receivedOf, requestIdOf } from './desk.ts'
import type { Asked, Errand } from './errands.ts'
import type { Delivery, Feed } from './feeding.ts'
import { heldOf, type Talk } from './talk.ts'

export type DeliveringParts = {
  talk: Talk
  feed: Feed
  /** The connection has to end. */
  fail: (reason: string) => void
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

const isOfHeader = (tag: number): boolean => dictionary.header.members.has(tag)

type Outcome = { ok: boolean; code?: string }
type Common = { number: number; request: string }

const deskOf = ({ admitted }: Talk): Desk => admitted!.desk

/** Submits a request to cancel. What it says about its order has to be so. */
const submitCancel = async (
  talk: Talk,
  common: Common,
  requestId: string,
  { request, key }: Extract<Errand, { kind: 'cancel' }>,
): Promise<{ outcome: Promise<Outcome> }> => {
  const desk = deskOf(talk)
  // The order may be under way.
  await Promise.all(talk.underWay)
  const found = await desk.find(request)
  const userId = found?.seen.order.userId ?? desk.someUser()
  const outcome = heldOf(talk).cancel({
    ...common,
    call: desk.callOf(userId, requestId),
    key: { userId, clientOrderId: key },
    target: found === null ? null : { orderId: found.seen.order.id },
    ...(found !== null && found.contradiction !== null && { heldBack: 'CONTRADICTION' }),
  })
  return { outcome }
}

/** A mass cancel is only kept: the answer to it carries it out. */
const submitMassCancel = (talk: Talk, common: Common, requestId: string, clientOrderId: string): Promise<Outcome> => {
  const desk = deskOf(talk)
  const userId = desk.someUser()
  return heldOf(talk).cancel({
    ...common,
    call: desk.callOf(userId, requestId),
    key: { userId, clientOrderId },
    target: null,
    heldBack: 'MASS_CANCEL',
  })
}

export const createDelivering = ({ talk, feed, fail, wake }: DeliveringParts): Delivering => {
  /** To tell the machine puts nothing out, so it may happen at any time. */
  const settle = (number: number, { ok, code }: Outcome): void => {
    if (!ok && code !== 'DUE' && code !== 'ORDER_REJECTED') return fail(code!)
    if (code === 'DUE') talk.duesWait = true
    talk.state = step(talk.config, talk.state, { kind: 'applied', number }, talk.now()).state
    wake()
  }

  /** Follows a message that is carried out meanwhile. */
  const follow = (number: number, outcome: Promise<Outcome>): void => {
    talk.submittedIn = number + 1
    const settled = outcome
      .then(
        (result) => settle(number, result),
        () => fail('INTERNAL'),
      )
      .finally(() => talk.underWay.delete(settled))
    talk.underWay.add(settled)
  }

  const answerDues = async (): Promise<void> => {
    talk.duesWait = false
    for (;;) {
      const dues = await heldOf(talk).dues(duePageMax)
      for (const due of dues) {
        const messages = await deskOf(talk).answerDue(due, new Date(talk.now()))
        await feed({ kind: 'send', messages }, { answered: [{ series: due.series, number: due.number }] })
      }
      if (dues.length < duePageMax) return
    }
  }

  const carryOut = async (errand: Errand, asked: Asked, number: number): Promise<void> => {
    const desk = deskOf(talk)
    const common = { number, request: JSON.stringify(asked) }
    const requestId = requestIdOf(asked.received)
    switch (errand.kind) {
      case 'answer':
        return feed({ kind: 'send', consumes: number, messages: errand.messages })
      case 'find':
        await Promise.all(talk.underWay)
        return feed({ kind: 'send', consumes: number, messages: await errand.answer() })
      case 'place': {
        const { terms } = errand
        return follow(number, heldOf(talk).place({ ...common, call: desk.callOf(terms.userId, requestId), terms }))
      }
      case 'cancel':
        return follow(number, (await submitCancel(talk, common, requestId, errand)).outcome)
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
