// Problems (RFC 9457): every refusal that a client can see, in one table. Always the same members, never an echo of the input.

/** The codes that clients read. */
export const problems = {
  BAD_REQUEST: { status: 400, type: 'validation', title: 'Invalid request' },
  UNAUTHORIZED: { status: 401, type: 'unauthorized', title: 'Credential needed' },
  FORBIDDEN: { status: 403, type: 'forbidden', title: 'Not allowed' },
  NOT_FOUND: { status: 404, type: 'not-found', title: 'Not found' },
  METHOD_NOT_ALLOWED: { status: 405, type: 'method-not-allowed', title: 'Method not allowed' },
  CONFLICT: { status: 409, type: 'conflict', title: 'Conflict with what is stored' },
  PAYLOAD_TOO_LARGE: { status: 413, type: 'payload-too-large', title: 'Body too large' },
  UNSUPPORTED_MEDIA_TYPE: { status: 415, type: 'unsupported-media-type', title: 'Unsupported media type' },
  IDEMPOTENCY_MISMATCH: { status: 422, type: 'idempotency-mismatch', title: 'Key was used for another order' },
  RATE_LIMITED: { status: 429, type: 'rate-limited', title: 'Too many requests' },
  INTERNAL: { status: 500, type: 'internal', title: 'Internal error' },
  OVERLOADED: { status: 503, type: 'overloaded', title: 'Cannot take the request now' },
  OUTCOME_UNKNOWN: { status: 504, type: 'outcome-unknown', title: 'Outcome unknown' },
} as const satisfies Record<string, { status: number; type: string; title: string }>

export type ProblemCode = keyof typeof problems

/** `pointer`: RFC 6901 into the body, or the name of a parameter with `?` or of a header with `header:` before it. */
export type Fault = { pointer: string; detail: string }

const retryAfterSeconds = '1'

export type ProblemOptions = {
  title?: string
  errors?: readonly Fault[]
  /** Members beside the standard ones, such as `orderStatus`. */
  members?: Record<string, string>
  headers?: Record<string, string>
}

/** A problem as a response. `detail` says what to change. */
export const problem = (
  code: ProblemCode,
  detail: string,
  { title, errors = [], members = {}, headers = {} }: ProblemOptions = {},
): Response => {
  const known = problems[code]
  const body = {
    type: `urn:orders:problem:${known.type}`,
    title: title ?? known.title,
    status: known.status,
    detail,
    code,
    message: detail,
    errors,
    ...members,
  }
  return new Response(JSON.stringify(body), {
    status: known.status,
    headers: {
      'content-type': 'application/problem+json',
      ...(code === 'OVERLOADED' ? { 'retry-after': retryAfterSeconds } : {}),
      ...headers,
    },
  })
}

const spoken = ({ pointer, detail }: Fault): string => {
  const name = pointer.replace(/^\/|^header:|^\?/, '')
  return name === '' ? detail : `${name} ${detail}`
}

/** A 400 that lists every fault. */
export const invalid = (title: string, errors: readonly Fault[]): Response =>
  problem('BAD_REQUEST', errors.map(spoken).join('; '), { title, errors })

/** What the use cases refuse without knowing of HTTP. */
export const refused = (code: 'OVERLOADED' | 'OUTCOME_UNKNOWN' | 'INTERNAL'): Response => {
  switch (code) {
    case 'OVERLOADED':
      return problem('OVERLOADED', 'nothing was stored: try again after the time in Retry-After')
    case 'OUTCOME_UNKNOWN':
      return problem(
        'OUTCOME_UNKNOWN',
        'the answer of the database was lost or late, the request may have taken effect: ask again with the same key',
      )
    case 'INTERNAL':
      return problem('INTERNAL', 'the service failed on this request; nothing was stored')
  }
}
