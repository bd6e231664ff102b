// The routes that place many orders, and that judge one without placing it.

import { Type } from '@sinclair/typebox'
import { EndReason, Order } from '../../wire/order.ts'
import { Valid } from '../orders/answers.ts'
import { PlaceBatch, PlaceOrder } from '../orders/decode.ts'
import { BatchResults } from './batchResults.ts'
import { bodyRefusals, retryAfter, storeRefusals, type OperationContract } from './operation.ts'
import { location, replayed } from './orderOperations.ts'
import { BatchHeaders, PlaceHeaders } from './requestHeaders.ts'

export const batchOperations = {
  placeBatch: {
    method: 'POST',
    path: '/orders/batch',
    tag: 'Orders',
    needs: 'store',
    audience: 'everybody',
    access: 'orders:write',
    summary: 'Place up to 256 orders',
    description:
      'The fast way in: the orders are stored in one statement, in their order. Each has a result of its own, at its place: what POST ' +
      '/orders would answer, also for an item that is no order. Keys are members of the orders (`clientOrderId`); of two orders with one ' +
      'key the second repeats the first. Each order counts as a request for the rate limits. After a 504 in a result, or no answer at ' +
      'all, send the batch again with the same keys. Unknown members and parameters are always refused.',
    headers: BatchHeaders,
    body: PlaceBatch,
    bodyLimit: 'batch',
    isYoung: true,
    answers: {
      200: {
        description: 'One result for each order. Those with a 202 are committed.',
        body: BatchResults,
        headers: {
          'Retry-After': {
            ...retryAfter['Retry-After'],
            description: 'Where a result is a 429 or a 503: seconds to wait before these are tried again.',
            optional: true,
          },
        },
      },
    },
    refusals: {
      ...storeRefusals,
      ...bodyRefusals,
      BAD_REQUEST: { description: 'The body is no list of 1 to 256 orders, or the header Idempotency-Key is given.' },
    },
  },
  validateOrder: {
    method: 'POST',
    path: '/orders/validate',
    tag: 'Orders',
    needs: 'store',
    audience: 'everybody',
    access: 'orders:write',
    summary: 'Ask what placing an order would answer',
    description:
      'Judges an order as POST /orders would now, by the rules as they are at this moment, and stores nothing: no order, no key. A known ' +
      'key is judged as a repetition. It counts as placing for the rate limits. Unknown members and parameters are always refused.',
    headers: PlaceHeaders,
    body: PlaceOrder,
    isYoung: true,
    answers: { 200: { description: 'It would be accepted; or its key names the same order.', body: Valid } },
    refusals: {
      ...storeRefusals,
      ...bodyRefusals,
      BAD_REQUEST: { description: 'The body or the key is invalid.' },
      VOIDED: { description: 'The key was made void: no order can have it any more.' },
      IDEMPOTENCY_MISMATCH: { description: 'The key already names another order; `errors` says what differs.' },
      ORDER_REJECTED: {
        description:
          'A rule of business would refuse the order, for this `reason`. With `order`: its key names an order that was refused.',
        members: { reason: EndReason, order: Type.Optional(Order) },
        headers: { Location: { ...location, optional: true }, 'Idempotent-Replayed': replayed },
      },
      RATE_LIMITED: {
        description: 'Too many requests, or a rule would refuse the order and too many of this caller were refused.',
        headers: retryAfter,
      },
    },
  },
} as const satisfies Record<string, OperationContract>
