// Checks the trades: every leg has its disposition before its offset is committed, and at the end each order equals the result
// of the reference model for its legs in partition order, with its cancel, if there was one, at some place among them.

import { amountFromSql, notionalFromSql } from '../../../src/domain/decimal.ts'
import type { OrderRow } from '../../../src/store/orders.ts'
import {
  contentOf,
  end,
  fill,
  picture,
  place,
  trigger,
  type Disposition,
  type Leg,
  type State,
} from '../../model/reference.ts'
import type { Journal, TradeFact, TradeLeg } from '../journal.ts'
import { topics, type Broker } from '../kafka/broker.ts'
import type { Plan } from '../plan.ts'
import type { LedgerRecord, Postgres } from '../postgres/state.ts'

type Facts = { db: Postgres; broker: Broker; plan: Plan; journal: Journal; broken: (what: string) => void }
type SoundTrade = Extract<TradeFact, { malformed: false }>

const letterIds = (broker: Broker): string[] =>
  broker.logs
    .get(topics.deadLetters)!
    .flat()
    .map(({ headers }) => headers.get('x-dead-letter-id')!)

const legOf = ({ tradeId, ticker, quantity, price, legs }: SoundTrade, { side, orderId }: TradeLeg): Leg => ({
  tradeId,
  side,
  ticker,
  quantity,
  price,
  both: legs.filter((other) => other.orderId === orderId).length > 1,
})

type Recorded = { side: string; ticker: string; quantity: string; price: string }

const contentOfRow = ({ side, ticker, quantity, price }: Recorded): string =>
  `${side} ${ticker} ${amountFromSql(quantity)} at ${amountFromSql(price)}`

/** Whether this leg is settled: recorded with its content, or on the dead-letter topic if it belongs there. */
const isRecorded = (db: Postgres, order: OrderRow, leg: Leg): boolean => {
  const content = contentOf(leg, order.side)
  return [...(db.ledger.get(order.id) ?? []), ...(db.exceptions.get(order.id) ?? [])].some(
    (row) => row.trade_id === leg.tradeId && contentOfRow(row) === content,
  )
}

/** A sentence about the unsettled part of a message; null if all of it is settled. */
const unsettled = ({ db, broker, plan }: Facts, fact: TradeFact, letterId: string): string | null => {
  if (fact.malformed) return letterIds(broker).includes(letterId) ? null : 'a malformed message without dead letter'
  for (const side of fact.legs) {
    const order = db.orders.get(side.orderId)
    if (order === undefined) {
      if (plan.unknownToDeadLetters && !letterIds(broker).includes(letterId))
        return 'an unknown leg without dead letter'
    } else if (!isRecorded(db, order, legOf(fact, side))) return `the leg of ${fact.tradeId} for ${side.orderId}`
  }
  return null
}

/** Called when the group moves the offset of a partition. */
export const checkCommit = (facts: Facts, partition: number, from: number, to: number): void => {
  const trades = facts.journal.trades.get(partition) ?? []
  for (let offset = from; offset < to; offset++) {
    const letterId = `${topics.trades}-${partition}-${offset}`
    const missing = unsettled(facts, trades[offset]!, letterId)
    if (missing !== null) facts.broken(`${partition}@${offset} was committed before its disposition: ${missing}`)
  }
}

/** Whether every message has its disposition by now. (Its offset may not be committed: then it comes again one day.) */
export const createSettledCheck = (facts: Facts): (() => boolean) => {
  const settledTo = new Map<number, number>()
  return () => {
    for (const [partition, trades] of facts.journal.trades) {
      let offset = settledTo.get(partition) ?? 0
      while (
        offset < trades.length &&
        unsettled(facts, trades[offset]!, `${topics.trades}-${partition}-${offset}`) === null
      )
        offset++
      settledTo.set(partition, offset)
      if (offset < trades.length) return false
    }
    return true
  }
}

const placed = ({ side, ticker, quantity, stop_price }: OrderRow): State =>
  place({
    side,
    ticker,
    quantity: amountFromSql(quantity),
    stopPrice: stop_price === null ? null : amountFromSql(stop_price),
  })

