// The watchdog on a real group whose committed offsets stand where a test put them; how far "the stream" has read is told.

import { afterAll, beforeAll, expect, test } from 'bun:test'
import { createConsumer, type RawConsumer } from '../../src/kafka/client.ts'
import { watch } from '../../src/kafka/watchdog.ts'
import { ownTopics, type OwnTopics } from '../support/kafkaTopic.ts'
import { until } from '../support/until.ts'

const silent = 60_000
const partitions = [0, 1, 2, 3, 4]

let own: OwnTopics
let topic: string
let consumer: RawConsumer
/** Of each partition; every test has a partition of its own. */
let ends: bigint[]

beforeAll(async () => {
  own = await ownTopics(1, { partitions: partitions.length })
  topic = own.names[0]!
  const messages = Array.from({ length: 5 * partitions.length }, (_, n) => n)
  await own.kafka.publish(
    messages.map((n) => ({ topic, key: 'K', value: String(n), partition: n % partitions.length })),
  )
  const received = await own.kafka.readUntil(topic, messages.length)
  ends = partitions.map((partition) => BigInt(received.filter((message) => message.partition === partition).length))
  consumer = createConsumer(own.config, `group-${topic}`)
  await consumer.consume({
    topics: [topic],
    mode: 'manual',
    offsets: partitions.map((partition) => ({ topic, partition, offset: ends[partition]! })),
  })
  await until(() => consumer.assignments?.[0]?.partitions.length === partitions.length, {
    what: 'the partitions are ours',
  })
})
afterAll(async () => {
  await consumer.close(true)
  await own[Symbol.asyncDispose]()
})

const commitTo = (partition: number, offset: bigint) =>
  consumer.commit({ offsets: [{ topic, partition, offset, leaderEpoch: -1 }] })

/** Whether the watchdog gives the alarm at its first look. */
const alarms = async (
  partition: number,
  read: bigint,
  { silentMs = silent, forgiven = new Set<string>() } = {},
): Promise<boolean> => {
  const stopping = new AbortController()
  let looked = 0
  let stalled = false
  const watched = {
    consumer,
    topic,
    nextOffsets: () => {
      looked++
      return new Map([[`${topic}:${partition}`, read]])
    },
    silentMs: () => silentMs,
  }
  const watching = watch(watched, { forgiven, onStall: () => (stalled = true), signal: stopping.signal })
  if (silentMs === silent) {
    await until(() => looked > 0, { what: 'the first look' })
    // Longer than the two questions to the broker take; an alarm ends the watch by itself.
    await Promise.race([watching, Bun.sleep(2_000)])
  } else await Bun.sleep(6_000)
  stopping.abort()
  await watching
  return stalled
}

test.concurrent('a silent stream that has read and committed all is left alone', async () => {
  const end = ends[0]!
  await commitTo(0, end)
  expect(await alarms(0, end)).toBe(false)
})

test.concurrent('a silent stream that does not ask for what the broker has is built again', async () => {
  const end = ends[1]!
  await commitTo(1, end - 2n)
  expect(await alarms(1, end - 2n)).toBe(true)
})

test.concurrent('a committed offset that stands behind what was read is seen, with nothing more to read', async () => {
  const end = ends[2]!
  await commitTo(2, end - 2n)
  expect(await alarms(2, end)).toBe(true)
})

test.concurrent('a place that a new stream did not get past either is forgiven, by its offset', async () => {
  const end = ends[3]!
  await commitTo(3, end - 2n)
  const forgiven = new Set<string>()
  expect(await alarms(3, end, { forgiven })).toBe(true)
  expect(await alarms(3, end, { forgiven })).toBe(false)
  expect(await alarms(3, end - 1n, { forgiven })).toBe(true)
})

test.concurrent('a stream that receives is not looked at', async () => {
  const end = ends[4]!
  await commitTo(4, end - 2n)
  expect(await alarms(4, end, { silentMs: 1_000 })).toBe(false)
})
