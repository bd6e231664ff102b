// The answers about orders, fills and events: their schemas, and the functions that write them. The order itself is in wire/order.ts, the
// event in wire/event.ts.

import { Type, type Static } from '@sinclair/typebox'
import type { HistoryEvent } from '../../domain/history.ts'
import type { Order as DomainOrder } from '../../domain/order.ts'
import type { Fill as StoredFill } from '../../store/fillPage.ts'
import { Event, eventJson } from '../../wire/event.ts'
import { exactAmount } from '../../wire/exactAmount.ts'
import { Order } from '../../wire/order.ts'
import { ExactAmount, Instant, Side, Ticker, TradeId } from '../../wire/shapes.ts'
import { NextCursor } from '../exchange/cursor.ts'
import type { WriteOrder } from './javaAnswers.ts'

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

export const Valid = Type.Object({ valid: Type.Literal(true) })
export const OrderPage = Type.Object({ orders: Type.Array(Order), nextCursor: NextCursor })
export const EventPage = Type.Object({ events: Type.Array(Event), nextCursor: NextCursor })
export const FillPage = Type.Object({ fills: Type.Array(Fill), nextCursor: NextCursor })

/** `nextCursor`: null on the last page. */
export const orderPageJson = (orders: readonly DomainOrder[], nextCursor: string | null, write: WriteOrder): string =>
  `{"orders":[${orders.map(write).join(',')}],"nextCursor":${JSON.stringify(nextCursor)}}`

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

/** `nextCursor`: null on the last page. */
export const eventPageJson = (events: readonly HistoryEvent[], nextCursor: string | null): string =>
  `{"events":[${events.map(eventJson).join(',')}],"nextCursor":${JSON.stringify(nextCursor)}}`
