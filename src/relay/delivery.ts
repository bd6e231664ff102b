// Sends events with one batch per ticker outstanding. The unit of failure is the ticker: a ticker that cannot be sent is set aside by name,
// and the others go on.

import { passCrashPoint } from '../app/crashPoint.ts'
import { eventKinds, type EventKind } from '../domain/events.ts'
import type { SetAsideTicker } from '../store/leases.ts'
import type { OutboxEvent } from '../store/outbox.ts'
import { describe, type Log } from '../telemetry/log.ts'
import type { Acknowledged } from './acknowledged.ts'
import type { Floor } from './floor.ts'
import type { Partitions, Sender } from './sender.ts'
import type { SetAside } from './setAside.ts'

export type Delivery = {
  sender: Sender
  acknowledged: Acknowledged
  setAside: SetAside
  floor: Floor
  /** Tickers with a batch outstanding, and their shards. */
  busy: Map<string, number>
  /** Events being sent. */
  inFlight: number
  /** Events acknowledged since the start. */
  published: number
  /** Called whenever a batch is settled. */
  onSettled: () => void
  /** Called for every acknowledged event: how long ago it was written, in ms. */
  onPublished: (ageMs: number) => void
  log: Log
}

/** The events of one read of the outbox. `readAt`: when the read began, in monotonic ms. */
export type Wave = { events: readonly OutboxEvent[]; readAt: number; partitions: Partitions }
/** Tickers that failed in this batch, and why. */
type Failed = Map<string, unknown>
/** `unsettled`: the events of this batch that are not acknowledged. In the end their tickers are those that failed, and no others. */
type Outcome = { failed: Failed; unsettled: Set<OutboxEvent> }

/** Events per produce request. */
const requestMax = 500

/**
 * Sends events of one kind and partition in requests of bounded size; once an event of a ticker has failed, it sends no later one of that
 * ticker.
 */
const sendRun = async (
  delivery: Delivery,
  { kind, partition, events, readAt }: { kind: EventKind; partition: number } & Omit<Wave, 'partitions'>,
  { failed, unsettled }: Outcome,
): Promise<void> => {
  for (let i = 0; i < events.length; i += requestMax) {
    const request = events.slice(i, i + requestMax).filter((event) => !failed.has(event.order.ticker))
    if (request.length === 0) continue
    const report = await delivery.sender.send(kind, partition, request)
    passCrashPoint('after-ack-before-delete')
    delivery.acknowledged.add(report.acked)
    for (const event of report.acked) unsettled.delete(event)
    delivery.published += report.acked.length
    const sinceReadMs = performance.now() - readAt
    for (const { waitedMs } of report.acked) delivery.onPublished(waitedMs + sinceReadMs)
    for (const [ticker, error] of report.failed) failed.set(ticker, error)
  }
}

/** The ticker is read with the others again. The floor was raised without regard to the ticker's events, so it has to come down. */
export const rejoin = ({ setAside, floor }: Delivery, ticker: string): boolean => {
  const joined = setAside.remove(ticker)
  if (joined) floor.reset()
  return joined
}

/** Tickers with events that stay in the outbox, because they cannot be sent or a session has them locked: nobody else's orders wait for these. */
export const stayingOf = ({ setAside, acknowledged }: Delivery): SetAsideTicker[] => {
  const staying = new Map(setAside.all().map((one) => [one.ticker, one]))
  for (const { ticker, shard } of acknowledged.locked) staying.set(ticker, { ticker, shard })
  return [...staying.values()]
}

const settle = (delivery: Delivery, events: readonly OutboxEvent[], failed: Failed): void => {
  let recovered = false
  for (const { order, shard } of events) {
    if (!delivery.busy.delete(order.ticker)) continue
    const error = failed.get(order.ticker)
    if (error === undefined) recovered = rejoin(delivery, order.ticker) || recovered
    else {
      delivery.setAside.put(order.ticker, shard)
      const fields = { ticker: order.ticker, failedWithIt: failed.size - 1, ...describe(error) }
      delivery.log.rarely(
        'error',
        'set aside',
        'events of a ticker cannot be published; it is set aside and tried again',
        fields,
      )
    }
  }
  // The cause is gone, and may have kept other tickers back too: try them at once.
  if (recovered) delivery.setAside.hurry()
  delivery.inFlight -= events.length
  delivery.onSettled()
}

/**
 * An event that is neither acknowledged nor refused was not published: its ticker is set aside like one that failed, so that no event is
 * forgotten.
 */
const failUnsettled = ({ failed, unsettled }: Outcome): void => {
  for (const { kind, order } of unsettled)
    if (!failed.has(order.ticker))
      failed.set(order.ticker, new Error(`an event of the kind ${kind} was neither acknowledged nor refused`))
}

/** Sends the outstanding batch of some tickers, one kind after the other. */
const dispatch = async (delivery: Delivery, { events, readAt, partitions }: Wave): Promise<void> => {
  const { sender } = delivery
  const failed: Failed = new Map()
  const outcome: Outcome = { failed, unsettled: new Set(events) }
  try {
    for (const kind of eventKinds) {
      const runs = Map.groupBy(
        events.filter((event) => event.kind === kind),
        (event) => sender.partitionOf(event.order.ticker, partitions[kind]),
      )
      const sends = runs.entries().map(([partition, run]) => ({ kind, partition, events: run, readAt }))
      await Promise.all(sends.map((send) => sendRun(delivery, send, outcome)))
    }
  } catch (error) {
    delivery.log.error('the relay failed on a batch', describe(error))
    for (const event of events) failed.set(event.order.ticker, error)
  }
  failUnsettled(outcome)
  settle(delivery, events, failed)
}

/** Starts to send the events that are neither acknowledged nor behind an outstanding batch; returns how many these are. */
export const deliver = (delivery: Delivery, wave: Wave): number => {
  const fresh = wave.events.filter(
    (event) => !delivery.acknowledged.has(event) && !delivery.busy.has(event.order.ticker),
  )
  for (const event of fresh) delivery.busy.set(event.order.ticker, event.shard)
  delivery.inFlight += fresh.length
  // One group per partition of the topic of the first kind, so that a slow partition holds up only its own tickers.
  const partitions = wave.partitions[eventKinds[0]]
  const partitionOf = ({ order }: OutboxEvent) => delivery.sender.partitionOf(order.ticker, partitions)
  for (const group of Map.groupBy(fresh, partitionOf).values()) void dispatch(delivery, { ...wave, events: group })
  return fresh.length
}
