// The schema of the results of a batch. Each result is what the order would get alone, so its problems are those of POST /orders.

import { Type, type TProperties } from '@sinclair/typebox'
import { EndReason, Order } from '../../wire/order.ts'
import type { ProblemCode } from '../exchange/problem.ts'
import { noMembers, problemShape } from './answers.ts'
import { problemName } from './openapiSchema.ts'

const named = <C extends ProblemCode, M extends TProperties>(code: C, members: M, operation = '') => ({
  ...problemShape(code, members),
  component: problemName(code, operation),
})

/** The problems that an order of a batch may have, under the names that they have in the document. */
export const resultProblems = [
  named('BAD_REQUEST', noMembers),
  named('FORBIDDEN', noMembers),
  named('VOIDED', noMembers),
  named('IDEMPOTENCY_MISMATCH', noMembers),
  named('ORDER_REJECTED', { reason: EndReason, order: Order }, 'placeOrder'),
  named('RATE_LIMITED', noMembers),
  named('INTERNAL', noMembers),
  named('OVERLOADED', noMembers),
  named('OUTCOME_UNKNOWN', noMembers),
] as const

const Replayed = Type.Optional(
  Type.Literal(true, { description: 'The key already named this order: nothing new was stored.' }),
)

export const PlaceResult = Type.Union(
  [
    Type.Object({ status: Type.Literal(202), order: Order, replayed: Replayed }),
    Type.Object({
      status: Type.Integer({ minimum: 400, maximum: 599, description: 'The status of the problem.' }),
      problem: Type.Union([...resultProblems]),
      replayed: Replayed,
    }),
  ],
  { component: 'PlaceResult', description: 'What became of one order of a batch: what POST /orders would answer.' },
)

export const BatchResults = Type.Object({
  results: Type.Array(PlaceResult, { description: 'One for each order, in the order of the request.' }),
})
