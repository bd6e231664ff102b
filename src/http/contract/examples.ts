// The examples of the published document. The functions that write the answers write the examples too. Tests send the requests and
// look for each problem among real answers.

import { wholeAmount } from '../../domain/decimal.ts'
import { unsupportedBy } from '../../domain/engine.ts'
import type { HistoryEvent } from '../../domain/history.ts'
import { applyFill, acceptOrder, refuseOrder, type Order } from '../../domain/order.ts'
import { completeTerms } from '../../domain/terms.ts'
import type { TradeException } from '../../store/exceptions.ts'
import type { Fill } from '../../store/fillPage.ts'
import type { StoredReportException } from '../../store/reportExceptions.ts'
import type { PlaceOrder } from '../orders/decode.ts'

const orderId = '019b7d0a-51ae-7000-8000-0d7a0a6a7c11'
const exceptionId = '019b7d0b-2f10-7000-8000-3b1f5f0c9a22'
const userId = 'b0b00000-0000-4000-8000-000000000002'
const acceptedAt = new Date('2026-01-02T03:04:05.678Z')
const filledAt = new Date('2026-01-02T03:04:06.012Z')
const [half, price] = [wholeAmount(20), wholeAmount(301) / 2n]

const limitOrder: PlaceOrder = {
  userId,
  ticker: 'AAPL',
  side: 'BUY',
  type: 'LIMIT',
  timeInForce: 'GTC',
  quantity: 40,
  price: 150.5,
}

export const requests: Readonly<Record<string, { summary: string; value: PlaceOrder }>> = {
  limit: { summary: 'A limit order', value: limitOrder },
  exact: {
    summary: 'Amounts that no double carries, as strings, with a key',
    value: {
      ...limitOrder,
      quantity: '123456789012.12345678',
      price: '0.00000001',
      clientOrderId: 'my-first-buy',
    },
  },
  market: {
    summary: 'A market order has no price',
    value: { userId, ticker: 'AAPL', side: 'SELL', type: 'MARKET', timeInForce: 'IOC', quantity: 10 },
  },
  stop: {
    summary: 'A stop waits until its ticker trades at 140 or below',
    value: { userId, ticker: 'AAPL', side: 'SELL', type: 'STOP', timeInForce: 'DAY', quantity: 40, stopPrice: 140 },
  },
  iceberg: {
    summary: 'An iceberg shows the book 100 at a time, where ENGINE_FEATURES has display',
    value: { ...limitOrder, quantity: 1000, displayQuantity: 100 },
  },
  gtd: {
    summary: 'A limit order until a certain instant',
    value: { ...limitOrder, timeInForce: 'GTD', expiresAt: '2026-01-31T21:00:00Z' },
  },
}

const acceptedTerms = completeTerms({
  userId,
  ticker: 'AAPL',
  side: 'BUY',
  type: 'LIMIT',
  timeInForce: 'GTC',
  quantity: half * 2n,
  price,
})
const icebergTerms = { ...acceptedTerms, quantity: wholeAmount(1000), displayQuantity: wholeAmount(100) }

export const acceptedOrder: Order = acceptOrder(acceptedTerms, { id: orderId, now: acceptedAt })

export const partlyFilledOrder = applyFill(acceptedOrder, { quantity: half, price, now: filledAt })
const canceled = { status: 'CANCELED', reason: { code: 'USER_CANCELED', text: null }, updatedAt: filledAt } as const
export const canceledOrder: Order = { ...acceptedOrder, ...canceled, version: 1 }
export const canceledRemainder: Order = { ...partlyFilledOrder, ...canceled, version: 2 }

