// The examples of the published messages. Tests run the same messages through the sender, the dead letters and the decoder.

import { wholeAmount } from '../../domain/decimal.ts'
import { orderEvents, type EventKind } from '../../domain/events.ts'
import { acceptOrder, type Order } from '../../domain/order.ts'
import { completeTerms } from '../../domain/terms.ts'
import { eventOrder } from '../../store/outbox.ts'
import { commonValues, eventHeaders } from '../eventHeaders.ts'
import { letterHeaders, redrivenFrom } from '../letterHeaders.ts'
import { encoders } from '../schema.ts'
import { eventMessages } from './eventMessages.ts'

const orderId = '019b7d0a-51ae-7000-8000-0d7a0a6a7c11'
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
  { id: orderId, now: eventMessages.PLACED.example.at },
)

/** The event behind the example of this kind. */
export const exampleEvent = (kind: EventKind) => ({
  eventId: eventMessages[kind].example.eventId,
  kind,
  order,
  occurredAt: eventMessages[kind].example.at,
  traceparent,
})

const ending = { filledQuantity: 0n, reason: { code: 'USER_CANCELED', text: null } }

export const eventExample = (kind: EventKind, ceSource: string) => {
  const { eventId, at } = eventMessages[kind].example
  return {
    name: kind.toLowerCase(),
    headers: {
      [eventHeaders.eventId]: eventId,
      [eventHeaders.id]: eventId,
      [eventHeaders.type]: orderEvents[kind].ceType,
      [eventHeaders.source]: ceSource,
      [eventHeaders.specVersion]: commonValues.specVersion,
      [eventHeaders.time]: at.toISOString(),
      [eventHeaders.contentType]: commonValues.contentType,
      [eventHeaders.traceparent]: traceparent,
    },
    payload: JSON.parse(
      encoders[kind]({ order: eventOrder(order), occurredAt: at, ending: kind === 'CANCELLED' ? ending : null }),
    ) as object,
  }
}

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
  headers: { [redrivenFrom]: 'trade.executed.v1-3-42' },
  payload: { ...trade, sellOrderId: null, price: '150.50', quantity: '20.00000001' },
}

export const legExample = {
  name: 'oneLeg',
  payload: { tradeId: 'T-1002', orderId, ticker: 'AAPL', price: 150.5, quantity: 20, timestamp: 1767323046.001234 },
}

export const deadLetterExample = {
  name: 'unknownOrder',
  headers: {
    [letterHeaders.id]: 'trade.executed.v1-3-42',
    [letterHeaders.disposition]: 'UNKNOWN_ORDER',
    [letterHeaders.reason]: 'no such order here',
    [letterHeaders.legs]: `BUY:${orderId}`,
    [letterHeaders.topic]: 'trade.executed.v1',
    [letterHeaders.partition]: '3',
    [letterHeaders.offset]: '42',
    [letterHeaders.leftOut]: '',
  },
  payload: trade,
}

const report = {
  reportId: 'R-2001',
  orderId,
  ticker: 'AAPL',
  kind: 'CANCELED',
  reason: 'no liquidity',
  cumulativeQuantity: 20,
  timestamp: '2026-01-02T03:04:06.001234Z',
}

export const reportExample = { name: 'canceledAfterFills', payload: report }

export const bareReportExample = {
  name: 'rejected',
  summary: 'Nothing was filled; no reason and no quantity.',
  payload: { reportId: 'R-2002', orderId, ticker: 'AAPL', kind: 'REJECTED', timestamp: 1767323046.001234 },
}

export const reportLetterExample = {
  name: 'unknownOrder',
  headers: {
    [letterHeaders.id]: 'order.report.v1-3-17',
    [letterHeaders.disposition]: 'UNKNOWN_ORDER',
    [letterHeaders.reason]: 'no such order here',
    [letterHeaders.legs]: `ORDER:${orderId}`,
    [letterHeaders.topic]: 'order.report.v1',
    [letterHeaders.partition]: '3',
    [letterHeaders.offset]: '17',
    [letterHeaders.leftOut]: '',
  },
  payload: report,
}
