// Writes trades and reports: acknowledged by all replicas, one send outstanding, so that those of a ticker stand in the
// order in which they happened. It fails only when told to stop: without an acknowledgement the same records are sent
// again, and an engine that cannot publish has nothing else to do. A repeat has the same `eventId` and the same
// bytes.

import { ProduceAcks, Producer } from '@platformatic/kafka'
import { describe } from './feed.ts'
import { encodeReport, encodeTrade, reportIdOf } from './messages.ts'
import type { Report, Trade } from './messages.ts'
import { positiveHash } from './murmur2.ts'
import { sleep } from './sleep.ts'

export type Publisher = {
  readonly producer: Producer
  readonly source: string
  readonly log: Log
}

/** A record to write. `orderId` is the order whose arrival brought it about, the taker of a trade. */
export type Outgoing = {
  readonly type: 'trade.executed.v1' | 'order.report.v1'
  readonly id: string
  readonly orderId: string
  readonly ticker: string
  /** Milliseconds. */
  readonly timestamp: number
  readonly value: string
}

export type Log = (event: string, fields?: Record<string, unknown>) => void

const BATCH_MAX = 1500 // about 600 KB, below the broker's 1 MB for one partition
const TIMEOUT_MS = 10_000
const RETRY_MS = 500
const NAMES = { eventId: Buffer.from('eventId'), ceId: Buffer.from('ce_id'), ceTime: Buffer.from('ce_time') }

const constantHeaders = (source: string, type: string): Map<Buffer, Buffer> => {
  const headers = { ce_type: type, ce_source: source, ce_specversion: '1.0', 'content-type': 'application/json' }
  return new Map(Object.entries(headers).map(([name, value]) => [Buffer.from(name), Buffer.from(value)]))
}

export const openPublisher = (options: { brokers: string[]; source: string; log: Log }): Publisher => {
  const { brokers, source, log } = options
  const producer = new Producer({
    clientId: `${source}-trades`,
    bootstrapBrokers: brokers,
    acks: ProduceAcks.ALL,
    timeout: TIMEOUT_MS,
    requestTimeout: TIMEOUT_MS,
    retries: 0,
    strict: true,
  })
  producer.on('error', (error: Error) => log('producer error', { error: describe(error) }))
  return { producer, source, log }
}

export const tradeRecord = (trade: Trade): Outgoing => {
  const { tradeId: id, takerId: orderId, ticker, timestamp } = trade
  return { type: 'trade.executed.v1', id, orderId, ticker, timestamp, value: encodeTrade(trade) }
}

export const reportRecord = (report: Report): Outgoing => {
  const { orderId, ticker, timestamp } = report
  const id = reportIdOf(report)
  return { type: 'order.report.v1', id, orderId, ticker, timestamp, value: encodeReport(report) }
}

/**
 * One send is one batch of a partition, which the broker appends whole or not at all. The trades of one taker stay
 * together, so that a crash cannot leave half of a fill-or-kill on the topic (unless the taker alone has more trades
 * than a batch may hold).
 */
export const cutBetweenOrders = (records: readonly Outgoing[], max: number): Outgoing[][] => {
  const batches: Outgoing[][] = []
  for (let start = 0; start < records.length;) {
    let end = Math.min(start + max, records.length)
    while (end < records.length && end > start && records[end]?.orderId === records[end - 1]?.orderId) end--
    if (end === start) end = Math.min(start + max, records.length)
    batches.push(records.slice(start, end))
    start = end
  }
  return batches
}

const toMessage = (topic: string, record: Outgoing, constant: Map<Buffer, Buffer>) => {
  const key = Buffer.from(record.ticker)
  const id = Buffer.from(record.id)
  const headers = new Map([
    ...constant,
    [NAMES.eventId, id],
    [NAMES.ceId, id],
    [NAMES.ceTime, Buffer.from(new Date(record.timestamp).toISOString())],
  ])
  // The library takes the partition modulo the count of partitions, which it knows.
  return { topic, key, partition: positiveHash(key), headers, value: Buffer.from(record.value) }
}

/** Resolves when every record is acknowledged, or when the signal stops it (then some may be on the topic). */
export const publish = async (
  { producer, source, log }: Publisher,
  { topic, records }: { topic: string; records: readonly Outgoing[] },
  signal: AbortSignal,
): Promise<void> => {
  for (const batch of cutBetweenOrders(records, BATCH_MAX)) {
    const constant = constantHeaders(source, batch[0]?.type ?? '')
    const messages = batch.map((record) => toMessage(topic, record, constant))
    for (let attempt = 1; !signal.aborted; attempt++) {
      try {
        await producer.send({ messages, acks: ProduceAcks.ALL })
        break
      } catch (error) {
        if (attempt === 1)
          log('not acknowledged, sending again', { topic, count: batch.length, error: describe(error) })
        producer.clearMetadata()
        await sleep(RETRY_MS, signal)
      }
    }
  }
}
