// What the application messages of a session ask of the use cases, and how each is answered that no event of the log answers. It changes nothing by
// itself: the conversation carries out what it reads.

import type { Call, Caller } from '../../app/caller.ts'
import type { FixUseCases } from '../../app/fix.ts'
import type { ManyUseCases } from '../../app/many.ts'
import type { AmountDigits } from '../../domain/decimal.ts'
import { doorText } from '../../domain/door.ts'
import type { Calendar } from '../../domain/session.ts'
import type { OrderTerms } from '../../domain/terms.ts'
import type { DueMessage } from '../../store/fixSent.ts'
import { businessReject, fieldMissing, notAllowed } from '../orders/businessReject.ts'
import { decodeOrder } from '../orders/decodeOrder.ts'
import {
  contradiction,
  decodeCancel,
  decodeMassCancel,
  decodeStatusRequest,
  requestKey,
  type MassCancel,
  type OrderRequest,
} from '../orders/decodeRequests.ts'
import type { OrderSeen } from '../orders/executionReport.ts'
import { valuesOf, type Answering, type Message, type Received } from '../orders/fields.ts'
import { answerDuplicate, answerStatus, refuseOrder, refuseUnstored } from '../orders/orderAnswers.ts'
import {
  cancelRefusal,
  cancelReject,
  massCancelRefusal,
  massCancelReport,
  replaceRefusal,
} from '../orders/requestAnswers.ts'
import { keyOfClOrdId } from '../orders/session.ts'
import { dayOf, type FixSession } from '../sessionsFile.ts'

export type DeskOptions = {
  session: FixSession
  fix: Pick<FixUseCases, 'lookUp'>
  cancelMany: ManyUseCases['cancelMany']
  calendar: () => Calendar
  digits: AmountDigits
  /** How far ahead the end of an order may lie. */
  gtdMaxDays: number
  newId: (at: Date) => string
}

/** A message as it waits for its answer: whoever answers it reads it again. `day`: of the session, when it came. */
export type Asked = { received: Received; day: string }

/** What a message asks for. `answer`: it is answered at once; `find`: after a look at the orders. */
export type Errand =
  | { kind: 'answer'; messages: readonly Message[] }
  | { kind: 'find'; answer: () => Promise<readonly Message[]> }
  | { kind: 'place'; terms: OrderTerms }
  | { kind: 'cancel'; request: OrderRequest; key: string }
  | { kind: 'massCancel'; request: MassCancel; key: string }

export type Desk = {
  asked: (received: Received, now: Date) => Asked
  read: (asked: Asked, now: Date) => Errand
  /** The order that a request means, and what contradicts it; null: there is none for this session. */
  find: (request: OrderRequest) => Promise<{ seen: OrderSeen; contradiction: string | null } | null>
  /** The user that an order's request is kept for if it names no order. */
  someUser: () => string
  callOf: (userId: string, requestId: string) => Call
  /** The answer to a message whose number was consumed, and that was not simply done. */
  answerDue: (due: DueMessage, now: Date) => Promise<readonly Message[]>
}

/** How long whoever has had too many orders refused is told to wait. */
const refusedWaitSeconds = 60

const one = (message: Message): readonly Message[] => [message]
const originOf = (door: Parameters<typeof doorText>[0] | null): string | null => (door === null ? null : doorText(door))

