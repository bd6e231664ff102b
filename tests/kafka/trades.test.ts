// The consumer of trades against the real broker, with a stand-in for what is done with a batch.

import { expect, test } from 'bun:test'
import { createConsumer, type RawMessage } from '../../src/kafka/client.ts'
import type { Finish } from '../../src/kafka/tradeBatch.ts'
import { createTrades, type TradesOptions } from '../../src/kafka/trades.ts'
import { ownTopics, type OwnTopics } from '../support/kafkaTopic.ts'
import { quietLog } from '../support/quietLog.ts'
import { until } from '../support/until.ts'

type Stub = {
  apply: (batch: readonly RawMessage[], signal: AbortSignal) => Promise<unknown>
  finish?: Finish
  connect?: typeof createConsumer
}

const start = (own: OwnTopics, { apply, finish = async () => undefined, connect = createConsumer }: Stub) => {
  const { log, lines } = quietLog()
  const stopping = new AbortController()
  const options: TradesOptions = {
    kafka: own.config,
    group: `group-${own.names[0]}`,
    topic: own.names[0]!,
    process: async (batch, signal) => {
      await apply(batch, signal)
      return finish
    },
    batchMax: 50,
    limits: { lanes: 2, messagesMax: 200, bytesMax: 1_000_000 },
    log,
  }
  const trades = createTrades(options, connect)
  const done = trades.run(stopping.signal)
  return {
    trades,
    lines,
    group: `group-${own.names[0]}`,
    async stop() {
      stopping.abort()
      await done
    },
  }
}

const numbers = (own: OwnTopics, from: number, count: number) =>
  own.kafka.publish(
    Array.from({ length: count }, (_, n) => ({
      topic: own.names[0]!,
      key: 'K',
      value: String(from + n),
      partition: (from + n) % 3,
    })),
  )

const collect = () => {
  const seen: RawMessage[] = []
  const values = () => seen.map(({ value }) => Number(value!.toString()))
  return { seen, values, process: async (batch: readonly RawMessage[]) => void seen.push(...batch) }
}

test('each partition comes in its order, in batches that are bounded; offsets are committed after them', async () => {
  await using own = await ownTopics(1, { partitions: 3 })
  const { seen, process } = collect()
  const sizes: number[] = []
  await numbers(own, 0, 1_000)
  const consumer = start(own, {
    apply: async (batch) => {
      sizes.push(batch.length)
      await process(batch)
    },
  })
  await own.kafka.consumed(consumer.group, own.names[0]!)
  await consumer.stop()
  expect(seen).toHaveLength(1_000)
  expect(Math.max(...sizes)).toBeLessThanOrEqual(50)
  for (const [partition, messages] of Map.groupBy(seen, (message) => message.partition))
    expect(messages.map(({ value }) => Number(value!.toString()))).toEqual(
      Array.from({ length: messages.length }, (_, n) => partition + 3 * n),
    )
  expect(consumer.trades.state()).toMatchObject({ connected: false, committed: 1_000, rebuilds: 0 })
})

test('nothing is committed before it is processed: what was cut off comes again to the next one', async () => {
  await using own = await ownTopics(1, { partitions: 3 })
  await numbers(own, 0, 300)
  const first = collect()
  let batches = 0
  const hung = start(own, {
    apply: async (batch, signal) => {
      if (++batches > 2) {
        await new Promise((resolve) => signal.addEventListener('abort', resolve))
        throw new Error('cut off')
      }
      await first.process(batch)
    },
  })
  await until(() => batches >= 4, { what: 'both lanes hang' })
  await Bun.sleep(500)
  const committed = await own.kafka.committed(hung.group, own.names[0]!)
  for (const [partition, offset] of committed.entries())
    expect(Number(offset)).toBeLessThanOrEqual(first.seen.filter((message) => message.partition === partition).length)
  await hung.stop()

  const second = collect()
  const next = start(own, { apply: second.process })
  await own.kafka.consumed(next.group, own.names[0]!)
  await next.stop()
  // Something may come twice, nothing may be missing.
  expect(new Set([...first.values(), ...second.values()]).size).toBe(300)
})

