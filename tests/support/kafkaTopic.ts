// One topic of its own on the shared broker, and clients as the service opens them.

import type { BatchProducer } from '../../src/kafka/batchProducer.ts'
import { createProducer, type KafkaConfig } from '../../src/kafka/client.ts'
import { openKafka, type TestKafka } from './kafka.ts'
import { kafkaServer } from './servers.ts'

export type OwnTopics = AsyncDisposable & {
  kafka: TestKafka
  config: KafkaConfig
  producer: BatchProducer
  names: readonly string[]
}

export const ownTopics = async (
  count: number,
  options: { partitions?: number; settings?: Record<string, string> } = {},
): Promise<OwnTopics> => {
  const { bootstrap } = await kafkaServer()
  const kafka = openKafka(bootstrap)
  const config = { bootstrapServers: [bootstrap], clientId: 'test', requestTimeoutMs: 10_000 }
  const producer = createProducer(config)
  const names = Array.from({ length: count }, () => `kafka-${crypto.randomUUID().slice(0, 8)}`)
  await kafka.createTopics(names, options)
  return {
    kafka,
    config,
    producer,
    names,
    async [Symbol.asyncDispose]() {
      await producer.close()
      await kafka.deleteTopics(names).catch(() => undefined)
      await kafka.close()
    },
  }
}
