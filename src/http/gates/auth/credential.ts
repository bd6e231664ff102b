// The credential of a request: exactly one, in one place. A request that can be read in two ways is refused, because a proxy may have read
// it the other way.

import { keyPrefix } from './apiKey.ts'

export type Credential = { kind: 'absent' } | { kind: 'malformed' } | { kind: 'token'; token: string }

const scheme = 'bearer '

/** The text if it can be a single credential. Every request pays for this, so no pattern scans the whole token; the verifier checks the rest. */
const single = (text: string): string | undefined =>
  text === '' || text.includes(',') || text.includes(' ') ? undefined : text

const ofBearer = (authorization: string): string | undefined =>
  authorization.slice(0, scheme.length).toLowerCase() === scheme
    ? single(authorization.slice(scheme.length).trimStart())
    : undefined

const keyOnly = (key: string): string | undefined => (key.startsWith(keyPrefix) ? single(key) : undefined)

/** The credential in the headers. Several `Authorization` headers arrive joined by a comma, which no token contains. */
export const credentialOf = (headers: Headers): Credential => {
  const authorization = headers.get('authorization')
  const key = headers.get('x-api-key')
  if (authorization === null && key === null) return { kind: 'absent' }
  if (authorization !== null && key !== null) return { kind: 'malformed' }
  const token = key === null ? ofBearer(authorization!) : keyOnly(key)
  return token === undefined ? { kind: 'malformed' } : { kind: 'token', token }
}
