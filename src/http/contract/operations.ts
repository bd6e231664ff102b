// Every route, as the document and the typed client know it. A test walks the routes of the app: one that is missing here, or one
// that is here and not there, fails.

import { Type } from '@sinclair/typebox'
import {
  Alive,
  ExceptionPage,
  FillPage,
  Health,
  Info,
  NotReady,
  Order,
  OrderPage,
  Status,
  TradeException,
} from './answers.ts'
import { contractOperations } from './contractOperations.ts'
import { maybeBug, anyRoute, operation, stored, withBody, written } from './operation.ts'
import { ById, ExceptionsQuery, FillsQuery, OrdersQuery, PlaceHeaders, Resolve, TraceHeaders } from './parameters.ts'
import { PlaceOrder } from '../orders/decode.ts'

const location = {
  schema: Type.String({ pattern: '^/orders/[0-9a-f-]{36}$' }),
  description: 'Where the order is.',
}
const replayed = {
  schema: Type.Literal('true'),
  description: 'Present where the key already named this order: nothing new was stored.',
  optional: true,
} as const
const prometheus = 'text/plain; version=0.0.4; charset=utf-8'
const noOrder = { description: 'There is no such order.' }
const badId = { description: 'The id in the path is no UUID.' }

const orderOperations = {
  placeOrder: operation({
    method: 'POST',
    path: '/orders',
    tag: 'Orders',
    access: 'orders:write',
    summary: 'Place an order',
    description:
      'A 202 is a promise: the order and its event are committed before the answer leaves. A LIMIT order has a price, a MARKET ' +
      'order has none. Amounts are decimals > 0 with at most 12 integer and 8 fraction digits (trailing zeros do not count), as a ' +
      'JSON number in any notation or as a string in plain notation; they are read from their own text and never rounded. A ' +
      'repeated member is refused.',
    headers: PlaceHeaders,
    body: PlaceOrder,
    answers: {
      202: {
        description: 'Accepted; or, with a key that already named the same order, the order as it is now.',
        body: Order,
        headers: { Location: location, 'Idempotent-Replayed': replayed },
      },
    },
    refusals: {
      ...written,
      ...withBody,
      BAD_REQUEST: { description: 'The body or the key is invalid; nothing was stored.' },
      IDEMPOTENCY_MISMATCH: { description: 'The key already names another order; `errors` says what differs.' },
    },
  }),
  listOrders: operation({
    method: 'GET',
    path: '/orders',
    tag: 'Orders',
    access: 'orders:read',
    summary: 'List orders, newest first',
    query: OrdersQuery,
    answers: { 200: { description: 'A page.', body: OrderPage } },
    refusals: { ...stored, BAD_REQUEST: { description: 'A parameter is invalid or unknown.' } },
  }),
  getOrder: operation({
    method: 'GET',
    path: '/orders/{id}',
    tag: 'Orders',
    access: 'orders:read',
    summary: 'Read an order',
    params: ById,
    answers: { 200: { description: 'The order as it is now.', body: Order } },
    refusals: { ...stored, BAD_REQUEST: badId, NOT_FOUND: noOrder },
  }),
  listFills: operation({
    method: 'GET',
    path: '/orders/{id}/fills',
    tag: 'Orders',
    access: 'orders:read',
    summary: 'List the fills of an order, newest first',
    params: ById,
    query: FillsQuery,
    answers: { 200: { description: 'A page.', body: FillPage } },
    refusals: {
      ...stored,
      BAD_REQUEST: { description: 'The id is no UUID, or a parameter is invalid or unknown.' },
      NOT_FOUND: noOrder,
    },
  }),
  cancelOrder: operation({
    method: 'POST',
    path: '/orders/{id}/cancel',
    tag: 'Orders',
    access: 'orders:write',
    summary: 'Cancel an order that is NEW',
    description: 'Takes no body; one that is sent is ignored.',
    params: ById,
    headers: TraceHeaders,
    answers: { 200: { description: 'The order, now CANCELED.', body: Order } },
    refusals: {
      ...written,
      BAD_REQUEST: badId,
      NOT_FOUND: noOrder,
      CONFLICT: {
        description: 'Titled "Order cannot be canceled": it is not NEW any more; `orderStatus` says what it is.',
        members: { orderStatus: Status },
      },
    },
  }),
}

