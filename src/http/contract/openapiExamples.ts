// One example for every answer that the document lists, and for every body. The types make sure that no example is missing; tests make
// sure that each is real.

import { keyForm } from '../../domain/patterns.ts'
import { writeEvent } from '../../wire/event.ts'
import { orderJson } from '../../wire/order.ts'
import { invalid, problem, refused, type Problem } from '../exchange/problem.ts'
import { actuatorLinks } from '../operators/actuator.ts'
import { eventPageJson, fillPageJson, orderPageJson } from '../orders/answers.ts'
import { notNew, notOpen, otherVersion, rejected, tooManyRejected, voided } from '../orders/problems.ts'
import { voidedJson } from '../orders/void.ts'
import { pollPageJson } from '../stream/answers.ts'
import { liveBlock, orderBlock, snapshotBlocks } from '../stream/blocks.ts'
import { cursorExpired, tooManyStreams } from '../stream/routes.ts'
import { batchBodies, batchExamples } from './batchExamples.ts'
import {
  badId,
  badQuery,
  bodyProblems,
  bugProblem,
  noOrder,
  notAllowed,
  operatorProblems,
  scopeProblems,
  storeProblems,
  writeProblems,
} from './exampleProblems.ts'
import {
  acceptedOrder,
  canceledOrder,
  canceledRemainder,
  fill,
  history,
  partlyFilledOrder,
  rejectedOrder,
  requests,
  resolution,
  voidRequest,
  acceptedEvent,
  exampleCursor,
} from './examples.ts'
import { exceptions } from './exceptionExamples.ts'
import { manyBodies, manyExamples } from './manyExamples.ts'
import type { OperationContract, RefusalCode } from './operation.ts'
import type { OperationId, Operations } from './operations.ts'
import { ruleBodies, ruleExamples } from './ruleExamples.ts'

type Outcome<O extends OperationContract> = (keyof O['answers'] & number) | RefusalCode<O>
/** For each operation: the text of an answer by status, and a problem by code. */
type Examples = { readonly [Id in OperationId]: { readonly [K in Outcome<Operations[Id]>]: () => string | Problem } }

const badFilter = {
  BAD_REQUEST: () => invalid('Invalid query', [{ pointer: '?userId', detail: 'must be a UUID' }]),
}

const orders = {
  placeOrder: {
    ...scopeProblems('orders:write'),
    ...notAllowed('DELETE, GET, HEAD, OPTIONS, POST'),
    ...writeProblems,
    ...bodyProblems,
    202: () => orderJson(acceptedOrder),
    BAD_REQUEST: () => invalid('Invalid order', [{ pointer: '/price', detail: 'is required for LIMIT' }]),
    IDEMPOTENCY_MISMATCH: () =>
      problem(
        'IDEMPOTENCY_MISMATCH',
        'this key already names another order: price differ; send the same order or a new key',
        { errors: [{ pointer: '/price', detail: 'differs from the order that holds the key' }] },
      ),
    VOIDED: voided,
    ORDER_REJECTED: () => rejected(rejectedOrder, false),
    RATE_LIMITED: () => tooManyRejected(1),
  },
  voidKey: {
    ...scopeProblems('orders:write'),
    ...notAllowed('OPTIONS, POST'),
    ...writeProblems,
    ...bodyProblems,
    200: () => voidedJson({ ok: true, voided: true }, orderJson),
    BAD_REQUEST: () => invalid('Invalid key', [{ pointer: '/clientOrderId', detail: keyForm.rule }]),
  },
  listOrders: {
    ...scopeProblems('orders:read'),
    ...notAllowed('DELETE, GET, HEAD, OPTIONS, POST'),
    ...storeProblems,
    ...badQuery,
    200: () => orderPageJson([partlyFilledOrder], null, orderJson),
  },
  getOrder: {
    ...scopeProblems('orders:read'),
    ...notAllowed('DELETE, GET, HEAD, OPTIONS'),
    ...storeProblems,
    ...badId,
    ...noOrder,
    200: () => orderJson(partlyFilledOrder),
  },
  listFills: {
    ...scopeProblems('orders:read'),
    ...notAllowed('GET, HEAD, OPTIONS'),
    ...storeProblems,
    ...badQuery,
    ...noOrder,
    200: () => fillPageJson([fill], null),
  },
  listEvents: {
    ...scopeProblems('orders:read'),
    ...notAllowed('GET, HEAD, OPTIONS'),
    ...storeProblems,
    ...badQuery,
    ...noOrder,
    200: () => eventPageJson(history, null),
  },
  cancelOrder: {
    ...scopeProblems('orders:write'),
    ...notAllowed('OPTIONS, POST'),
    ...writeProblems,
    ...badId,
    ...noOrder,
    200: () => orderJson(canceledOrder),
    CONFLICT: () => notNew('FILLED'),
    PRECONDITION_FAILED: () => otherVersion(0),
  },
  deleteOrder: {
    ...scopeProblems('orders:write'),
    ...notAllowed('DELETE, GET, HEAD, OPTIONS'),
    ...writeProblems,
    ...badId,
    ...noOrder,
    200: () => orderJson(canceledRemainder),
    CONFLICT: () => notOpen('FILLED'),
    PRECONDITION_FAILED: () => otherVersion(0),
  },
} as const

