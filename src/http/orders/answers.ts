// The answers about orders and fills: their schemas, and the functions that write them. A template writes an order, because every call
// pays for it; tests check its output against the schema.

import { Type, type Static } from '@sinclair/typebox'
import { formatAmount } from '../../domain/decimal.ts'
import { averageFillPrice, remainingQuantity, statuses, type Order as DomainOrder } from '../../domain/order.ts'
import { terms } from '../../domain/terms.ts'
import type { Fill as StoredFill } from '../../store/fillPage.ts'
import { exactAmount } from '../../wire/exactAmount.ts'
import { AmountOrNull, ExactAmount, Instant, oneOf, Side, Ticker, TradeId, Uuid } from '../../wire/shapes.ts'
import { amountOrNull, membersWriter, termProperties } from '../../wire/terms.ts'
import { NextCursor } from '../exchange/cursor.ts'

export const Status = oneOf(statuses, {
  component: 'Status',
  title: 'Status',
  description:
    'An order begins as NEW. FILLED, CANCELED, REJECTED and EXPIRED are final: a status never leaves a final state.',
})

export const Order = Type.Object(
  {
    id: Uuid,
    ...termProperties,
    status: Status,
    filledQuantity: ExactAmount,
    remainingQuantity: ExactAmount,
    lastFillPrice: AmountOrNull,
    averageFillPrice: AmountOrNull,
    createdAt: Instant,
    updatedAt: Instant,
    version: Type.Integer({ minimum: 0, description: 'Events applied since the order was accepted.' }),
  },
  {
    component: 'Order',
    description:
      'The one shape of an order. `remainingQuantity` is 0 once the status is final. ' +
      '`averageFillPrice` is the exact notional ÷ filled quantity, half-even to 8 places.',
  },
)

export const Fill = Type.Object(
  {
    tradeId: TradeId,
    side: Side,
    ticker: Ticker,
    quantity: ExactAmount,
    price: ExactAmount,
    tradedAt: Instant,
    appliedAt: Instant,
    late: Type.Boolean({ description: 'It came after the order was CANCELED or EXPIRED.' }),
  },
  { component: 'Fill', description: 'What one trade filled of an order.' },
)

export const OrderPage = Type.Object({ orders: Type.Array(Order), nextCursor: NextCursor })
export const FillPage = Type.Object({ fills: Type.Array(Fill), nextCursor: NextCursor })

const termMembers = membersWriter(terms)

/** An order as JSON; all routes use this one shape. Ids and enumerated members need no escape. */
export const orderJson = (order: DomainOrder): string =>
  `{"id":"${order.id}"${termMembers(order)},"status":"${order.status}","filledQuantity":${formatAmount(order.filledQuantity)},` +
  `"remainingQuantity":${formatAmount(remainingQuantity(order))},"lastFillPrice":${amountOrNull(order.lastFillPrice)},` +
  `"averageFillPrice":${amountOrNull(averageFillPrice(order))},"createdAt":"${order.createdAt.toISOString()}",` +
  `"updatedAt":"${order.updatedAt.toISOString()}","version":${order.version}}`

/** `nextCursor`: null on the last page. */
export const orderPageJson = (orders: readonly DomainOrder[], nextCursor: string | null): string =>
  `{"orders":[${orders.map(orderJson).join(',')}],"nextCursor":${JSON.stringify(nextCursor)}}`

/** A fill as an object for JSON.stringify. */
export const fillAnswer = (fill: StoredFill): Static<typeof Fill> => ({
  tradeId: fill.tradeId,
  side: fill.side,
  ticker: fill.ticker,
  quantity: exactAmount(fill.quantity),
  price: exactAmount(fill.price),
  tradedAt: fill.tradedAt,
  appliedAt: fill.appliedAt,
  late: fill.late,
})

/** `nextCursor`: null on the last page. */
export const fillPageJson = (fills: readonly StoredFill[], nextCursor: string | null): string =>
  JSON.stringify({ fills: fills.map(fillAnswer), nextCursor } satisfies Static<typeof FillPage>)
