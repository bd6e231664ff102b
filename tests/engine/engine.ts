// The engine without Kafka: messages go in, trades and reports come out, and the same messages in the same order always
// give the same ones with the same ids. It promises that every order is placed once, however often its message comes; that
// a cancel counts even when it is read before its placement; that no order trades more than its quantity minus what is
// already on the trade topic; and that an order whose end was reported is over. It reports what it ended itself, never that
// it obeyed a cancel.

import { cancel, createBook, place, reduce } from './book.ts'
import type { Book } from './book.ts'
import { oldKind } from './features.ts'
import type { Features } from './features.ts'
import { decodeCancelled, decodePlaced, decodeReport, decodeTrade, tradeIdOf } from './messages.ts'
import type { Placed, Report, Trade } from './messages.ts'
import { addRecent, createRecent } from './recent.ts'
import type { Recent } from './recent.ts'

/** One message as it came. `timestamp` is the record's, in milliseconds. */
export type Incoming = {
  readonly eventId: string | null
  readonly value: Uint8Array | null
  readonly timestamp: number
}

type Counts = {
  placed: number
  cancelled: number
  trades: number
  repeated: number
  announced: number
  reports: number
  malformed: number
}

/** What one order's arrival brings: its trades in their order, then how it ended, where it did and is not filled. */
export type Result = { readonly trades: readonly Trade[]; readonly report: Report | null }

export type Engine = {
  readonly features: Features
  readonly books: Map<string, Book>
  readonly events: Recent
  /** Every order id ever placed, a few hundred bytes each: some millions fit, a reference engine needs no more. */
  readonly placed: Set<string>
  /** Orders that are not placed yet and are over: by a cancel, or by a report of before the restart. */
  readonly endedFirst: Set<string>
  /** Quantities that the trade topic has for orders that are not placed yet. */
  readonly executed: Map<string, bigint>
  readonly legs: Recent
  readonly counts: Counts
}

const EVENTS_MAX = 1_000_000
const LEGS_MAX = 4_000_000

const NOTHING: Result = { trades: [], report: null }

const ignore = (engine: Engine, why: 'malformed' | 'repeated'): Result => {
  engine.counts[why]++
  return NOTHING
}

export const createEngine = (features: Features = oldKind): Engine => {
  return {
    features,
    books: new Map(),
    events: createRecent(EVENTS_MAX),
    placed: new Set(),
    endedFirst: new Set(),
    executed: new Map(),
    legs: createRecent(LEGS_MAX),
    counts: { placed: 0, cancelled: 0, trades: 0, repeated: 0, announced: 0, reports: 0, malformed: 0 },
  }
}

const bookOf = (engine: Engine, ticker: string): Book => {
  const earlier = engine.books.get(ticker)
  if (earlier !== undefined) return earlier
  const book = createBook()
  engine.books.set(ticker, book)
  return book
}

const isRepeat = (engine: Engine, eventId: string | null): boolean =>
  eventId !== null && !addRecent(engine.events, eventId)

const settle = (engine: Engine, order: Placed, timestamp: number): Result => {
  const executedBefore = engine.executed.get(order.id) ?? 0n
  engine.executed.delete(order.id)
  if (engine.endedFirst.delete(order.id)) return NOTHING
  const { ticker } = order
  const { fills, executed, end } = place(bookOf(engine, ticker), { ...order, executed: executedBefore })
  const trades = fills.map((fill) => ({ ...fill, tradeId: tradeIdOf(fill), ticker, timestamp }))
  const isReported = end !== null && engine.features.has('reports')
  return { trades, report: isReported ? { orderId: order.id, ticker, end, executed, timestamp } : null }
}

/** A message of the placed topic. Throws at a word outside the contract. */
export const onPlaced = (engine: Engine, message: Incoming): Result => {
  const order = decodePlaced(message.value, engine.features)
  if (order === null) return ignore(engine, 'malformed')
  if (isRepeat(engine, message.eventId) || engine.placed.has(order.id)) return ignore(engine, 'repeated')
  engine.placed.add(order.id)
  const result = settle(engine, order, message.timestamp)
  engine.counts.placed++
  engine.counts.trades += result.trades.length
  if (result.report !== null) engine.counts.reports++
  return result
}

/** A message of the cancelled topic. */
export const onCancelled = (engine: Engine, message: Incoming): void => {
  const cancelled = decodeCancelled(message.value)
  if (cancelled === null) return void ignore(engine, 'malformed')
  if (isRepeat(engine, message.eventId)) return void ignore(engine, 'repeated')
  engine.counts.cancelled++
  if (engine.placed.has(cancelled.orderId)) cancel(bookOf(engine, cancelled.ticker), cancelled.orderId)
  else engine.endedFirst.add(cancelled.orderId)
}

/** A report that this engine wrote before the restart, read before the placements: that order is over. */
export const onOwnReport = (engine: Engine, message: Incoming): void => {
  const orderId = decodeReport(message.value)
  if (orderId === null) ignore(engine, 'malformed')
  else engine.endedFirst.add(orderId)
}

/**
 * A trade that this run did not make: before the restart, by hand, by a test. Each (order, trade) counts once, up to
 * what remains of the order: what is on the topic has happened, and trading less is the safe side.
 */
export const onTrade = (engine: Engine, message: Incoming): void => {
  const trade = decodeTrade(message.value)
  if (trade === null) return void ignore(engine, 'malformed')
  engine.counts.announced++
  for (const orderId of trade.orderIds) {
    if (!addRecent(engine.legs, `${orderId} ${trade.tradeId}`)) continue
    if (engine.placed.has(orderId)) reduce(bookOf(engine, trade.ticker), orderId, trade.quantity)
    else engine.executed.set(orderId, (engine.executed.get(orderId) ?? 0n) + trade.quantity)
  }
}

/** Orders that rest in any book. */
export const openOrders = (engine: Engine): number =>
  [...engine.books.values()].reduce((sum, book) => sum + book.open.size, 0)
