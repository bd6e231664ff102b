// A broker for the relay's tests that does what no real one does on demand: it loses acknowledgements, refuses, and is slow where
// a test wants it. It checks what must always hold.

import { expect } from 'bun:test'
import type { EventKind } from '../../src/domain/events.ts'
import { partitionOf } from '../../src/kafka/partition.ts'
import type { Sender, SendReport } from '../../src/relay/sender.ts'
import type { OutboxEvent } from '../../src/store/outbox.ts'

export const partitions = { PLACED: 3, CANCELLED: 2 }

type Send = { kind: EventKind; partition: number; events: readonly OutboxEvent[] }
/** What the broker does with a request; by default it takes and acknowledges all of it. */
type Behaviour = (send: Send, take: () => SendReport) => Promise<SendReport> | SendReport

export const refused = (events: readonly OutboxEvent[]): SendReport => ({
  acked: [],
  failed: new Map(events.map((event) => [event.order.ticker, new Error('refused')])),
})

/** A broker that checks what must always hold: the partition, one batch a ticker outstanding, no cancel before its place's ack. */
export const createBroker = (behave: Behaviour = (_, take) => take()) => {
  const log: OutboxEvent[] = []
  const acknowledged = new Set<string>()
  const outstanding = new Set<string>()
  const faults: string[] = []
  const sends: Send[] = []

  const check = ({ kind, partition, events }: Send): void => {
    for (const ticker of new Set(events.map((event) => event.order.ticker))) {
      if (outstanding.has(ticker)) faults.push(`two batches of ${ticker} at a time`)
      if (partitionOf(ticker, partitions[kind]) !== partition) faults.push(`${ticker} in partition ${partition}`)
    }
    for (const { order } of events)
      if (kind === 'CANCELLED' && !acknowledged.has(`PLACED ${order.id}`))
        faults.push(`the cancellation of ${order.id} before the acknowledgement of its placement`)
  }
  const sender: Sender = {
    partitions: () => Promise.resolve(partitions),
    partitionOf,
    async send(kind, partition, events) {
      const request = { kind, partition, events }
      check(request)
      sends.push(request)
      const tickers = new Set(events.map((event) => event.order.ticker))
      for (const ticker of tickers) outstanding.add(ticker)
      const report = await behave(request, () => {
        log.push(...events)
        return { acked: [...events], failed: new Map() }
      })
      for (const ticker of tickers) outstanding.delete(ticker)
      for (const event of report.acked) acknowledged.add(`${event.kind} ${event.order.id}`)
      return report
    },
  }
  return { sender, log, faults, sends }
}

/** By ticker and topic, the first occurrences stand in the order of their positions. */
export const expectOrder = (log: readonly OutboxEvent[]): void => {
  const firsts = [...new Map(log.toReversed().map((event) => [event.eventId, event])).values()]
  const inLog = log.filter(
    (event, at) => firsts.includes(event) && log.findIndex((e) => e.eventId === event.eventId) === at,
  )
  for (const [key, events] of Map.groupBy(inLog, ({ kind, order }) => `${kind} ${order.ticker}`)) {
    const positions = events.map(({ position }) => position)
    expect({ key, positions }).toEqual({ key, positions: positions.toSorted((a, b) => Number(a - b)) })
  }
}
