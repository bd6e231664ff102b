// Puts trades on their topic: all at once before a drain, or at a steady rate.

import { ProduceAcks, Producer } from '@platformatic/kafka'
import { positiveHash } from '../../engine/murmur2.ts'
import { partitions } from '../world/world.ts'
import type { TradeMessage } from './tradeMix.ts'

export type TradeFeed = {
  /** In order within each partition. */
  preload: (topic: string, messages: readonly TradeMessage[]) => Promise<void>
  /** So many a second, the n-th at its own time; resolves when all are acknowledged. */
  pace: (topic: string, messages: readonly TradeMessage[], perSecond: number) => Promise<void>
  close: () => Promise<void>
}

/** One partition may get them all, and the broker takes a megabyte at a time. */
const batchMax = 2_000
const tickMs = 10

const toRecord = (topic: string, { key, value }: TradeMessage) => {
  const bytes = Buffer.from(key)
  return { topic, key: bytes, value: Buffer.from(value), partition: positiveHash(bytes) % partitions }
}

export const openTradeFeed = (bootstrap: string): TradeFeed => {
  const producer = new Producer({
    clientId: 'bench-trades',
    bootstrapBrokers: [bootstrap],
    acks: ProduceAcks.ALL,
    timeout: 20_000,
    requestTimeout: 20_000,
    retries: 3,
  })
  const send = async (topic: string, messages: readonly TradeMessage[]): Promise<void> => {
    if (messages.length > 0) await producer.send({ messages: messages.map((message) => toRecord(topic, message)) })
  }
  return {
    async preload(topic, messages) {
      for (let i = 0; i < messages.length; i += batchMax) await send(topic, messages.slice(i, i + batchMax))
    },
    async pace(topic, messages, perSecond) {
      const startedAt = performance.now()
      const underWay: Promise<void>[] = []
      for (let sent = 0; sent < messages.length;) {
        const due = Math.min(messages.length, Math.floor(((performance.now() - startedAt) / 1000) * perSecond))
        underWay.push(send(topic, messages.slice(sent, due)))
        sent = due
        await Bun.sleep(tickMs)
      }
      await Promise.all(underWay)
    },
    close: async () => producer.close(true),
  }
}