export const acceptedEvent: HistoryEvent = {
  kind: 'ACCEPTED',
  at: acceptedAt,
  order: acceptedOrder,
  fill: null,
  reason: null,
  cause: { kind: 'request', requestId: '019b7d0a-51a0-7000-8000-1c2d3e4f5a6b' },
}
/** The answer to the iceberg where the engine knows none. */
export const rejectedOrder: Order = refuseOrder(
  acceptOrder(icebergTerms, { id: orderId, now: acceptedAt }),
  unsupportedBy(new Set(), icebergTerms)!,
)

export const voidRequest = { userId, clientOrderId: 'my-second-buy' }

/** Opaque: real ones are longer. */
export const exampleCursor = 'AQd2YJ1sW9kPMA'

export const fill: Fill = {
  tradeId: 'T-1001',
  side: 'BUY',
  ticker: 'AAPL',
  quantity: half,
  price,
  tradedAt: '2026-01-02T03:04:06.001234Z',
  appliedAt: filledAt.toISOString(),
  late: false,
  orderVersion: 1,
}

export const history: readonly HistoryEvent[] = [
  {
    kind: 'ACCEPTED',
    at: acceptedAt,
    order: acceptedOrder,
    fill: null,
    reason: null,
    cause: { kind: 'request', requestId: '019b7d0a-51ad-7000-8000-2f8e0c6f4d10' },
  },
  {
    kind: 'FILLED',
    at: filledAt,
    order: partlyFilledOrder,
    fill: { tradeId: fill.tradeId, side: fill.side, quantity: fill.quantity, price: fill.price, late: fill.late },
    reason: null,
    cause: { kind: 'trade', partition: 3, offset: '41' },
  },
]

export const exception: TradeException = {
  id: exceptionId,
  disposition: 'OVERFILL',
  reason: 'the fill would pass the quantity of the order',
  orderId,
  tradeId: 'T-1002',
  side: 'BUY',
  ticker: 'AAPL',
  tradedAt: '2026-01-02T03:04:07.001Z',
  recordedAt: '2026-01-02T03:04:07.012Z',
  quantity: wholeAmount(100),
  price,
  topic: 'trade.executed.v1',
  partition: 3,
  offset: 42,
  key: Buffer.from('AAPL'),
  message: `{"tradeId":"T-1002","buyOrderId":"${orderId}","sellOrderId":null,"ticker":"AAPL","price":150.5,"quantity":100,"timestamp":"2026-01-02T03:04:07.001Z"}`,
  resolution: null,
}

export const reportException: StoredReportException = {
  id: '019b7d0b-6a21-7000-8000-5d2e7f1c8b33',
  disposition: 'INCOMPLETE',
  reason: 'fills that the report counts have not come',
  orderId,
  reportId: 'R-2001',
  kind: 'CANCELED',
  ticker: 'AAPL',
  reportReason: 'no liquidity',
  cumulativeQuantity: half,
  reportedAt: '2026-01-02T03:04:08.001Z',
  recordedAt: '2026-01-02T03:04:38.012Z',
  topic: 'order.report.v1',
  partition: 3,
  offset: 17,
  key: Buffer.from('AAPL'),
  message: `{"reportId":"R-2001","orderId":"${orderId}","ticker":"AAPL","kind":"CANCELED","reason":"no liquidity","cumulativeQuantity":20,"timestamp":"2026-01-02T03:04:08.001Z"}`,
  resolution: null,
}

/** The timestamp of the problems among the examples. */
export const answeredAt = filledAt
const pathParameters: Readonly<Record<string, string>> = { id: orderId, asset: 'other.js' }
/** The path of the call that an example answers. */
export const examplePath = (template: string): string =>
  template.replace(/\{(\w+)\}/g, (_, name: string) => pathParameters[name]!)

export const resolution = { resolvedBy: 'ops@desk', note: 'the engine replayed an old log' }
export const resolvedException: TradeException = {
  ...exception,
  resolution: { ...resolution, resolvedAt: '2026-01-02T09:00:00.000Z' },
}
export const resolvedReportException: StoredReportException = {
  ...reportException,
  resolution: resolvedException.resolution,
}
