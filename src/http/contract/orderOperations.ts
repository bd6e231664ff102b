// The routes of orders.

import { Type } from '@sinclair/typebox'
import { EndReason, Order, Status } from '../../wire/order.ts'
import { ById } from '../exchange/query.ts'
import { EventPage, FillPage, OrderPage } from '../orders/answers.ts'
import { PlaceOrder } from '../orders/decode.ts'
import { EventsQuery, FillsQuery, OrdersQuery } from '../orders/query.ts'
import { VoidKey, Voided } from '../orders/void.ts'
import { retryAfter, storeRefusals, bodyRefusals, writeRefusals, type OperationContract } from './operation.ts'
import { CancelHeaders, PlaceHeaders } from './requestHeaders.ts'

export const location = {
  schema: Type.String({ pattern: '^/orders/[0-9a-f-]{36}$' }),
  description: 'Where the order is.',
}
export const replayed = {
  schema: Type.Literal('true'),
  description: 'Present where the key already named this order: nothing new was stored.',
  optional: true,
} as const
const etag = {
  schema: Type.String({ pattern: '^"\\d+"$' }),
  description: 'The version of the order, in quotes.',
}
const versionNow = { ...etag, description: 'The version of the order now, in quotes.' }
const noOrder = { description: 'There is no such order.' }
const badId = { description: 'The id in the path is no UUID.' }
const badCancel = { description: 'The id in the path is no UUID, or `If-Match` is no list of entity tags.' }
const badDelete = {
  description: 'The id in the path is no UUID, a parameter is given, or `If-Match` is no list of entity tags.',
}
const otherVersion = { description: 'The order has none of the versions that `If-Match` names. Nothing was changed.' }

