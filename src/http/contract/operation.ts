// The contract of one route: everything that may be sent to it and everything that may come back. The document (openapi.ts) and the
// typed client of the tests are made from it.

import type { TObject, TProperties, TSchema } from '@sinclair/typebox'
import { Type } from '@sinclair/typebox'
import type { Operation } from '../exchange/operation.ts'
import type { ProblemCode } from '../exchange/problem.ts'

export type HeaderShape = { schema: TSchema; description: string; optional?: true }
type AnswerShape = {
  description: string
  /** Absent: the answer has none. */
  body?: TSchema
  /** The media types; application/json by default. */
  types?: readonly string[]
  headers?: Readonly<Record<string, HeaderShape>>
}
export type RefusalShape = {
  description: string
  members?: TProperties
  headers?: Readonly<Record<string, HeaderShape>>
}

/** Omits `id` from each member of a union. */
type WithoutId<O> = O extends unknown ? Omit<O, 'id'> : never

/** One route of the document. `refusals`: the refusals of the route itself; `refusalsOf` adds those of the gates. */
export type OperationContract = WithoutId<Operation> & {
  readonly tag: 'Orders' | 'Exceptions' | 'Rules' | 'Operation' | 'Contracts'
  readonly summary: string
  readonly description?: string
  readonly params?: TObject
  readonly query?: TObject
  readonly headers?: TObject
  readonly body?: TSchema
  /** `batch`: the body may be as large as that of a batch. */
  readonly bodyLimit?: 'batch'
  /** It is younger than the Java service: what it does not know it refuses, whatever ORDERS_UNKNOWN_FIELDS says. */
  readonly isYoung?: true
  readonly answers: Readonly<Record<number, AnswerShape>>
  readonly refusals: Readonly<Partial<Record<ProblemCode, RefusalShape>>>
}

const challenge = {
  'WWW-Authenticate': {
    schema: Type.String({ pattern: '^Bearer ' }),
    description: 'What is missing, as RFC 6750 says it.',
  },
}
export const retryAfter = {
  'Retry-After': { schema: Type.Integer({ minimum: 0 }), description: 'Seconds to wait before the next try.' },
}

/** The refusals of the gates, which stand before every route that is not open. The document has them only if the service has such gates. */
const gateRefusals = {
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
} as const satisfies OperationContract['refusals']

/** The codes of every refusal that a call may get. */
export type RefusalCode<O extends OperationContract> =
  | (keyof O['refusals'] & ProblemCode)
  | (O['access'] extends 'open' ? never : keyof typeof gateRefusals)

/** Every refusal that a call may get. A route's own description of a code takes precedence over that of the gates. */
export const refusalsOf = ({ access, refusals }: OperationContract): OperationContract['refusals'] =>
  access === 'open' ? refusals : { ...gateRefusals, ...refusals }

/** Gives every operation its name as its id. It keeps their exact types, because the types of the client are made from them. */
export const withIds = <const T extends Readonly<Record<string, OperationContract>>>(contracts: T) =>
  Object.fromEntries(Object.entries(contracts).map(([id, contract]) => [id, { ...contract, id }])) as unknown as {
    readonly [Id in keyof T & string]: T[Id] & Operation & { readonly id: Id }
  }

/** The headers of every answer. An operation may describe one of them differently. */
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

/** The headers that every request may have. */
export const CommonRequestHeaders = Type.Object({
  'X-Request-Id': Type.Optional(
    Type.String({ description: 'Comes back with the answer, where it is 1 to 128 of A-Z a-z 0-9 . _ : = + / -' }),
  ),
})

export const allow = {
  Allow: { schema: Type.String(), description: 'The methods of this path, comma-separated.' },
}

/** The refusals of every path. */
export const routeRefusals = {
  METHOD_NOT_ALLOWED: { description: 'The path has no such method.', headers: allow },
} as const satisfies OperationContract['refusals']

/** The refusals of every call that may meet a bug. */
export const bugRefusals = {
  ...routeRefusals,
  INTERNAL: { description: 'A bug of the service; it is in the log.' },
} as const satisfies OperationContract['refusals']

/** The refusals of every call that needs the database. */
export const storeRefusals = {
  ...bugRefusals,
  OVERLOADED: {
    description: 'Refused before anything was stored: safe to try again after the time in `Retry-After`.',
    headers: retryAfter,
  },
} as const satisfies OperationContract['refusals']

/** The refusals of every call that writes to the database. */
export const writeRefusals = {
  ...storeRefusals,
  OUTCOME_UNKNOWN: {
    description:
      'The answer of the database was lost or late: the request may have taken effect. Ask again with the same key.',
  },
} as const satisfies OperationContract['refusals']

/** The refusals of every call whose body is read. */
export const bodyRefusals = {
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
} as const satisfies OperationContract['refusals']
