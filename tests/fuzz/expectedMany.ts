// Part of the independent oracle: requests that cancel many orders.

import { knownMembers, refusedEarly, textOf, uuidShape, valueOf, type BodyRequest } from './expectedOrder.ts'
import type { Answer } from './wire.ts'

const lawfulValue: Record<string, (text: string) => boolean> = {
  userId: (text) => uuidShape.test(text),
  ticker: (text) => /^[A-Za-z0-9._/:^=+&@#-]{1,16}$/.test(text),
  side: (text) => text === 'BUY' || text === 'SELL',
}

/** Whether the query of DELETE /orders says whose orders it means, and nothing else. */
export const isScope = (query: string): boolean => {
  const given = [...new URLSearchParams(query)]
  const names = given.map(([name]) => name)
  return (
    new Set(names).size === names.length &&
    (names.includes('userId') || names.includes('ticker')) &&
    given.every(([name, value]) => Object.hasOwn(lawfulValue, name) && lawfulValue[name]!(value))
  )
}

/** A JSON number: 0, or a whole number of milliseconds up to a day, from a second on. */
const isTimeout = (source: string): boolean => {
  const match = /^(-?)([0-9]+)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]+))?$/.exec(source)
  if (match === null) return false
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = match
  const digits = (whole + fraction).replace(/^0+/, '').replace(/0+$/, '')
  if (digits === '') return true
  const power = Number(exponent) - fraction.length + /0*$/.exec(whole + fraction)![0].length
  if (sign === '-' || power < 0 || digits.length + power > 8) return false
  const ms = Number(digits + '0'.repeat(power))
  return ms >= 1_000 && ms <= 86_400_000
}

/** The status of an answer to a switch. */
export const expectSwitch = (request: BodyRequest): number => {
  const early = refusedEarly(request)
  if (early !== null) return early
  const members = knownMembers(valueOf(request.body), ['userId', 'timeoutMs'])
  const timeout = members?.get('timeoutMs')
  return uuidShape.test(textOf(members?.get('userId'))) && timeout?.kind === 'number' && isTimeout(timeout.source)
    ? 200
    : 400
}

/** The orders that an answer says were canceled; null: it is not of this form. */
export const canceledIn = ({ body }: Answer): string[] | null => {
  const { canceled, notCanceled, remaining, ...others } = JSON.parse(body) as Record<string, unknown>
  const isForm = Array.isArray(canceled) && Array.isArray(notCanceled) && typeof remaining === 'boolean'
  return isForm &&
    Object.keys(others).length === 0 &&
    canceled.every((id) => typeof id === 'string' && uuidShape.test(id))
    ? (canceled as string[])
    : null
}
