// Proves: the consumer of trades keeps its promises against the real broker. What is done with a batch is a stand-in.

import { expect, test } from 'bun:test'
import type { RawMessage } from '../../../src/kafka/client.ts'
import {
  connectToKafka,
  createConsumer,
  type Connect,
  type ConsumerOptions,
} from '../../../src/kafka/inbound/consumer.ts'
import type { DeadLetter } from '../../../src/kafka/inbound/deadLetters.ts'
import type { KeptPlace } from '../../../src/store/topicPlaces.ts'
import { openCluster } from '../../support/cluster.ts'
import { ownTopics, type OwnTopics } from '../../support/kafkaTopic.ts'
import { quietLog } from '../../support/quietLog.ts'
import { until } from '../../support/until.ts'

type Stub = {
  apply: (batch: readonly RawMessage[], signal: AbortSignal) => Promise<unknown>
  /** Sends the letters of a partition. */
  letters?: (partition: number) => Promise<void>
  connect?: Connect
  batchMax?: number
  keep?: (places: readonly KeptPlace[]) => Promise<void>
}

/** A dead letter of a message, whatever is wrong with that. */
const letterOf = ({ topic, partition, offset, timestamp, key, value, headers }: RawMessage): DeadLetter => ({
  source: { topic, partition, offset },
  timestamp,
  key,
  value,
  headers,
  disposition: 'MALFORMED',
  reason: 'a test says so',
  legs: [],
})

const start = (
  own: OwnTopics,
  { apply, letters, connect = connectToKafka, batchMax = 50, keep = () => Promise.resolve() }: Stub,
) => {
  const { log, lines } = quietLog()
  const stopping = new AbortController()
  const options: ConsumerOptions = {
    subject: 'trades',
    kafka: own.config,
    group: `group-${own.names[0]}`,
    topic: own.names[0]!,
    handleBatch: async (batch, signal) => {
      await apply(batch, signal)
      return letters === undefined ? new Map() : Map.groupBy(batch.map(letterOf), ({ source }) => source.partition)
    },
    sendLetters: ([first]) => letters!(first!.source.partition),
    batchMax,
    keepGap: () => Promise.resolve(),
    kept: { read: () => Promise.resolve([]), keep },
    limits: { lanes: 2, messagesMax: 200, bytesMax: 1_000_000 },
    log,
  }
  const trades = createConsumer(options, connect)
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
  const messages: RawMessage[] = []
  const values = () => messages.map(({ value }) => Number(value!.toString()))
  return { messages, values, process: async (batch: readonly RawMessage[]) => void messages.push(...batch) }
}

test('each partition comes in its order, in batches that are bounded; offsets are committed after them', async () => {
  await using own = await ownTopics(1, { partitions: 3 })
  const { messages, process } = collect()
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
  expect(Math.max(...sizes)).toBeLessThanOrEqual(50)
  // A group that is dealt out anew while it starts sends messages again; each comes first after those before it.
  for (const [partition, part] of Map.groupBy(messages, (message) => message.partition))
    expect([...new Set(part.map(({ value }) => Number(value!.toString())))]).toEqual(
      Array.from({ length: partition === 0 ? 334 : 333 }, (_, n) => partition + 3 * n),
    )
  expect(consumer.trades.state().connected).toBe(false)
  expect(consumer.trades.state().committed).toBeGreaterThanOrEqual(1_000)
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
    expect(Number(offset)).toBeLessThanOrEqual(
      first.messages.filter((message) => message.partition === partition).length,
    )
  await hung.stop()

  const second = collect()
  const next = start(own, { apply: second.process })
  await own.kafka.consumed(next.group, own.names[0]!)
  await next.stop()
  // Something may come twice, nothing may be missing.
  expect(new Set([...first.values(), ...second.values()]).size).toBe(300)
})

test('how far each partition was handled is kept while it runs; what was fetched and not handled is not', async () => {
  await using own = await ownTopics(1, { partitions: 3 })
  const kept = new Map<number, bigint>()
  let [isHolding, isUnderWay] = [false, false]
  const consumer = start(own, {
    async apply(_, signal) {
      if (!isHolding) return
      isUnderWay = true
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
      throw new Error('cut off')
    },
    keep: async (places) => {
      for (const { partition, next } of places) kept.set(partition, next)
    },
  })
  await numbers(own, 0, 300)
  await until(() => [0, 1, 2].every((partition) => kept.get(partition) === 100n), { what: 'all is kept' })
  isHolding = true
  await numbers(own, 300, 3)
  await until(() => isUnderWay, { what: 'more is under way' })
  await consumer.stop()
  expect([...kept.values()]).toEqual([100n, 100n, 100n])
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
})

