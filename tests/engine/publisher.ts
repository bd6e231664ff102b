// Writes trades: acknowledged by all replicas, one send outstanding, so that the trades of a ticker stand in the
// order in which they happened. It fails only when told to stop: without an acknowledgement the same trades are sent
// again, and an engine that cannot publish has nothing else to do. A repeat has the same `eventId` and the same
// bytes.

import { ProduceAcks, Producer } from '@platformatic/kafka'
import { describe } from './feed.ts'
import { encodeTrade } from './messages.ts'
import type { Trade } from './messages.ts'
import { positiveHash } from './murmur2.ts'
import { sleep } from './sleep.ts'

export type Publisher = {
  readonly producer: Producer
  readonly topic: string
  readonly headers: Map<Buffer, Buffer>
  readonly log: Log
}
export type Log = (event: string, fields?: Record<string, unknown>) => void

const BATCH_MAX = 1500 // about 600 KB, below the broker's 1 MB for one partition
const TIMEOUT_MS = 10_000
const RETRY_MS = 500
const NAMES = { eventId: Buffer.from('eventId'), ceId: Buffer.from('ce_id'), ceTime: Buffer.from('ce_time') }

const constantHeaders = (source: string): Map<Buffer, Buffer> => {
  const headers = {
    ce_type: 'trade.executed.v1',
    ce_source: source,
    ce_specversion: '1.0',
    'content-type': 'application/json',
  }
  return new Map(Object.entries(headers).map(([name, value]) => [Buffer.from(name), Buffer.from(value)]))
}

export const openPublisher = (options: { brokers: string[]; topic: string; source: string; log: Log }): Publisher => {
  const { brokers, topic, source, log } = options
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
  return { producer, topic, headers: constantHeaders(source), log }
}

/**
 * One send is one batch of a partition, which the broker appends whole or not at all. The trades of one taker stay
 * together, so that a crash cannot leave half of a fill-or-kill on the topic (unless the taker alone has more trades
 * than a batch may hold).
 */
export const cutBetweenTakers = (trades: readonly Trade[], max: number): Trade[][] => {
  const batches: Trade[][] = []
  for (let start = 0; start < trades.length;) {
    let end = Math.min(start + max, trades.length)
    while (end < trades.length && end > start && trades[end]?.takerId === trades[end - 1]?.takerId) end--
    if (end === start) end = Math.min(start + max, trades.length)
    batches.push(trades.slice(start, end))
    start = end
  }
  return batches
}

const toMessage = (publisher: Publisher, trade: Trade) => {
  const key = Buffer.from(trade.ticker)
  const tradeId = Buffer.from(trade.tradeId)
  const headers = new Map([
    ...publisher.headers,
    [NAMES.eventId, tradeId],
    [NAMES.ceId, tradeId],
    [NAMES.ceTime, Buffer.from(new Date(trade.timestamp).toISOString())],
  ])
  // The library takes the partition modulo the count of partitions, which it knows.
  return { topic: publisher.topic, key, partition: positiveHash(key), headers, value: Buffer.from(encodeTrade(trade)) }
}

/** Resolves when every trade is acknowledged, or when the signal stops it (then some may be on the topic). */
export const publish = async (publisher: Publisher, trades: readonly Trade[], signal: AbortSignal): Promise<void> => {
  for (const batch of cutBetweenTakers(trades, BATCH_MAX)) {
    const messages = batch.map((trade) => toMessage(publisher, trade))
    for (let attempt = 1; !signal.aborted; attempt++) {
      try {
        await publisher.producer.send({ messages, acks: ProduceAcks.ALL })
        break
      } catch (error) {
        if (attempt === 1)
          publisher.log('trades not acknowledged, sending again', { count: batch.length, error: describe(error) })
        publisher.producer.clearMetadata()
        await sleep(RETRY_MS, signal)
      }
    }
  }
}
