// Proves: against the real broker: what a topic does not take together goes out in parts, in its order; what it does not take alone is said,
// and what stands before that is acknowledged.

import { expect, test } from 'bun:test'
import { createProducer } from '../../src/kafka/client.ts'
import { createLogSender } from '../../src/kafka/logSender.ts'
import type { LogMessage } from '../../src/publisher/sender.ts'
import { ownTopics } from '../support/kafkaTopic.ts'
import { quietLog } from '../support/quietLog.ts'

const message = (version: number, bytes = 500): LogMessage => ({
  ticker: 'AAPL',
  eventId: `order.${version}`,
  at: new Date(),
  value: JSON.stringify({ version, note: 'x'.repeat(bytes) }),
})
const idsOf = (messages: readonly LogMessage[]): string[] => messages.map(({ eventId }) => eventId)

const open = async (settings: Record<string, string>) => {
  const own = await ownTopics(1, { partitions: 2, settings })
  const topic = own.names[0]!
  const sender = createLogSender({ producer: own.producer, topic, ceSource: '/orders', log: quietLog().log })
  const published = async () => (await own.kafka.read(topic)).map(({ headers }) => headers['eventId']!)
  return { own, topic, sender, published }
}

test('a topic that takes single messages and not a request of them has them all, in their order', async () => {
  const { own, sender, published } = await open({ 'max.message.bytes': '20000' })
  await using _ = own
  const messages = Array.from({ length: 300 }, (_, n) => message(n))
  expect(await sender.send(1, messages, new Date())).toEqual({ acked: 300, error: null })
  expect(await published()).toEqual(idsOf(messages))
})

test('a message that is too large by itself ends it: what stands before is there, and the rest follows once it is taken', async () => {
  const { own, topic, sender, published } = await open({ 'max.message.bytes': '5000' })
  await using _ = own
  const messages = Array.from({ length: 61 }, (_, n) => message(n, n === 32 ? 9_000 : 500))
  const { acked, error } = await sender.send(0, messages, new Date())
  expect(acked).toBe(32)
  expect(String(error)).toContain('larger')
  expect(await published()).toEqual(idsOf(messages.slice(0, 32)))
  await own.kafka.alterTopic(topic, { 'max.message.bytes': '20000' })
  expect(await sender.send(0, messages.slice(32), new Date())).toEqual({ acked: 29, error: null })
  expect(await published()).toEqual(idsOf(messages))
})

test('without a broker nothing is acknowledged, and nothing is thrown', async () => {
  const producer = createProducer({ bootstrapServers: ['127.0.0.1:1'], clientId: 'test', requestTimeoutMs: 1_000 })
  const sender = createLogSender({ producer, topic: 't', ceSource: '/orders', log: quietLog().log })
  expect(await sender.send(0, [message(0), message(1)], new Date())).toEqual({ acked: 0, error: expect.any(Error) })
  await producer.close()
})