const streams = {
  streamOrders: {
    ...scopeProblems('orders:read'),
    ...notAllowed('GET, HEAD, OPTIONS'),
    ...bugProblem,
    ...badFilter,
    OVERLOADED: () => problem('OVERLOADED', 'the service is starting: try again after the time in Retry-After'),
    200: () =>
      [...snapshotBlocks([partlyFilledOrder])].join('') +
      liveBlock(exampleCursor) +
      orderBlock(writeEvent(acceptedEvent), exampleCursor),
    RATE_LIMITED: () => tooManyStreams('all'),
  },
  pollEvents: {
    ...scopeProblems('orders:read'),
    ...notAllowed('GET, HEAD, OPTIONS'),
    ...bugProblem,
    ...badFilter,
    OVERLOADED: () => refused('OVERLOADED'),
    200: () => pollPageJson([{ text: writeEvent(acceptedEvent) }], exampleCursor),
    CURSOR_EXPIRED: () => cursorExpired('CURSOR_TOO_OLD'),
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
  actuator: { ...operatorProblems, ...get, 200: () => JSON.stringify(actuatorLinks('http://localhost:8085')) },
  health: {
    ...operatorProblems,
    ...get,
    ...bugProblem,
    200: () => health('UP'),
    503: () => health('DOWN', component('connection refused', 'DOWN')),
  },
  liveness: { ...get, 200: () => up },
  readiness: { ...get, ...bugProblem, 200: () => up, 503: () => '{"status":"OUT_OF_SERVICE","reason":"starting"}' },
  info: {
    ...operatorProblems,
    ...get,
    ...bugProblem,
    200: () => JSON.stringify({ name: 'orders', version: '1.0.0 (0123456789ab)', commit: '0123456789ab' }),
  },
  prometheus: { ...operatorProblems, ...get, ...bugProblem, 200: () => metrics },
  metrics: { ...operatorProblems, ...get, ...bugProblem, 200: () => metrics },
} as const

const contracts = {
  openApi: { ...get, 200: () => '{"openapi":"3.1.1"}' },
  asyncApi: { ...get, 200: () => '{"asyncapi":"3.0.0"}' },
  proto: { ...get, 200: () => 'syntax = "proto3";' },
  docs: { ...get, 200: () => '<!doctype html>' },
  docsAsset: { ...get, 200: () => '', NOT_FOUND: () => problem('NOT_FOUND', 'there is nothing at this path') },
  handbookPage: {
    ...get,
    200: () => '# Runbook',
    NOT_FOUND: () => problem('NOT_FOUND', 'the handbook has no such page'),
  },
} as const

const pageOff = {
  ...get,
  304: () => '',
  NOT_FOUND: () => problem('NOT_FOUND', 'there is nothing at this path'),
} as const
const blotter = {
  blotter: { ...pageOff, 200: () => '<!doctype html>' },
  blotterAsset: { ...pageOff, 200: () => '' },
} as const

type WithBody = { [Id in OperationId]: Operations[Id] extends { body: unknown } ? Id : never }[OperationId]
/** The form in which a media type of OpenAPI holds examples. */
type BodyExamples = { readonly example: unknown } | { readonly examples: unknown }

export const bodyExamples: Readonly<Record<WithBody, BodyExamples>> = {
  placeOrder: { examples: requests },
  ...batchBodies,
  voidKey: { example: voidRequest },
  ...manyBodies,
  resolveException: { example: resolution },
  resolveReportException: { example: resolution },
  ...ruleBodies,
}

export const answerExamples: Examples = {
  ...orders,
  ...batchExamples,
  ...manyExamples,
  ...streams,
  ...exceptions,
  ...ruleExamples,
  ...service,
  ...contracts,
  ...blotter,
}
