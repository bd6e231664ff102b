// Checks the topics: every committed event is there and nothing else, always under one eventId and with the same bytes; the
// first occurrences of a ticker's events stand in the order of acceptance; and no cancellation was sent before the broker had
// acknowledged the placements that were accepted earlier.

import { partitionOf } from '../../../src/kafka/partition.ts'
import type { Journal, StoredEvent } from '../journal.ts'
import { topics, type Broker, type LogRecord } from '../kafka/broker.ts'
import type { Postgres } from '../postgres/state.ts'

type Published = StoredEvent & {
  /** The place of its first occurrence in its partition. */
  index: number
  sentAt: number
  acknowledgedAt: number
  times: number
}

const topicOf = { PLACED: topics.placed, CANCELLED: topics.cancelled }

const occurrences = (log: readonly LogRecord[], eventId: string): LogRecord[] =>
  log.filter(({ headers }) => headers.get('eventId') === eventId)

/** Every event on the topics was committed before it was sent. */
const checkStrays = (broker: Broker, journal: Journal, broken: (what: string) => void): void => {
  const committed = new Map(journal.events.map((event) => [event.event_id, event.committedAt]))
  for (const topic of Object.values(topicOf))
    for (const { headers, sentAt } of broker.logs.get(topic)!.flat()) {
      const at = committed.get(headers.get('eventId') ?? '')
      if (at === undefined || at > sentAt) broken(`${headers.get('eventId')} was published before it was committed`)
    }
}

const publishedOf = (broker: Broker, event: StoredEvent, broken: (what: string) => void): Published[] => {
  const logs = broker.logs.get(topicOf[event.kind])!
  const log = logs[partitionOf(event.ticker, logs.length)]!
  const found = occurrences(log, event.event_id)
  const [first] = found
  if (first === undefined) {
    broken(`event ${event.event_id} (${event.kind} of ${event.order_id}) was never published`)
    return []
  }
  if (found.some(({ value }) => !value!.equals(first.value!)))
    broken(`event ${event.event_id} was published with different bytes`)
  const value = JSON.parse(first.value!.toString()) as { orderId: string; ticker: string }
  if (value.orderId !== event.order_id || value.ticker !== event.ticker || first.key !== event.ticker)
    broken(`event ${event.event_id} names another order`)
  // If several sends are under way at a time, the first to leave counts, not the first to arrive.
  const sentAt = Math.min(...found.map((record) => record.sentAt))
  const acknowledgedAt = broker.acknowledgedAt.get(event.event_id) ?? Infinity
  return [{ ...event, index: log.indexOf(first), sentAt, acknowledgedAt, times: found.length }]
}

/** `a` was accepted before `b` was asked for. */
const checkPair = (a: Published, b: Published, broken: (what: string) => void): void => {
  const names = `${a.kind} ${a.event_id} and ${b.kind} ${b.event_id} of ${a.ticker}`
  if (a.kind === b.kind && a.index >= b.index) broken(`the order of ${names} is inverted on the topic`)
  if (a.kind === 'PLACED' && b.kind === 'CANCELLED' && a.acknowledgedAt > b.sentAt)
    broken(`${names}: the cancellation was sent before the placement was acknowledged`)
}

const checkOrder = (events: readonly Published[], broken: (what: string) => void): void => {
  for (const ofTicker of Map.groupBy(events, (event) => event.ticker).values())
    for (const a of ofTicker) for (const b of ofTicker) if (a.committedAt < b.startedAt) checkPair(a, b, broken)
}

/** Whoever cancels so tells the engine in the same statement. */
const atOnce: ReadonlySet<string> = new Set(['USER_CANCELED', 'MASS_CANCELED', 'CANCEL_AFTER', 'HALT'])

const checkOnePerOrder = (db: Postgres, journal: Journal, broken: (what: string) => void): void => {
  // What the service ends by itself is told by events of their own: see endings.ts.
  const isOfClient = ({ kind, reason_code }: StoredEvent): boolean => kind !== 'CANCELLED' || atOnce.has(reason_code!)
  const count = Map.groupBy(journal.events.filter(isOfClient), (event) => `${event.kind} ${event.order_id}`)
  if (new Set(journal.events.map((event) => event.event_id)).size !== journal.events.length)
    broken('two events share an eventId')
  for (const { id, status, version, stop_price, triggered_at, reason_code } of db.orders.values()) {
    // No engine is told of a stop before it triggers, nor of an order that was refused.
    const isPublished = (stop_price === null || triggered_at !== null) && !(status === 'REJECTED' && version === 0)
    const placed = count.get(`PLACED ${id}`)?.length ?? 0
    if (placed !== (isPublished ? 1 : 0)) broken(`order ${id} has ${placed} placement events`)
    const canceled = count.get(`CANCELLED ${id}`)?.length ?? 0
    // Each write with a late leg that leaves a remainder tells the engine again. Ends by the clock: endings.ts.
    const lateLegs = (db.ledger.get(id) ?? []).filter(({ late }) => late).length
    const byUser = atOnce.has(reason_code ?? '') && isPublished
    const isWrong = byUser ? canceled === 0 || canceled > 1 + lateLegs : status !== 'EXPIRED' && canceled > 0
    if (isWrong) broken(`order ${id} is ${status} with ${canceled} cancel events and ${lateLegs} late legs`)
  }
}

export const checkEvents = (
  { db, broker, calm }: { db: Postgres; broker: Broker; calm: boolean },
  journal: Journal,
  broken: (what: string) => void,
): void => {
  checkStrays(broker, journal, broken)
  checkOnePerOrder(db, journal, broken)
  const published = journal.events.flatMap((event) => publishedOf(broker, event, broken))
  checkOrder(published, broken)
  if (db.outbox.size > 0) broken(`${db.outbox.size} events are left in the outbox`)
  // In a calm run nothing breaks, so nothing has to be repeated.
  if (calm)
    for (const { event_id, times } of published) if (times > 1) broken(`${event_id} was published ${times} times`)
}