export const orderOperations = {
  placeOrder: {
    method: 'POST',
    path: '/orders',
    tag: 'Orders',
    needs: 'store',
    audience: 'everybody',
    access: 'orders:write',
    summary: 'Place an order',
    description:
      'A 202 is a promise: the order and its event are committed before the answer leaves. LIMIT has a price, MARKET none, STOP a ' +
      'stopPrice, STOP_LIMIT both; a stop waits for a trade of its ticker at its stopPrice or beyond, and no engine knows it until then. GTD ' +
      'has expiresAt, at least 1 s ahead; nothing else may give one. IOC and FOK go with none of stopPrice, displayQuantity and postOnly. ' +
      'Amounts are decimals > 0; each member says how many digits it may have (trailing zeros do not count), as a ' +
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
      ...writeRefusals,
      ...bodyRefusals,
      BAD_REQUEST: { description: 'The body or the key is invalid; nothing was stored.' },
      VOIDED: { description: 'The key was made void by POST /orders/void: no order can have it. Nothing was stored.' },
      IDEMPOTENCY_MISMATCH: { description: 'The key already names another order; `errors` says what differs.' },
      ORDER_REJECTED: {
        description:
          'A rule of business refuses the order. It is stored as REJECTED (`order`) with its `reason`, no engine is told of it, and its key ' +
          'is used: a repetition gets this refusal again.',
        members: { reason: EndReason, order: Order },
        headers: { Location: location, 'Idempotent-Replayed': replayed },
      },
      RATE_LIMITED: {
        description:
          'Too many requests, or too many orders of this caller that a rule refused: nothing was stored, the key is unused, safe to try ' +
          'again later.',
        headers: retryAfter,
      },
    },
  },
  voidKey: {
    method: 'POST',
    path: '/orders/void',
    tag: 'Orders',
    needs: 'store',
    audience: 'everybody',
    access: 'orders:write',
    summary: 'Make a key void',
    description:
      'For certainty after a time-out: once it is answered, either no order with this key will ever be accepted, or the order that has it is ' +
      'in the answer. It waits for an order with this key that is just being stored. Repeated, it answers the same again. A refusal leaves ' +
      'the key as it was, but for 504.',
    body: VoidKey,
    answers: { 200: { description: 'The key is void; or the order that has it, as it is now.', body: Voided } },
    refusals: {
      ...writeRefusals,
      ...bodyRefusals,
      BAD_REQUEST: { description: 'The body is invalid; the key is as it was.' },
    },
  },
  listOrders: {
    method: 'GET',
    path: '/orders',
    tag: 'Orders',
    needs: 'store',
    audience: 'everybody',
    access: 'orders:read',
    summary: 'List orders, newest first',
    query: OrdersQuery,
    answers: { 200: { description: 'A page.', body: OrderPage } },
    refusals: { ...storeRefusals, BAD_REQUEST: { description: 'A parameter is invalid or unknown.' } },
  },
  getOrder: {
    method: 'GET',
    path: '/orders/{id}',
    tag: 'Orders',
    needs: 'store',
    audience: 'everybody',
    access: 'orders:read',
    summary: 'Read an order',
    params: ById,
    answers: { 200: { description: 'The order as it is now.', body: Order, headers: { ETag: etag } } },
    refusals: { ...storeRefusals, BAD_REQUEST: badId, NOT_FOUND: noOrder },
  },
  listFills: {
    method: 'GET',
    path: '/orders/{id}/fills',
    tag: 'Orders',
    needs: 'store',
    audience: 'everybody',
    access: 'orders:read',
    summary: 'List the fills of an order, newest first',
    params: ById,
    query: FillsQuery,
    answers: { 200: { description: 'A page.', body: FillPage } },
    refusals: {
      ...storeRefusals,
      BAD_REQUEST: { description: 'The id is no UUID, or a parameter is invalid or unknown.' },
      NOT_FOUND: noOrder,
    },
  },
  listEvents: {
    method: 'GET',
    path: '/orders/{id}/events',
    tag: 'Orders',
    needs: 'store',
    audience: 'everybody',
    access: 'orders:read',
    summary: 'List what happened to an order, oldest first',
    description:
      'Versions are contiguous from 0, the acceptance. A cancel that an older version of this service made has no time and the cause ' +
      '`before-log`.',
    params: ById,
    query: EventsQuery,
    answers: { 200: { description: 'A page.', body: EventPage } },
    refusals: {
      ...storeRefusals,
      BAD_REQUEST: { description: 'The id is no UUID, or a parameter is invalid or unknown.' },
      NOT_FOUND: noOrder,
    },
  },
  cancelOrder: {
    method: 'POST',
    path: '/orders/{id}/cancel',
    tag: 'Orders',
    needs: 'store',
    audience: 'everybody',
    access: 'orders:write',
    summary: 'Cancel an order that is NEW',
    description:
      'Takes no body; one that is sent is ignored. To cancel what remains of an order that was filled in part: DELETE /orders/{id}.',
    params: ById,
    headers: CancelHeaders,
    answers: { 200: { description: 'The order, now CANCELED.', body: Order, headers: { ETag: versionNow } } },
    refusals: {
      ...writeRefusals,
      BAD_REQUEST: badCancel,
      NOT_FOUND: noOrder,
      CONFLICT: {
        description: 'Titled "Order cannot be canceled": it is not NEW any more; `orderStatus` says what it is.',
        members: { orderStatus: Status },
      },
      PRECONDITION_FAILED: otherVersion,
    },
  },
  deleteOrder: {
    method: 'DELETE',
    path: '/orders/{id}',
    tag: 'Orders',
    needs: 'store',
    audience: 'everybody',
    access: 'orders:write',
    summary: 'Cancel what remains of an order',
    description:
      'Cancels an order that is NEW or PARTIALLY_FILLED; its fills are kept. An order that is CANCELED already is answered again, whatever ' +
      '`If-Match` says. Takes no body; one that is sent is ignored.',
    params: ById,
    headers: CancelHeaders,
    answers: { 200: { description: 'The order, CANCELED.', body: Order, headers: { ETag: versionNow } } },
    refusals: {
      ...writeRefusals,
      BAD_REQUEST: badDelete,
      NOT_FOUND: noOrder,
      CONFLICT: {
        description:
          'Titled "Order cannot be canceled": it is FILLED, EXPIRED or REJECTED; `orderStatus` says what it is.',
        members: { orderStatus: Status },
      },
      PRECONDITION_FAILED: otherVersion,
    },
  },
} as const satisfies Record<string, OperationContract>
