// The verdict on a credential, and the answer to a refused one. No answer tells a caller more than the caller already knows.

import type { Caller, Scope } from '../../../app/caller.ts'
import { problem, type Problem } from '../../exchange/problem.ts'

/** Why a credential is refused. `keys`: the keys to check it with are not available now. */
export type Refusal = 'absent' | 'malformed' | 'invalid' | 'expired' | 'subject' | 'keys'
/** `reason`: for the operator's log alone. `cost`: how many signatures were checked in vain, at least one. */
export type Refused = { ok: false; refusal: Refusal; reason: string; cost: number }
/** `expiresAtMs`: from then on the credential is refused, in ms since 1970; Infinity: never. */
export type Verdict = { ok: true; caller: Caller; expiresAtMs: number } | Refused

export const refuse = (refusal: Refusal, reason: string): Refused => ({ ok: false, refusal, reason, cost: 1 })

const realm = 'Bearer realm="orders"'

/** The challenge for each refusal. By RFC 6750 the challenge to a request without a credential names no error. */
const challenges = {
  absent: { detail: 'send a credential: Authorization: Bearer <token>', error: null },
  malformed: { detail: 'send one credential, once, as Authorization: Bearer <token>', error: 'invalid_request' },
  invalid: { detail: 'the credential is not valid here', error: 'invalid_token' },
  expired: { detail: 'the credential is expired', error: 'invalid_token' },
  subject: { detail: 'the credential names no user: its subject must be a UUID', error: 'invalid_token' },
} as const satisfies Record<Exclude<Refusal, 'keys'>, { detail: string; error: string | null }>

export const unauthorized = (refusal: Refusal): Problem => {
  if (refusal === 'keys')
    return problem('OVERLOADED', 'the credential cannot be checked now: try again after the time in Retry-After')
  const { detail, error } = challenges[refusal]
  const cause = error === null ? '' : `, error="${error}", error_description="${detail}"`
  return problem('UNAUTHORIZED', detail, { headers: { 'www-authenticate': `${realm}${cause}` } })
}

/** The credential is valid, but does not allow this. */
export const forbidden = (scope: Scope): Problem =>
  problem('FORBIDDEN', `this needs the scope ${scope}`, {
    headers: { 'www-authenticate': `${realm}, error="insufficient_scope", scope="${scope}"` },
  })
