// Reading and canceling orders, and what trades have made of them.

import { javaError, type Answer, type ParityCase } from './case.ts'

type Rest = Omit<Partial<ParityCase>, 'java'> & { java: Answer }
const read = (name: string, rest: Rest): ParityCase => ({
  name,
  source: 'noted',
  method: 'GET',
  path: '/orders/{id}',
  ...rest,
})
const cancel = (name: string, rest: Rest): ParityCase => ({
  name,
  source: 'noted',
  method: 'POST',
  path: '/orders/{id}/cancel',
  ...rest,
})

const javaUnknown: Answer = { status: 400, has: { code: 'BAD_REQUEST', message: 'order not found' } }
const unknown: Answer = { status: 404, has: { code: 'NOT_FOUND' } }
const unknownReason = 'nothing is wrong with the request'
const canceled = (remainingQuantity: number): Answer => ({
  status: 200,
  has: { status: 'CANCELED', filledQuantity: 0, remainingQuantity },
})
const remainsReason = 'nothing can be filled any more'
const notNew: Answer = { status: 409, members: javaError }
const exceptionReason = 'a trade that contradicts the order is kept for an operator: `GET /exceptions`'

const four = { quantity: 4, price: 149 }
const ten = { quantity: 10, price: 149 }

export const reading: readonly ParityCase[] = [
  read('an order that is `NEW`', {
    source: 'told',
    java: { status: 200, has: { status: 'NEW', filledQuantity: 0, remainingQuantity: 10 } },
  }),
  read('an order that is `CANCELED`', {
    before: ['cancel'],
    java: canceled(10),
    ours: canceled(0),
    switched: canceled(10),
    reason: remainsReason,
  }),
  read('an order of 1.1234567', {
    order: { quantity: 1.1234567 },
    java: { status: 200, has: { quantity: 1.123457 } },
    ours: { status: 200, has: { quantity: 1.1234567 } },
    reason: 'amounts are never rounded',
  }),
  read('an unknown id', {
    path: '/orders/{unknown}',
    java: javaUnknown,
    ours: unknown,
    switched: javaUnknown,
    reason: unknownReason,
  }),
  read('an id that is no UUID', { source: 'told', path: '/orders/1', java: { status: 400 } }),
  read('`HEAD` of an order', { source: 'told', method: 'HEAD', java: { status: 200 } }),
  read('`GET /orders`', {
    path: '/orders',
    java: { status: 405 },
    ours: { status: 200, members: ['orders', 'nextCursor'] },
    reason: 'the Java service had no list',
  }),
]

export const canceling: readonly ParityCase[] = [
  cancel('an order that is `NEW`', {
    java: canceled(10),
    ours: canceled(0),
    switched: canceled(10),
    reason: remainsReason,
  }),
  cancel('an order that is `CANCELED`', {
    before: ['cancel'],
    java: canceled(10),
    ours: { status: 409, has: { code: 'CONFLICT', orderStatus: 'CANCELED' } },
    switched: canceled(10),
    reason: 'only an order that is `NEW` can be canceled; `DELETE /orders/{id}` may be repeated',
  }),
  cancel('an unknown id', {
    path: '/orders/{unknown}/cancel',
    java: javaUnknown,
    ours: unknown,
    switched: javaUnknown,
    reason: unknownReason,
  }),
  cancel('an id that is no UUID', { source: 'told', path: '/orders/1/cancel', java: { status: 400 } }),
  cancel('an order that is `PARTIALLY_FILLED`', { source: 'told', before: [four], java: notNew }),
  cancel('an order that is `FILLED`', { source: 'told', before: [ten], java: notNew }),
  cancel('four times at once', {
    times: 4,
    java: { status: [200, 500, 500, 500] },
    ours: { status: [200, 409, 409, 409] },
    switched: { status: [200, 200, 200, 200] },
    reason: 'one of them cancels, one event is published; the Java service failed and published several',
  }),
]

const after = (name: string, before: ParityCase['before'], rest: Rest): ParityCase =>
  read(name, { ...(before === undefined ? {} : { before }), ...rest })

export const trading: readonly ParityCase[] = [
  after('a trade of 4 of 10', [four], {
    source: 'told',
    java: {
      status: 200,
      has: { status: 'PARTIALLY_FILLED', filledQuantity: 4, remainingQuantity: 6, lastFillPrice: 149 },
    },
  }),
  after('a trade of 10 of 10', [ten], {
    source: 'told',
    java: { status: 200, has: { status: 'FILLED', filledQuantity: 10, remainingQuantity: 0, lastFillPrice: 149 } },
  }),
  after('the same trade twice', [four, { ...four, again: true }], {
    source: 'told',
    java: { status: 200, has: { status: 'PARTIALLY_FILLED', filledQuantity: 4, remainingQuantity: 6 } },
  }),
  after('a trade of 11 of 10', [{ ...ten, quantity: 11 }], {
    java: { status: 200, has: { status: 'FILLED', filledQuantity: 10 } },
    ours: { status: 200, has: { status: 'NEW', filledQuantity: 0 } },
    reason: exceptionReason,
  }),
  after('a trade when nothing remains', [ten, four], {
    java: { status: 200, has: { status: 'FILLED', filledQuantity: 10, remainingQuantity: 0 } },
  }),
  after('a trade after the cancel', ['cancel', { quantity: 3, price: 149 }], {
    java: { status: 200, has: { status: 'CANCELED', filledQuantity: 0, lastFillPrice: null } },
    ours: { status: 200, has: { status: 'CANCELED', filledQuantity: 3, lastFillPrice: 149 } },
    reason: 'the trade has happened: it is `LATE`, the status stays',
  }),
  after('a trade of another ticker', [{ ...four, ticker: 'MSFT' }], {
    java: { status: 200, has: { status: 'PARTIALLY_FILLED', filledQuantity: 4 } },
    ours: { status: 200, has: { status: 'NEW', filledQuantity: 0 } },
    reason: exceptionReason,
  }),
  after('a trade of the other side', [{ ...four, side: 'SELL' }], {
    java: { status: 200, has: { status: 'PARTIALLY_FILLED', filledQuantity: 4 } },
    ours: { status: 200, has: { status: 'NEW', filledQuantity: 0 } },
    reason: exceptionReason,
  }),
]
