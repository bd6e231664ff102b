// Checks what the service ended by the clock: nothing before its instant, the engine told of everything that it knew, told once, and no trade
// late that was on the topic within the settling time after the broker had the cancellation.

import type { Journal, StoredEvent } from '../journal.ts'
import { topics, type Broker } from '../kafka/broker.ts'
import type { Plan } from '../plan.ts'
import type { ChangeRecord, OrderRecord, Postgres } from '../postgres/state.ts'
import { epochMs } from '../world.ts'

type Facts = { db: Postgres; broker: Broker; plan: Plan; journal: Journal; broken: (what: string) => void }

const isOpen = ({ status }: OrderRecord): boolean => status === 'NEW' || status === 'PARTIALLY_FILLED'
const waits = ({ stop_price, triggered_at }: OrderRecord): boolean => stop_price !== null && triggered_at === null

/** Whether an engine executes it at once or not at all. */
const isImmediate = ({ type, time_in_force, triggered_at }: OrderRecord): boolean =>
  time_in_force === 'IOC' || time_in_force === 'FOK' || type === 'MARKET' || (type === 'STOP' && triggered_at !== null)

/** Whether all that is due has ended. */
export const endingsRest = (db: Postgres, plan: Plan): boolean => {
  if (db.endings.size > 0) return false
  const now = db.clock()
  const isLeft = (order: OrderRecord): boolean =>
    isOpen(order) &&
    ((order.expires_at !== null && order.expires_at.getTime() <= now) || (plan.graceMs > 0 && isImmediate(order)))
  return !db.orders.values().some(isLeft)
}

const codesOf = (order: OrderRecord): string[] => [`EXPIRED_${order.time_in_force}`, 'REMAINDER']

/** The cancellations that say that the service ends the order by itself. */
const toldOf = ({ journal }: Facts, order: OrderRecord): StoredEvent[] =>
  journal.events.filter(
    ({ kind, order_id, reason_code }) =>
      kind === 'CANCELLED' && order_id === order.id && codesOf(order).includes(reason_code!),
  )

const checkTold = (facts: Facts, order: OrderRecord, event: StoredEvent): void => {
  const { broker, journal, plan, broken } = facts
  const name = `the cancellation ${event.event_id} of ${order.id} (${event.reason_code})`
  if (waits(order)) broken(`${name}: no engine knows the order`)
  if (isOpen(order)) broken(`${name}: the order is still ${order.status}`)
  const at = epochMs + event.committedAt
  if (event.reason_code !== 'REMAINDER') {
    if (order.expires_at === null || at < order.expires_at.getTime()) broken(`${name}: it came before its time`)
    return
  }
  const placement = journal.events.find(({ kind, order_id }) => kind === 'PLACED' && order_id === order.id)!
  const acknowledgedAt = broker.acknowledgedAt.get(placement.event_id) ?? Infinity
  if (plan.graceMs === 0 || !isImmediate(order)) broken(`${name}: the order has no such end`)
  if (event.committedAt < acknowledgedAt + plan.graceMs) broken(`${name}: the engine had no time to execute it`)
}

/** Trades that count as late because of this end were no part of the topic when the settling time was over. */
const checkLate = (facts: Facts, order: OrderRecord, told: StoredEvent, change: ChangeRecord): void => {
  const { db, broker, plan, broken } = facts
  const acknowledgedAt = broker.acknowledgedAt.get(told.event_id) ?? Infinity
  const endedAt = change.at.getTime() - epochMs
  if (endedAt < acknowledgedAt + plan.settleMs) broken(`order ${order.id} ended before its settling time was over`)
  for (const fill of db.ledger.get(order.id) ?? []) {
    if (!fill.late) continue
    const { appendedAt } = broker.logs.get(topics.trades)![fill.kafka_partition]![Number(fill.kafka_offset)]!
    if (appendedAt < acknowledgedAt + plan.settleMs)
      broken(`${fill.trade_id} is late for order ${order.id}, and was on the topic within the settling time`)
  }
}

const checkEnd = (facts: Facts, order: OrderRecord, told: readonly StoredEvent[]): void => {
  const { db, broken } = facts
  const change = db.changes.get(order.id)?.find(({ kind }) => kind === order.status)
  if (change === undefined || (JSON.parse(change.cause) as { kind: string }).kind !== 'expiry') return
  const { reason_code } = change
  if (!codesOf(order).includes(reason_code!)) broken(`order ${order.id} ended by the clock as ${reason_code}`)
  if (waits(order)) {
    if (order.expires_at === null || change.at < order.expires_at) broken(`stop ${order.id} ended before its time`)
    return
  }
  const own = told.find((event) => event.reason_code === reason_code)
  if (own === undefined) broken(`order ${order.id} is ${order.status} (${reason_code}), and no engine was told`)
  else checkLate(facts, order, own, change)
}

export const checkEndings = (facts: Facts): void => {
  const { db, plan, broken } = facts
  for (const order of db.orders.values()) {
    const told = toldOf(facts, order)
    // Each write with a late leg that leaves a remainder tells the engine again.
    const late = (db.ledger.get(order.id) ?? []).filter((row) => row.late).length
    if (told.length > 1 + late) broken(`the end of ${order.id} was told ${told.length} times`)
    for (const event of told) checkTold(facts, order, event)
    checkEnd(facts, order, told)
  }
  if (!endingsRest(db, plan)) broken(`${db.endings.size} endings are left`)
}
