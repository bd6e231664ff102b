// Derives the disposition of every leg on the trade topic from the topic in partition order and from the terms of the orders,
// never from the service's own account. Which fills of an order that ended are late is the log's to say (trades.ts); here all of them count
// as late.

import { decodeTrade, isUuid, type Leg, type Trade } from './decode.ts'
import type { Content, Evidence, OrderRow, TradeRecord } from './evidence.ts'

export type Disposition =
  | 'MALFORMED'
  | 'UNKNOWN_ORDER'
  | 'MISMATCH'
  | 'DUPLICATE'
  | 'CONFLICT'
  | 'OVERFILL'
  | 'LATE'
  | 'APPLIED'

export type ExpectedFill = Content & { orderId: string; tradeId: string; at: TradeRecord }
/** `at`: if several messages have the same mismatch, any of them may be the one in the table; for other legs it is the first. */
type ExpectedException = Omit<ExpectedFill, 'at'> & { disposition: Disposition; at: TradeRecord[] }
/** `legs`: the order ids that are unknown; empty where the message could not be decoded. */
export type ExpectedLetter = { at: TradeRecord; disposition: Disposition; legs: readonly string[] }

export type Expected = {
  /** By order id; the fills in the order in which they must be applied. */
  fills: Map<string, ExpectedFill[]>
  /** By their identity: order, trade and content. */
  exceptions: Map<string, ExpectedException>
  letters: ExpectedLetter[]
  counts: Record<Disposition, number>
}

/** The state of one order while its legs are folded. */
type Folding = { order: OrderRow; filled: bigint; ledger: Map<string, Content>; exceptions: Map<string, Content[]> }

/** Identifies a fill: its order, trade and content. */
export const fillKey = (row: Content & { orderId: string; tradeId: string }): string =>
  `${row.orderId} ${row.tradeId} ${row.side} ${row.ticker} ${row.quantity} ${row.price}`

const same = (a: Content, b: Content): boolean =>
  a.side === b.side && a.ticker === b.ticker && a.quantity === b.quantity && a.price === b.price

const judge = (
  { order, filled, ledger, exceptions }: Folding,
  trade: Trade,
  leg: Leg,
  content: Content,
): Disposition => {
  const namesItTwice = trade.legs.filter(({ orderId }) => orderId === leg.orderId).length > 1
  // Nothing of it was filled before the engine rejected it, so every leg came behind that.
  if (order.status === 'REJECTED' || namesItTwice || content.ticker !== order.ticker || content.side !== order.side)
    return 'MISMATCH'
  const applied = ledger.get(trade.tradeId)
  const earlier = [...(applied === undefined ? [] : [applied]), ...(exceptions.get(trade.tradeId) ?? [])]
  if (earlier.some((other) => same(other, content))) return 'DUPLICATE'
  if (applied !== undefined) return 'CONFLICT'
  if (filled + content.quantity > order.quantity) return 'OVERFILL'
  return order.status === 'CANCELED' || order.status === 'EXPIRED' ? 'LATE' : 'APPLIED'
}

const fold = (folding: Folding, expected: Expected, trade: Trade, leg: Leg, at: TradeRecord): Disposition => {
  const { ticker, quantity, price, tradeId } = trade
  const content = { side: leg.side ?? folding.order.side, ticker, quantity, price }
  const row = { ...content, orderId: leg.orderId, tradeId, at }
  const disposition = judge(folding, trade, leg, content)
  if (disposition === 'APPLIED' || disposition === 'LATE') {
    folding.filled += quantity
    folding.ledger.set(tradeId, content)
    expected.fills.set(leg.orderId, [...(expected.fills.get(leg.orderId) ?? []), row])
  } else if (disposition !== 'DUPLICATE') {
    const name = fillKey(row)
    const earlier = expected.exceptions.get(name)
    // A mismatch that comes again is a mismatch again, and kept once.
    if (earlier === undefined) expected.exceptions.set(name, { ...row, disposition, at: [at] })
    else earlier.at.push(at)
    folding.exceptions.set(tradeId, [...(folding.exceptions.get(tradeId) ?? []), content])
  }
  return disposition
}

/** Folds one partition after the other: legs that an order can take carry its ticker, so they share a partition. */
export const expectDispositions = ({ orders, trades }: Pick<Evidence, 'orders' | 'trades'>): Expected => {
  const foldings = new Map<string, Folding>()
  for (const order of orders) foldings.set(order.id, { order, filled: 0n, ledger: new Map(), exceptions: new Map() })
  const counts = {
    MALFORMED: 0,
    UNKNOWN_ORDER: 0,
    MISMATCH: 0,
    DUPLICATE: 0,
    CONFLICT: 0,
    OVERFILL: 0,
    LATE: 0,
    APPLIED: 0,
  }
  const expected: Expected = { fills: new Map(), exceptions: new Map(), letters: [], counts }
  for (const at of trades.toSorted((a, b) => a.partition - b.partition || a.offset - b.offset)) {
    const trade = decodeTrade(at.bytes)
    if (trade === null) {
      counts.MALFORMED++
      expected.letters.push({ at, disposition: 'MALFORMED', legs: [] })
      continue
    }
    const unknown: string[] = []
    for (const leg of trade.legs) {
      const folding = isUuid(leg.orderId) ? foldings.get(leg.orderId) : undefined
      if (folding === undefined) unknown.push(leg.orderId)
      counts[folding === undefined ? 'UNKNOWN_ORDER' : fold(folding, expected, trade, leg, at)]++
    }
    if (unknown.length > 0) expected.letters.push({ at, disposition: 'UNKNOWN_ORDER', legs: unknown })
  }
  return expected
}
