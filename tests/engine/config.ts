// The engine's settings from the environment, with the contract's defaults.

export type Config = {
  readonly brokers: string[]
  readonly topics: { readonly placed: string; readonly cancelled: string; readonly trades: string }
  /** Names this engine to the broker and, as `ce_source`, on its trades. No consumer group is joined under it. */
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
    },
    group: env['ENGINE_GROUP'] ?? 'reference-engine',
    summaryMs: summarySeconds * 1000,
  }
}
