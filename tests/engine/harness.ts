// What the test over a real Kafka needs: topics of its own, the engine as its own process, and plain clients.

import { Admin, Consumer, ProduceAcks, Producer } from '@platformatic/kafka'
import { startEngine, type EngineProcess } from '../support/engineProcess.ts'
import { kafkaServer } from '../support/servers.ts'
import type { Incoming } from './engine.ts'
import { partitionOf } from './murmur2.ts'

type Topics = { placed: string; cancelled: string; trades: string; reports: string }
/** `sentAt` is the record's time, in milliseconds: the engine's clock when it sent it. */
type TopicRecord = { key: string; partition: number; eventId: string; sentAt: number; value: Record<string, unknown> }
const PARTITIONS = 3

export const openHarness = async () => {
  const { bootstrap } = await kafkaServer()
  const run = crypto.randomUUID().slice(0, 8)
  const names = ['placed', 'cancelled', 'trades', 'reports'] as const
  const topics = Object.fromEntries(names.map((name) => [name, `${name}-${run}`])) as Topics
  const client = { clientId: `engine-test-${run}`, bootstrapBrokers: [bootstrap], strict: true }
  const admin = new Admin(client)
  await admin.createTopics({ topics: Object.values(topics), partitions: PARTITIONS, replicas: 1 })
  await admin.close()
  const producer = new Producer(client)
  const consumer = new Consumer({ ...client, groupId: `engine-test-${run}` })
  const stream = await consumer.consume({
    topics: [topics.trades, topics.reports],
    mode: 'earliest',
    maxWaitTime: 100,
    autocommit: false,
  })
  const trades: TopicRecord[] = []
  const reports: TopicRecord[] = []
  const ids = new Set<string>()
  stream.on('data', ({ topic, key, value, headers, partition, offset, timestamp }) => {
    // A rebalance of our own group brings messages again.
    const id = `${topic}-${partition}-${offset}`
    if (ids.has(id)) return
    ids.add(id)
    const headerTexts = new Map([...headers].map(([name, text]) => [String(name), String(text)]))
    const fields = JSON.parse(String(value)) as Record<string, unknown>
    const eventId = headerTexts.get('eventId') ?? ''
    const record = { key: String(key), partition, eventId, sentAt: Number(timestamp), value: fields }
    if (topic === topics.reports) reports.push(record)
    else trades.push(record)
  })
  const engines: EngineProcess[] = []
  return {
    topics,
    trades,
    reports,
    async send(topic: string, ticker: string, message: Incoming): Promise<void> {
      const key = Buffer.from(ticker)
      const headers = new Map(message.eventId === null ? [] : [[Buffer.from('eventId'), Buffer.from(message.eventId)]])
      const value = Buffer.from(message.value ?? [])
      const record = { topic, key, value, headers, partition: partitionOf(key, PARTITIONS) }
      await producer.send({ messages: [record], acks: ProduceAcks.ALL })
    },
    /** Of the old kind unless features are named. */
    async startEngine(features = ''): Promise<EngineProcess> {
      const engine = await startEngine({
        KAFKA_BOOTSTRAP_SERVERS: bootstrap,
        KAFKA_TOPIC_ORDER_PLACED: topics.placed,
        KAFKA_TOPIC_ORDER_CANCELLED: topics.cancelled,
        KAFKA_TOPIC_TRADE_EXECUTED: topics.trades,
        KAFKA_TOPIC_ORDER_REPORT: topics.reports,
        ENGINE_FEATURES: features,
      })
      engines.push(engine)
      return engine
    },
    async close(): Promise<void> {
      await Promise.all(engines.map((engine) => engine.kill()))
      await Promise.all([consumer.close(true), producer.close(true)])
    },
  }
}
