// Bearer tokens: JWTs whose signature, issuer, audience and times are checked. A token that was found good is known by its SHA-256 until it
// expires, for some minutes at the most, and only while the keys are the same: checking a signature costs more than a whole request.

import { errors, type JWTPayload } from 'jose'
import type { Algorithm } from './algorithms.ts'
import { callerOf, type Caller } from '../../../app/caller.ts'
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
  /** Where the token says whom it is for. */
  audienceClaim: ClaimPath
  /** All that these hold counts. */
  scopeClaims: readonly ClaimPath[]
  /** The claim that names the user. */
  subjectClaim: string
  clockToleranceSeconds: number
  cacheTokensMax: number
  cacheAgeMaxMs: number
  nowMs: () => number
}

export type TokenCheck = {
  /** The verdict on a token that was checked before; null for one that needs work. */
  known: (token: string) => Verdict | null
  check: (token: string) => Promise<Verdict>
}

const tokenLengthMax = 8_192

/** One for all: `digest` begins it anew, and making one costs more than hashing a token does. */
const hasher = new Bun.CryptoHasher('sha256')
const digest = (token: string): string => hasher.update(token).digest('base64')

/** Never the token nor a value of a claim: names alone. */
const whyOf = (error: unknown): string => {
  if (error instanceof errors.JWTClaimValidationFailed) return `claim ${error.claim} ${error.reason}`
  return error instanceof errors.JOSEError ? error.code : 'the token could not be read'
}

const verdictOn = (payload: JWTPayload, options: JwtOptions): Verdict => {
  const { audience, audienceClaim, scopeClaims, subjectClaim } = options
  if (!namesAudience(claimAt(payload, audienceClaim), audience))
    return refuse('invalid', `claim ${audienceClaim.join('.')} names another audience`)
  const scopes = scopeClaims.flatMap((path) => textsOf(claimAt(payload, path)))
  const caller = callerOf({ subject: claimAt(payload, [subjectClaim]), scopes, credential: 'jwt' })
  return caller === null ? refuse('subject', `claim ${subjectClaim} is no user`) : { ok: true, caller }
}

type Kept = { caller: Caller; until: number; generation: number }

/** The oldest goes first; none outlives `until`. */
const createCache = ({ keys, cacheTokensMax, nowMs }: JwtOptions) => {
  const kept = new Map<string, Kept>()
  return {
    get(hash: string): Caller | null {
      const found = kept.get(hash)
      if (found === undefined) return null
      if (found.until > nowMs() && found.generation === keys.generation()) return found.caller
      kept.delete(hash)
      return null
    },
    put(hash: string, entry: Kept): void {
      if (kept.size >= cacheTokensMax) kept.delete(kept.keys().next().value!)
      kept.set(hash, entry)
    },
  }
}

/** A key that is not there may have been added since: one look for it, within the source's bounds. */
const verifyRenewing = async (
  token: string,
  first: Keys,
  { keys, verify }: { keys: KeySource; verify: (token: string, set: KeySet) => Promise<Verification> },
): Promise<Verification & { generation: number }> => {
  const found = await verify(token, first.set)
  const known = { ...found, generation: first.generation }
  if (found.ok || !mayHaveNewerKey(found.error)) return known
  await keys.renew()
  const renewed = await keys.current()
  if (renewed === null || renewed.generation === first.generation) return known
  const again = await verify(token, renewed.set)
  return { ...again, tried: found.tried + again.tried, generation: renewed.generation }
}

export const createTokenCheck = (options: JwtOptions): TokenCheck => {
  const { keys, algorithms, issuer, clockToleranceSeconds, cacheAgeMaxMs, nowMs } = options
  const cache = createCache(options)
  const underWay = new Map<string, Promise<Verdict>>()

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
      return { ...refuse(refusal, whyOf(verified.error)), cost: verified.tried }
    }
    const { payload, generation } = verified
    const verdict = verdictOn(payload, options)
    const until = Math.min(payload.exp! * 1000, nowMs() + cacheAgeMaxMs)
    if (verdict.ok) cache.put(hash, { caller: verdict.caller, until, generation })
    return verdict.ok ? verdict : { ...verdict, cost: verified.tried }
  }
  return {
    known(token) {
      const caller = cache.get(digest(token))
      return caller === null ? null : { ok: true, caller }
    },
    check(token) {
      if (token.length > tokenLengthMax) return Promise.resolve(refuse('invalid', 'the token is too long'))
      const hash = digest(token)
      const others = underWay.get(hash)
      if (others !== undefined) return others
      const judging = judge(token, hash).finally(() => underWay.delete(hash))
      underWay.set(hash, judging)
      return judging
    },
  }
}
