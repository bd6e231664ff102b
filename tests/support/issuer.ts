// An issuer of tokens for a test: keys of its own, their JWKS, tokens with whatever a test wants wrong in them, and a server that counts
// how often it is asked for the keys.

import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK, type JWTPayload } from 'jose'
import type { Algorithm } from '../../src/http/gates/auth/algorithms.ts'

export const issuerName = 'https://login.example'
export const audience = 'orders'

export type IssuerKey = { kid: string; alg: Algorithm; privateKey: CryptoKey; publicKey: CryptoKey; jwk: JWK }

export const createKey = async (kid: string, alg: Algorithm = 'ES256'): Promise<IssuerKey> => {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true })
  const jwk = { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' }
  return { kid, alg, privateKey, publicKey, jwk }
}

export const jwksOf = (...keys: IssuerKey[]): string => JSON.stringify({ keys: keys.map(({ jwk }) => jwk) })

type TokenOptions = {
  claims?: JWTPayload
  header?: Record<string, unknown>
  /** Seconds from now; null: no such claim. */
  expiresIn?: number | null
}

/** A valid token, except for what the options change. */
export const tokenOf = (
  { privateKey, kid, alg }: IssuerKey,
  subject: string | null,
  scope: string,
  { claims = {}, header = {}, expiresIn = 300 }: TokenOptions = {},
): Promise<string> => {
  const now = Math.floor(Date.now() / 1000)
  const times = expiresIn === null ? {} : { exp: now + expiresIn }
  const named = subject === null ? {} : { sub: subject }
  return new SignJWT({ iss: issuerName, aud: audience, iat: now, ...times, ...named, scope, ...claims })
    .setProtectedHeader({ alg, kid, typ: 'at+jwt', ...header })
    .sign(privateKey)
}

export type KeyServer = {
  url: string
  requests: () => number
  answer: (make: () => Response) => void
  stop: () => void
}

/** Answers with `text` until `answer` sets something else. */
export const startKeyServer = (text: string): KeyServer => {
  let requests = 0
  let make = (): Response => new Response(text, { headers: { 'content-type': 'application/jwk-set+json' } })
  const server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    fetch: () => {
      requests++
      return make()
    },
  })
  return {
    url: `http://127.0.0.1:${server.port}/jwks.json`,
    requests: () => requests,
    answer: (next) => (make = next),
    stop: () => void server.stop(true),
  }
}
