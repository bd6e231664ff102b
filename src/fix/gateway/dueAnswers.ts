// The answers to messages whose numbers were consumed and that were not simply done: whoever holds the session gives them, from what was kept.

import type { Call } from '../../app/caller.ts'
import type { FixUseCases } from '../../app/fix.ts'
import type { ManyUseCases } from '../../app/many.ts'
import { sleep } from '../../app/sleep.ts'
import type { OrderTerms } from '../../domain/terms.ts'
import type { DueMessage } from '../../store/fixSent.ts'
import { businessReject } from '../orders/businessReject.ts'
import type { MassCancel, OrderRequest } from '../orders/decodeRequests.ts'
import type { Answering, Message, Received } from '../orders/fields.ts'
import { answerDuplicate, refuseUnstored } from '../orders/orderAnswers.ts'
import { cancelRefusal, cancelReject, massCancelRefusal, massCancelReport } from '../orders/requestAnswers.ts'
import type { OrderSession } from '../orders/session.ts'
import { askedOf, readErrand, type ErrandReading } from './errands.ts'
import type { OrderFinding } from './orderFinding.ts'

export type DueAnswering = {
  session: OrderSession
  finding: OrderFinding
  reading: ErrandReading
  fix: Pick<FixUseCases, 'lookUp'>
  cancelMany: ManyUseCases['cancelMany']
  callOf: (userId: string, requestId: string) => Call
  answering: (now: Date) => Answering
  /** How far ahead the end of an order may lie. */
  gtdMaxDays: number
}

/** How long whoever has had too many orders refused is told to wait. */
const refusedWaitSeconds = 60
/** While other mass cancels are under way, it is tried again: so often, after so long. */
const massCancelTries = 20
const massCancelPauseMs = 100

export const notCarriedOut = (received: Received): Message =>
  businessReject(received, 'notAvailable', 'this message could not be carried out: send it again with a new id')

const answerOrder = async (
  { session, finding, answering, gtdMaxDays }: DueAnswering,
  received: Received,
  terms: OrderTerms,
  { reason, now }: { reason: string; now: Date },
): Promise<Message> => {
  switch (reason) {
    case 'KNOWN_KEY': {
      const holder = await finding.seenOf({ id: null, key: terms.clientOrderId! }, [terms.userId])
      return answerDuplicate(received, { terms, holder }, session, answering(now))
    }
    case 'EXPIRES_AT': {
      const detail = `must lie at least 1 s and at most ${gtdMaxDays} days ahead`
      return refuseUnstored(received, { ok: false, code: reason, detail }, answering(now))
    }
    case 'RATE_LIMITED': {
      const refusal = { ok: false, code: reason, waitSeconds: refusedWaitSeconds } as const
      return refuseUnstored(received, refusal, answering(now))
    }
    case 'FORBIDDEN':
    case 'STOPS_UNWATCHED':
    case 'OVERLOADED':
      return refuseUnstored(received, { ok: false, code: reason }, answering(now))
    default:
      return notCarriedOut(received)
  }
}

const answerCancel = async (
  { finding }: DueAnswering,
  received: Received,
  request: OrderRequest,
  { reason, now }: { reason: string; now: Date },
): Promise<Message> => {
  if (reason === 'INTERNAL') return notCarriedOut(received)
  const found = await finding.find(request)
  const seen = found?.seen ?? null
  const refusal = cancelRefusal(seen, {
    keyKnown: reason === 'KNOWN_KEY',
    contradiction: found?.contradiction ?? null,
    isLocked: reason === 'LOCKED',
  })
  return cancelReject(request, seen, refusal, now)
}

type Canceled = Awaited<ReturnType<ManyUseCases['cancelMany']>>

const cancelAll = async (
  { cancelMany, callOf }: DueAnswering,
  { clOrdId, ticker, side }: MassCancel,
  userId: string,
): Promise<Canceled> => {
  for (let tries = 1; ; tries++) {
    const result = await cancelMany(callOf(userId, clOrdId), { userId, ticker, side })
    if (result.ok || result.code !== 'OVERLOADED' || tries === massCancelTries) return result
    await sleep(massCancelPauseMs)
  }
}

/** Carries it out. Done again after a crash it cancels what is still open. */
const answerMassCancel = async (
  options: DueAnswering,
  received: Received,
  request: MassCancel,
  { reason, now }: { reason: string; now: Date },
): Promise<Message> => {
  const { clOrdId, type, users } = request
  const refuse = (text: string): Message =>
    massCancelRefusal({ clOrdId, type, reason: 'other', text }, options.answering(now))
  if (reason === 'KNOWN_KEY') return refuse('11 (ClOrdID) was used before: send a new one')
  if (reason !== 'MASS_CANCEL') return notCarriedOut(received)
  let canceled = 0
  let remaining = false
  let refused = 0
  for (const userId of users) {
    const result = await cancelAll(options, request, userId)
    if (!result.ok) refused += 1
    else {
      canceled += result.canceled.length
      remaining ||= result.remaining
    }
  }
  if (refused > 0 && canceled === 0) return refuse('orders may still be open: send another request')
  return massCancelReport(request, { canceled, remaining: remaining || refused > 0 }, options.answering(now))
}

export const answerDue = async (
  options: DueAnswering,
  { reason, request }: DueMessage,
  now: Date,
): Promise<readonly Message[]> => {
  const asked = askedOf(request)
  const { received } = asked
  const why = { reason, now }
  const errand = readErrand(options.reading, asked, now)
  switch (errand.kind) {
    case 'answer':
      return errand.messages
    case 'find':
      return errand.answer()
    case 'place':
      return [await answerOrder(options, received, errand.terms, why)]
    case 'cancel':
      return [await answerCancel(options, received, errand.request, why)]
    case 'massCancel':
      return [await answerMassCancel(options, received, errand.request, why)]
  }
}
