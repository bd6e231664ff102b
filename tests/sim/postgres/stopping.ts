// The fake of the statements of src/store/stops.ts: which waiting stops some trades meet, and their trigger under the lock.

import { amountFromSql } from '../../../src/domain/decimal.ts'
import { passGate } from './gating.ts'
import { amountText, checkUpdate } from './guards.ts'
import { appendChange } from './moving.ts'
import { append, noEnding } from './placing.ts'
import type { OrderRecord, Postgres } from './state.ts'
import { isLocked, lock, lockKey, putOrder, take, type Steps, type Tx } from './transactions.ts'

type Column = (string | null)[]
type Tick = { ticker: string; price: bigint; tradedAtMs: number }

const isWaiting = ({ stop_price, triggered_at, status }: OrderRecord): boolean =>
  stop_price !== null && triggered_at === null && (status === 'NEW' || status === 'PARTIALLY_FILLED')

const amountOf = (text: string | null): bigint => amountFromSql(amountText(text!))

const ticksOf = ([tickers, prices, times]: readonly Column[]): Tick[] =>
  tickers!.map((ticker, i) => ({
    ticker: ticker!,
    price: amountOf(prices![i]!),
    tradedAtMs: Date.parse(times![i]!),
  }))

/** Times of orders are whole milliseconds, so a part of one in the time of a trade makes no difference. */
const isMet = (order: OrderRecord, { ticker, price, tradedAtMs }: Tick, toleranceMs: number): boolean => {
  const stop = amountFromSql(order.stop_price!)
  return (
    order.ticker === ticker &&
    (order.side === 'BUY' ? price >= stop : price <= stop) &&
    order.created_at.getTime() - toleranceMs <= tradedAtMs
  )
}

export const readTickersWithDueStops = (db: Postgres, columns: readonly Column[], toleranceMs: number): object[] => {
  const [tickers, lowest, highest, latest] = columns
  const waiting = [...db.orders.values()].filter(isWaiting)
  const [sells, buys] = [waiting.filter(({ side }) => side === 'SELL'), waiting.filter(({ side }) => side === 'BUY')]
  return tickers!.flatMap((ticker, i) => {
    const [low] = ticksOf([[ticker], [lowest![i]!], [latest![i]!]])
    const [high] = ticksOf([[ticker], [highest![i]!], [latest![i]!]])
    const isDue =
      buys.some((order) => isMet(order, high!, toleranceMs)) || sells.some((order) => isMet(order, low!, toleranceMs))
    return isDue ? [{ ticker }] : []
  })
}

type DueQuery = { trades: readonly Column[]; toleranceMs: number; except: Column; limit: number }
type Due = { order: OrderRecord; trade: number }

/** Negative prices for SELL: the highest comes first. */
const placeOf = ({ side, stop_price }: OrderRecord): bigint => {
  const price = amountFromSql(stop_price!)
  return side === 'SELL' ? -price : price
}

const inTurn = (a: Due, b: Due): number => {
  if (a.trade !== b.trade) return a.trade - b.trade
  if (a.order.side !== b.order.side) return a.order.side === 'SELL' ? -1 : 1
  const [left, right] = [placeOf(a.order), placeOf(b.order)]
  return left === right ? (a.order.id < b.order.id ? -1 : 1) : left < right ? -1 : 1
}

/** Whether the trade may trigger stops: its ticker trades now, and did when it was made. */
const counts = (db: Postgres, { ticker, tradedAtMs }: Tick, toleranceMs: number): boolean => {
  if (['', ticker].some((each) => db.trading.get(each)?.state === 'HALTED')) return false
  const tolerance = tradedAtMs % 1_000 === 0 ? toleranceMs : 0
  return !db.rulesChanges.some(
    ({ ticker: of, at, halted_since: since }) =>
      since !== null && (of === '' || of === ticker) && at > tradedAtMs && since - tolerance <= tradedAtMs,
  )
}

export const readDueStops = (db: Postgres, { trades, toleranceMs, except, limit }: DueQuery): object[] => {
  const ticks = ticksOf(trades)
  const countsFor = new Map(ticks.map((tick) => [tick, counts(db, tick, toleranceMs)]))
  const now = db.clock()
  const isOpen = (order: OrderRecord): boolean =>
    isWaiting(order) && (order.expires_at === null || order.expires_at.getTime() > now) && !except.includes(order.id)
  return [...db.orders.values()]
    .filter(isOpen)
    .map((order): Due => ({
      order,
      trade: ticks.findIndex((tick) => countsFor.get(tick) === true && isMet(order, tick, toleranceMs)),
    }))
    .filter(({ trade }) => trade >= 0)
    .toSorted(inTurn)
    .slice(0, limit)
    .map(({ order, trade }) => ({ id: order.id, trade, epoch: String(db.epoch) }))
}

const triggered = (row: OrderRecord, now: Date): OrderRecord => {
  const at = row.updated_at > now ? row.updated_at : now
  return { ...row, triggered_at: at, updated_at: at, version: row.version + 1 }
}

export function* triggerStops(
  db: Postgres,
  tx: Tx,
  {
    ids,
    causes,
    now,
    judgedBy,
    skipLocked,
  }: { ids: Column; causes: Column; now: Date; judgedBy: bigint; skipLocked: boolean },
): Steps<object[]> {
  const epoch = yield* passGate(db, tx)
  if (epoch !== judgedBy) return [{ epoch: String(epoch), id: null }]
  const stops = ids.filter((id) => (db.orders.get(id!)?.stop_price ?? null) !== null)
  const found: Column = []
  for (const id of stops.toSorted((a, b) => (a! < b! ? -1 : 1))) {
    yield null
    if (skipLocked && isLocked(db, tx, lockKey.order(id!))) continue
    yield* lock(db, tx, lockKey.order(id!))
    found.push(id)
  }
  const fired = new Map<string, OrderRecord>()
  for (const id of found) {
    const row = db.orders.get(id!)!
    if (!isWaiting(row) || (row.expires_at !== null && row.expires_at.getTime() <= db.clock())) continue
    const after = triggered(row, now)
    checkUpdate(row, after)
    take(db, tx, lockKey.newVersion(row.id))
    putOrder(db, tx, row, after)
    fired.set(row.id, after)
    yield null
  }
  const inOrder = ids.flatMap((id) => fired.get(id!) ?? [])
  yield* appendPlacements(db, tx, inOrder)
  for (const after of inOrder.toSorted((a, b) => (a.id < b.id ? -1 : 1))) {
    appendChange(
      db,
      tx,
      { ...after, reason_code: null, reason_text: null },
      { cause: causes[ids.indexOf(after.id)]!, kind: 'TRIGGERED', rules_epoch: String(epoch) },
    )
    yield null
  }
  const triggeredIds = inOrder.length === 0 ? [null] : inOrder.map(({ id }) => id)
  return triggeredIds.map((id) => ({ epoch: String(epoch), id }))
}

/** Their ids are those of the orders, as UUIDs of version 8. */
function* appendPlacements(db: Postgres, tx: Tx, orders: readonly OrderRecord[]): Steps<void> {
  for (const { id, ticker, updated_at } of orders) {
    append(db, tx, {
      event_id: `${id.slice(0, 14)}8${id.slice(15)}`,
      kind: 'PLACED',
      order_id: id,
      ticker,
      occurred_at: updated_at,
      traceparent: null,
      ...noEnding,
    })
    yield null
  }
}
