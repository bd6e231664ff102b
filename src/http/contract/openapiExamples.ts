// One example for every answer that the document lists, and for every body. The types make sure that none is missing, tests that
// each one is real.

import type { Scope } from '../../app/caller.ts'
import { exceptionJson, exceptionPageJson } from '../exceptions/answers.ts'
import { alreadyResolved } from '../exceptions/routes.ts'
import { invalid, problem, refused, type Problem } from '../exchange/problem.ts'
import { forbidden, unauthorized } from '../gates/auth/verdict.ts'
import { tooManyBadCredentials, tooManyOfSubject } from '../gates/limits/limits.ts'
import { actuatorLinks } from '../operators/actuator.ts'
import { fillPageJson, orderJson, orderPageJson } from '../orders/answers.ts'
import { notCancelable } from '../orders/routes.ts'
import { accepted, canceled, exception, fill, partlyFilled, requests, resolution, resolved } from './examples.ts'
import type { OperationContract, RefusalCode } from './operation.ts'
import type { OperationId, Operations } from './operations.ts'

type Outcome<O extends OperationContract> = (keyof O['answers'] & number) | RefusalCode<O>
/** By status the text of an answer, by code a problem. */
type Examples = { readonly [Id in OperationId]: { readonly [K in Outcome<Operations[Id]>]: () => string | Problem } }

const notAllowed = (allow: string) => ({
  METHOD_NOT_ALLOWED: () => problem('METHOD_NOT_ALLOWED', `this path takes ${allow}`, { headers: { allow } }),
})
const needing = (scope: Scope) => ({
  UNAUTHORIZED: () => unauthorized('absent'),
  FORBIDDEN: () => forbidden(scope),
  RATE_LIMITED: () => tooManyOfSubject(1),
})
const operators = {
  ...needing('orders:admin'),
  OVERLOADED: () => unauthorized('keys'),
  RATE_LIMITED: () => tooManyBadCredentials(1),
}
const bug = { INTERNAL: () => problem('INTERNAL', 'the service failed on this request') }
const stored = { INTERNAL: () => refused('INTERNAL'), OVERLOADED: () => refused('OVERLOADED') }
const written = { ...stored, OUTCOME_UNKNOWN: () => refused('OUTCOME_UNKNOWN') }
const withBody = {
  PAYLOAD_TOO_LARGE: () => problem('PAYLOAD_TOO_LARGE', 'the body must not be larger than 65536 bytes'),
  UNSUPPORTED_MEDIA_TYPE: () => problem('UNSUPPORTED_MEDIA_TYPE', 'send the body as content-type: application/json'),
}
const badId = {
  BAD_REQUEST: () => invalid('Invalid id', [{ pointer: '', detail: 'the order id in the path must be a UUID' }]),
}
const noOrder = { NOT_FOUND: () => problem('NOT_FOUND', 'there is no such order') }
const badQuery = {
  BAD_REQUEST: () => invalid('Invalid query', [{ pointer: '?limit', detail: 'must be a whole number from 1 to 500' }]),
}

const orders = {
  placeOrder: {
    ...needing('orders:write'),
    ...notAllowed('GET, HEAD, OPTIONS, POST'),
    ...written,
    ...withBody,
    202: () => orderJson(accepted),
    BAD_REQUEST: () => invalid('Invalid order', [{ pointer: '/price', detail: 'is required for LIMIT' }]),
    IDEMPOTENCY_MISMATCH: () =>
      problem(
        'IDEMPOTENCY_MISMATCH',
        'this key already names another order: price differ; send the same order or a new key',
        { errors: [{ pointer: '/price', detail: 'differs from the order that holds the key' }] },
      ),
  },
  listOrders: {
    ...needing('orders:read'),
    ...notAllowed('GET, HEAD, OPTIONS, POST'),
    ...stored,
    ...badQuery,
    200: () => orderPageJson([partlyFilled], null),
  },
  getOrder: {
    ...needing('orders:read'),
    ...notAllowed('GET, HEAD, OPTIONS'),
    ...stored,
    ...badId,
    ...noOrder,
    200: () => orderJson(partlyFilled),
  },
  listFills: {
    ...needing('orders:read'),
    ...notAllowed('GET, HEAD, OPTIONS'),
    ...stored,
    ...badQuery,
    ...noOrder,
    200: () => fillPageJson([fill], null),
  },
  cancelOrder: {
    ...needing('orders:write'),
    ...notAllowed('OPTIONS, POST'),
    ...written,
    ...badId,
    ...noOrder,
    200: () => orderJson(canceled),
    CONFLICT: () => notCancelable('FILLED'),
  },
} as const

