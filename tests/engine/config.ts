// The engine's settings from the environment, with the contract's defaults.

import { readFeatures } from './features.ts'
import type { Features } from './features.ts'

export type Config = {
  readonly brokers: string[]
  /** `reports` is read and written with the feature of that name only. */
  readonly topics: { readonly [name in 'placed' | 'cancelled' | 'trades' | 'reports']: string }
  readonly features: Features
  /** Names this engine to the broker and, as `ce_source`, on its trades and reports. No consumer group is joined under it. */
  readonly group: string
  readonly summaryMs: number
}

export const readConfig = (env: Record<string, string | undefined>): Config => {
  const brokers = (env['KAFKA_BOOTSTRAP_SERVERS'] ?? 'redpanda:9092').split(',').map((broker) => broker.trim())
  const summarySeconds = Number(env['ENGINE_SUMMARY_SECONDS'] ?? '10')
  if (brokers.includes('')) throw new Error('KAFKA_BOOTSTRAP_SERVERS is no comma-separated list of host:port')
  if (!(summarySeconds > 0)) throw new Error('ENGINE_SUMMARY_SECONDS is no number above 0')
  return {
    brokers,
    topics: {
      placed: env['KAFKA_TOPIC_ORDER_PLACED'] ?? 'order.placed.v1',
      cancelled: env['KAFKA_TOPIC_ORDER_CANCELLED'] ?? 'order.cancelled.v1',
      trades: env['KAFKA_TOPIC_TRADE_EXECUTED'] ?? 'trade.executed.v1',
      reports: env['KAFKA_TOPIC_ORDER_REPORT'] ?? 'order.report.v1',
    },
    features: readFeatures(env['ENGINE_FEATURES'] ?? ''),
    group: env['ENGINE_GROUP'] ?? 'reference-engine',
    summaryMs: summarySeconds * 1000,
  }
}
