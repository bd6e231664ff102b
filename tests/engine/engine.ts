// The engine without Kafka: messages go in, trades come out, and the same messages in the same order always give the
// same trades with the same ids. It promises that every order is placed once, however often its message comes; that a
// cancel counts even when it is read before its placement; and that no order trades more than its quantity minus what
// is already on the trade topic.

import { cancel, createBook, place, reduce } from './book.ts'
import type { Book } from './book.ts'
import { decodeCancelled, decodePlaced, decodeTrade, tradeIdOf } from './messages.ts'
import type { Trade } from './messages.ts'
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
  malformed: number
}

export type Engine = {
  readonly books: Map<string, Book>
  readonly events: Recent
  /** Every order id ever placed, a few hundred bytes each: some millions fit, a reference engine needs no more. */
  readonly placed: Set<string>
  readonly cancelledFirst: Set<string>
  /** Quantities that the trade topic has for orders that are not placed yet. */
  readonly executed: Map<string, bigint>
  readonly legs: Recent
  readonly counts: Counts
}

const EVENTS_MAX = 1_000_000
const LEGS_MAX = 4_000_000

const malformed = (engine: Engine): [] => {
  engine.counts.malformed++
  return []
}

const repeated = (engine: Engine): [] => {
  engine.counts.repeated++
  return []
}

export const createEngine = (): Engine => {
  return {
    books: new Map(),
    events: createRecent(EVENTS_MAX),
    placed: new Set(),
    cancelledFirst: new Set(),
    executed: new Map(),
    legs: createRecent(LEGS_MAX),
    counts: { placed: 0, cancelled: 0, trades: 0, repeated: 0, announced: 0, malformed: 0 },
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

/** A message of the placed topic; the trades it makes, in order. */
export const onPlaced = (engine: Engine, message: Incoming): Trade[] => {
  const order = decodePlaced(message.value)
  if (order === null) return malformed(engine)
  if (isRepeat(engine, message.eventId) || engine.placed.has(order.id)) return repeated(engine)
  engine.placed.add(order.id)
  engine.counts.placed++
  const executed = engine.executed.get(order.id) ?? 0n
  engine.executed.delete(order.id)
  if (engine.cancelledFirst.delete(order.id)) return []
  const fills = place(bookOf(engine, order.ticker), { ...order, executed })
  engine.counts.trades += fills.length
  return fills.map((fill) => ({
    ...fill,
    tradeId: tradeIdOf(fill),
    ticker: order.ticker,
    timestamp: message.timestamp,
  }))
}

/** A message of the cancelled topic. */
export const onCancelled = (engine: Engine, message: Incoming): void => {
  const cancelled = decodeCancelled(message.value)
  if (cancelled === null) return void malformed(engine)
  if (isRepeat(engine, message.eventId)) return void repeated(engine)
  engine.counts.cancelled++
  if (engine.placed.has(cancelled.orderId)) cancel(bookOf(engine, cancelled.ticker), cancelled.orderId)
  else engine.cancelledFirst.add(cancelled.orderId)
}

/**
 * A trade that this run did not make: before the restart, by hand, by a test. Each (order, trade) counts once, up to
 * what remains of the order: what is on the topic has happened, and trading less is the safe side.
 */
export const onTrade = (engine: Engine, message: Incoming): void => {
  const trade = decodeTrade(message.value)
  if (trade === null) return void malformed(engine)
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
