// Who calls, and what such a caller may touch. A scope allows a kind of call; an order belongs to the user that it names.

import { canonicalUuid } from '../domain/ids.ts'

const scopes = ['orders:read', 'orders:write', 'orders:admin'] as const
export type Scope = (typeof scopes)[number]

export type Caller = {
  /** Whom the credential names; limits and the log go by it. */
  readonly subject: string
  /** The user whose orders the caller sees: its subject as a UUID; null for an administrator that is no user. */
  readonly userId: string | null
  readonly scopes: ReadonlySet<Scope>
  /** `jwt`, or `key:` and the id of the key. Never the credential itself. */
  readonly credential: string
}

/** The caller where nobody has to say who it is: it may do everything, and is no user. */
export const everybody: Caller = {
  subject: 'everybody',
  userId: null,
  scopes: new Set(scopes),
  credential: 'none',
}

export const isAdmin = (caller: Caller | null): boolean => caller !== null && caller.scopes.has('orders:admin')

export const holds = (caller: Caller, scope: Scope): boolean => caller.scopes.has(scope) || isAdmin(caller)

/** Whether orders of `userId` exist for this caller. Nobody (null) owns nothing: a gate that is missing shuts the route. */
export const owns = (caller: Caller | null, userId: string): boolean =>
  caller !== null && (caller.userId === userId || isAdmin(caller))

const knownScopes: ReadonlySet<string> = new Set(scopes)
export const isScope = (text: string): text is Scope => knownScopes.has(text)

/** Longer ones only fill the log. */
const subjectPattern = /^[\x21-\x7e]{1,200}$/

type Named = { subject: unknown; scopes: readonly string[]; credential: string }

/** The caller that a credential names; scopes that are none of ours are left out. Null: a subject that cannot own orders. */
export const callerOf = ({ subject, scopes: given, credential }: Named): Caller | null => {
  if (typeof subject !== 'string' || !subjectPattern.test(subject)) return null
  const userId = canonicalUuid(subject)
  const caller = { subject: userId ?? subject, userId, scopes: new Set(given.filter(isScope)), credential }
  return userId === null && !isAdmin(caller) ? null : caller
}
