// Players that work on the same few orders at once, each over a connection of its own: they place under shared keys, cancel,
// read, report trades and report them again. Everything they did and were told goes into a history.

import { cancelBatch } from '../../src/app/cancel.ts'
import { applyTrades, type LegOutcome, type ReceivedTrade } from '../../src/app/fill.ts'
import { triggerByTrades } from '../../src/app/stops.ts'
import { formatAmount } from '../../src/domain/decimal.ts'
import type { Order } from '../../src/domain/order.ts'
import type { OrderTerms, Side } from '../../src/domain/terms.ts'
import { moveOrders } from '../../src/store/moves.ts'
import { readOrders } from '../../src/store/orders.ts'
import type { Database } from '../../src/store/sql.ts'
import { amount, anEvent, byRequest, aPlacementOf, aTrade, newId, someTerms } from '../support/builders.ts'
import type { Random } from '../support/random.ts'
import { placeAll } from '../support/storeOrders.ts'
import type { Operation } from './linearize.ts'
import type { Disposition, Leg } from './reference.ts'

export type Placed = { terms: OrderTerms; answer: Awaited<ReturnType<typeof placeAll>>[number] }

export type Game = {
  random: Random
  userId: string
  /** Of this game alone: its trades trigger no stop of another one. */
  ticker: string
  keys: readonly string[]
  /** Ids that somebody was told of. */
  orderIds: string[]
  trades: ReceivedTrade[]
  placed: Placed[]
  /** By order id. */
  history: Map<string, Operation[]>
  /** Beginnings and ends, counted. */
  instant: number
  /** Trades that no order of the game has a leg in, counted. */
  ticks: number
}

const record = (game: Game, id: string, operation: Operation): void => {
  if (!game.history.has(id)) game.history.set(id, [])
  game.history.get(id)!.push(operation)
}

const see = (game: Game, order: Order, times: { began: number; ended: number }): void => {
  const sight = { status: order.status, version: order.version, filled: order.filledQuantity }
  record(game, order.id, { kind: 'see', sight, ...times })
}

/** Runs `use` and says between which instants it ran. */
const timed = async <T>(game: Game, use: () => Promise<T>): Promise<{ result: T; began: number; ended: number }> => {
  const began = game.instant++
  const result = await use()
  return { result, began, ended: game.instant++ }
}

/** A key has one order, unless somebody reuses it for another: the wrong terms differ in their quantity. */
const place = async (game: Game, db: Database): Promise<void> => {
  const { random, ticker, userId, keys } = game
  const key = random.int(0, keys.length - 1)
  const terms = someTerms({
    userId,
    clientOrderId: keys[key]!,
    ticker,
    side: key % 2 === 0 ? 'BUY' : 'SELL',
    quantity: amount(random.chance(0.85) ? '10' : '11'),
    ...(key >= 2 && { type: 'STOP_LIMIT', stopPrice: amount('2') }),
  })
  const { result, ...times } = await timed(game, () => placeAll(db, [aPlacementOf(terms)], () => undefined))
  const [answer] = result
  game.placed.push({ terms, answer: answer! })
  if (answer?.ok !== true) return
  if (!game.orderIds.includes(answer.order.id)) game.orderIds.push(answer.order.id)
  if (answer.replayed) see(game, answer.order, times)
}

/** As DELETE does it. */
const cancelRest = async (game: Game, db: Database, id: string): Promise<void> => {
  const options = { again: false, now: new Date(), onCommitted: () => undefined }
  const { result, ...times } = await timed(game, () =>
    cancelBatch(db, [{ id, remaining: true, cause: byRequest.cause, event: anEvent() }], options),
  )
  const [answer] = result
  const outcome = answer!.ok ? 'OK' : answer!.code === 'NOT_CANCELABLE' ? answer!.status : answer!.code
  record(game, id, { kind: 'end', status: 'CANCELED', answer: outcome, ...times })
}

const expire = async (game: Game, db: Database, id: string): Promise<void> => {
  const reason = { code: 'EXPIRED_GTC', text: null }
  const move = { orderId: id, event: 'expire', reason, cause: { kind: 'expiry' }, outbox: null } as const
  const { result, ...times } = await timed(game, () => db.run((sql) => moveOrders(sql, [move], new Date())))
  const { before, order } = result.get(id)!
  record(game, id, { kind: 'end', status: 'EXPIRED', answer: order === null ? before : 'OK', ...times })
}

const cancel = async (game: Game, db: Database, id: string): Promise<void> => {
  const options = { again: false, now: new Date(), onCommitted: () => undefined }
  const { result, ...times } = await timed(game, () =>
    cancelBatch(db, [{ id, cause: byRequest.cause, event: anEvent() }], options),
  )
  const [answer] = result
  const outcome = answer!.ok ? 'OK' : answer!.code === 'NOT_CANCELABLE' ? answer!.status : answer!.code
  record(game, id, { kind: 'cancel', answer: outcome, ...times })
}

const find = async (game: Game, db: Database, id: string): Promise<void> => {
  const { result, ...times } = await timed(game, () => db.run((sql) => readOrders(sql, [id])))
  see(game, result[0]!, times)
}

const opposite = (side: Side): Side => (side === 'BUY' ? 'SELL' : 'BUY')

