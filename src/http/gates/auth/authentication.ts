// The gates of authentication. The first identifies the caller before anything else is done, the last checks that the caller may make this
// call. The log has the reason of every refusal, and never the credential.

import { everybody, holds, isAdmin, type Caller, type Scope } from '../../../app/caller.ts'
import type { Buckets } from '../../../app/rateLimit.ts'
import type { Log } from '../../../telemetry/log.ts'
import type { Credential, Exchange, Gate } from '../../exchange/exchange.ts'
import type { Problem } from '../../exchange/problem.ts'
import { networkOf, tooManyBadCredentials } from '../limits/limits.ts'
import { keyPrefix } from './apiKey.ts'
import type { KeyCheck } from './apiKeys.ts'
import { credentialOf } from './credential.ts'
import type { TokenCheck } from './jwt.ts'
import { forbidden, refuse, unauthorized, type Verdict } from './verdict.ts'

/** The credentials that a service accepts. Null: it accepts no credentials of this kind. */
export type Authentication = {
  tokens: TokenCheck | null
  keys: KeyCheck | null
  /** How many more bad credentials of each address are checked. Null: there is no limit. */
  failures: Buckets | null
}

type GateOptions = { addressOf: (request: Request) => string; log: Log }

/** The scope that a call needs; null if it needs none. */
const scopeOf = ({ operation }: Exchange): Scope | null =>
  operation === null || operation.access === 'open' ? null : operation.access

/** The verdict on a credential that is cheap to check: an API key, or a token in the cache. Null: its signature has to be checked. */
const cheapVerdict = ({ tokens, keys }: Authentication, token: string): Verdict | null => {
  if (token.startsWith(keyPrefix)) return keys === null ? refuse('invalid', 'API keys are not accepted') : keys(token)
  return tokens === null ? refuse('invalid', 'tokens are not accepted') : tokens.cached(token)
}

/**
 * A credential whose answer goes on for hours. It is looked at with the same checks as at first, so a key that was taken out of its file,
 * or a token whose signing key was withdrawn, is noticed. While the keys of an issuer cannot be read, a token that was good stays good.
 */
const lastingCredential = (
  authentication: Authentication,
  { token, caller, scope, expiresAtMs }: { token: string; caller: Caller; scope: Scope; expiresAtMs: number },
): Credential => {
  const allows = (verdict: Verdict): boolean =>
    verdict.ok
      ? verdict.caller.subject === caller.subject &&
        isAdmin(verdict.caller) === isAdmin(caller) &&
        holds(verdict.caller, scope)
      : verdict.refusal === 'keys'
  return {
    expiresAtMs,
    isStillGood() {
      const cheap = cheapVerdict(authentication, token)
      if (cheap !== null) return allows(cheap)
      return authentication.tokens!.check(token).then(allows, () => false)
    },
  }
}

/**
 * Identifies the caller. If an address has sent too many bad credentials, only cheap ones are checked: so a caller who shares the
 * address (of a proxy) and whose token is in the cache can go on.
 */
const authenticationGate = (authentication: Authentication, { addressOf, log }: GateOptions): Gate => {
  const { failures, tokens } = authentication
  const networkOfCaller = ({ request }: Exchange): string => networkOf(addressOf(request))

  const settle = (exchange: Exchange, verdict: Verdict, token = ''): Problem | null => {
    if (verdict.ok) {
      const { caller, expiresAtMs } = verdict
      exchange.caller = caller
      if (exchange.operation?.streams === true)
        exchange.credential = lastingCredential(authentication, {
          token,
          caller,
          scope: scopeOf(exchange)!,
          expiresAtMs,
        })
      return null
    }
    const { refusal, reason, cost } = verdict
    const address = networkOfCaller(exchange)
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
    const cheap = cheapVerdict(authentication, token)
    if (cheap !== null) return settle(exchange, cheap, token)
    const level = failures?.look(networkOfCaller(exchange))
    if (level !== undefined && !level.allowed) return tooManyBadCredentials(level.waitSeconds)
    return tokens!.check(token).then((verdict) => settle(exchange, verdict, token))
  }
}

/** Lets a caller pass who holds the scope of the call. */
const scopeGate: Gate = (exchange) => {
  const scope = scopeOf(exchange)
  if (scope === null) return null
  const { caller } = exchange
  if (caller === null) return unauthorized('absent')
  return holds(caller, scope) ? null : forbidden(scope)
}

/** The gates in their order. `between`: the limits stand between the two, so that they also hold for callers without the scope. */
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
