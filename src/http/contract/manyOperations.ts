// The routes that cancel many orders.

import { Armed, CancelAfter, CanceledMany, ManyQuery } from '../orders/many.ts'
import { bodyRefusals, writeRefusals, type OperationContract } from './operation.ts'

export const manyOperations = {
  cancelOrders: {
    method: 'DELETE',
    path: '/orders',
    tag: 'Orders',
    needs: 'store',
    audience: 'everybody',
    access: 'orders:write',
    summary: 'Cancel many orders',
    description:
      'Cancels what remains of the open orders of a user, in a ticker, or both; `userId` or `ticker` must be given. It covers the orders that ' +
      'were committed before it began, newest first, and leaves alone what comes later. Who is no administrator cancels its own orders only. Of ' +
      'many orders one request may do a part: then `remaining` is true, and the same request goes on. Unknown, repeated and empty parameters ' +
      'are always refused. Takes no body; one that is sent is ignored.',
    query: ManyQuery,
    answers: {
      200: { description: 'What was canceled. Once anything was, there is no other answer.', body: CanceledMany },
    },
    refusals: {
      ...writeRefusals,
      BAD_REQUEST: {
        description: 'A parameter is invalid, unknown or given twice, or neither userId nor ticker is given.',
      },
      OUTCOME_UNKNOWN: {
        description: 'The answer of the database was lost or late, and some orders may have been canceled: ask again.',
      },
    },
  },
  cancelAfter: {
    method: 'POST',
    path: '/orders/cancel-after',
    tag: 'Orders',
    needs: 'store',
    audience: 'everybody',
    access: 'orders:write',
    summary: 'Cancel the orders of a user unless this is asked again in time',
    description:
      'A dead man’s switch. Unless it is armed again before `firesAt`, by the clock of the database, every order of the user that was committed ' +
      'before then is canceled, whatever becomes of the client and of the replica that answered: never early, and begun at most a second ' +
      'late. `timeoutMs` 0 disarms it. A deadline that has passed is not undone: the answer then has `fired`, and the switch is armed anew. ' +
      'Unknown members and parameters are always refused.',
    body: CancelAfter,
    isYoung: true,
    answers: { 200: { description: 'The switch as it is now.', body: Armed } },
    refusals: {
      ...writeRefusals,
      ...bodyRefusals,
      BAD_REQUEST: { description: 'The body is invalid; nothing was changed.' },
      OUTCOME_UNKNOWN: {
        description: 'The answer of the database was lost or late, and the switch may be armed or disarmed: ask again.',
      },
    },
  },
} as const satisfies Record<string, OperationContract>
