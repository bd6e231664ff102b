// The examples of the published messages. Tests send the same through the sender, the dead letters and the decoder.

import { wholeAmount } from '../../domain/decimal.ts'
import { acceptOrder, type Order } from '../../domain/order.ts'
import { orderEvents, type EventKind } from '../../domain/events.ts'
import { completeTerms } from '../../domain/terms.ts'
import { eventTable } from '../eventTable.ts'

const orderId = '019b7d0a-51ae-7000-8000-0d7a0a6a7c11'
const eventIds = {
  PLACED: '019b7d0a-51ae-7000-8000-7b1fd3a1c001',
  CANCELLED: '019b7d0a-52fc-7000-8000-7b1fd3a1c002',
} as const
const times = {
  PLACED: new Date('2026-01-02T03:04:05.678Z'),
  CANCELLED: new Date('2026-01-02T03:04:06.012Z'),
} as const
const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'

const order: Order = acceptOrder(
  completeTerms({
    userId: 'b0b00000-0000-4000-8000-000000000002',
    ticker: 'AAPL',
    side: 'BUY',
    type: 'LIMIT',
    timeInForce: 'GTC',
    quantity: wholeAmount(40),
    price: wholeAmount(301) / 2n,
  }),
  { id: orderId, now: times.PLACED },
)

/** The event that the example is of. */
export const exampleEvent = (kind: EventKind) => ({
  eventId: eventIds[kind],
  kind,
  order,
  occurredAt: times[kind],
  traceparent,
})

export const eventExample = (kind: EventKind, ceSource: string) => ({
  name: kind.toLowerCase(),
  headers: {
    eventId: eventIds[kind],
    ce_id: eventIds[kind],
    ce_type: orderEvents[kind].ceType,
    ce_source: ceSource,
    ce_specversion: '1.0',
    ce_time: times[kind].toISOString(),
    'content-type': 'application/json',
    traceparent,
  },
  payload: JSON.parse(eventTable[kind].encode(order, times[kind])) as object,
})

const trade = {
  tradeId: 'T-1001',
  buyOrderId: orderId,
  sellOrderId: '019b7d0a-1c3e-7000-8000-a11ce0000001',
  ticker: 'AAPL',
  price: 150.5,
  quantity: 20,
  timestamp: '2026-01-02T03:04:06.001234Z',
}

export const tradeExample = { name: 'twoLegs', payload: trade }

export const redrivenExample = {
  name: 'redriven',
  summary: 'The other leg is not ours; amounts as strings; sent again by `orders redrive`.',
  headers: { 'x-redriven-from': 'trade.executed.v1-3-42' },
  payload: { ...trade, sellOrderId: null, price: '150.50', quantity: '20.00000001' },
}

export const legExample = {
  name: 'oneLeg',
  payload: { tradeId: 'T-1002', orderId, ticker: 'AAPL', price: 150.5, quantity: 20, timestamp: 1767323046.001234 },
}

export const deadLetterExample = {
  name: 'unknownOrder',
  headers: {
    'x-dead-letter-id': 'trade.executed.v1-3-42',
    'x-disposition': 'UNKNOWN_ORDER',
    'x-reason': 'no such order here',
    'x-legs': `BUY:${orderId}`,
    'x-original-topic': 'trade.executed.v1',
    'x-original-partition': '3',
    'x-original-offset': '42',
    'x-left-out': '',
  },
  payload: trade,
}