const exceptions = {
  listExceptions: {
    ...needing('orders:admin'),
    ...notAllowed('GET, HEAD, OPTIONS'),
    ...stored,
    ...badQuery,
    200: () => exceptionPageJson([exception], null),
  },
  resolveException: {
    ...needing('orders:admin'),
    ...notAllowed('OPTIONS, POST'),
    ...written,
    ...withBody,
    200: () => exceptionJson(resolved),
    BAD_REQUEST: () =>
      invalid('Invalid resolution', [
        { pointer: '/note', detail: 'must be text of 1 to 2000 characters without controls' },
      ]),
    NOT_FOUND: () => problem('NOT_FOUND', 'there is no such exception'),
    CONFLICT: alreadyResolved,
  },
} as const

const component = (detail: string, status = 'UP') => ({ status, details: { detail } })
const health = (status: string, db = component('answers')) =>
  JSON.stringify({
    status,
    components: { db, kafka: component('answers'), outbox: component('within its bound') },
  })
const up = '{"status":"UP"}'
const metrics =
  '# HELP orders_outbox_rows Events that wait to be published.\n# TYPE orders_outbox_rows gauge\norders_outbox_rows 0\n'
const get = notAllowed('GET, HEAD, OPTIONS')

const service = {
  actuator: { ...operators, ...get, 200: () => JSON.stringify(actuatorLinks('http://localhost:8085')) },
  health: {
    ...operators,
    ...get,
    ...bug,
    200: () => health('UP'),
    503: () => health('DOWN', component('connection refused', 'DOWN')),
  },
  liveness: { ...get, 200: () => up },
  readiness: { ...get, ...bug, 200: () => up, 503: () => '{"status":"OUT_OF_SERVICE","reason":"starting"}' },
  info: {
    ...operators,
    ...get,
    ...bug,
    200: () => JSON.stringify({ name: 'orders', version: '1.0.0 (0123456789ab)', commit: '0123456789ab' }),
  },
  prometheus: { ...operators, ...get, ...bug, 200: () => metrics },
  metrics: { ...operators, ...get, ...bug, 200: () => metrics },
} as const

const contracts = {
  openApi: { ...get, 200: () => '{"openapi":"3.1.1"}' },
  asyncApi: { ...get, 200: () => '{"asyncapi":"3.0.0"}' },
  docs: { ...get, 200: () => '<!doctype html>' },
  docsAsset: { ...get, 200: () => '', NOT_FOUND: () => problem('NOT_FOUND', 'there is nothing at this path') },
  handbookPage: {
    ...get,
    200: () => '# Runbook',
    NOT_FOUND: () => problem('NOT_FOUND', 'the handbook has no such page'),
  },
} as const

type WithBody = { [Id in OperationId]: Operations[Id] extends { body: unknown } ? Id : never }[OperationId]
/** As a media type of OpenAPI has them. */
type BodyExamples = { readonly example: unknown } | { readonly examples: unknown }

export const bodyExamples: Readonly<Record<WithBody, BodyExamples>> = {
  placeOrder: { examples: requests },
  resolveException: { example: resolution },
}

export const answerExamples: Examples = { ...orders, ...exceptions, ...service, ...contracts }