test('a batch that was under way while its topic was made again passes over nothing of the new one', async () => {
  await using own = await ownTopics(1, { partitions: 1 })
  const topic = own.names[0]!
  const publish = (count: number) =>
    own.kafka.publish(Array.from({ length: count }, (_, n) => ({ topic, key: 'K', value: `${n}`, partition: 0 })))
  const committed = async (): Promise<bigint> => (await own.kafka.committed(consumer.group, topic))[0]!
  const { promise: madeAgain, resolve: isMadeAgain } = Promise.withResolvers<void>()
  let isUnderWay = false
  await publish(20)
  const consumer = start(own, {
    async apply(_, signal) {
      isUnderWay = true
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
      await madeAgain
    },
  })
  await until(() => isUnderWay, { what: 'the batch is under way' })
  await own.kafka.deleteTopics([topic])
  await own.kafka.createTopics([topic], { partitions: 1 })
  isMadeAgain()
  await until(() => consumer.trades.state().rebuilds > 0, { what: 'the consumer is built again' })
  await until(async () => (await committed()) <= 0n, { what: 'no offset of the old topic is committed' })
  await consumer.stop()

  await publish(30)
  const { values, process } = collect()
  const next = start(own, { apply: process })
  await own.kafka.consumed(next.group, topic)
  await next.stop()
  expect(new Set(values())).toEqual(new Set(Array.from({ length: 30 }, (_, n) => n)))
})

test('partitions that are added while the group lets it in are read', async () => {
  await using own = await ownTopics(1, { partitions: 1 })
  await using cluster = openCluster(own.config.bootstrapServers[0]!)
  const topic = own.names[0]!
  const { values, process } = collect()
  let joins = 0
  const consumer = start(own, {
    apply: process,
    connect: (...args) => {
      const connection = connectToKafka(...args)
      const joinGroup = connection.member.joinGroup.bind(connection.member)
      connection.member.joinGroup = async (options) => {
        const member = await joinGroup(options)
        if (joins++ === 0) await cluster.addPartitions(topic, 3)
        return member
      }
      return connection
    },
  })
  await until(async () => joins > 0 && (await own.kafka.committed(consumer.group, topic)).length === 3, {
    what: 'it has joined',
  })
  await numbers(own, 0, 30)
  await until(() => new Set(values()).size === 30, { what: 'all three are read' })
  await consumer.stop()
})

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
})

test('a member that could not join again is no end either, though no message comes', async () => {
  await using own = await ownTopics(1, { partitions: 3 })
  const { process } = collect()
  const members: { emit: (event: 'error', error: Error) => unknown }[] = []
  const connect: Connect = (...args) => {
    const connection = connectToKafka(...args)
    members.push(connection.member as unknown as (typeof members)[number])
    return connection
  }
  const consumer = start(own, { apply: process, connect })
  await until(() => consumer.trades.state().connected, { what: 'the consumer is connected' })
  members[0]!.emit('error', new Error('joinGroup failed'))
  await until(() => consumer.trades.state().rebuilds === 1 && consumer.trades.state().connected, {
    what: 'it is built again',
  })
  expect(members).toHaveLength(2)
  await consumer.stop()
})

test('letters that cannot be written hold back the offsets of their partition alone; fills go on there as well', async () => {
  await using own = await ownTopics(1, { partitions: 3 })
  const { values, process } = collect()
  const sent = Promise.withResolvers<void>()
  const letters = (partition: number): Promise<void> => (partition === 1 ? sent.promise : Promise.resolve())
  const consumer = start(own, { apply: process, letters })
  await numbers(own, 0, 600)
  await until(() => new Set(values()).size === 600, { what: 'all are applied' })
  const committed = () => own.kafka.committed(consumer.group, own.names[0]!)
  await until(async () => (await committed()).every((offset, partition) => partition === 1 || offset === 200n), {
    what: 'the other partitions are committed',
  })
  expect((await committed())[1]! <= 0n).toBe(true)
  sent.resolve()
  await own.kafka.consumed(consumer.group, own.names[0]!)
  await consumer.stop()
})

