// What a session lets its orders be: whose they are, and by which keys they are known.

import type { Scope } from '../../app/caller.ts'
import type { Cause } from '../../domain/history.ts'
import { keyForm } from '../../domain/patterns.ts'
import { nameOf } from './fields.ts'

/** A session as its orders see it. `id`: its name, as causes and origins say it. */
export type OrderSession = {
  id: string
  /** The user of messages without Account (1); null: they must name an account. */
  user: string | null
  /** The user of each Account (1). No two have one user. */
  accounts: ReadonlyMap<string, string>
  /** All its users, each with the account that messages about it carry; null: it has none. */
  users: ReadonlyMap<string, string | null>
  scopes: ReadonlySet<Scope>
  /** `own`: it hears of the orders that came through it; `all`: of all orders of its users. */
  reports: 'own' | 'all'
  /** Its ClOrdIDs are unique within a day of the session only: its keys have the date in them. */
  idsPerDay: boolean
}

/** What the column `origin` of an order says that came through this session. */
export const originOf = (sessionId: string): string => `fix:${sessionId}`

export const usersWith = ({ user, accounts }: Pick<OrderSession, 'user' | 'accounts'>): OrderSession['users'] =>
  new Map([
    ...(user === null ? [] : [[user, null] as const]),
    ...[...accounts].map(([account, owner]) => [owner, account] as const),
  ])

/** `origin`: of the order; null: HTTP. */
type Reportable = { origin: string | null; userId: string; cause: Cause }

/** Whether the session hears of an event. What it did itself to an order of its user it hears of in any case: that is the answer. */
export const concerns = (session: OrderSession, { origin, userId, cause }: Reportable): boolean => {
  if (origin === originOf(session.id)) return true
  const isOfUser = session.users.has(userId)
  return isOfUser && (session.reports === 'all' || cause.session === session.id)
}

const keyMax = 64
const dayPrefix = /^\d{8}:/
const prefixLength = 'YYYYMMDD:'.length

/** How long a ClOrdID may be: with the date in it a key is longer. */
const clOrdIdMax = ({ idsPerDay }: OrderSession): number => keyMax - (idsPerDay ? prefixLength : 0)

export const clOrdIdRule = (session: OrderSession): string =>
  `must be 1 to ${clOrdIdMax(session)} printable ASCII characters`

const key = new RegExp(keyForm.stored)

/** The key of a ClOrdID; null: it cannot be one. `day`: YYYYMMDD, the day of the session. */
export const keyOfClOrdId = (clOrdId: string, session: OrderSession, day: string): string | null => {
  if (!key.test(clOrdId) || clOrdId.length > clOrdIdMax(session)) return null
  return session.idsPerDay ? `${day}:${clOrdId}` : clOrdId
}

type Named = { clientOrderId: string | null; origin: string | null }

/** The ClOrdID of an order as this session knows it: without the date, if the session put it there. Null: the order has none. */
export const clOrdIdOf = ({ clientOrderId, origin }: Named, session: OrderSession): string | null =>
  clientOrderId !== null && session.idsPerDay && origin === originOf(session.id) && dayPrefix.test(clientOrderId)
    ? clientOrderId.slice(prefixLength)
    : clientOrderId

export const unknownOrderText = `there is no such order of this session: one of another day or another door is named by ${nameOf(37)}`
