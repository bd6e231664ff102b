// What the test over a real Kafka needs: topics of its own, the engine as its own process, and plain clients.

import { Admin, Consumer, ProduceAcks, Producer } from '@platformatic/kafka'
import { hold, release } from '../stack/guard.ts'
import { kafkaServer } from '../support/servers.ts'
import { until } from '../support/until.ts'
import type { Incoming } from './engine.ts'
import { partitionOf } from './murmur2.ts'

type Topics = { placed: string; cancelled: string; trades: string }
type TradeRecord = { key: string; partition: number; eventId: string; value: Record<string, unknown> }
export type EngineProcess = { lines: string[]; stop: () => Promise<number>; kill: () => Promise<number> }

const PARTITIONS = 3

const readLines = async (stream: ReadableStream<Uint8Array>, into: string[]): Promise<void> => {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of stream) {
    const [last = '', ...whole] = `${rest}${decoder.decode(chunk, { stream: true })}`.split('\n').toReversed()
    into.push(...whole.toReversed())
    rest = last
  }
}

/** Resolves when the engine says that it has recovered. */
const startEngine = async (bootstrap: string, topics: Topics): Promise<EngineProcess> => {
  const child = Bun.spawn([process.execPath, `${import.meta.dir}/main.ts`], {
    env: {
      PATH: process.env['PATH'] ?? '',
      KAFKA_BOOTSTRAP_SERVERS: bootstrap,
      KAFKA_TOPIC_ORDER_PLACED: topics.placed,
      KAFKA_TOPIC_ORDER_CANCELLED: topics.cancelled,
      KAFKA_TOPIC_TRADE_EXECUTED: topics.trades,
    },
    stdout: 'pipe',
    stderr: 'inherit',
  })
  hold(child.pid, 'SIGKILL')
  const lines: string[] = []
  const end = (signal: NodeJS.Signals) => async (): Promise<number> => {
    child.kill(signal)
    const code = await child.exited
    release(child.pid)
    return code
  }
  void readLines(child.stdout, lines)
  await until(() => lines.some((line) => line.includes('"started"')), { what: 'the engine has started' })
  return { lines, stop: end('SIGTERM'), kill: end('SIGKILL') }
}

export const openHarness = async () => {
  const { bootstrap } = await kafkaServer()
  const run = crypto.randomUUID().slice(0, 8)
  const topics: Topics = { placed: `placed-${run}`, cancelled: `cancelled-${run}`, trades: `trades-${run}` }
  const client = { clientId: `engine-test-${run}`, bootstrapBrokers: [bootstrap], strict: true }
  const admin = new Admin(client)
  await admin.createTopics({ topics: Object.values(topics), partitions: PARTITIONS, replicas: 1 })
  await admin.close()
  const producer = new Producer(client)
  const consumer = new Consumer({ ...client, groupId: `engine-test-${run}` })
  const stream = await consumer.consume({
    topics: [topics.trades],
    mode: 'earliest',
    maxWaitTime: 100,
    autocommit: false,
  })
  const trades: TradeRecord[] = []
  const ids = new Set<string>()
  stream.on('data', ({ key, value, headers, partition, offset }) => {
    // A rebalance of our own group brings messages again.
    if (ids.has(`${partition}-${offset}`)) return
    ids.add(`${partition}-${offset}`)
    const headerTexts = new Map([...headers].map(([name, text]) => [String(name), String(text)]))
    const fields = JSON.parse(String(value)) as Record<string, unknown>
    trades.push({ key: String(key), partition, eventId: headerTexts.get('eventId') ?? '', value: fields })
  })
  const engines: EngineProcess[] = []
  return {
    topics,
    trades,
    async send(topic: string, ticker: string, message: Incoming): Promise<void> {
      const key = Buffer.from(ticker)
      const headers = new Map(message.eventId === null ? [] : [[Buffer.from('eventId'), Buffer.from(message.eventId)]])
      const value = Buffer.from(message.value ?? [])
      const record = { topic, key, value, headers, partition: partitionOf(key, PARTITIONS) }
      await producer.send({ messages: [record], acks: ProduceAcks.ALL })
    },
    async startEngine(): Promise<EngineProcess> {
      const engine = await startEngine(bootstrap, topics)
      engines.push(engine)
      return engine
    },
    async close(): Promise<void> {
      await Promise.all(engines.map((engine) => engine.kill()))
      await Promise.all([consumer.close(true), producer.close(true)])
    },
  }
}
