// The examples of canceling many orders.

import { invalid } from '../exchange/problem.ts'
import { armedJson, canceledManyJson, needsScope } from '../orders/many.ts'
import { bodyProblems, notAllowed, scopeProblems, writeProblems } from './exampleProblems.ts'
import { acceptedOrder, canceledRemainder } from './examples.ts'

const { userId } = acceptedOrder

export const manyBodies = {
  cancelAfter: {
    examples: {
      arm: { summary: 'Cancel my orders unless I am back within 30 s', value: { userId, timeoutMs: 30_000 } },
      disarm: { summary: 'Disarm', value: { userId, timeoutMs: 0 } },
    },
  },
} as const

export const manyExamples = {
  cancelOrders: {
    ...scopeProblems('orders:write'),
    ...notAllowed('DELETE, GET, HEAD, OPTIONS, POST'),
    ...writeProblems,
    200: () =>
      canceledManyJson({
        canceled: [canceledRemainder.id],
        notCanceled: [{ id: acceptedOrder.id, status: 'FILLED' }],
        remaining: false,
      }),
    BAD_REQUEST: () => invalid('Invalid query', needsScope),
  },
  cancelAfter: {
    ...scopeProblems('orders:write'),
    ...notAllowed('OPTIONS, POST'),
    ...writeProblems,
    ...bodyProblems,
    200: () => armedJson({ userId, firesAt: new Date('2026-01-02T03:04:35.678Z'), fired: false }),
    BAD_REQUEST: () => invalid('Invalid switch', [{ pointer: '/timeoutMs', detail: 'is required' }]),
  },
} as const