test('only so many messages wait behind a letter: the rest is applied, and comes again for its letters', async () => {
  await using own = await ownTopics(1, { partitions: 1 })
  const { values, process } = collect()
  const sent = Promise.withResolvers<void>()
  let batches = 0
  const letters = (): Promise<void> => {
    batches++
    return sent.promise
  }
  const consumer = start(own, { apply: process, letters, batchMax: 200 })
  const count = 5_000
  const topic = own.names[0]!
  for (let from = 0; from < count; from += 500)
    await own.kafka.publish(
      Array.from({ length: 500 }, (_, n) => ({ topic, key: 'K', value: String(from + n), partition: 0 })),
    )
  await until(() => new Set(values()).size === count, { what: 'all are applied' })
  // The first is being sent; the others wait for it.
  expect(batches).toBe(1)
  expect((await own.kafka.committed(consumer.group, topic))[0]! <= 0n).toBe(true)
  sent.resolve()
  await own.kafka.consumed(consumer.group, topic)
  // Every message was in a batch whose letters were sent: what was beyond the bound came twice.
  expect(values().length).toBeGreaterThan(count)
  expect(batches).toBeGreaterThanOrEqual(count / 200)
  await consumer.stop()
})

test('letters that cannot be sent are no end either, though nothing more comes', async () => {
  await using own = await ownTopics(1, { partitions: 1 })
  let failures = 0
  const letters = async (): Promise<void> => {
    if (failures++ === 0) throw new Error('a bug')
  }
  const consumer = start(own, { apply: async () => undefined, letters })
  await own.kafka.publish([{ topic: own.names[0]!, key: 'K', value: '1', partition: 0 }])
  await own.kafka.consumed(consumer.group, own.names[0]!)
  expect(consumer.trades.state().rebuilds).toBeGreaterThan(0)
  await consumer.stop()
})

test('no lane waits for the answer to an offset commit: the next one has what was done meanwhile', async () => {
  await using own = await ownTopics(1, { partitions: 1 })
  const { values, process } = collect()
  const answered = Promise.withResolvers<void>()
  const committed: bigint[] = []
  const connect: Connect = (...args) => {
    const connection = connectToKafka(...args)
    const { member } = connection
    const commit = member.commit.bind(member)
    member.commit = async (options: Parameters<typeof commit>[0]) => {
      committed.push(...options.offsets.map(({ offset }) => offset))
      await answered.promise
      await commit(options)
    }
    return connection
  }
  const consumer = start(own, { apply: process, connect })
  await own.kafka.publish(
    Array.from({ length: 300 }, (_, n) => ({ topic: own.names[0]!, key: 'K', value: String(n), partition: 0 })),
  )
  await until(() => new Set(values()).size === 300, { what: 'everything is applied' })
  expect(committed).toHaveLength(1)
  const stopped = consumer.stop()
  answered.resolve()
  await stopped
  expect(committed).toEqual([committed[0]!, 300n])
  expect([...(await own.kafka.committed(consumer.group, own.names[0]!)).values()].map(Number)).toEqual([300])
  expect(consumer.trades.state().committed).toBeGreaterThanOrEqual(300)
})

test('a group that lets us in and does not say where it stands is no connection', async () => {
  await using own = await ownTopics(1, { partitions: 1 })
  const { values, process } = collect()
  let [calls, refusing] = [0, true]
  const connect: Connect = (...args) => {
    const connection = connectToKafka(...args)
    const { fetcher } = connection
    const ask = fetcher.committedPlaces
    fetcher.committedPlaces = async (...asked) => {
      calls++
      if (refusing) throw new Error('no right to ask')
      return ask(...asked)
    }
    return connection
  }
  const consumer = start(own, { apply: process, connect })
  await own.kafka.publish([{ topic: own.names[0]!, key: 'K', value: '1', partition: 0 }])
  await until(() => calls > 2, { what: 'it was asked again and again' })
  expect(consumer.trades.state().connected).toBe(false)
  refusing = false
  await until(() => values().length === 1, { what: 'it is read' })
  expect(consumer.trades.state().connected).toBe(true)
  await consumer.stop()
})
