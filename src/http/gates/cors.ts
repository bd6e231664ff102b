// Lets pages of other origins call this service from a browser: only the listed origins, none by default. Cookies are never allowed: a
// page that may call sends its own token.

import type { Exchange } from '../exchange/exchange.ts'

/** The headers of an answer that a page may read. */
const readableHeaders =
  'Location, ETag, Idempotent-Replayed, X-Request-Id, Retry-After, RateLimit, RateLimit-Policy, WWW-Authenticate'
/** The headers that a page may send. The last three come from the tracing of a page together: one that is missing here stops all its calls. */
const sendableHeaders =
  'Authorization, Content-Type, Idempotency-Key, If-Match, Last-Event-ID, X-Request-Id, X-Api-Key, traceparent, tracestate, baggage'
const preflightSeconds = '600'

/** A gate that lets every request pass. It adds headers that say which origin may read the answer. */
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

/** The headers that answer a preflight, added to the answer to OPTIONS; empty for an origin that is not allowed. */
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
