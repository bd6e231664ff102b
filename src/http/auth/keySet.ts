// A JWKS as JSON text becomes a set of public keys. Secrets, private keys and what cannot check a signature never get in.

import { createLocalJWKSet, type JWK, type LocalJWKSet } from 'jose'

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

/** Throws a sentence for text that holds no public key. */
export const parseKeySet = (text: string): LocalJWKSet => {
  const members = membersOf(text)
  if (!Array.isArray(members)) throw new Error('it is no JSON Web Key Set: {"keys":[…]}')
  if (members.length > keysMax) throw new Error(`it holds more than ${keysMax} keys`)
  const keys = members.filter(isPublicKey)
  if (keys.length === 0) throw new Error('it holds no public key (kty RSA, EC or OKP)')
  return createLocalJWKSet({ keys })
}
