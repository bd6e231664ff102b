// Which pages of other origins may call this service from a browser: those that are listed, none by default. Cookies are never
// allowed: a page that may call sends its own token.

import type { Exchange } from '../exchange/exchange.ts'

/** The headers of an answer that a page may read. */
const readableHeaders =
  'Location, Idempotent-Replayed, X-Request-Id, Retry-After, RateLimit, RateLimit-Policy, WWW-Authenticate'
/** The headers that a page may send. */
const sendableHeaders = 'Authorization, Content-Type, Idempotency-Key, X-Request-Id, X-Api-Key, traceparent'
const preflightSeconds = '600'

/** A gate: lets everybody through, and says in the answer which origin may read it. */
export const createCors = (origins: readonly string[]) => {
  const allowed = new Set(origins)
  return ({ request, headers }: Exchange): null => {
    headers['vary'] = 'Origin'
    const origin = request.headers.get('origin')
    if (origin === null || !allowed.has(origin)) return null
    headers['access-control-allow-origin'] = origin
    headers['access-control-expose-headers'] = readableHeaders
    return null
  }
}

/** What is added to the answer to OPTIONS for a page that asks before it calls; nothing for an origin that is not allowed. */
export const preflightHeaders = (
  { request, headers }: Exchange,
  methods: readonly string[],
): Readonly<Record<string, string>> => {
  if (!request.headers.has('access-control-request-method')) return {}
  if (headers['access-control-allow-origin'] === undefined) return {}
  return {
    'access-control-allow-methods': methods.join(', '),
    'access-control-allow-headers': sendableHeaders,
    'access-control-max-age': preflightSeconds,
  }
}
