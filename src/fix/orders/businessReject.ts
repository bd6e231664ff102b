// BusinessMessageReject (j): a message that is no order and no request yet, or that nobody can look at now.

import type { Scope } from '../../app/caller.ts'
import { businessRejectReasons, type BusinessRejectReason } from './codes.ts'
import { given, nameOf, plainText, valuesOf, type Message, type Received } from './fields.ts'
import type { OrderSession } from './session.ts'

/** `BusinessRejectRefID` is the ClOrdID, by which desks know their order. */
export const businessReject = (received: Received, reason: BusinessRejectReason, text: string): Message => ({
  type: 'j',
  body: [
    [45, String(received.number)],
    [372, received.type],
    ...given(379, valuesOf(received.body).get(11)),
    [380, String(businessRejectReasons[reason])],
    [58, plainText(text)],
  ],
})

export const fieldMissing = (received: Received, tag: number): Message =>
  businessReject(received, 'fieldMissing', `${nameOf(tag)} is required`)

/** The scope that a message needs. */
const scopes: Readonly<Record<string, Scope>> = {
  D: 'orders:write',
  F: 'orders:write',
  G: 'orders:write',
  H: 'orders:read',
  q: 'orders:write',
}

/** What a session is answered that may not send this message, or by whose type nothing is served; null: it may. */
export const notAllowed = (received: Received, session: OrderSession): Message | null => {
  const scope = Object.hasOwn(scopes, received.type) ? scopes[received.type]! : null
  if (scope === null)
    return businessReject(received, 'unsupportedMessage', `messages of type ${received.type} are not served`)
  return session.scopes.has(scope)
    ? null
    : businessReject(received, 'notAuthorized', `this session lacks the scope ${scope}`)
}
