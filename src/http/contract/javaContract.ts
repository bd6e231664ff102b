// What the document says of a service with JAVA_COMPATIBILITY: the routes and the schema that it changes, with examples of their own.

import { javaOrderJson } from '../../wire/order.ts'
import type { Problem, ProblemCode } from '../exchange/problem.ts'
import { javaUnknownOrder } from '../orders/javaAnswers.ts'
import { canceledOrder, canceledRemainder } from './examples.ts'
import type { Json } from './openapiSchema.ts'
import type { OperationContract, RefusalShape } from './operation.ts'
import { operations, type Operations } from './operations.ts'

type Refusals = Readonly<Partial<Record<ProblemCode, RefusalShape>>>

const { getOrder, cancelOrder } = operations

/** The Java service had no other answer for an id that no order has. */
const unknownIsBad = (refusals: Refusals): Refusals => ({
  ...Object.fromEntries(Object.entries(refusals).filter(([code]) => code !== 'NOT_FOUND')),
  BAD_REQUEST: { description: `${refusals.BAD_REQUEST!.description} Or no order has it.` },
})

const changedOperations = {
  getOrder: { ...getOrder, refusals: unknownIsBad(getOrder.refusals) },
  cancelOrder: {
    ...cancelOrder,
    description: `${cancelOrder.description} An order that is CANCELED already is answered again, whatever \`If-Match\` says.`,
    answers: {
      200: { ...cancelOrder.answers[200], description: 'The order, CANCELED: now, or by an earlier request.' },
    },
    refusals: {
      ...unknownIsBad(cancelOrder.refusals),
      CONFLICT: {
        ...cancelOrder.refusals.CONFLICT,
        description:
          'Titled "Order cannot be canceled": it is neither NEW nor CANCELED; `orderStatus` says what it is.',
      },
    },
  },
} as const satisfies { readonly [Id in keyof Operations]?: OperationContract }

const changedExamples: Readonly<Record<string, Readonly<Record<string, () => string | Problem>>>> = {
  getOrder: { BAD_REQUEST: javaUnknownOrder },
  cancelOrder: { BAD_REQUEST: javaUnknownOrder, 200: () => javaOrderJson(canceledOrder) },
  deleteOrder: { 200: () => javaOrderJson(canceledRemainder) },
}

/** The contract of an operation as such a service keeps it. */
export const javaOperation = (operation: Operations[keyof Operations]): OperationContract =>
  operation.id in changedOperations ? changedOperations[operation.id as keyof typeof changedOperations] : operation

/** The example of an outcome that is another one there; undefined: it is the same. */
export const javaExample = (id: string, outcome: string): (() => string | Problem) | undefined =>
  changedExamples[id]?.[outcome]

/** The schemas that answers refer to, with the words that hold there. */
export const javaSchemas = (schemas: Json): Json => ({
  ...schemas,
  Order: {
    ...(schemas['Order'] as Json),
    description:
      'The one shape of an order. `remainingQuantity` of a CANCELED order is what was not filled, as the Java service had it; in events, the ' +
      'stream and polling it is 0. It is 0 in any other final status. ' +
      '`averageFillPrice` is the exact notional ÷ filled quantity, half-even to 8 places.',
  },
})
