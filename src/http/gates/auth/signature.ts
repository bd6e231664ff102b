// Checks that one of our keys signed a token and that its registered claims hold. A token that names its key by `kid` costs one check. Any
// other token is checked with each key that fits its algorithm, but with a few at most, because anybody can send such tokens.

import { errors, jwtVerify, type JWTPayload, type JWTVerifyOptions } from 'jose'
import type { KeySet } from './keySet.ts'

export const keysTriedMax = 8

/** `tried`: how many keys were tried, which is the cost of the check. */
export type Verification =
  | { ok: true; payload: JWTPayload; tried: number }
  | { ok: false; error: unknown; tried: number }

const isOfAnotherKey = (error: unknown): boolean => error instanceof errors.JWSSignatureVerificationFailed

const tryEach = async (
  token: string,
  ambiguity: errors.JWKSMultipleMatchingKeys,
  rules: JWTVerifyOptions,
): Promise<Verification> => {
  let tried = 0
  for await (const key of ambiguity) {
    if (tried === keysTriedMax) return { ok: false, error: ambiguity, tried }
    tried++
    try {
      return { ok: true, payload: (await jwtVerify(token, key, rules)).payload, tried }
    } catch (error) {
      if (!isOfAnotherKey(error)) return { ok: false, error, tried }
    }
  }
  return { ok: false, error: new errors.JWSSignatureVerificationFailed(), tried }
}

export const verifySignature = async (token: string, set: KeySet, rules: JWTVerifyOptions): Promise<Verification> => {
  try {
    return { ok: true, payload: (await jwtVerify(token, set, rules)).payload, tried: 1 }
  } catch (error) {
    if (error instanceof errors.JWKSMultipleMatchingKeys) return tryEach(token, error, rules)
    return { ok: false, error, tried: 1 }
  }
}

/** Whether a key that is not in the set yet may have signed the token, perhaps under the name of a former key. */
export const mayHaveNewerKey = (error: unknown): boolean =>
  isOfAnotherKey(error) || error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys
