// The credential of a request: one, in one place. What could be read in two ways is refused, for a proxy may have read the other.

import { keyPrefix } from './apiKey.ts'

const bearer = /^bearer +([A-Za-z0-9._~+/-]+=*)$/i

export type Credential = { kind: 'absent' } | { kind: 'malformed' } | { kind: 'token'; token: string }

const keyOnly = (key: string): string | undefined => (key.startsWith(keyPrefix) && !key.includes(',') ? key : undefined)

/** Several `Authorization` headers arrive joined by a comma, which no token has. */
export const credentialOf = (headers: Headers): Credential => {
  const authorization = headers.get('authorization')
  const key = headers.get('x-api-key')
  if (authorization === null && key === null) return { kind: 'absent' }
  if (authorization !== null && key !== null) return { kind: 'malformed' }
  const token = key === null ? bearer.exec(authorization!)?.[1] : keyOnly(key)
  return token === undefined ? { kind: 'malformed' } : { kind: 'token', token }
}