test('the topic is deleted and made again under a running consumer: it is built again and goes on', async () => {
  await using own = await ownTopics(1, { partitions: 3 })
  const { values, process } = collect()
  const consumer = start(own, { apply: process })
  await numbers(own, 0, 30)
  // The client may send a whole request again when a partition of a new topic is not ready.
  await until(() => new Set(values()).size === 30, { what: 'the first ones came' })
  await own.kafka.deleteTopics([own.names[0]!])
  await until(() => consumer.trades.state().rebuilds > 0, { what: 'the consumer is built again' })
  await own.kafka.createTopics([own.names[0]!], { partitions: 3 })
  await numbers(own, 100, 30)
  await until(() => Array.from({ length: 30 }, (_, n) => 100 + n).every((n) => values().includes(n)), {
    what: 'the new ones came',
  })
  await consumer.stop()
  expect(consumer.lines.some(({ message }) => message.includes('built again'))).toBe(true)
}, 60_000)

test('a process that fails is no end: the consumer is built again and the messages come again', async () => {
  await using own = await ownTopics(1, { partitions: 3 })
  const { values, process } = collect()
  let failures = 0
  const consumer = start(own, {
    apply: async (batch) => {
      if (failures++ < 2) throw new Error('a bug')
      await process(batch)
    },
  })
  await numbers(own, 0, 30)
  await own.kafka.consumed(consumer.group, own.names[0]!)
  expect(new Set(values()).size).toBe(30)
  expect(consumer.trades.state().rebuilds).toBeGreaterThan(0)
  await consumer.stop()
}, 60_000)

test('the next batch is applied while the letters of one are on their way, one ahead and no more; the offset waits', async () => {
  await using own = await ownTopics(1, { partitions: 1 })
  const { values, process } = collect()
  const sent = Promise.withResolvers<void>()
  const consumer = start(own, { apply: process, finish: () => sent.promise })
  await own.kafka.publish(
    Array.from({ length: 150 }, (_, n) => ({ topic: own.names[0]!, key: 'K', value: String(n), partition: 0 })),
  )
  await until(() => values().length >= 51, { what: 'a second batch is applied' })
  await Bun.sleep(500)
  expect(values().length).toBeLessThanOrEqual(100)
  expect(Math.max(0, ...[...(await own.kafka.committed(consumer.group, own.names[0]!)).values()].map(Number))).toBe(0)
  sent.resolve()
  await own.kafka.consumed(consumer.group, own.names[0]!)
  expect(values()).toEqual(Array.from({ length: 150 }, (_, n) => n))
  await consumer.stop()
})

test('letters that cannot be sent are no end either, though nothing more comes', async () => {
  await using own = await ownTopics(1, { partitions: 1 })
  let failures = 0
  const finish = async (): Promise<void> => {
    if (failures++ === 0) throw new Error('a bug')
  }
  const consumer = start(own, { apply: async () => undefined, finish })
  await own.kafka.publish([{ topic: own.names[0]!, key: 'K', value: '1', partition: 0 }])
  await own.kafka.consumed(consumer.group, own.names[0]!)
  expect(consumer.trades.state().rebuilds).toBeGreaterThan(0)
  await consumer.stop()
}, 60_000)

test('no lane waits for the answer to an offset commit: what is done with meanwhile goes with the next one', async () => {
  await using own = await ownTopics(1, { partitions: 1 })
  const { values, process } = collect()
  const answered = Promise.withResolvers<void>()
  const committed: bigint[] = []
  const connect: typeof createConsumer = (...given) => {
    const consumer = createConsumer(...given)
    const commit = consumer.commit.bind(consumer)
    consumer.commit = async (options: Parameters<typeof commit>[0]) => {
      committed.push(...options.offsets.map(({ offset }) => offset))
      await answered.promise
      await commit(options)
    }
    return consumer
  }
  const consumer = start(own, { apply: process, connect })
  await own.kafka.publish(
    Array.from({ length: 300 }, (_, n) => ({ topic: own.names[0]!, key: 'K', value: String(n), partition: 0 })),
  )
  await until(() => values().length === 300, { what: 'everything is applied' })
  expect(committed).toHaveLength(1)
  const stopped = consumer.stop()
  answered.resolve()
  await stopped
  expect(committed).toEqual([committed[0]!, 300n])
  expect([...(await own.kafka.committed(consumer.group, own.names[0]!)).values()].map(Number)).toEqual([300])
  expect(consumer.trades.state().committed).toBe(300)
})
