// Checks the stops: each triggers at most once, by a trade that meets it, and before its end; whatever trade met one that waited when it came
// had triggered it when its offset was committed; and stops go to the engine in the order of the trades.

import { amountFromSql } from '../../../src/domain/decimal.ts'
import type { Journal, StoredEvent, TradeFact } from '../journal.ts'
import { topics, type Broker } from '../kafka/broker.ts'
import type { Plan } from '../plan.ts'
import type { ChangeRecord, OrderRecord, Postgres } from '../postgres/state.ts'
import { epochMs } from '../world.ts'
import { haltsOf } from './halts.ts'

type Facts = { db: Postgres; broker: Broker; plan: Plan; journal: Journal; broken: (what: string) => void }

/** Whether the trade counts for the stop: its ticker, its price, and that it is not older than the stop. */
const meets = ({ plan }: Facts, fact: TradeFact | undefined, stop: OrderRecord): boolean => {
  if (fact === undefined || fact.malformed || fact.redriven || fact.ticker !== stop.ticker) return false
  const price = amountFromSql(stop.stop_price!)
  const reached = stop.side === 'BUY' ? fact.price >= price : fact.price <= price
  return reached && fact.tradedAt >= stop.created_at.getTime() - plan.stopToleranceMs
}

/** When the order was stored, in ms of the run. */
const storedAt = ({ journal }: Facts, id: string): number =>
  journal.log.find(({ orderId, version }) => orderId === id && version === 0)!.committedAt

const waits = ({ status, triggered_at }: OrderRecord): boolean => status === 'NEW' && triggered_at === null

/** Called when the group moves the offset of a partition: no stop waits that one of these trades should have triggered. */
export const checkMissedStops = (facts: Facts, partition: number, from: number, to: number): void => {
  const { db, broker, journal, broken } = facts
  const stops = [...db.orders.values()].filter((order) => order.stop_price !== null && waits(order))
  const records = broker.logs.get(topics.trades)![partition]!
  for (const stop of stops) {
    if (stop.expires_at !== null && stop.expires_at.getTime() <= db.clock()) continue
    for (let offset = from; offset < to; offset++) {
      const fact = journal.trades.get(partition)?.[offset]
      const { appendedAt } = records[offset]!
      if (meets(facts, fact, stop) && storedAt(facts, stop.id) < appendedAt && !wasHalted(facts, fact, appendedAt))
        broken(`stop ${stop.id} waits, and ${partition}@${offset} met its price and was committed`)
    }
  }
}

/** Whether a halt may have kept this trade from triggering anything: one in which it was made, or one since it came. */
const wasHalted = (facts: Facts, fact: TradeFact | undefined, appendedAt: number): boolean =>
  fact !== undefined &&
  !fact.malformed &&
  haltsOf(facts.journal, fact.ticker).some(
    ({ from, to }) =>
      to > appendedAt ||
      (fact.tradedAt >= epochMs + from - facts.plan.stopToleranceMs && fact.tradedAt <= epochMs + to),
  )

type Trigger = { stop: OrderRecord; change: ChangeRecord; event: StoredEvent; partition: number; offset: number }

const triggersOf = ({ db, journal, broken }: Facts, stop: OrderRecord): Trigger[] => {
  const changes = (db.changes.get(stop.id) ?? []).filter(({ kind }) => kind === 'TRIGGERED')
  const events = journal.events.filter(({ order_id, kind }) => order_id === stop.id && kind === 'PLACED')
  const times = stop.triggered_at === null ? 0 : 1
  if (changes.length !== times || events.length !== times)
    broken(`stop ${stop.id} has ${changes.length} triggers and ${events.length} placements, and should have ${times}`)
  return changes.map((change, i) => {
    const { partition, offset } = JSON.parse(change.cause) as { partition: number; offset: string }
    return { stop, change, event: events[i]!, partition, offset: Number(offset) }
  })
}

const checkTrigger = (facts: Facts, { stop, change, event, partition, offset }: Trigger): void => {
  const { journal, broken } = facts
  const name = `the trigger of ${stop.id} by ${partition}@${offset}`
  if (!meets(facts, journal.trades.get(partition)?.[offset], stop)) broken(`${name}: that trade does not count`)
  if (event.event_id !== `${stop.id.slice(0, 14)}8${stop.id.slice(15)}`) broken(`${name}: its event has another id`)
  if (
    event.occurred_at.getTime() !== stop.triggered_at!.getTime() ||
    change.at.getTime() !== event.occurred_at.getTime()
  )
    broken(`${name}: its times differ`)
  if (stop.expires_at !== null && epochMs + event.startedAt >= stop.expires_at.getTime())
    broken(`${name}: the stop had passed its end`)
}

/** Negative prices for SELL: the highest comes first. */
const turnOf = ({ side, stop_price }: OrderRecord): [number, number] =>
  side === 'SELL' ? [0, -Number(stop_price)] : [1, Number(stop_price)]

/** Whether `a` goes to the engine first, if one trade triggered both. */
const isFirst = (a: OrderRecord, b: OrderRecord): boolean => {
  const [[sideA, priceA], [sideB, priceB]] = [turnOf(a), turnOf(b)]
  return sideA !== sideB ? sideA < sideB : priceA !== priceB ? priceA < priceB : a.id < b.id
}

/** Of two stops of one ticker that both waited when the trades came. */
const checkTurns = (facts: Facts, triggers: readonly Trigger[]): void => {
  const records = facts.broker.logs.get(topics.trades)!
  const isOld = ({ stop }: Trigger, { partition, offset }: Trigger): boolean =>
    storedAt(facts, stop.id) < records[partition]![offset]!.appendedAt
  for (const a of triggers)
    for (const b of triggers) {
      if (a === b || a.partition !== b.partition || a.stop.ticker !== b.stop.ticker) continue
      const before = a.offset < b.offset || (a.offset === b.offset && isFirst(a.stop, b.stop))
      if (before && isOld(a, a) && isOld(b, a) && a.event.position > b.event.position)
        facts.broken(`stop ${a.stop.id} triggered by ${a.partition}@${a.offset} was published after ${b.stop.id}`)
    }
}

export const checkStops = (facts: Facts): void => {
  const stops = [...facts.db.orders.values()].filter(({ stop_price }) => stop_price !== null)
  const triggers = stops.flatMap((stop) => triggersOf(facts, stop))
  for (const trigger of triggers) checkTrigger(facts, trigger)
  checkTurns(facts, triggers)
}
