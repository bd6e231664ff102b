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
/** So long must sends have waited in all: less may be this machine's own slowness, and no quota was passed. */
const restMs = 2_000

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
      const names: string[] = []
      // The broker acknowledges a quota before it applies it, so batches are sent until one has to rest.
      for (let waitedMs = 0; waitedMs < restMs; await Bun.sleep(100)) {
        const name = `${names.length}`
        const value = name.padEnd(batchBytes, '.')
        const since = performance.now()
        await produce(producer, { topic, partition: 0, records: [{ key: 'K', value, headers: [], timestamp: noTime }] })
        waitedMs += performance.now() - since
        names.push(name)
      }
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
