// Which pages of other origins a browser lets call this service: those that are listed, and none by default. Credentials of the
// browser (cookies) are never allowed along: a page that may call sends its own token.

import type { Exchange } from '../exchange/exchange.ts'

/** Of the answers, what a page may read beside the body. */
const exposed =
  'Location, Idempotent-Replayed, X-Request-Id, Retry-After, RateLimit, RateLimit-Policy, WWW-Authenticate'
const sendable = 'Authorization, Content-Type, Idempotency-Key, X-Request-Id, X-Api-Key, traceparent'
const preflightSeconds = '600'

/** A gate: lets everybody through, and says in the answer which origin may read it. */
export const createCors = (origins: readonly string[]) => {
  const allowed = new Set(origins)
  return ({ request, headers }: Exchange): null => {
    headers['vary'] = 'Origin'
    const origin = request.headers.get('origin')
    if (origin === null || !allowed.has(origin)) return null
    headers['access-control-allow-origin'] = origin
    headers['access-control-expose-headers'] = exposed
    return null
  }
}

/**
 * The answer to a browser that asks before it calls, for a path with these methods; null for any other request, and for an origin
 * that is not allowed.
 */
export const preflight = ({ request, headers }: Exchange, methods: readonly string[]): Response | null => {
  const asked = request.method === 'OPTIONS' && request.headers.has('access-control-request-method')
  if (!asked || headers['access-control-allow-origin'] === undefined || methods.length === 0) return null
  return new Response(null, {
    status: 204,
    headers: {
      'access-control-allow-methods': methods.join(', '),
      'access-control-allow-headers': sendable,
      'access-control-max-age': preflightSeconds,
    },
  })
}
