// What a message of a session of FIX says to a request, in the words of the clients' log.

import type { FixMessage } from '../../fix/client/firm.ts'
import type { Answer } from '../checker/evidence.ts'

type Says = Omit<Answer, 'answer' | 'at'>

const statuses: Readonly<Record<string, string>> = {
  0: 'NEW',
  1: 'PARTIALLY_FILLED',
  2: 'FILLED',
  4: 'CANCELED',
  8: 'REJECTED',
  C: 'EXPIRED',
}

const ofReport = (fields: FixMessage['fields']): Says | null => {
  const orderId = fields[37]!
  const orderStatus = statuses[fields[39]!] ?? fields[39]!
  const isEvent = fields[17]?.startsWith(`${orderId}.`) === true
  if (fields[150] === 'I') return { status: 202, orderId, orderStatus, replayed: true }
  // A cancel is answered by the report that names both.
  if (fields[150] === '4' && fields[41] !== undefined) return { status: 200, orderId, orderStatus }
  if (isEvent && fields[17] !== `${orderId}.0`) return null
  if (fields[150] === '0') return { status: 202, orderId, orderStatus }
  if (isEvent) return { status: 422, code: 'ORDER_REJECTED', orderId, orderStatus, reason: fields[58]!.split(':')[0]! }
  return { status: 400, code: fields[58] ?? '' }
}

/** `key`: the ClOrdID of the request. Null: the message answers none. `keyOf`: the ClOrdID that our message of this number had. */
export const answerTo = (
  { type, fields }: FixMessage,
  keyOf: (number: number) => string | undefined,
): { key: string; says: Says } | null => {
  if (type === '8') {
    const says = ofReport(fields)
    return says === null ? null : { key: fields[11]!, says }
  }
  if (type === '9') {
    const status = fields[102] === '0' ? 409 : 400
    return { key: fields[11]!, says: { status, orderStatus: statuses[fields[39]!] ?? fields[39]! } }
  }
  const key = keyOf(Number(fields[45]))
  // Only an overload is no fault of the request, and nothing was stored.
  return key === undefined ? null : { key, says: { status: fields[380] === '4' ? 503 : 400 } }
}
