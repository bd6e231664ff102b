// What is filled in to place an order: which fields there are for a type and a time in force, and the body that they make. The rules are
// those of the service itself (domain/terms.ts); it judges the values.

import {
  rulesOf,
  rulesOfTimeInForce,
  timesInForce,
  type OrderType,
  type Side,
  type TimeInForce,
} from '../../domain/terms.ts'

/** A fault of a refusal. `pointer`: RFC 6901 into the body, or the name of a parameter with `?` or of a header with `header:` before it. */
export type Fault = { readonly pointer: string; readonly detail: string }

/** As it was typed. `expiresAt`: local time, as a field of the type `datetime-local` has it. */
export type Ticket = {
  readonly userId: string
  readonly ticker: string
  readonly side: Side
  readonly type: OrderType
  readonly timeInForce: TimeInForce
  readonly quantity: string
  readonly price: string
  readonly stopPrice: string
  readonly displayQuantity: string
  readonly postOnly: boolean
  readonly expiresAt: string
}

export const emptyTicket: Ticket = {
  userId: '',
  ticker: '',
  side: 'BUY',
  type: 'LIMIT',
  timeInForce: 'GTC',
  quantity: '',
  price: '',
  stopPrice: '',
  displayQuantity: '',
  postOnly: false,
  expiresAt: '',
}

type TermByRule = 'price' | 'stopPrice' | 'displayQuantity' | 'postOnly' | 'expiresAt'
type Presence = 'required' | 'optional' | 'forbidden'

/** Whether the order must have this term, may have it, or must not. What one rule forbids, no other one allows. */
export const presenceOf = (name: TermByRule, { type, timeInForce }: Pick<Ticket, 'type' | 'timeInForce'>): Presence => {
  const rules = [...rulesOf(type), ...rulesOfTimeInForce(timeInForce)].filter(([term]) => term === name)
  const found = rules.map(([, presence]) => presence)
  if (found.includes('forbidden') || found.length === 0) return 'forbidden'
  return found.includes('required') ? 'required' : 'optional'
}

/** The times in force that this type can have: one that forbids what the type requires is none of them. */
export const timesInForceOf = (type: OrderType): readonly TimeInForce[] => {
  const required = rulesOf(type).flatMap(([term, presence]) => (presence === 'required' ? [term] : []))
  return timesInForce.filter((one) =>
    rulesOfTimeInForce(one).every(([term, presence]) => presence !== 'forbidden' || !required.includes(term)),
  )
}

/** The ticket with another type, and with GTC where its time in force does not go with that. */
export const withType = (ticket: Ticket, type: OrderType): Ticket => {
  const { timeInForce } = ticket
  return { ...ticket, type, timeInForce: timesInForceOf(type).includes(timeInForce) ? timeInForce : 'GTC' }
}

/** The names of the fields that an order of this kind has. */
export const fieldsOf = (ticket: Pick<Ticket, 'type' | 'timeInForce'>): ReadonlySet<string> => {
  const byRule = (['price', 'stopPrice', 'displayQuantity', 'postOnly', 'expiresAt'] as const).filter(
    (name) => presenceOf(name, ticket) !== 'forbidden',
  )
  return new Set(['userId', 'ticker', 'side', 'type', 'timeInForce', 'quantity', ...byRule])
}

const optionalTerms = ['price', 'stopPrice', 'displayQuantity', 'expiresAt'] as const

const instantOf = (local: string): string => {
  const at = new Date(local)
  return Number.isNaN(at.getTime()) ? local : at.toISOString()
}

/** The body of `POST /orders`. Amounts are text as typed, so nothing is rounded. A user that is empty is the caller's own. */
export const bodyOf = (ticket: Ticket): Record<string, unknown> => {
  const { userId, ticker, side, type, timeInForce, quantity, postOnly } = ticket
  const body: Record<string, unknown> = { ticker: ticker.trim(), side, type, timeInForce, quantity: quantity.trim() }
  if (userId.trim() !== '') body['userId'] = userId.trim()
  for (const name of optionalTerms) {
    const text = ticket[name].trim()
    if (text !== '' && presenceOf(name, ticket) !== 'forbidden')
      body[name] = name === 'expiresAt' ? instantOf(text) : text
  }
  if (postOnly && presenceOf('postOnly', ticket) !== 'forbidden') body['postOnly'] = true
  return body
}

/** The faults of a refusal by field, and those that belong to none. */
export const faultsByField = (
  errors: readonly Fault[],
  fields: ReadonlySet<string>,
): { readonly fields: ReadonlyMap<string, string>; readonly others: readonly Fault[] } => {
  const found = new Map<string, string>()
  const others: Fault[] = []
  for (const fault of errors) {
    const name = fault.pointer.replace(/^\//, '')
    if (!fields.has(name)) others.push(fault)
    else found.set(name, [found.get(name), fault.detail].filter((one) => one !== undefined).join('; '))
  }
  return { fields: found, others }
}
