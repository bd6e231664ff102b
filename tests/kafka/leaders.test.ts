// Proves: leaders are known although a partition has none, and although the brokers are slow to say who leads now. (That the library says so
// of a partition without a leader: tests/kafka/driver.test.ts.)

import { afterAll, beforeEach, expect, spyOn, test } from 'bun:test'
import { NetworkError } from '@platformatic/kafka'
import { PartitionUnavailable } from '../../src/kafka/blame.ts'
import { createLeaders, type MetadataClient } from '../../src/kafka/leaders.ts'

let now = 0
const clock = spyOn(performance, 'now')
beforeEach(() => {
  now = 0
  clock.mockImplementation(() => now)
})
afterAll(() => clock.mockRestore())

type Metadata = Awaited<ReturnType<MetadataClient['metadata']>>

const brokers = new Map([1, 2].map((id) => [id, { host: `b${id}`, port: 9092, rack: null }]))
const metadataOf = (topic: string, ...leaders: number[]): Metadata => {
  const partitions = leaders.map((leader) => ({ leader, leaderEpoch: 0, replicas: [], isr: [], offlineReplicas: [] }))
  return {
    brokers,
    topics: new Map([[topic, { id: topic, partitions, partitionsCount: leaders.length, lastUpdate: 0 }]]),
  }
}

/** Leaders whose questions the test answers, in their order. */
const open = () => {
  const questions: PromiseWithResolvers<Metadata>[] = []
  const leaders = createLeaders({
    metadata: () => {
      const question = Promise.withResolvers<Metadata>()
      questions.push(question)
      return question.promise
    },
  })
  return { leaders, questions }
}
const idsIn = (found: Awaited<ReturnType<ReturnType<typeof createLeaders>['of']>> | null) =>
  found?.map((broker) => broker?.id ?? null)

test('a view is used while it is young, and renewed beside its use', async () => {
  const { leaders, questions } = open()
  expect(leaders.known('a')).toBeNull()
  const first = leaders.of('a')
  questions[0]!.resolve(metadataOf('a', 1, 2))
  expect(await first).toEqual([{ id: 1, host: 'b1', port: 9092 }, { id: 2, host: 'b2', port: 9092 }]) // prettier-ignore
  now = 2_000
  expect(idsIn(leaders.known('a'))).toEqual([1, 2])
  expect(questions).toHaveLength(1)
  now = 3_000
  expect(idsIn(leaders.known('a'))).toEqual([1, 2])
  expect(questions).toHaveLength(2)
  questions[1]!.resolve(metadataOf('a', 2, 2, 1))
  await leaders.asked('a')
  expect(idsIn(leaders.known('a'))).toEqual([2, 2, 1])
})

test('a question that is slow to be answered holds up nobody, but an old view is not used without one', async () => {
  const { leaders, questions } = open()
  const first = leaders.of('a')
  questions[0]!.resolve(metadataOf('a', 1))
  await first
  now = 9_000
  expect(leaders.known('a')).toBeNull()
  now = 10_500
  expect(idsIn(leaders.known('a'))).toEqual([1])
  expect(idsIn(await leaders.of('a'))).toEqual([1])
  expect(questions).toHaveLength(2)
  now = 31_000
  expect(leaders.known('a')).toBeNull()
})

test('nobody can say: the question fails, and the next one is asked anew', async () => {
  const { leaders, questions } = open()
  const first = leaders.of('a')
  questions[0]!.reject(new NetworkError('away'))
  expect(first).rejects.toThrow(PartitionUnavailable)
  await first.catch(() => undefined)
  const second = leaders.of('a')
  questions[1]!.resolve(metadataOf('a', 2))
  expect(idsIn(await second)).toEqual([2])
})

test('a partition without a leader hides no other', async () => {
  const { leaders, questions } = open()
  const first = leaders.of('a')
  questions[0]!.resolve(metadataOf('a', 1, -1))
  expect(await first).toEqual([{ id: 1, host: 'b1', port: 9092 }, null])
})