const exceptionOperations = {
  listExceptions: operation({
    method: 'GET',
    path: '/exceptions',
    tag: 'Exceptions',
    access: 'orders:admin',
    summary: 'List what could not be applied, newest first',
    query: ExceptionsQuery,
    answers: { 200: { description: 'A page.', body: ExceptionPage } },
    refusals: { ...stored, BAD_REQUEST: { description: 'A parameter is invalid or unknown.' } },
  }),
  resolveException: operation({
    method: 'POST',
    path: '/exceptions/{id}/resolve',
    tag: 'Exceptions',
    access: 'orders:admin',
    summary: 'Say what was done about an exception',
    description: 'Once and for good; the same words again answer 200. It never moves an order.',
    params: ById,
    body: Resolve,
    answers: { 200: { description: 'The exception with its resolution.', body: TradeException } },
    refusals: {
      ...written,
      ...withBody,
      BAD_REQUEST: { description: 'The id is no UUID, or the body is invalid.' },
      NOT_FOUND: { description: 'There is no such exception.' },
      CONFLICT: {
        description: 'Titled "Already resolved": somebody resolved it in other words; the first resolution stands.',
      },
    },
  }),
}

const serviceOperations = {
  health: operation({
    method: 'GET',
    path: '/actuator/health',
    tag: 'Operation',
    access: 'orders:admin',
    summary: 'The health of every component',
    answers: {
      200: {
        description: 'UP; or DEGRADED: orders are taken, something else is not well.',
        body: Health,
      },
      503: { description: 'DOWN: Postgres is away, or the service starts.', body: Health },
    },
    refusals: maybeBug,
  }),
  liveness: operation({
    method: 'GET',
    path: '/actuator/health/liveness',
    tag: 'Operation',
    access: 'open',
    summary: 'Whether the process is able to work; it looks at nothing else',
    answers: { 200: { description: 'It is.', body: Alive } },
    refusals: anyRoute,
  }),
  readiness: operation({
    method: 'GET',
    path: '/actuator/health/readiness',
    tag: 'Operation',
    access: 'open',
    summary: 'Whether requests can be served; Kafka may be away',
    answers: {
      200: { description: 'They can.', body: Alive },
      503: { description: 'They cannot: starting, draining, or Postgres is away.', body: NotReady },
    },
    refusals: maybeBug,
  }),
  info: operation({
    method: 'GET',
    path: '/actuator/info',
    tag: 'Operation',
    access: 'orders:admin',
    summary: 'What this binary is',
    answers: { 200: { description: 'Its name, version and commit.', body: Info } },
    refusals: maybeBug,
  }),
  prometheus: operation({
    method: 'GET',
    path: '/actuator/prometheus',
    tag: 'Operation',
    access: 'orders:admin',
    summary: 'Metrics for Prometheus',
    answers: { 200: { description: 'The text format.', body: Type.String(), types: [prometheus] } },
    refusals: maybeBug,
  }),
  metrics: operation({
    method: 'GET',
    path: '/metrics',
    tag: 'Operation',
    access: 'orders:admin',
    summary: 'The same metrics under the usual path',
    answers: { 200: { description: 'The text format.', body: Type.String(), types: [prometheus] } },
    refusals: maybeBug,
  }),
}

export const operations = {
  ...orderOperations,
  ...exceptionOperations,
  ...serviceOperations,
  ...contractOperations,
}
export type Operations = typeof operations
export type OperationId = keyof Operations

const storing: ReadonlySet<OperationId> = new Set(
  (Object.keys(operations) as OperationId[]).filter((id) => ['Orders', 'Exceptions'].includes(operations[id].tag)),
)

/** Whether a call needs the database: such calls wait for the start, are limited and are traced; probes and pages are not. */
export const needsStore = (operation: OperationId | null): operation is OperationId =>
  operation !== null && storing.has(operation)
