// What the application messages of a session ask for. Reading one changes nothing: the conversation carries out what it reads.

import type { AmountDigits } from '../../domain/decimal.ts'
import type { Calendar } from '../../domain/session.ts'
import type { OrderTerms } from '../../domain/terms.ts'
import { fieldMissing, notAllowed } from '../orders/businessReject.ts'
import { decodeOrder } from '../orders/decodeOrder.ts'
import {
  decodeCancel,
  decodeMassCancel,
  decodeStatusRequest,
  requestKey,
  type MassCancel,
  type OrderRequest,
} from '../orders/decodeRequests.ts'
import type { OrderSeen } from '../orders/executionReport.ts'
import type { Answering, Message, Received } from '../orders/fields.ts'
import { answerStatus, refuseOrder } from '../orders/orderAnswers.ts'
import { cancelReject, massCancelRefusal, replaceRefusal } from '../orders/requestAnswers.ts'
import { keyOfClOrdId, type OrderSession } from '../orders/session.ts'
import type { OrderFinding } from './orderFinding.ts'

/** A message as it waits for its answer: whoever answers it reads it again. `day`: of the session, when it came. */
export type Asked = { received: Received; day: string }

/** What stands for the character 0, which Postgres keeps in no JSON: no byte of a message is this character. */
const zeroSign = '\u0100'
const mapTexts =
  (map: (text: string) => string) =>
  (_: string, value: unknown): unknown =>
    typeof value === 'string' ? map(value) : value

export const textOfAsked = (asked: Asked): string =>
  JSON.stringify(
    asked,
    mapTexts((text) => text.replaceAll('\u0000', zeroSign)),
  )

/** `text`: of textOfAsked. */
export const askedOf = (text: string): Asked =>
  JSON.parse(
    text,
    mapTexts((one) => one.replaceAll(zeroSign, '\u0000')),
  ) as Asked

/** What a message asks for. `answer`: it is answered at once; `find`: after a look at the orders. `key`: which it uses up. */
export type Errand =
  | { kind: 'answer'; messages: readonly Message[] }
  | { kind: 'find'; answer: () => Promise<readonly Message[]> }
  | { kind: 'place'; terms: OrderTerms }
  | { kind: 'cancel'; request: OrderRequest; key: string }
  | { kind: 'massCancel'; request: MassCancel; key: string }

export type ErrandReading = {
  session: OrderSession
  finding: OrderFinding
  calendar: () => Calendar
  digits: AmountDigits
  answering: (now: Date) => Answering
}

const answerWith = (message: Message): Errand => ({ kind: 'answer', messages: [message] })

/** An answer that is of the order that the request means, as it is by then. */
const answerAfterFind = (
  { finding }: ErrandReading,
  request: OrderRequest,
  answer: (seen: OrderSeen | null) => Message,
): Errand => ({
  kind: 'find',
  answer: async () => [answer((await finding.find(request))?.seen ?? null)],
})

const readOrder = (reading: ErrandReading, { received, day }: Asked, now: Date): Errand => {
  const { session, calendar, digits, answering } = reading
  const decoded = decodeOrder(received, { session, day, calendar: calendar(), digits })
  return decoded.ok
    ? { kind: 'place', terms: decoded.terms }
    : answerWith(refuseOrder(received, decoded.faults, answering(now)))
}

const readStatusRequest = (reading: ErrandReading, { received, day }: Asked, now: Date): Errand => {
  const { session } = reading
  const decoded = decodeStatusRequest(received, { session, day })
  if (!decoded.ok) return answerWith(fieldMissing(received, decoded.missing))
  return answerAfterFind(reading, decoded.request, (seen) => answerStatus(decoded, seen, session, now))
}

/** F, and G, which is refused whatever it asks. */
const readCancel = (reading: ErrandReading, { received, day }: Asked, now: Date): Errand => {
  const { session } = reading
  const decoded = decodeCancel(received, { session, day })
  if (!decoded.ok) return answerWith(fieldMissing(received, decoded.missing))
  const { request } = decoded
  if (received.type === 'G')
    return answerAfterFind(reading, request, (seen) => cancelReject(request, seen, replaceRefusal(seen), now))
  const key = requestKey(request, { session, day })
  if (key.ok) return { kind: 'cancel', request, key: key.key }
  const { reason, text } = key
  return answerAfterFind(reading, request, (seen) => cancelReject(request, seen, { to: 'F', reason, text }, now))
}

const readMassCancel = ({ session, answering }: ErrandReading, { received, day }: Asked, now: Date): Errand => {
  const decoded = decodeMassCancel(received, { session, day })
  if (decoded.ok) {
    const { request } = decoded
    return { kind: 'massCancel', request, key: keyOfClOrdId(request.clOrdId, session, day)! }
  }
  return answerWith(
    'missing' in decoded ? fieldMissing(received, decoded.missing) : massCancelRefusal(decoded.refused, answering(now)),
  )
}

export const readErrand = (reading: ErrandReading, asked: Asked, now: Date): Errand => {
  const refused = notAllowed(asked.received, reading.session)
  if (refused !== null) return answerWith(refused)
  switch (asked.received.type) {
    case 'D':
      return readOrder(reading, asked, now)
    case 'H':
      return readStatusRequest(reading, asked, now)
    case 'q':
      return readMassCancel(reading, asked, now)
    default:
      return readCancel(reading, asked, now)
  }
}
