// The gates of authentication: who calls, found out before anything else is done, and whether that caller may do this. What was
// refused is in the log by its reason; the credential never is.

import { everybody, holds, type Scope } from '../../../app/caller.ts'
import type { Log } from '../../../telemetry/log.ts'
import type { Exchange, Gate } from '../../exchange/exchange.ts'
import type { Problem } from '../../exchange/problem.ts'
import { networkOf, tooManyBadCredentials } from '../limits/limits.ts'
import type { Buckets } from '../limits/rateLimit.ts'
import { keyPrefix } from './apiKey.ts'
import type { KeyCheck } from './apiKeys.ts'
import { credentialOf } from './credential.ts'
import type { TokenCheck } from './jwt.ts'
import { forbidden, refuse, unauthorized, type Verdict } from './verdict.ts'

/** What a service accepts; null: nothing of the kind. */
export type Authentication = {
  tokens: TokenCheck | null
  keys: KeyCheck | null
  /** By address: bad credentials that may still be looked at. Null: as many as come. */
  failures: Buckets | null
}

type GateOptions = { addressOf: (request: Request) => string; log: Log }

/** The scope that a call needs; null if it needs none. */
const scopeOf = ({ operation }: Exchange): Scope | null =>
  operation === null || operation.access === 'open' ? null : operation.access

/** Without work: an API key always, a token that was checked before. Null: it has to be worked on. */
const checkAtOnce = ({ tokens, keys }: Authentication, token: string): Verdict | null => {
  if (token.startsWith(keyPrefix)) return keys === null ? refuse('invalid', 'API keys are not accepted') : keys(token)
  return tokens === null ? refuse('invalid', 'tokens are not accepted') : tokens.cached(token)
}

/**
 * Finds out who calls. Where an address has sent too many bad credentials, only those that cost no work are looked at: a caller
 * who shares the address (a proxy's) and was known before goes on.
 */
const authenticationGate = (authentication: Authentication, { addressOf, log }: GateOptions): Gate => {
  const { failures, tokens } = authentication
  const networkBehind = ({ request }: Exchange): string => networkOf(addressOf(request))

  const settle = (exchange: Exchange, verdict: Verdict): Problem | null => {
    if (verdict.ok) {
      exchange.caller = verdict.caller
      return null
    }
    const { refusal, reason, cost } = verdict
    const address = networkBehind(exchange)
    log.rarely('warn', `auth:${reason}`, 'a credential was refused', {
      requestId: exchange.requestId,
      address,
      why: reason,
    })
    const isGuess = refusal !== 'absent' && refusal !== 'malformed' && refusal !== 'keys'
    const level = isGuess ? failures?.take(address, cost) : undefined
    return level === undefined || level.allowed ? unauthorized(refusal) : tooManyBadCredentials(level.waitSeconds)
  }
  return (exchange) => {
    if (scopeOf(exchange) === null) return null
    const credential = credentialOf(exchange.request.headers)
    if (credential.kind !== 'token')
      return settle(exchange, refuse(credential.kind, `the credential is ${credential.kind}`))
    const { token } = credential
    const atOnce = checkAtOnce(authentication, token)
    if (atOnce !== null) return settle(exchange, atOnce)
    const level = failures?.look(networkBehind(exchange))
    if (level !== undefined && !level.allowed) return tooManyBadCredentials(level.waitSeconds)
    return tokens!.check(token).then((verdict) => settle(exchange, verdict))
  }
}

/** Lets through who holds the scope of the call. */
const scopeGate: Gate = (exchange) => {
  const scope = scopeOf(exchange)
  if (scope === null) return null
  const { caller } = exchange
  if (caller === null) return unauthorized('absent')
  return holds(caller, scope) ? null : forbidden(scope)
}

/** In their order. Limits stand between the two, so that they hold for callers who may not do what they ask for. */
export const authenticationGates = (
  authentication: Authentication | null,
  options: GateOptions,
  between: readonly Gate[],
): Gate[] => {
  if (authentication !== null) return [authenticationGate(authentication, options), ...between, scopeGate]
  const open: Gate = (exchange) => {
    exchange.caller = everybody
    return null
  }
  return [open, ...between]
}
