// The examples of placing many orders, and of asking what placing one would answer.

import { orderJson } from '../../wire/order.ts'
import { invalid, problem } from '../exchange/problem.ts'
import { batchAnswer } from '../orders/batchAnswer.ts'
import { mismatch, tooManyRejected, voided, wouldBeRejected } from '../orders/problems.ts'
import { bodyProblems, bugProblem, notAllowed, scopeProblems, storeProblems } from './exampleProblems.ts'
import { acceptedOrder, answeredAt, rejectedOrder, requests } from './examples.ts'

const noPrice = () => invalid('Invalid order', [{ pointer: '/price', detail: 'is required for LIMIT' }])

const [limit, exact, iceberg] = [requests['limit']!, requests['exact']!, requests['iceberg']!]

export const batchBodies = {
  placeBatch: {
    examples: {
      two: { summary: 'Two orders, one of them with a key', value: { orders: [limit.value, exact.value] } },
    },
  },
  validateOrder: { examples: { limit, iceberg } },
} as const

export const batchExamples = {
  placeBatch: {
    ...scopeProblems('orders:write'),
    ...notAllowed('OPTIONS, POST'),
    ...storeProblems,
    ...bodyProblems,
    ...bugProblem,
    PAYLOAD_TOO_LARGE: () => problem('PAYLOAD_TOO_LARGE', 'the body must not be larger than 1048576 bytes'),
    200: () =>
      batchAnswer(
        [{ ok: true, order: acceptedOrder, replayed: false }, noPrice()],
        { path: '/orders/batch', at: answeredAt },
        orderJson,
      ).text,
    BAD_REQUEST: () => invalid('Invalid batch', [{ pointer: '/orders', detail: 'must be a list of 1 to 256 orders' }]),
  },
  validateOrder: {
    ...scopeProblems('orders:write'),
    ...notAllowed('OPTIONS, POST'),
    ...storeProblems,
    ...bodyProblems,
    200: () => '{"valid":true}',
    BAD_REQUEST: noPrice,
    VOIDED: voided,
    IDEMPOTENCY_MISMATCH: () => mismatch(['price']),
    ORDER_REJECTED: () => wouldBeRejected(rejectedOrder.reason!),
    RATE_LIMITED: () => tooManyRejected(1),
  },
} as const
