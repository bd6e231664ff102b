// What the document says of authentication and limits: what is true for the service that publishes it, and nothing else.

import { Type } from '@sinclair/typebox'
import { guarded, type HeaderShape, type Operation } from './operation.ts'
import { needsStore, operations, type OperationId } from './operations.ts'
import type { ProblemCode } from '../exchange/problem.ts'

export type PublishedAccess = {
  /** Whether JWTs and API keys are taken. */
  tokens: boolean
  keys: boolean
  limited: boolean
  /** Where the routes for operators are. */
  management: 'here' | 'elsewhere'
}

export const openAccess: PublishedAccess = { tokens: false, keys: false, limited: false, management: 'here' }

const isSecured = ({ tokens, keys }: PublishedAccess): boolean => tokens || keys

/** Whether this refusal may come. Bad credentials are limited wherever one is asked for. */
export const isPublished = (id: OperationId, code: ProblemCode, access: PublishedAccess): boolean => {
  const { refusals }: Operation = operations[id]
  if (refusals[code] !== (guarded as Operation['refusals'])[code]) return true
  if (isSecured(access)) return code !== 'OVERLOADED' || access.tokens
  return code === 'RATE_LIMITED' && access.limited && needsStore(id)
}

const fields: Readonly<Record<string, HeaderShape>> = {
  'RateLimit-Policy': {
    schema: Type.String(),
    description: 'The limits: `q` requests in `w` seconds (draft-ietf-httpapi-ratelimit-headers).',
    optional: true,
  },
  RateLimit: {
    schema: Type.String(),
    description: 'What is left of them: `r` requests now, more in `t` seconds.',
    optional: true,
  },
}

/** The fields that every answer of a limited route may have. */
export const limitHeaders = (id: OperationId, { limited }: PublishedAccess): Readonly<Record<string, HeaderShape>> =>
  limited && needsStore(id) ? fields : {}

type Json = Record<string, unknown>

/** The caller's credential says who it is: an order need not. */
export const orderBody = (schema: Json, access: PublishedAccess): Json => {
  if (!isSecured(access)) return schema
  const { userId, ...others } = schema['properties'] as Record<string, Json>
  const words = 'Yours where it is left out; another one needs the scope orders:admin.'
  return {
    ...schema,
    required: (schema['required'] as string[]).filter((name) => name !== 'userId'),
    properties: { userId: { ...userId, description: `UUID. ${words}` }, ...others },
  }
}

/** A requirement names its scope, as OpenAPI 3.1 has it for every kind of scheme. */
export const securityOf = (id: OperationId, access: PublishedAccess): Json => {
  if (!isSecured(access)) return {}
  const { access: needed } = operations[id]
  if (needed === 'open') return { security: [] }
  const schemes = [...(access.tokens ? ['token'] : []), ...(access.keys ? ['key', 'keyHeader'] : [])]
  return { security: schemes.map((scheme) => ({ [scheme]: [needed] })) }
}

const schemes = {
  token: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description:
      'Its scopes (claim `scope`, `scp` or `scopes`, unless configured) are some of orders:read, orders:write, orders:admin.',
  },
  key: { type: 'http', scheme: 'bearer', bearerFormat: 'ok_<id>_<secret>', description: 'An API key.' },
  keyHeader: { type: 'apiKey', in: 'header', name: 'X-Api-Key', description: 'The same API key.' },
} as const

export const securitySchemes = (access: PublishedAccess): Json => {
  const { token, ...keys } = schemes
  if (!isSecured(access)) return {}
  return { securitySchemes: { ...(access.tokens ? { token } : {}), ...(access.keys ? keys : {}) } }
}
