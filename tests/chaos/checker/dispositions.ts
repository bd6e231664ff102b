// Derives the disposition of every leg on the trade topic from the topic in partition order and from the terms of the orders,
// never from the service's own account. Which fills of an order that ended are late is the log's to say (trades.ts); here all of them count
// as late. When exactly an order was triggered or rejected between two legs is not to be seen from the topic: there, and only there, what
// the service kept decides between the two dispositions that are lawful.

import { decodeTrade, isUuid, type Leg, type Trade } from './decode.ts'
import type { Content, Evidence, OrderRow, TradeRecord } from './evidence.ts'
import type { History } from './history.ts'
import { readPublishedAt } from './published.ts'

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
type Folding = {
  order: OrderRow
  trigger: { partition: unknown; offset: unknown } | null
  publishedAt: number
  filled: bigint
  ledger: Map<string, Content>
  exceptions: Map<string, Content[]>
}
/** The dispositions that the service kept, by fillKey. */
type Kept = ReadonlyMap<string, string>

/** Identifies a fill: its order, trade and content. */
export const fillKey = (row: Content & { orderId: string; tradeId: string }): string =>
  `${row.orderId} ${row.tradeId} ${row.side} ${row.ticker} ${row.quantity} ${row.price}`

export const sameContent = (a: Content, b: Content): boolean =>
  a.side === b.side && a.ticker === b.ticker && a.quantity === b.quantity && a.price === b.price

/** A stop that waits is unknown to the engine. The trades behind its trigger in the same batch met it waiting; later ones did not. */
const meetsWaitingStop = (
  { order, trigger, publishedAt }: Folding,
  { partition, offset, appendedAt }: TradeRecord,
  kept: string | undefined,
): boolean => {
  if (order.stopPrice === null) return false
  if (trigger === null) return true
  if (partition === trigger.partition && offset <= Number(trigger.offset)) return true
  return appendedAt <= publishedAt && kept === 'MISMATCH'
}

/** Nothing of it was filled before the engine rejected it: whatever it could have taken came behind that. */
const meetsRejected = ({ order }: Folding, { quantity }: Content, kept: string | undefined): boolean =>
  order.status === 'REJECTED' && (quantity <= order.quantity || kept !== 'OVERFILL')

type Judged = { trade: Trade; leg: Leg; content: Content; at: TradeRecord; kept: string | undefined }

const judge = (folding: Folding, { trade, leg, content, at, kept }: Judged): Disposition => {
  const { order, filled, ledger, exceptions } = folding
  const namesItTwice = trade.legs.filter(({ orderId }) => orderId === leg.orderId).length > 1
  if (namesItTwice || content.ticker !== order.ticker || content.side !== order.side) return 'MISMATCH'
  if (meetsWaitingStop(folding, at, kept) || meetsRejected(folding, content, kept)) return 'MISMATCH'
  const applied = ledger.get(trade.tradeId)
  const earlier = [...(applied === undefined ? [] : [applied]), ...(exceptions.get(trade.tradeId) ?? [])]
  if (earlier.some((other) => sameContent(other, content))) return 'DUPLICATE'
  if (applied !== undefined) return 'CONFLICT'
  if (filled + content.quantity > order.quantity) return 'OVERFILL'
  return order.status === 'CANCELED' || order.status === 'EXPIRED' ? 'LATE' : 'APPLIED'
}

type Step = { trade: Trade; leg: Leg; at: TradeRecord; kept: Kept }

const fold = (folding: Folding, expected: Expected, { trade, leg, at, kept }: Step): Disposition => {
  const { ticker, quantity, price, tradeId } = trade
  const content = { side: leg.side ?? folding.order.side, ticker, quantity, price }
  const row = { ...content, orderId: leg.orderId, tradeId, at }
  const disposition = judge(folding, { trade, leg, content, at, kept: kept.get(fillKey(row)) })
  if (disposition === 'APPLIED' || disposition === 'LATE') {
    folding.filled += quantity
    folding.ledger.set(tradeId, content)
    const earlier = expected.fills.get(leg.orderId)
    if (earlier === undefined) expected.fills.set(leg.orderId, [row])
    else earlier.push(row)
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

const startFoldings = (evidence: Evidence, histories: ReadonlyMap<string, History>): Map<string, Folding> => {
  const publishedAt = readPublishedAt(evidence)
  const foldings = [...histories.values()].map(({ order, entries }): [string, Folding] => {
    const cause = entries.find(({ kind }) => kind === 'TRIGGERED')?.cause
    const trigger = cause === undefined ? null : { partition: cause['partition'], offset: cause['offset'] }
    const at = publishedAt.get(order.id) ?? Infinity
    return [order.id, { order, trigger, publishedAt: at, filled: 0n, ledger: new Map(), exceptions: new Map() }]
  })
  return new Map(foldings)
}

/** Folds one partition after the other: legs that an order can take carry its ticker, so they share a partition. */
export const expectDispositions = (evidence: Evidence, histories: ReadonlyMap<string, History>): Expected => {
  const { trades, exceptions } = evidence
  const foldings = startFoldings(evidence, histories)
  const kept: Kept = new Map(exceptions.map((row) => [fillKey(row), row.disposition]))
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
      counts[folding === undefined ? 'UNKNOWN_ORDER' : fold(folding, expected, { trade, leg, at, kept })]++
    }
    if (unknown.length > 0) expected.letters.push({ at, disposition: 'UNKNOWN_ORDER', legs: unknown })
  }
  return expected
}
