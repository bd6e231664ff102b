// Proves: a real broker whose quota was passed gets its rest, and no batch is sent to it twice for that.

import { expect, test } from 'bun:test'
import { Admin } from '@platformatic/kafka'
import { createProducer } from '../../src/kafka/client.ts'
import { produce } from '../../src/kafka/producer.ts'
import { noTime } from '../../src/kafka/records.ts'
import { hangsAfterMs } from '../support/hanging.ts'
import { ownTopics } from '../support/kafkaTopic.ts'

/** A broker counts over ten seconds, so it takes ten times as much before it asks for a rest. */
const bytesPerSecond = 10_000
const batchBytes = 12_000
const batches = 12

test(
  'each batch is on the topic once',
  async () => {
    await using own = await ownTopics(1, { partitions: 1 })
    const clientId = `quota-${crypto.randomUUID().slice(0, 8)}`
    const admin = new Admin({ clientId: 'test', bootstrapBrokers: [...own.config.bootstrapServers] })
    const limit = (ops: { key: string; value?: number; remove: boolean }) =>
      admin.alterClientQuotas({
        entries: [{ entities: [{ entityType: 'client-id', entityName: clientId }], ops: [ops] }],
        validateOnly: false,
      } as Parameters<Admin['alterClientQuotas']>[0])
    const producer = createProducer({ ...own.config, clientId })
    try {
      await limit({ key: 'producer_byte_rate', value: bytesPerSecond, remove: false })
      const [topic] = own.names as [string]
      const names = Array.from({ length: batches }, (_, n) => `${n}`)
      const since = performance.now()
      for (const name of names) {
        const value = name.padEnd(batchBytes, '.')
        await produce(producer, { topic, partition: 0, records: [{ key: 'K', value, headers: [], timestamp: noTime }] })
      }
      // Else no quota was passed, and nothing is proved.
      expect(performance.now() - since).toBeGreaterThan(2_000)
      // What was sent a second time on a connection that rests is taken once that is over.
      await Bun.sleep(5_000)
      expect((await own.kafka.read(topic)).map(({ value }) => value?.replaceAll('.', ''))).toEqual(names)
    } finally {
      await limit({ key: 'producer_byte_rate', remove: true })
      await Promise.all([producer.close(), admin.close()])
    }
  },
  hangsAfterMs,
)
