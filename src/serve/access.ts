// Makes the guard of the HTTP side from the configuration: who may call, and how often.

import { createBuckets } from '../app/rateLimit.ts'
import { takesKeys, takesTokens } from '../config/accessSettings.ts'
import type { Config } from '../config/config.ts'
import type { PublishedAccess } from '../http/contract/openapiAccess.ts'
import type { Management } from '../http/exchange/operation.ts'
import { createKeyCheck } from '../http/gates/auth/apiKeys.ts'
import { createTokenCheck, type TokenCheck } from '../http/gates/auth/jwt.ts'
import { keysFromFile, keysFromUrl, type KeySource } from '../http/gates/auth/keySource.ts'
import type { Guard } from '../http/gates/guard.ts'
import type { LimitOptions, Rate } from '../http/gates/limits/limits.ts'
import { describe, type Log } from '../telemetry/log.ts'

type Settings = Omit<Config, 'database' | 'warnings'>

const nowMs = (): number => Date.now()
const monotonicMs = (): number => performance.now()

/** Makes an error of `make` one sentence that names the key of the file. */
const withKeyInError = <T>(key: keyof Settings, make: () => T): T => {
  try {
    return make()
  } catch (error) {
    throw new Error(`${key}: the file cannot be used: ${describe(error).error}`, { cause: error })
  }
}

const keySourceOf = (config: Settings, log: Log): KeySource => {
  if (config.AUTH_JWKS_FILE !== '')
    return withKeyInError('AUTH_JWKS_FILE', () => keysFromFile(config.AUTH_JWKS_FILE, log))
  const source = keysFromUrl({
    url: config.AUTH_JWKS_URL,
    ageMaxMs: config.AUTH_JWKS_AGE_MAX_MS,
    cooldownMs: config.AUTH_JWKS_COOLDOWN_MS,
    timeoutMs: config.AUTH_JWKS_TIMEOUT_MS,
    log,
  })
  // Fetches the keys now, so that the first caller does not wait for them.
  void source.renew()
  return source
}

const tokenCheckOf = (config: Settings, log: Log): TokenCheck =>
  createTokenCheck({
    keys: keySourceOf(config, log),
    algorithms: config.AUTH_JWT_ALGORITHMS,
    issuer: config.AUTH_JWT_ISSUER,
    audience: config.AUTH_JWT_AUDIENCE,
    audienceClaim: config.AUTH_JWT_AUDIENCE_CLAIM,
    scopeClaims: config.AUTH_JWT_SCOPE_CLAIM,
    subjectClaim: config.AUTH_SUBJECT_CLAIM,
    clockToleranceSeconds: config.AUTH_JWT_CLOCK_TOLERANCE_SECONDS,
    cacheTokensMax: config.AUTH_JWT_CACHE_MAX_TOKENS,
    cacheAgeMaxMs: config.AUTH_JWT_CACHE_AGE_MAX_MS,
    nowMs,
  })

const addressesMax = 50_000

const failuresOf = (config: Settings) =>
  config.AUTH_FAILURES_PER_SECOND === 0
    ? null
    : createBuckets({
        perSecond: config.AUTH_FAILURES_PER_SECOND,
        burst: config.AUTH_FAILURES_BURST,
        keysMax: addressesMax,
        nowMs: monotonicMs,
      })

const rateOf = (perSecond: number, burst: number): Rate | null =>
  perSecond === 0 ? null : { perSecond, burst: burst === 0 ? perSecond : burst }

const limitsOf = (config: Settings): LimitOptions | null => {
  const perSubject = rateOf(config.RATE_LIMIT_PER_SUBJECT_PER_SECOND, config.RATE_LIMIT_PER_SUBJECT_BURST)
  const total = rateOf(config.RATE_LIMIT_TOTAL_PER_SECOND, config.RATE_LIMIT_TOTAL_BURST)
  return perSubject === null && total === null ? null : { perSubject, total, byAddress: config.RATE_LIMIT_BY_ADDRESS }
}

/** Throws one sentence if a file of keys cannot be used. Warns in the log about risky settings. */
const createGuard = (config: Settings, log: Log): Guard => {
  const limits = limitsOf(config)
  if (!takesTokens(config) && !takesKeys(config)) {
    log.warn(
      'authentication is off: whoever reaches the port may do everything; set AUTH_JWKS_URL or AUTH_API_KEYS_FILE',
    )
    return { authentication: null, limits }
  }
  if (config.AUTH_JWKS_URL.startsWith('http:'))
    log.warn('AUTH_JWKS_URL is no https address: whoever sits between can let anybody in')
  const authentication = {
    tokens: takesTokens(config) ? tokenCheckOf(config, log) : null,
    keys: takesKeys(config)
      ? withKeyInError('AUTH_API_KEYS_FILE', () => createKeyCheck(config.AUTH_API_KEYS_FILE, log, nowMs))
      : null,
    failures: failuresOf(config),
  }
  return { authentication, limits }
}

/** The guard, or the faults of the configuration: a file of keys that cannot be used is one. */
export const guardOrFaults = (config: Settings, log: Log): Guard | string[] => {
  try {
    return createGuard(config, log)
  } catch (error) {
    return [describe(error).error]
  }
}

/** Whether the main port has the routes for operators. */
export const managementOf = (config: Settings): Management => (config.MANAGEMENT_PORT === 0 ? 'here' : 'elsewhere')

/** The same settings for the OpenAPI document. Reads no file. */
export const accessOf = (config: Settings): PublishedAccess => ({
  tokens: takesTokens(config),
  keys: takesKeys(config),
  limited: limitsOf(config) !== null,
  management: config.MANAGEMENT_PORT === 0 ? 'here' : 'elsewhere',
})
