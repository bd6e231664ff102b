// The desk of a session: what its application messages ask of the use cases, and how each is answered that no event of the log answers.

import type { Call, Caller } from '../../app/caller.ts'
import type { FixUseCases } from '../../app/fix.ts'
import type { ManyUseCases } from '../../app/many.ts'
import type { AmountDigits } from '../../domain/decimal.ts'
import type { Calendar } from '../../domain/session.ts'
import type { DueMessage } from '../../store/fixSent.ts'
import { valuesOf, type Answering, type Message, type Received } from '../orders/fields.ts'
import { dayOf, type FixSession } from '../sessionsFile.ts'
import { answerDue, notCarriedOut } from './dueAnswers.ts'
import { readErrand, type Asked, type Errand } from './errands.ts'
import { createOrderFinding, type OrderFinding } from './orderFinding.ts'

export type DeskOptions = {
  session: FixSession
  fix: Pick<FixUseCases, 'lookUp'>
  cancelMany: ManyUseCases['cancelMany']
  calendar: () => Calendar
  digits: AmountDigits
  /** How far ahead the end of an order may lie. */
  gtdMaxDays: number
  newId: (at: Date) => string
  onBug: (error: unknown) => void
}

export type Desk = Pick<OrderFinding, 'find'> & {
  asked: (received: Received, now: Date) => Asked
  read: (asked: Asked, now: Date) => Errand
  /** The user for whom a request's key is kept if it names no order. */
  someUser: () => string
  callOf: (userId: string, requestId: string) => Call
  /** The answer to a message whose number was consumed, and that was not simply done. */
  answerDue: (due: DueMessage, now: Date) => Promise<readonly Message[]>
}

export const createDesk = (options: DeskOptions): Desk => {
  const { session, fix, calendar, digits, newId, onBug } = options
  const finding = createOrderFinding(session, fix)
  const answering = (now: Date): Answering => ({ answerId: newId(now), now })
  const callOf = (userId: string, requestId: string): Call => {
    const caller: Caller = { subject: userId, userId, scopes: session.scopes, credential: `fix:${session.id}` }
    return { caller, requestId, traceparent: null, door: { kind: 'fix', session: session.id } }
  }
  const reading = { session, finding, calendar, digits, answering }
  const due = { ...options, finding, reading, callOf, answering }
  return {
    asked: (received, now) => ({ received, day: dayOf(session, now, calendar().timeZone) }),
    read(asked, now) {
      try {
        return readErrand(reading, asked, now)
      } catch (error) {
        // Else the client would send it again for ever.
        onBug(error)
        return { kind: 'answer', messages: [notCarriedOut(asked.received)] }
      }
    },
    find: finding.find,
    someUser: () => session.user ?? [...session.users.keys()][0]!,
    callOf,
    answerDue: (message, now) => answerDue(due, message, now),
  }
}

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
