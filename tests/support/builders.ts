// Orders, placements and trades with sensible defaults: a test says only what it is about.

import { everybody, type Call } from '../../src/app/caller.ts'
import type { ReceivedTrade } from '../../src/app/fill.ts'
import { preparePlacement, type Placement } from '../../src/app/place.ts'
import { parsePlainAmount, type Amount } from '../../src/domain/decimal.ts'
import { acceptOrder, type Order } from '../../src/domain/order.ts'
import type { Report } from '../../src/domain/report.ts'
import type { OrderTerms } from '../../src/domain/terms.ts'
import type { TradeSide } from '../../src/domain/trade.ts'
import type { Move } from '../../src/store/moves.ts'
import type { NewEvent, Origin } from '../../src/store/orders.ts'
import type { ReceivedReport } from '../../src/store/reports.ts'

/** `amount('150.5')` is `15050000000n`. */
export const amount = (text: string): Amount => {
  const parsed = parsePlainAmount(text)
  if (!parsed.ok) throw new Error(`no amount: ${text} (${parsed.fault})`)
  return parsed.amount
}

export const newId = (at: Date = new Date()): string => Bun.randomUUIDv7('hex', at.getTime())

/** A call of somebody who may do everything. */
export const aCall = (changes: Partial<Call> = {}): Call => ({
  caller: everybody,
  requestId: 'test',
  traceparent: null,
  ...changes,
})

/** Buy 100 AAPL, limit 150.5, good till canceled, for a user nobody else is. */
export const someTerms = (changes: Partial<OrderTerms> = {}): OrderTerms => ({
  userId: crypto.randomUUID(),
  clientOrderId: null,
  ticker: 'AAPL',
  side: 'BUY',
  type: 'LIMIT',
  timeInForce: 'GTC',
  quantity: amount('100'),
  price: amount('150.5'),
  stopPrice: null,
  displayQuantity: null,
  postOnly: null,
  expiresAt: null,
  ...changes,
})

/** An order that was accepted just now, unless the arguments set `id` and `now`. Its terms may be unlawful, to see the database refuse it. */
export const anOrder = ({
  id,
  now = new Date(),
  ...terms
}: Partial<OrderTerms> & { id?: string; now?: Date } = {}): Order => ({
  ...acceptOrder(someTerms(), { id: id ?? newId(now), now }),
  ...terms,
})

export const anEvent = (): NewEvent => ({ eventId: newId(), traceparent: null })

/** Why and by what an order is moved, where a test does not care. */
export const byRequest = {
  reason: { code: 'USER_CANCELED', text: null },
  cause: { kind: 'request', requestId: 'a-request' },
} as const

/** Where an order came from, where a test does not care. */
const anOrigin: Origin = { requestId: 'a-request', subject: null }

/** A cancel of the order with this id, with its event. */
export const aCancel = (orderId: string, event = anEvent()): Move => ({
  orderId,
  event: 'cancel',
  ...byRequest,
  outbox: { kind: 'CANCELLED', ...event },
})

export const aPlacement = (changes: Parameters<typeof anOrder>[0] = {}): Placement => ({
  order: anOrder(changes),
  origin: anOrigin,
  event: anEvent(),
})

/** A stop that waits: SELL 100 AAPL at the market once it trades at 100 or below. */
export const aStop = (changes: Parameters<typeof anOrder>[0] = {}): Placement =>
  aPlacement({ side: 'SELL', type: 'STOP', price: null, stopPrice: amount('100'), ...changes })

/** A placement as a request prepares it. */
export const aPlacementOf = (terms: OrderTerms): Placement =>
  preparePlacement(
    terms,
    { caller: null, requestId: 'a-request', traceparent: null },
    { now: () => new Date(), newId, expiresAt: () => null },
  )

let offsets = 0n

export type TradeChanges = {
  tradeId?: string
  ticker?: string
  /** Plain decimals. */
  quantity?: string
  price?: string
  tradedAt?: string
  /** The orders it names; the single-leg form with `order`. */
  buy?: string
  sell?: string
  order?: string
  partition?: number
  offset?: bigint
}

/** A trade of 10 AAPL at 150, read from the next offset of partition 0. */
export const aTrade = ({
  tradeId = `t-${crypto.randomUUID()}`,
  ticker = 'AAPL',
  quantity = '10',
  price = '150',
  tradedAt = '2026-01-02T03:04:05.678901Z',
  buy,
  sell,
  order,
  partition = 0,
  offset = ++offsets,
}: TradeChanges = {}): ReceivedTrade => {
  const sides: TradeSide[] = []
  if (buy !== undefined) sides.push({ side: 'BUY', orderId: buy })
  if (sell !== undefined) sides.push({ side: 'SELL', orderId: sell })
  if (order !== undefined) sides.push({ side: null, orderId: order })
  return {
    trade: { tradeId, ticker, quantity: amount(quantity), price: amount(price), tradedAt, sides },
    source: { topic: 'trade.executed.v1', partition, offset },
    key: Buffer.from(ticker),
    message: Buffer.from(JSON.stringify({ tradeId, buy, sell, order, ticker, price, quantity })),
  }
}

export type ReportChanges = Partial<Omit<Report, 'cumulativeQuantity'>> & {
  /** A plain decimal, `0` too; absent: the engine leaves it out. */
  cumulative?: string
  partition?: number
  offset?: bigint
}

/** A report that the engine canceled an order of AAPL, read from the next offset of partition 0. */
export const aReport = ({
  cumulative,
  partition = 0,
  offset = ++offsets,
  ...changes
}: ReportChanges): ReceivedReport => {
  const report: Report = {
    reportId: `r-${crypto.randomUUID()}`,
    orderId: newId(),
    ticker: 'AAPL',
    kind: 'CANCELED',
    reason: 'no liquidity',
    reportedAt: '2026-01-02T03:04:05.678901Z',
    cumulativeQuantity: cumulative === undefined ? null : cumulative === '0' ? 0n : amount(cumulative),
    ...changes,
  }
  const { orderId, reportId, ticker, kind } = report
  return {
    report,
    source: { topic: 'order.report.v1', partition, offset },
    key: Buffer.from(ticker),
    message: Buffer.from(JSON.stringify({ orderId, reportId, ticker, kind, cumulative })),
  }
}
