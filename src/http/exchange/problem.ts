// Problems (RFC 9457): every refusal that a client can see, in one table. All problems have the same members. A handler or a gate returns
// a problem as a value; `answering` writes it, because it knows the request. A problem repeats only the path of the request.

import { Reply } from './reply.ts'

/** The codes that clients read. `error` is the reason phrase of the status, as the Java service's clients know it. */
export const problems = {
  BAD_REQUEST: { status: 400, error: 'Bad Request', type: 'validation', title: 'Invalid request' },
  UNAUTHORIZED: { status: 401, error: 'Unauthorized', type: 'unauthorized', title: 'Credential needed' },
  FORBIDDEN: { status: 403, error: 'Forbidden', type: 'forbidden', title: 'Not allowed' },
  NOT_FOUND: { status: 404, error: 'Not Found', type: 'not-found', title: 'Not found' },
  METHOD_NOT_ALLOWED: {
    status: 405,
    error: 'Method Not Allowed',
    type: 'method-not-allowed',
    title: 'Method not allowed',
  },
  CONFLICT: { status: 409, error: 'Conflict', type: 'conflict', title: 'Conflict with what is stored' },
  VOIDED: { status: 409, error: 'Conflict', type: 'voided', title: 'Key was made void' },
  CURSOR_EXPIRED: { status: 410, error: 'Gone', type: 'cursor-expired', title: 'Cursor expired' },
  PRECONDITION_FAILED: {
    status: 412,
    error: 'Precondition Failed',
    type: 'precondition-failed',
    title: 'The order changed',
  },
  PAYLOAD_TOO_LARGE: { status: 413, error: 'Payload Too Large', type: 'payload-too-large', title: 'Body too large' },
  UNSUPPORTED_MEDIA_TYPE: {
    status: 415,
    error: 'Unsupported Media Type',
    type: 'unsupported-media-type',
    title: 'Unsupported media type',
  },
  IDEMPOTENCY_MISMATCH: {
    status: 422,
    error: 'Unprocessable Entity',
    type: 'idempotency-mismatch',
    title: 'Key was used for another order',
  },
  ORDER_REJECTED: {
    status: 422,
    error: 'Unprocessable Entity',
    type: 'order-rejected',
    title: 'Order rejected',
  },
  RATE_LIMITED: { status: 429, error: 'Too Many Requests', type: 'rate-limited', title: 'Too many requests' },
  INTERNAL: { status: 500, error: 'Internal Server Error', type: 'internal', title: 'Internal error' },
  OVERLOADED: {
    status: 503,
    error: 'Service Unavailable',
    type: 'overloaded',
    title: 'Cannot take the request now',
  },
  OUTCOME_UNKNOWN: { status: 504, error: 'Gateway Timeout', type: 'outcome-unknown', title: 'Outcome unknown' },
} as const satisfies Record<string, { status: number; error: string; type: string; title: string }>

export type ProblemCode = keyof typeof problems

/** `pointer`: RFC 6901 into the body, or the name of a parameter with `?` or of a header with `header:` before it. */
export type Fault = { pointer: string; detail: string }

const retryAfterSeconds = '1'

/**
 * Every fourth byte of a request can be a fault, and each takes some hundred bytes to say, in three places. No order has so many members, and
 * no query so many parameters, that whoever mends them needs more.
 */
export const faultsMax = 32

export type ProblemOptions = {
  title?: string
  errors?: readonly Fault[]
  /** Members beside the standard ones, such as `orderStatus`: their values as JSON text, because amounts are exact. */
  members?: Readonly<Record<string, string>>
  headers?: Readonly<Record<string, string>>
}

export type Problem = Required<ProblemOptions> & { readonly code: ProblemCode; readonly detail: string }

/** Which request a problem answers, and when. `path`: see `shownPath`. */
export type Occasion = { path: string; at: Date }

/** A refusal. `detail` says what to change. */
export const problem = (
  code: ProblemCode,
  detail: string,
  { title = problems[code].title, errors = [], members = {}, headers = {} }: ProblemOptions = {},
): Problem => ({ code, detail, title, errors, members, headers })

/** The members that every problem has. */
const commonMembers = ({ code, detail, title, errors }: Problem, { path, at }: Occasion) => ({
  type: `urn:orders:problem:${problems[code].type}`,
  title,
  status: problems[code].status,
  detail,
  code,
  message: detail,
  errors,
  timestamp: at.toISOString(),
  error: problems[code].error,
  path,
})

/** A problem in the JSON that a client gets, also if an answer carries several problems. */
export const problemJson = (refusal: Problem, occasion: Occasion): string => {
  const own = Object.entries(refusal.members).map(([name, json]) => `,${JSON.stringify(name)}:${json}`)
  return `${JSON.stringify(commonMembers(refusal, occasion)).slice(0, -1)}${own.join('')}}`
}

/** Seconds until a client may try again; null: the problem does not go away by waiting. */
export const retryAfterOf = ({ code, headers }: Problem): string | null =>
  headers['retry-after'] ?? (code === 'OVERLOADED' ? retryAfterSeconds : null)

/** A problem as the whole answer. */
export const problemReply = (refusal: Problem, occasion: Occasion): Reply =>
  new Reply(problems[refusal.code].status, problemJson(refusal, occasion), {
    'content-type': 'application/problem+json',
    ...(refusal.code === 'OVERLOADED' ? { 'retry-after': retryAfterSeconds } : {}),
    ...refusal.headers,
  })

const sentenceOf = ({ pointer, detail }: Fault): string => {
  const name = pointer.replace(/^\/|^header:|^\?/, '')
  return name === '' ? detail : `${name} ${detail}`
}

/** A 400 that lists every fault, but for those beyond `faultsMax`, which are counted. */
export const invalid = (title: string, faults: readonly Fault[]): Problem => {
  const errors = faults.slice(0, faultsMax)
  const more = faults.length - errors.length
  const sentences = [...errors.map(sentenceOf), ...(more === 0 ? [] : [`and ${more} more`])]
  return problem('BAD_REQUEST', sentences.join('; '), { title, errors })
}

/** The problem for a refusal of a use case, which knows nothing of HTTP. */
export const refused = (code: 'OVERLOADED' | 'OUTCOME_UNKNOWN' | 'INTERNAL'): Problem => {
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
