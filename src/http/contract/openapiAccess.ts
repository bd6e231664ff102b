// What the document says about authentication and limits: exactly what holds for the service that publishes it.

import { Type } from '@sinclair/typebox'
import type { Management } from '../exchange/operation.ts'
import type { ProblemCode } from '../exchange/problem.ts'
import { openGuard, type Guard } from '../gates/guard.ts'
import type { HeaderShape, OperationContract } from './operation.ts'

export type PublishedAccess = {
  /** Whether JWTs are accepted. */
  tokens: boolean
  /** Whether API keys are accepted. */
  keys: boolean
  /** Whether there are rate limits. */
  limited: boolean
  /** Where the routes for operators are. */
  management: 'here' | 'elsewhere'
}

export const openAccess: PublishedAccess = { tokens: false, keys: false, limited: false, management: 'here' }

/** The access that the document of a server with this guard describes. */
export const publishedAccess = (guard: Guard = openGuard, management: Management = 'here'): PublishedAccess => {
  const { authentication, limits } = guard
  return {
    tokens: authentication !== null && authentication.tokens !== null,
    keys: authentication !== null && authentication.keys !== null,
    limited: limits !== null,
    management: management === 'elsewhere' ? 'elsewhere' : 'here',
  }
}

const isSecured = ({ tokens, keys }: PublishedAccess): boolean => tokens || keys

/**
 * Whether a call may get this refusal: yes if it is the route's own, otherwise only if the service has the gate for it. With
 * authentication, bad credentials are always limited; only tokens depend on keys that may be unavailable.
 */
export const isPublished = (operation: OperationContract, code: ProblemCode, access: PublishedAccess): boolean => {
  if (operation.refusals[code] !== undefined) return true
  if (isSecured(access)) return code !== 'OVERLOADED' || access.tokens
  return code === 'RATE_LIMITED' && access.limited && operation.needs === 'store'
}

const limitFields: Readonly<Record<string, HeaderShape>> = {
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

/** The headers that every answer of a limited route may have. */
export const limitHeaders = (
  { needs }: OperationContract,
  { limited }: PublishedAccess,
): Readonly<Record<string, HeaderShape>> => (limited && needs === 'store' ? limitFields : {})

type Json = Record<string, unknown>

/** With authentication a client may leave out the user of an order, because the credential names one. */
export const orderBody = (schema: Json, access: PublishedAccess): Json => {
  if (!isSecured(access)) return schema
  const { userId, ...others } = schema['properties'] as Record<string, Json>
  const rule = 'Yours where it is left out; another one needs the scope orders:admin.'
  return {
    ...schema,
    required: (schema['required'] as string[]).filter((name) => name !== 'userId'),
    properties: { userId: { ...userId, description: `UUID. ${rule}` }, ...others },
  }
}

/** The security requirements of an operation. Each names the scope: OpenAPI 3.1 allows that for every kind of scheme. */
export const securityOf = ({ access: scope }: Pick<OperationContract, 'access'>, access: PublishedAccess): Json => {
  if (!isSecured(access)) return {}
  if (scope === 'open') return { security: [] }
  const schemes = [...(access.tokens ? ['token'] : []), ...(access.keys ? ['key', 'keyHeader'] : [])]
  return { security: schemes.map((scheme) => ({ [scheme]: [scope] })) }
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
