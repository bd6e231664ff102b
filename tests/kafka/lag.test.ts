// Promises checked here: lag is counted from the first message that is not disposed of to the end of the topic as it was known
// last, for the partitions that are ours. (That it rises and falls on a real broker: tests/e2e/metrics.test.ts.)

import { expect, test } from 'bun:test'
import type { RawConsumer, RawMessage } from '../../src/kafka/client.ts'
import { createIntake } from '../../src/kafka/intake.ts'
import { createLag } from '../../src/kafka/lag.ts'
import { until } from '../support/until.ts'

const message = (partition: number, offset: number, timestamp: number): RawMessage =>
  ({ partition, offset: BigInt(offset), timestamp: BigInt(timestamp), key: null, value: null }) as unknown as RawMessage

/** Partitions 0 and 1 of `t` are ours; the brokers know three, or do not answer. */
const world = (ends: readonly bigint[] | null) => {
  const tap = { pause: () => undefined, resume: () => undefined, isPaused: () => false }
  const intake = createIntake(tap, { lanes: 2, messagesMax: 100, bytesMax: 1_000 })
  let asked = 0
  const consumer = {
    assignments: [{ topic: 't', partitions: [0, 1] }],
    listOffsets: () => {
      asked++
      return ends === null ? Promise.reject(new Error('away')) : Promise.resolve(new Map([['t', [...ends]]]))
    },
  } as unknown as RawConsumer
  const next = new Map([
    ['t:0', 10n],
    ['t:1', 20n],
    ['t:2', 30n],
  ])
  const lag = createLag({ consumer, topic: 't', nextOffsets: () => next }, intake)
  return {
    intake,
    lag,
    async ask() {
      const stopping = new AbortController()
      const running = lag.run(stopping.signal)
      await until(() => asked > 0, { what: 'the brokers were asked' })
      stopping.abort()
      await running
    },
  }
}
const read = ({ lag }: ReturnType<typeof world>) =>
  lag.now().map(({ partition, messages, oldestAt }) => [partition, messages, oldestAt])

test('what is not fetched counts as well as what waits here', async () => {
  const one = world([15n, 20n, 99n])
  await one.ask()
  expect(read(one)).toEqual([
    [0, 5, null],
    [1, 0, null],
  ])
  one.intake.put(message(0, 7, 1_000))
  one.intake.put(message(0, 9, 900))
  expect(read(one)[0]).toEqual([0, 8, 1_000])
})

test('a message counts until it is disposed of, not until it is taken', async () => {
  const one = world([10n, 20n])
  await one.ask()
  one.intake.put(message(1, 18, 500))
  one.intake.put(message(1, 19, 600))
  const lane = one.intake.lanes[1]!
  expect(one.intake.take(lane, 1)).toHaveLength(1)
  expect(read(one)[1]).toEqual([1, 2, 500])
  expect(one.intake.take(lane, 1)).toHaveLength(1)
  expect(read(one)[1]).toEqual([1, 1, 600])
  expect(one.intake.take(lane, 1)).toEqual([])
  expect(read(one)[1]).toEqual([1, 0, null])
})

test('while no broker answers it is counted to what was read', async () => {
  const one = world(null)
  await one.ask()
  one.intake.put(message(0, 4, 100))
  expect(read(one)).toEqual([
    [0, 6, 100],
    [1, 0, null],
  ])
})