/** Ids alternate between the sides, by the way the keys are dealt; a wrong guess is a mismatch, which is welcome. */
const newTrade = ({ random, ticker, orderIds, trades }: Game): ReceivedTrade => {
  const [a, b] = [random.pick(orderIds), random.pick(orderIds)]
  const side = random.pick(['BUY', 'SELL'] as const)
  const ids: Partial<Record<Side, string>> = { [side]: a, ...(random.chance(0.4) ? { [opposite(side)]: b } : {}) }
  const changes = random.chance(0.3)
    ? { order: a }
    : { ...(ids.BUY === undefined ? {} : { buy: ids.BUY }), ...(ids.SELL === undefined ? {} : { sell: ids.SELL }) }
  return aTrade({
    tradeId: `t${random.chance(0.8) ? trades.length : random.int(0, trades.length)}`,
    quantity: String(random.int(1, 5)),
    price: String(random.int(1, 3)),
    ticker: random.chance(0.95) ? ticker : 'MSFT',
    ...changes,
  })
}

const legOf = ({ trade }: ReceivedTrade, orderId: string, side: Side | null): Leg => ({
  tradeId: trade.tradeId,
  side,
  ticker: trade.ticker,
  quantity: trade.quantity,
  price: trade.price,
  both: trade.sides.filter((other) => other.orderId === orderId).length > 1,
})

/** Two batches may decide on one exception at once; for the one that comes second it is not new, and so a repetition. */
const answerOf = ({ disposition, fresh }: LegOutcome): Disposition =>
  !fresh && (disposition === 'OVERFILL' || disposition === 'CONFLICT') ? 'DUPLICATE' : (disposition as Disposition)

const report = async (game: Game, db: Database): Promise<void> => {
  const { random, trades } = game
  const batch = Array.from({ length: random.int(1, 3) }, () =>
    trades.length > 0 && random.chance(0.35) ? random.pick(trades) : newTrade(game),
  )
  trades.push(...batch.filter((trade) => !trades.includes(trade)))
  const context = { now: () => new Date(), newId, signal: new AbortController().signal, onRetry: () => undefined }
  const { result, ...times } = await timed(game, () => applyTrades(db, batch, context))
  for (const [id, outcomes] of Map.groupBy(result, ({ leg }) => leg.orderId))
    record(game, id, {
      kind: 'fill',
      legs: outcomes.map(({ received, leg }) => legOf(received, id, leg.side)),
      answers: outcomes.map(answerOf),
      ...times,
    })
}

/** The stops that these trades have triggered: the log names the record that did it. */
const triggeredBy = async (db: Database, ids: readonly string[], offset: string): Promise<Set<string>> => {
  const rows = await db.run(
    (sql) => sql<{ id: string }[]>`
      select order_id as id from order_changes
      where order_id = any (${`{${ids.join()}}`}::uuid[]) and kind = 'TRIGGERED' and cause->>'offset' = ${offset}`,
  )
  return new Set(rows.map(({ id }) => id))
}

/** Trades of somebody else's orders. A stop that was placed meanwhile may have missed them. */
const tick = async (game: Game, db: Database): Promise<void> => {
  const { random, ticker, orderIds } = game
  const offset = BigInt(++game.ticks)
  const tradedAt = new Date().toISOString()
  const received = Array.from({ length: random.int(1, 2) }, () => {
    const of = random.chance(0.9) ? ticker : 'MSFT'
    return aTrade({ order: newId(), price: String(random.int(1, 3)), ticker: of, tradedAt, offset })
  })
  const known = [...orderIds]
  const context = { now: () => new Date(), signal: new AbortController().signal, onRetry: () => undefined }
  const { ended, began } = await timed(game, () =>
    triggerByTrades({ looks: db, db }, received, {
      ...context,
      toleranceMs: 60_000,
      onTriggered: () => undefined,
      onRefused: (_, error) => {
        throw error
      },
    }),
  )
  const ids = [...new Set([...known, ...game.orderIds])]
  const fired = await triggeredBy(db, ids, String(offset))
  const trades = received.map(({ trade: { ticker, price } }) => ({ ticker, price }))
  for (const id of ids)
    if (known.includes(id) || fired.has(id))
      record(game, id, { kind: 'trigger', trades, answer: fired.has(id), began, ended })
}

const act = (game: Game, db: Database): Promise<void> => {
  const { random, orderIds } = game
  if (orderIds.length === 0 || random.chance(0.2)) return place(game, db)
  if (random.chance(0.2)) return random.pick([cancel, cancel, cancelRest, expire])(game, db, random.pick(orderIds))
  if (random.chance(0.15)) return tick(game, db)
  if (random.chance(0.15)) return find(game, db, random.pick(orderIds))
  return report(game, db)
}

/** All at once, each `actions` times. */
export const play = async (game: Game, connections: readonly Database[], actions: number): Promise<void> => {
  const one = async (db: Database): Promise<void> => {
    for (let i = 0; i < actions; i++) await act(game, db)
  }
  await Promise.all(connections.map(one))
}

export const createGame = (random: Random): Game => ({
  random,
  ticker: `G${random.int(0, 999_999_999)}`,
  userId: newId(),
  keys: ['a', 'b', 'c', 'd'],
  orderIds: [],
  trades: [],
  placed: [],
  history: new Map(),
  instant: 0,
  ticks: 0,
})

/** For the message of a red test. */
export const describePlaced = ({ terms, answer }: Placed): string =>
  `${terms.clientOrderId} ${formatAmount(terms.quantity)}: ${answer.ok ? `${answer.order.id}${answer.replayed ? ' again' : ''}` : answer.code}`
