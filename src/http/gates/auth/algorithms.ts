// The algorithms that a configuration may allow for tokens: only signatures by a private key. A shared secret (HS256 and the like) does not
// belong in a JWKS, and `none` is not a signature.

export const algorithms = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
] as const
export type Algorithm = (typeof algorithms)[number]
