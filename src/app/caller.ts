// Who calls, and what that caller may touch. A scope allows a kind of call; an order belongs to the user that it names.

import type { Door } from '../domain/door.ts'
import type { Cause } from '../domain/history.ts'
import { canonicalUuid } from '../domain/ids.ts'

const scopes = ['orders:read', 'orders:write', 'orders:admin'] as const
export type Scope = (typeof scopes)[number]

export type Caller = {
  /** The name that the credential gives; limits and the log go by it. */
  readonly subject: string
  /** The user whose orders the caller sees: its subject as a UUID; null for an administrator that is not a user. */
  readonly userId: string | null
  readonly scopes: ReadonlySet<Scope>
  /** `jwt`, or `key:` and the id of the key. Never the credential itself. */
  readonly credential: string
}

/** One call of a use case. `requestId` names it in the log; `traceparent`: the W3C trace context of the events that it causes, or null. */
export type Call = {
  /** Null owns nothing and may do nothing that only administrators may: if a gate is missing, the door stays shut. */
  readonly caller: Caller | null
  readonly requestId: string
  readonly traceparent: string | null
  /** The door through which it came; absent: HTTP. */
  readonly door?: Door | undefined
}

/** The refusal of a call that this caller may not make. */
export type Forbidden = { ok: false; code: 'FORBIDDEN' }
export const forbidden: Forbidden = { ok: false, code: 'FORBIDDEN' }

/** The caller if callers need not identify themselves: it may do everything, and is not a user. */
export const everybody: Caller = {
  subject: 'everybody',
  userId: null,
  scopes: new Set(scopes),
  credential: 'none',
}

/** The name of a caller that has identified itself; null: there is none, or it need not do so. */
export const subjectOf = (caller: Caller | null): string | null =>
  caller === null || caller === everybody ? null : caller.subject

/** The cause of what this call changes. */
export const causeOf = ({ caller, requestId, door }: Pick<Call, 'caller' | 'requestId' | 'door'>): Cause => {
  const subject = subjectOf(caller)
  return { ...(door ?? { kind: 'request' }), requestId, ...(subject !== null && { subject }) }
}

export const isAdmin = (caller: Caller | null): boolean => caller !== null && caller.scopes.has('orders:admin')

export const holds = (caller: Caller, scope: Scope): boolean => caller.scopes.has(scope) || isAdmin(caller)

/** Whether orders of `userId` exist for this caller. Nobody (null) owns nothing. */
export const owns = (caller: Caller | null, userId: string): boolean =>
  caller !== null && (caller.userId === userId || isAdmin(caller))

/** The user of an order if its sender leaves the user out. Null: the sender has to name one. */
export const ownUser = (caller: Caller | null): string | null => caller?.userId ?? null

const scopeNames: ReadonlySet<string> = new Set(scopes)
export const isScope = (text: string): text is Scope => scopeNames.has(text)

/** Longer subjects would only fill the log. */
const subjectPattern = /^[\x21-\x7e]{1,200}$/

type Claims = { subject: unknown; scopes: readonly string[]; credential: string }

/**
 * The caller that a credential names; scopes that are not ours are left out. Null: the subject is not a lawful name, or it cannot own
 * orders and is not an administrator.
 */
export const callerOf = ({ subject, scopes: claimed, credential }: Claims): Caller | null => {
  if (typeof subject !== 'string' || !subjectPattern.test(subject)) return null
  const userId = canonicalUuid(subject)
  const caller = { subject: userId ?? subject, userId, scopes: new Set(claimed.filter(isScope)), credential }
  return userId === null && !isAdmin(caller) ? null : caller
}
