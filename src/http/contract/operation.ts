// What the document says of one route: everything that may be sent to it and everything that may come back. The document
// (openapi.ts) and the typed client (client.ts) both fall out of it.

import type { TObject, TProperties, TSchema } from '@sinclair/typebox'
import { Type } from '@sinclair/typebox'
import type { Scope } from '../../app/caller.ts'
import type { ProblemCode } from '../exchange/problem.ts'

export type HeaderShape = { schema: TSchema; description: string; optional?: true }
type AnswerShape = {
  description: string
  body: TSchema
  /** application/json unless it says otherwise. */
  types?: readonly string[]
  headers?: Readonly<Record<string, HeaderShape>>
}
export type RefusalShape = {
  description: string
  members?: TProperties
  headers?: Readonly<Record<string, HeaderShape>>
}

export type Operation = {
  method: 'GET' | 'POST'
  /** With `{name}` for a parameter. */
  path: `/${string}`
  tag: 'Orders' | 'Exceptions' | 'Operation' | 'Contracts'
  /** What a caller has to hold where authentication is on; `open`: nothing, not even a credential. */
  access: Scope | 'open'
  summary: string
  description?: string
  params?: TObject
  query?: TObject
  headers?: TObject
  body?: TSchema
  answers: Readonly<Record<number, AnswerShape>>
  refusals: Readonly<Partial<Record<ProblemCode, RefusalShape>>>
}

const challenge = {
  'WWW-Authenticate': {
    schema: Type.String({ pattern: '^Bearer ' }),
    description: 'What is missing, as RFC 6750 says it.',
  },
}
const retryAfter = {
  'Retry-After': { schema: Type.Integer({ minimum: 0 }), description: 'Seconds to wait before the next try.' },
}

/** What may come of authentication and limits, which a service has or has not: the document of one that has none omits them. */
export const guarded = {
  UNAUTHORIZED: { description: 'No credential, or one that is not valid here.', headers: challenge },
  FORBIDDEN: {
    description: 'The credential is good, but not for this. With a challenge where it lacks a scope.',
    headers: { 'WWW-Authenticate': { ...challenge['WWW-Authenticate'], optional: true } },
  },
  RATE_LIMITED: {
    description: 'Too many requests of this caller, or in all: nothing was stored, safe to try again later.',
    headers: retryAfter,
  },
  OVERLOADED: { description: 'The credential cannot be checked now: safe to try again.', headers: retryAfter },
} as const satisfies Operation['refusals']

type Guarded<O extends Operation> = O['access'] extends 'open'
  ? O
  : Omit<O, 'refusals'> & { refusals: O['refusals'] & Omit<typeof guarded, keyof O['refusals']> }

/** Keeps the exact type of an operation, which the client's types are made of; one that is not open gets the refusals that go with that. */
export const operation = <const O extends Operation>(described: O): Guarded<O> =>
  (described.access === 'open'
    ? described
    : { ...described, refusals: { ...guarded, ...described.refusals } }) as Guarded<O>

/** What every answer has, whatever it says; an operation that means something else by one of them says so. */
export const commonHeaders: Readonly<Record<string, HeaderShape>> = {
  'X-Request-Id': {
    schema: Type.String({ pattern: '^[A-Za-z0-9._:=+/-]{1,128}$' }),
    description: 'The id that the request was sent with, or a new one: the log has it too.',
  },
  'X-Content-Type-Options': { schema: Type.Literal('nosniff'), description: 'It is what its type says.' },
  'Cache-Control': { schema: Type.Literal('no-store'), description: 'It is true at this moment only.' },
  'Content-Security-Policy': { schema: Type.String(), description: 'A browser loads nothing for it from elsewhere.' },
  'Access-Control-Allow-Origin': {
    schema: Type.String(),
    description: 'The origin of the request, where it is one of those that may call from a browser.',
    optional: true,
  },
  'Access-Control-Expose-Headers': {
    schema: Type.String(),
    description: 'What such a page may read beside the body.',
    optional: true,
  },
  Vary: { schema: Type.Literal('Origin'), description: 'Where some origins may call.', optional: true },
}

/** What every request may have. */
export const CommonRequestHeaders = Type.Object({
  'X-Request-Id': Type.Optional(
    Type.String({ description: 'Comes back with the answer, where it is 1 to 128 of A-Z a-z 0-9 . _ : = + / -' }),
  ),
})

const allow = {
  Allow: { schema: Type.String(), description: 'The methods of this path, comma-separated.' },
}

/** On every path, whatever it does. */
export const anyRoute = {
  METHOD_NOT_ALLOWED: { description: 'The path has no such method.', headers: allow },
} as const satisfies Operation['refusals']

export const maybeBug = {
  ...anyRoute,
  INTERNAL: { description: 'A bug of the service; it is in the log.' },
} as const satisfies Operation['refusals']

/** Every call that needs the database. */
export const stored = {
  ...maybeBug,
  OVERLOADED: {
    description: 'Refused before anything was stored: safe to try again after the time in `Retry-After`.',
    headers: retryAfter,
  },
} as const satisfies Operation['refusals']

/** Every call that writes to it. */
export const written = {
  ...stored,
  OUTCOME_UNKNOWN: {
    description:
      'The answer of the database was lost or late: the request may have taken effect. Ask again with the same key.',
  },
} as const satisfies Operation['refusals']

/** Every call whose body is read. */
export const withBody = {
  PAYLOAD_TOO_LARGE: { description: 'The body is larger than the service takes.' },
  UNSUPPORTED_MEDIA_TYPE: {
    description: 'The body is not sent as JSON, or in a coding such as gzip.',
    headers: {
      Accept: { schema: Type.Literal('application/json'), description: 'What this route reads.' },
      'Accept-Encoding': {
        schema: Type.Literal('identity'),
        description: 'Where it is the coding (`Content-Encoding`) that is not read.',
        optional: true,
      },
    },
  },
} as const satisfies Operation['refusals']
