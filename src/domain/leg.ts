// Judges one leg of one trade: every leg gets exactly one disposition. The guards stand in the order of the contract.

import type { Amount } from './decimal.ts'
import { applyFill, type JudgedOrder } from './order.ts'
import type { Side } from './terms.ts'

export const dispositions = [
  'MALFORMED',
  'UNKNOWN_ORDER',
  'MISMATCH',
  'DUPLICATE',
  'CONFLICT',
  'OVERFILL',
  'LATE',
  'APPLIED',
] as const
export type Disposition = (typeof dispositions)[number]

/** The dispositions of legs that an operator has to settle. */
export const exceptionDispositions = ['OVERFILL', 'CONFLICT', 'MISMATCH'] as const satisfies readonly Disposition[]
export type ExceptionDisposition = (typeof exceptionDispositions)[number]
/** The dispositions of legs whose message becomes a dead letter. */
export const letterDispositions = ['MALFORMED', 'UNKNOWN_ORDER'] as const satisfies readonly Disposition[]
export type LetterDisposition = (typeof letterDispositions)[number]

/** Two legs of one (order, trade) are the same if these values are equal. All values are canonical. */
export type LegContent = { side: Side; ticker: string; quantity: Amount; price: Amount }

/**
 * One side of a trade, as it concerns one order. `side` is null in the single-leg form: the leg then has the side of its order.
 * `sharesOrder`: the trade names this order on both sides.
 */
export type Leg = Omit<LegContent, 'side'> & {
  tradeId: string
  orderId: string
  side: Side | null
  sharesOrder: boolean
}

/** All that is stored for one (order, trade): the content of its ledger row, if there is one, and the contents of its exceptions. */
export type TradeRecord = { ledger: LegContent | null; exceptions: readonly LegContent[] }

/** `T`: as much of the order as was judged on. */
export type Judgement<T extends JudgedOrder = JudgedOrder> =
  | { disposition: 'UNKNOWN_ORDER' }
  | { disposition: 'DUPLICATE' }
  | { disposition: 'APPLIED' | 'LATE'; content: LegContent; order: T }
  | { disposition: ExceptionDisposition; content: LegContent; reason: string }

const sameContent = (a: LegContent, b: LegContent): boolean =>
  a.side === b.side && a.ticker === b.ticker && a.quantity === b.quantity && a.price === b.price

const mismatchReason = (order: JudgedOrder, leg: Leg): string | null => {
  if (leg.sharesOrder) return 'both legs name this order'
  if (leg.ticker !== order.ticker) return `the trade is of ${leg.ticker}, the order of ${order.ticker}`
  if (leg.side !== null && leg.side !== order.side) return `the leg is a ${leg.side}, the order a ${order.side}`
  if (order.status === 'REJECTED') return 'the order is REJECTED'
  if (order.stopPrice !== null && order.triggeredAt === null)
    return 'the order was not published: its stop price was not met'
  return null
}

/**
 * Judges a leg against its order (undefined: this service has no such order) and the record of its trade for this order. `APPLIED` and
 * `LATE` carry the order after the fill.
 */
export const judgeLeg = <T extends JudgedOrder>(
  order: T | undefined,
  leg: Leg,
  record: TradeRecord,
  now: Date,
): Judgement<T> => {
  if (order === undefined) return { disposition: 'UNKNOWN_ORDER' }
  const content = { side: leg.side ?? order.side, ticker: leg.ticker, quantity: leg.quantity, price: leg.price }

  const mismatch = mismatchReason(order, leg)
  if (mismatch !== null) return { disposition: 'MISMATCH', content, reason: mismatch }

  const contents = record.ledger === null ? record.exceptions : [record.ledger, ...record.exceptions]
  if (contents.some((other) => sameContent(other, content))) return { disposition: 'DUPLICATE' }
  if (record.ledger !== null)
    return { disposition: 'CONFLICT', content, reason: 'this trade was applied to this order with other content' }

  if (order.filledQuantity + leg.quantity > order.quantity)
    return { disposition: 'OVERFILL', content, reason: 'the fill would pass the quantity of the order' }

  const late = order.status === 'CANCELED' || order.status === 'EXPIRED'
  return {
    disposition: late ? 'LATE' : 'APPLIED',
    content,
    order: applyFill(order, { quantity: leg.quantity, price: leg.price, now }),
  }
}
