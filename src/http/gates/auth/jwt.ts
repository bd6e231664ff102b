// Checks bearer tokens: the signature, issuer, audience and times of a JWT. A valid token is cached by its SHA-256 until it expires, for
// some minutes at most and only while the keys stay the same, because checking a signature costs more than a whole request.

import { errors, type JWTPayload } from 'jose'
import { callerOf } from '../../../app/caller.ts'
import type { Algorithm } from './algorithms.ts'
import { claimAt, namesAudience, textsOf, type ClaimPath } from './claims.ts'
import type { KeySet } from './keySet.ts'
import type { Keys, KeySource } from './keySource.ts'
import { mayHaveNewerKey, verifySignature, type Verification } from './signature.ts'
import { refuse, type Verdict } from './verdict.ts'

export type JwtOptions = {
  keys: KeySource
  algorithms: readonly Algorithm[]
  issuer: string
  audience: string
  /** The claim that names the audience. */
  audienceClaim: ClaimPath
  /** The claims that hold scopes; the scopes of all of them count. */
  scopeClaims: readonly ClaimPath[]
  /** The claim that names the user. */
  subjectClaim: string
  clockToleranceSeconds: number
  cacheTokensMax: number
  cacheAgeMaxMs: number
  nowMs: () => number
}

export type TokenCheck = {
  /** The verdict on a token in the cache; null if the token has to be checked. */
  cached: (token: string) => Verdict | null
  check: (token: string) => Promise<Verdict>
}

const tokenLengthMax = 8_192

/** Shared, because creating one costs more than hashing a token; `digest` resets it. */
const hasher = new Bun.CryptoHasher('sha256')
const hashOf = (token: string): string => hasher.update(token).digest('base64')

/** The reason for the log. It has only names, never the token or the value of a claim. */
const reasonOf = (error: unknown): string => {
  if (error instanceof errors.JWTClaimValidationFailed) return `claim ${error.claim} ${error.reason}`
  return error instanceof errors.JOSEError ? error.code : 'the token could not be read'
}

const verdictOn = (payload: JWTPayload, options: JwtOptions): Verdict => {
  const { audience, audienceClaim, scopeClaims, subjectClaim, clockToleranceSeconds } = options
  if (!namesAudience(claimAt(payload, audienceClaim), audience))
    return refuse('invalid', `claim ${audienceClaim.join('.')} names another audience`)
  const scopes = scopeClaims.flatMap((path) => textsOf(claimAt(payload, path)))
  const caller = callerOf({ subject: claimAt(payload, [subjectClaim]), scopes, credential: 'jwt' })
  const expiresAtMs = (payload.exp! + clockToleranceSeconds) * 1000
  return caller === null ? refuse('subject', `claim ${subjectClaim} is no user`) : { ok: true, caller, expiresAtMs }
}

type CacheEntry = { verdict: Verdict; until: number; generation: number }

/** The cache of valid tokens. When it is full, the oldest entry is dropped. An entry is not used after `until`, or after the keys changed. */
const createCache = ({ keys, cacheTokensMax, nowMs }: JwtOptions) => {
  const entries = new Map<string, CacheEntry>()
  return {
    get(hash: string): Verdict | null {
      const entry = entries.get(hash)
      if (entry === undefined) return null
      if (entry.until > nowMs() && entry.generation === keys.generation()) return entry.verdict
      entries.delete(hash)
      return null
    },
    put(hash: string, entry: CacheEntry): void {
      if (entries.size >= cacheTokensMax) entries.delete(entries.keys().next().value!)
      entries.set(hash, entry)
    },
  }
}

/** If the key is missing, it may have been added since: the keys are renewed once, within the source's limits. */
const verifyRenewing = async (
  token: string,
  first: Keys,
  { keys, verify }: { keys: KeySource; verify: (token: string, set: KeySet) => Promise<Verification> },
): Promise<Verification & { generation: number }> => {
  const attempt = await verify(token, first.set)
  const result = { ...attempt, generation: first.generation }
  if (attempt.ok || !mayHaveNewerKey(attempt.error)) return result
  await keys.renew()
  const renewed = await keys.current()
  if (renewed === null || renewed.generation === first.generation) return result
  const retry = await verify(token, renewed.set)
  return { ...retry, tried: attempt.tried + retry.tried, generation: renewed.generation }
}

export const createTokenCheck = (options: JwtOptions): TokenCheck => {
  const { keys, algorithms, issuer, clockToleranceSeconds, cacheAgeMaxMs, nowMs } = options
  const cache = createCache(options)
  const pending = new Map<string, Promise<Verdict>>()

  const verify = (token: string, set: KeySet): Promise<Verification> => {
    const rules = { algorithms: [...algorithms], issuer, requiredClaims: ['exp'] }
    const times = { clockTolerance: clockToleranceSeconds, currentDate: new Date(nowMs()) }
    return verifySignature(token, set, { ...rules, ...times })
  }
  const judge = async (token: string, hash: string): Promise<Verdict> => {
    const first = await keys.current()
    if (first === null) return refuse('keys', 'there are no keys')
    const verified = await verifyRenewing(token, first, { keys, verify })
    if (!verified.ok) {
      const refusal = verified.error instanceof errors.JWTExpired ? 'expired' : 'invalid'
      return { ...refuse(refusal, reasonOf(verified.error)), cost: verified.tried }
    }
    const { payload, generation } = verified
    const verdict = verdictOn(payload, options)
    const until = Math.min(payload.exp! * 1000, nowMs() + cacheAgeMaxMs)
    if (verdict.ok) cache.put(hash, { verdict, until, generation })
    return verdict.ok ? verdict : { ...verdict, cost: verified.tried }
  }
  return {
    cached: (token) => cache.get(hashOf(token)),
    check(token) {
      if (token.length > tokenLengthMax) return Promise.resolve(refuse('invalid', 'the token is too long'))
      const hash = hashOf(token)
      const present = pending.get(hash)
      if (present !== undefined) return present
      const verdict = judge(token, hash).finally(() => pending.delete(hash))
      pending.set(hash, verdict)
      return verdict
    },
  }
}
