// When an order ends by the clock, which is fixed when it is accepted: the close of the session for DAY, an age for GTC. A GTD order says it
// itself.

import { nextClose, type Calendar } from '../domain/session.ts'
import type { OrderTerms } from '../domain/terms.ts'

/** `calendar`: as it is now. `gtcMaxDays`: how many days of 24 hours a GTC order may be open; 0: without end. */
export type ExpiryRules = { calendar: () => Calendar; gtcMaxDays: number }

/** The end of an order that is accepted at this moment (ISO-8601 UTC); null: none, or the order says it itself. */
export type ExpiresAt = (terms: Pick<OrderTerms, 'timeInForce'>, at: Date) => string | null

const dayMs = 86_400_000

/** Asks the calendar once a session: a close holds for every order before it. */
const createCloses = (calendar: ExpiryRules['calendar']): ((after: Date) => Date) => {
  let last: { calendar: Calendar; from: Date; close: Date } | null = null
  return (after) => {
    const current = calendar()
    if (last === null || last.calendar !== current || after < last.from || after >= last.close)
      last = { calendar: current, from: after, close: nextClose(current, after) }
    return last.close
  }
}

export const createExpiresAt = ({ calendar, gtcMaxDays }: ExpiryRules): ExpiresAt => {
  const closeAfter = createCloses(calendar)
  return ({ timeInForce }, at) => {
    switch (timeInForce) {
      case 'DAY':
        return closeAfter(at).toISOString()
      case 'GTC':
        return gtcMaxDays === 0 ? null : new Date(at.getTime() + gtcMaxDays * dayMs).toISOString()
      case 'GTD':
      case 'IOC':
      case 'FOK':
        return null
    }
  }
}
