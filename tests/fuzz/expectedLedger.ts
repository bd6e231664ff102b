// Part of the independent oracle: it folds every leg in the order of the partition, by the contract's table alone, into the
// ledger, the exceptions, the dead letters, and the state of each order.

import { uuidShape } from './expectedOrder.ts'
import { expectTrade, type Decoded, type Leg, type Side, type Trade } from './expectedTrade.ts'

/** An order before the first trade. `quantity` in units of 10^-8. */
export type KnownOrder = { id: string; ticker: string; side: Side; quantity: bigint; canceled: boolean }

type Content = { side: Side; ticker: string; quantity: string; price: string }
export type LedgerRow = Content & { orderId: string; tradeId: string; tradedAt: string; late: boolean; at: string }
export type ExceptionRow = Content & {
  orderId: string
  tradeId: string
  tradedAt: string
  disposition: string
  at: string
}
type Letter = { dispositions: string[]; at: string }

export type Expectation = {
  /** Key: `order trade`. */
  ledger: Map<string, LedgerRow>
  /** Key: `order trade content`. */
  exceptions: Map<string, ExceptionRow>
  /** Key: the place of the message. */
  letters: Map<string, Letter>
  filled: Map<string, bigint>
  dispositions: Record<string, number>
}

const scaled = (amount: string): bigint => {
  const [whole = '', fraction = ''] = amount.split('.')
  return BigInt(whole + fraction.padEnd(8, '0'))
}

const contentOf = ({ side, ticker, quantity, price }: Content): string => `${side} ${ticker} ${quantity} ${price}`

export const createExpectation = (orders: ReadonlyMap<string, KnownOrder>) => {
  const expected: Expectation = {
    ledger: new Map(),
    exceptions: new Map(),
    letters: new Map(),
    filled: new Map(),
    dispositions: {},
  }
  const { ledger, exceptions, letters, filled, dispositions } = expected

  const judge = (trade: Trade, leg: Leg, at: string): string => {
    const order = uuidShape.test(leg.orderId) ? orders.get(leg.orderId) : undefined
    if (order === undefined) return 'UNKNOWN_ORDER'
    const { tradeId, ticker, quantity, price, tradedAt } = trade
    const content: Content = { side: leg.side ?? order.side, ticker, quantity, price }
    const key = `${order.id} ${tradeId}`
    const row = { ...content, orderId: order.id, tradeId, tradedAt, at }
    const keep = (disposition: string): string => {
      const own = `${key} ${contentOf(content)}`
      if (!exceptions.has(own)) exceptions.set(own, { ...row, disposition })
      return disposition
    }
    const both = trade.legs.filter((other) => other.orderId === leg.orderId).length > 1
    if (both || ticker !== order.ticker || content.side !== order.side) return keep('MISMATCH')
    const first = ledger.get(key)
    const same = first !== undefined && contentOf(first) === contentOf(content)
    if (same || exceptions.has(`${key} ${contentOf(content)}`)) return 'DUPLICATE'
    if (first !== undefined) return keep('CONFLICT')
    const after = (filled.get(order.id) ?? 0n) + scaled(quantity)
    if (after > order.quantity) return keep('OVERFILL')
    filled.set(order.id, after)
    ledger.set(key, { ...row, late: order.canceled })
    return order.canceled ? 'LATE' : 'APPLIED'
  }

  const judgeAll = (decoded: Decoded, at: string): string[] => {
    if (decoded === 'MALFORMED') return ['MALFORMED']
    // The generator puts no order of ours into these: they are dead letters either way.
    if (decoded === 'UNCLEAR') return ['MALFORMED', 'UNKNOWN_ORDER']
    return decoded.legs.map((leg) => judge(decoded, leg, at))
  }

  return {
    expected,
    /** The next message of a partition; `at`: its place, `partition-offset`. */
    take: (value: Uint8Array | null, at: string): void => {
      const found = judgeAll(expectTrade(value), at)
      for (const disposition of found) dispositions[disposition] = (dispositions[disposition] ?? 0) + 1
      const dead = found.filter((disposition) => disposition === 'MALFORMED' || disposition === 'UNKNOWN_ORDER')
      if (dead.length > 0) letters.set(at, { dispositions: dead, at })
    },
  }
}
