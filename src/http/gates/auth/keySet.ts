// Reads a JWKS into a set of public keys. Secrets, private keys and keys that cannot check a signature are left out.

import { createLocalJWKSet, errors, type JWK, type JWTVerifyGetKey } from 'jose'

/** Finds the key of a token. If several keys fit, it throws an error that holds them all. */
export type KeySet = JWTVerifyGetKey

const keysMax = 100
const publicKinds: ReadonlySet<unknown> = new Set(['RSA', 'EC', 'OKP'])

const isPublicKey = (key: unknown): key is JWK =>
  typeof key === 'object' &&
  key !== null &&
  publicKinds.has((key as JWK).kty) &&
  !Object.hasOwn(key, 'd') &&
  !Object.hasOwn(key, 'k')

const membersOf = (text: string): unknown => {
  try {
    return (JSON.parse(text) as { keys?: unknown } | null)?.keys
  } catch {
    return undefined
  }
}

/** Either side may leave out `kid`: if no key has the name in the token, a key without a name may be the right one. */
const keySetOf = (keys: JWK[]): KeySet => {
  const every = createLocalJWKSet({ keys })
  const unnamed = keys.filter(({ kid }) => kid === undefined)
  if (unnamed.length === 0) return every
  const nameless = createLocalJWKSet({ keys: unnamed })
  return async (header, token) => {
    try {
      return await every(header, token)
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error
      const { kid: _, ...withoutName } = header
      return nameless(withoutName, token)
    }
  }
}

/** Reads a JWKS. Throws an error with a sentence for the operator if the text holds no public key. */
export const parseKeySet = (text: string): KeySet => {
  const members = membersOf(text)
  if (!Array.isArray(members)) throw new Error('it is no JSON Web Key Set: {"keys":[…]}')
  if (members.length > keysMax) throw new Error(`it holds more than ${keysMax} keys`)
  const keys = members.filter(isPublicKey)
  if (keys.length === 0) throw new Error('it holds no public key (kty RSA, EC or OKP)')
  return keySetOf(keys)
}
