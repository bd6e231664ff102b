// A trade as the matching engine reports it, in canonical form: lower-case ids, upper-case ticker, exact amounts.

import type { Amount } from './decimal.ts'
import type { Leg } from './leg.ts'
import type { Side } from './terms.ts'

/** One side of a trade. `side` is null in the single-leg form; `orderId` is canonical if it is a UUID, else as received. */
export type TradeSide = { side: Side | null; orderId: string }

export type Trade = {
  tradeId: string
  ticker: string
  quantity: Amount
  price: Amount
  /** ISO-8601 UTC, cut to microseconds. */
  tradedAt: string
  /** One or two. */
  sides: readonly TradeSide[]
}

/** The leg of a trade that concerns one of its orders. */
export const legOf = (trade: Trade, { side, orderId }: TradeSide): Leg => ({
  tradeId: trade.tradeId,
  orderId,
  side,
  ticker: trade.ticker,
  quantity: trade.quantity,
  price: trade.price,
  sharesOrder: trade.sides.filter((other) => other.orderId === orderId).length > 1,
})