export const createDesk = (options: DeskOptions): Desk => {
  const { session, fix, cancelMany, calendar, digits, gtdMaxDays, newId } = options
  const answering = (now: Date): Answering => ({ answerId: newId(now), now })
  const someUser = (): string => session.user ?? [...session.users.keys()][0]!

  const callOf = (userId: string, requestId: string): Call => {
    const caller: Caller = { subject: userId, userId, scopes: session.scopes, credential: `fix:${session.id}` }
    return { caller, requestId, traceparent: null, door: { kind: 'fix', session: session.id } }
  }

  const seenOf = async (target: OrderRequest['target'], users: readonly string[]): Promise<OrderSeen | null> => {
    if (target.id === null && target.key === null) return null
    const found = await fix.lookUp(users, target.id === null ? { clientOrderId: target.key } : { orderId: target.id })
    return found === null ? null : { order: found.order, origin: originOf(found.door) }
  }

  const find: Desk['find'] = async (request) => {
    const seen = await seenOf(request.target, [...request.users.keys()])
    return seen === null ? null : { seen, contradiction: contradiction(request, seen, session) }
  }

  const answerCancel = async (request: OrderRequest, keyKnown: boolean, now: Date): Promise<readonly Message[]> => {
    const found = await find(request)
    const seen = found?.seen ?? null
    const refusal = cancelRefusal(seen, { keyKnown, contradiction: found?.contradiction ?? null })
    return one(cancelReject(request, seen, refusal, now))
  }

  const readCancel = ({ received, day }: Asked, now: Date): Errand => {
    const decoded = decodeCancel(received, { session, day })
    if (!decoded.ok) return { kind: 'answer', messages: one(fieldMissing(received, decoded.missing)) }
    const { request } = decoded
    if (received.type === 'G')
      return {
        kind: 'find',
        async answer() {
          const seen = (await find(request))?.seen ?? null
          return one(cancelReject(request, seen, replaceRefusal(seen), now))
        },
      }
    const key = requestKey(request, { session, day })
    if (key.ok) return { kind: 'cancel', request, key: key.key }
    return {
      kind: 'find',
      async answer() {
        const seen = (await find(request))?.seen ?? null
        return one(cancelReject(request, seen, { to: 'F', reason: key.reason, text: key.text }, now))
      },
    }
  }

  const readMassCancel = ({ received, day }: Asked, now: Date): Errand => {
    const decoded = decodeMassCancel(received, { session, day })
    if (!decoded.ok) {
      const message =
        'missing' in decoded
          ? fieldMissing(received, decoded.missing)
          : massCancelRefusal(decoded.refused, answering(now))
      return { kind: 'answer', messages: one(message) }
    }
    const { request } = decoded
    return { kind: 'massCancel', request, key: keyOfClOrdId(request.clOrdId, session, day)! }
  }

  const read: Desk['read'] = (asked, now) => {
    const { received, day } = asked
    const refused = notAllowed(received, session)
    if (refused !== null) return { kind: 'answer', messages: one(refused) }
    switch (received.type) {
      case 'D': {
        const decoded = decodeOrder(received, { session, day, calendar: calendar(), digits })
        return decoded.ok
          ? { kind: 'place', terms: decoded.terms }
          : { kind: 'answer', messages: one(refuseOrder(received, decoded.faults, answering(now))) }
      }
      case 'H': {
        const decoded = decodeStatusRequest(received, { session, day })
        if (!decoded.ok) return { kind: 'answer', messages: one(fieldMissing(received, decoded.missing)) }
        const answer = async () => one(answerStatus(decoded, (await find(decoded.request))?.seen ?? null, session, now))
        return { kind: 'find', answer }
      }
      case 'q':
        return readMassCancel(asked, now)
      default:
        return readCancel(asked, now)
    }
  }

  const answerOrder = async (received: Received, terms: OrderTerms, reason: string, now: Date) => {
    switch (reason) {
      case 'KNOWN_KEY': {
        const holder = await seenOf({ id: null, key: terms.clientOrderId! }, [terms.userId])
        return one(answerDuplicate(received, { terms, holder }, session, answering(now)))
      }
      case 'EXPIRES_AT': {
        const detail = `must lie at least 1 s and at most ${gtdMaxDays} days ahead`
        return one(refuseUnstored(received, { ok: false, code: reason, detail }, answering(now)))
      }
      case 'RATE_LIMITED': {
        const refusal = { ok: false, code: reason, waitSeconds: refusedWaitSeconds } as const
        return one(refuseUnstored(received, refusal, answering(now)))
      }
      case 'FORBIDDEN':
      case 'STOPS_UNWATCHED':
      case 'OVERLOADED':
        return one(refuseUnstored(received, { ok: false, code: reason }, answering(now)))
      default:
        return one(notCarriedOut(received))
    }
  }

  const carryOutMassCancel = async (received: Received, request: MassCancel, reason: string, now: Date) => {
    const { clOrdId, type, users, ticker, side } = request
    if (reason === 'KNOWN_KEY') {
      const text = '11 (ClOrdID) was used before: send a new one'
      return one(massCancelRefusal({ clOrdId, type, reason: 'other', text }, answering(now)))
    }
    if (reason !== 'MASS_CANCEL') return one(notCarriedOut(received))
    let canceled = 0
    let remaining = false
    for (const userId of users) {
      const result = await cancelMany(callOf(userId, clOrdId), { userId, ticker, side })
      if (!result.ok) remaining = true
      else {
        canceled += result.canceled.length
        remaining ||= result.remaining
      }
    }
    return one(massCancelReport(request, { canceled, remaining }, answering(now)))
  }

  return {
    asked: (received, now) => ({ received, day: dayOf(session, now, calendar().timeZone) }),
    read,
    find,
    someUser,
    callOf,
    async answerDue({ reason, request }, now) {
      const asked = JSON.parse(request) as Asked
      const errand = read(asked, now)
      switch (errand.kind) {
        case 'answer':
          return errand.messages
        case 'find':
          return errand.answer()
        case 'place':
          return answerOrder(asked.received, errand.terms, reason, now)
        case 'cancel':
          return reason === 'INTERNAL'
            ? one(notCarriedOut(asked.received))
            : answerCancel(errand.request, reason === 'KNOWN_KEY', now)
        case 'massCancel':
          return carryOutMassCancel(asked.received, errand.request, reason, now)
      }
    },
  }
}

const notCarriedOut = (received: Received): Message =>
  businessReject(received, 'notAvailable', 'this message could not be carried out: send it again with a new id')

/** What stands in the body of a message, for the desk: without what is of the session. `isOfHeader`: of which tags. */
export const receivedOf = (
  message: { type: string; fields: Received['body'] },
  { number, possResend }: { number: number; possResend: boolean },
  isOfHeader: (tag: number) => boolean,
): Received => ({
  type: message.type,
  body: message.fields.filter(([tag]) => !isOfHeader(tag)),
  number,
  possResend,
})

/** The ClOrdID of a message, which names it in the history; without one, its number. */
export const requestIdOf = ({ body, number }: Received): string => valuesOf(body).get(11) ?? String(number)
