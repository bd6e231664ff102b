// Creates the service's topics that are missing, with a given number of partitions. The service creates missing ones itself; `up`
// comes first so that their number is certain.

import { Admin } from '@platformatic/kafka'

type Env = Record<string, string | undefined>

export const topicNames = (env: Env): string[] => [
  env['KAFKA_TOPIC_ORDER_PLACED'] || 'order.placed.v1',
  env['KAFKA_TOPIC_ORDER_CANCELLED'] || 'order.cancelled.v1',
  env['KAFKA_TOPIC_TRADE_EXECUTED'] || 'trade.executed.v1',
  env['KAFKA_TOPIC_TRADE_DLQ'] || 'trade.executed.v1.dlq',
  env['KAFKA_TOPIC_ORDER_REPORT'] || 'order.report.v1',
  env['KAFKA_TOPIC_REPORT_DLQ'] || 'order.report.v1.dlq',
]

export const withAdmin = async <T>(bootstrap: string, use: (admin: Admin) => Promise<T>): Promise<T> => {
  const admin = new Admin({ clientId: 'stack', bootstrapBrokers: bootstrap.split(','), retries: 5, timeout: 10_000 })
  try {
    return await use(admin)
  } finally {
    await admin.close()
  }
}

/** Answers the names of the topics that were missing. */
export const createTopics = async (
  bootstrap: string,
  { names, partitions }: { names: string[]; partitions: number },
) => {
  return withAdmin(bootstrap, async (admin) => {
    const present = await admin.listTopics()
    const missing = names.filter((name) => !present.includes(name))
    if (missing.length > 0) await admin.createTopics({ topics: missing, partitions, replicas: 1 })
    return missing
  })
}