const pictureOfRow = (db: Postgres, row: OrderRow): string => {
  const byVersion = (a: LedgerRecord, b: LedgerRecord): number => a.order_version - b.order_version
  return picture({
    ...placed(row),
    status: row.status,
    waits: row.stop_price !== null && row.triggered_at === null,
    filled: amountFromSql(row.filled_quantity),
    notional: notionalFromSql(row.filled_notional),
    lastPrice: row.last_fill_price === null ? null : amountFromSql(row.last_fill_price),
    version: row.version,
    ledger: (db.ledger.get(row.id) ?? [])
      .toSorted(byVersion)
      .map((fill) => ({ tradeId: fill.trade_id, content: contentOfRow(fill), late: fill.late })),
    exceptions: (db.exceptions.get(row.id) ?? []).map((exception) => ({
      tradeId: exception.trade_id,
      content: contentOfRow(exception),
      disposition: exception.disposition as Disposition,
    })),
  })
}

/** Before which leg something happened; null: it never did. */
type Moments = { trigger: number | null; end: number | null }

/** A rule refused it when it came. */
const isRefused = ({ status, version }: OrderRow): boolean => status === 'REJECTED' && version === 0

const foldOf = (row: OrderRow, legs: readonly Leg[], { trigger: triggeredAt, end: endedAt }: Moments): string => {
  let state: State = isRefused(row) ? { ...placed(row), status: 'REJECTED' } : placed(row)
  for (let i = 0; i <= legs.length; i++) {
    if (i === triggeredAt) state = trigger(state, { ticker: row.ticker, price: state.terms.stopPrice! }).state
    if (i === endedAt) state = end(state, row.status as 'CANCELED' | 'EXPIRED' | 'REJECTED').state
    if (i < legs.length) state = fill(state, legs[i]!).state
  }
  return picture(state)
}

const ends: readonly string[] = ['CANCELED', 'EXPIRED', 'REJECTED']

/** All that may have been: a trigger and an end at some place among the legs, if there were any. */
const momentsOf = (row: OrderRow, legs: readonly Leg[]): Moments[] => {
  const { status, triggered_at } = row
  if (isRefused(row)) return [{ trigger: null, end: null }]
  const places = Array.from({ length: legs.length + 1 }, (_, i) => i)
  const triggers = triggered_at === null ? [null] : places
  return triggers.flatMap((at) =>
    ends.includes(status)
      ? places.filter((place) => place >= (at ?? 0)).map((place): Moments => ({ trigger: at, end: place }))
      : { trigger: at, end: null },
  )
}

const checkOrder = ({ db, broken }: Facts, row: OrderRow, legs: readonly Leg[]): void => {
  const is = pictureOfRow(db, row)
  const moments = momentsOf(row, legs)
  if (moments.some((each) => foldOf(row, legs, each) === is)) return
  const last = foldOf(row, legs, moments.at(-1)!)
  broken(
    `order ${row.id} is\n${is}\nno place of its trigger and its end makes it that; last of all it would be\n${last}`,
  )
}

/** An order's trades are all in one partition, so their order is given. */
const legsByOrder = ({ journal }: Facts): Map<string, Leg[]> => {
  const all = [...journal.trades.values()].flat().flatMap((fact) => (fact.malformed ? [] : [fact]))
  const legs = all.flatMap((fact) => fact.legs.map((side) => ({ orderId: side.orderId, leg: legOf(fact, side) })))
  const grouped = Map.groupBy(legs, ({ orderId }) => orderId)
  return new Map([...grouped].map(([id, entries]) => [id, entries.map(({ leg }) => leg)]))
}

export const checkTrades = (facts: Facts): void => {
  const { db, broker, plan, broken, journal } = facts
  const legs = legsByOrder(facts)
  for (const row of db.orders.values()) checkOrder(facts, row, legs.get(row.id) ?? [])
  const dead = new Set<string>()
  for (const [partition, trades] of journal.trades)
    for (const [offset, fact] of trades.entries()) {
      const unknown = !fact.malformed && fact.legs.some(({ orderId }) => !db.orders.has(orderId))
      if (fact.malformed || (unknown && plan.unknownToDeadLetters)) dead.add(`${topics.trades}-${partition}-${offset}`)
    }
  const letters = letterIds(broker)
  for (const id of letters) if (!dead.has(id)) broken(`${id} is on the dead-letter topic and should not be`)
  for (const id of dead) if (!letters.includes(id)) broken(`${id} is missing on the dead-letter topic`)
}
