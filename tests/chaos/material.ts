// What bad messages are made of: the orders of the clients, and what stands on the topics.

import type { Random } from '../support/random.ts'
import type { ClientOrder } from './clients.ts'
import type { InboundMessage } from './kafkaSide.ts'
import type { TopicRecord } from './topicLog.ts'

/** `orders` were acknowledged; `trades` and `reports` stand on their topics. `orders` and `trades` are not empty. */
export type Material = {
  rng: Random
  orders: readonly ClientOrder[]
  trades: readonly TopicRecord[]
  reports: readonly TopicRecord[]
}

/** One of the last `most`. */
export const recent = <T>({ rng }: Pick<Material, 'rng'>, items: readonly T[], most: number): T =>
  items[items.length - rng.int(1, Math.min(most, items.length))]!

export const copyOf = (record: TopicRecord): InboundMessage => ({ key: record.key ?? '', value: record.bytes })

export const encode = (key: string, members: Record<string, unknown>): InboundMessage => ({
  key,
  value: new TextEncoder().encode(JSON.stringify({ timestamp: new Date().toISOString(), ...members })),
})
