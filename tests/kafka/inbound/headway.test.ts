// Proves: lag is counted from the first message without a disposition to the end of the topic, for our partitions; a partition
// whose offset does not move though it has more stands still after half a minute, whoever reads it, with a reason; what is done
// but not committed gets committed; the leader of the group deals out new partitions. (That it happens on a real broker:
// tests/e2e/clusterChanges.test.ts, tests/e2e/metrics.test.ts.)

import { expect, setSystemTime, test } from 'bun:test'
import type { RawMessage } from '../../../src/kafka/client.ts'
import type { Place } from '../../../src/kafka/fetchRequest.ts'
import type { PartitionView } from '../../../src/kafka/inbound/feed.ts'
import { createHeadway, stillAfterMs, type HeadwayOptions } from '../../../src/kafka/inbound/headway.ts'
import { createIntake } from '../../../src/kafka/inbound/intake.ts'
import { unknownEpoch, unknownOffset } from '../../../src/kafka/places.ts'
import { until } from '../../support/until.ts'
import { failureOf } from '../../support/waiting.ts'

const message = (partition: number, offset: number, timestamp: number): RawMessage =>
  ({
    partition,
    offset: BigInt(offset),
    timestamp: BigInt(timestamp),
    key: null,
    value: null,
    headers: new Map(),
  }) as unknown as RawMessage
const view = (next: bigint, more: Partial<PartitionView> = {}): PartitionView => ({
  next,
  epoch: unknownEpoch,
  stable: -1n,
  end: -1n,
  trouble: null,
  ...more,
})

/** Partitions 0 and 1 of `t` are ours, where they stand at 10 and 20; the cluster has as many as `ends` and `committed`. */
const createWorld = () => {
  const tap = { pause: () => undefined, resume: () => undefined, isPaused: () => false }
  const intake = createIntake(tap, { lanes: 2, messagesMax: 100, bytesMax: 1_000 })
  const places = new Map([
    [0, view(10n)],
    [1, view(20n)],
  ])
  const world = {
    now: 0,
    ends: [10n, 20n] as bigint[] | null,
    leaderless: new Set<number>(),
    committed: [10n, 20n] as bigint[],
    passed: [] as [number, bigint][],
    idle: true,
    dealt: 2 as number | null,
    rejoined: 0,
    /** So often the group does not take it back. */
    refused: 0,
    lastHeartbeat: null as Date | null,
    intake,
    places,
  }
  let looks = 0
  const away = () => Promise.reject(new Error('away'))
  const topicOf = <T>(value: T) => Promise.resolve(new Map([['t', value]]))
  const topics = <T>(value: T) => topicOf(value).then((topics) => ({ topics }))
  const member = {
    assignments: [{ topic: 't', partitions: [0, 1] }],
    get lastHeartbeat() {
      return world.lastHeartbeat
    },
    metadata: () =>
      world.ends === null
        ? away()
        : topics({
            partitionsCount: world.ends.length,
            partitions: world.ends.map((_, partition) => ({ leader: world.leaderless.has(partition) ? -1 : 1 })),
          }),
    listOffsets: ({ partitions }: { partitions: { t: number[] } }) => {
      looks++
      if (world.ends === null || partitions.t.some((partition) => world.leaderless.has(partition))) return away()
      return topicOf([...world.ends])
    },
  }
  const options = {
    member,
    fetcher: {
      committedPlaces: () =>
        Promise.resolve(world.committed.map((next, partition) => ({ partition, next, epoch: unknownEpoch }))),
    },
    topic: 't',
    positions: new Map(),
    view: () => places,
    intake,
    isIdle: () => world.idle,
    commits: { pass: ({ partition, next }: Place) => void world.passed.push([partition, next]) },
    dealt: () => world.dealt,
    rejoin() {
      if (world.refused-- > 0) return away()
      world.rejoined++
      world.dealt = world.ends!.length
      return Promise.resolve()
    },
    obstacle: () => null,
    clock: () => world.now,
  } as unknown as HeadwayOptions
  const headway = createHeadway(options)
  return Object.assign(world, {
    headway,
    /** One look, whole. */
    async look(): Promise<void> {
      const before = looks
      const stopping = new AbortController()
      const running = headway.run(stopping.signal)
      if (world.ends !== null) await until(() => looks > before, { what: 'it looked' })
      stopping.abort()
      await running
    },
    lag: () => headway.lag().map(({ partition, messages, oldestAt }) => [partition, messages, oldestAt]),
  })
}

test('messages that are not fetched yet count as well as those that wait here', async () => {
  const world = createWorld()
  world.ends = [15n, 20n, 99n]
  await world.look()
  expect(world.lag()).toEqual([
    [0, 5, null],
    [1, 0, null],
  ])
  world.intake.put(message(0, 7, 1_000))
  world.intake.put(message(0, 9, 900))
  expect(world.lag()[0]).toEqual([0, 8, 1_000])
  // What a fetch said of the end since counts as well.
  world.places.set(0, view(10n, { end: 18n, stable: 18n }))
  expect(world.lag()[0]).toEqual([0, 11, 1_000])
})

test('a message counts until it is disposed of, not until it is taken', async () => {
  const world = createWorld()
  await world.look()
  world.intake.put(message(1, 18, 500))
  world.intake.put(message(1, 19, 600))
  const lane = world.intake.lanes[1]!
  expect(world.intake.take(lane, 1)).toHaveLength(1)
  expect(world.lag()[1]).toEqual([1, 2, 500])
  expect(world.intake.take(lane, 1)).toHaveLength(1)
  expect(world.lag()[1]).toEqual([1, 1, 600])
  expect(world.intake.take(lane, 1)).toEqual([])
  expect(world.lag()[1]).toEqual([1, 0, null])
})

test('while no broker answers it is counted to what was read', async () => {
  const world = createWorld()
  world.ends = null
  await world.look()
  world.intake.put(message(0, 4, 100))
  expect(world.lag()).toEqual([
    [0, 6, 100],
    [1, 0, null],
  ])
})

const stillOf = ({ headway }: ReturnType<typeof createWorld>) =>
  headway.stalled().map(({ partition, messages, reason }) => ({ partition, messages, reason }))

test('a partition with more stands still once its offset has not moved for half a minute, and no longer when it moves', async () => {
  const world = createWorld()
  world.ends = [14n, 20n]
  await world.look()
  world.now = stillAfterMs - 1
  await world.look()
  expect(stillOf(world)).toEqual([])
  world.now = stillAfterMs
  await world.look()
  expect(stillOf(world)).toEqual([{ partition: 0, messages: 4, reason: 'nothing comes from offset 10 on' }])
  world.committed = [11n, 20n]
  await world.look()
  expect(stillOf(world)).toEqual([])
  world.now += stillAfterMs
  world.committed = [14n, 20n]
  await world.look()
  expect(stillOf(world)).toEqual([])
})

test('so does one without a leader, whatever it has; it hides no other', async () => {
  const world = createWorld()
  await world.look()
  world.leaderless.add(1)
  world.places.set(1, view(20n, { trouble: 'it has no leader' }))
  world.ends = [14n, 20n]
  await world.look()
  world.now = stillAfterMs
  world.committed = [14n, 20n]
  await world.look()
  expect(stillOf(world)).toEqual([{ partition: 1, messages: 0, reason: 'it cannot be fetched: it has no leader' }])
  world.leaderless.clear()
  await world.look()
  expect(stillOf(world)).toEqual([])
})

test('so does one that is read by nobody here, and one that was never committed', async () => {
  const world = createWorld()
  world.ends = [10n, 20n, 3n]
  world.committed = [10n, 20n]
  await world.look()
  world.now = stillAfterMs
  await world.look()
  expect(stillOf(world)).toEqual([
    {
      partition: 2,
      messages: 3,
      reason: 'this replica does not read it; the member of the group that does, if any, commits nothing',
    },
  ])
})

test('the reason is what is known: the fetch, the database, an open transaction', async () => {
  const world = createWorld()
  world.ends = [14n, 25n]
  await world.look()
  world.now = stillAfterMs
  world.places.set(0, view(10n, { trouble: 'it has no leader' }))
  world.places.set(1, view(20n, { end: 25n, stable: 20n }))
  expect(stillOf(world).map(({ reason }) => reason)).toEqual([
    'it cannot be fetched: it has no leader',
    'a transaction that began at offset 20 and never ended holds up what follows',
  ])
  world.places.set(0, view(14n))
  world.idle = false
  expect(stillOf(world)[0]!.reason).toBe('its messages are fetched but not applied')
})

test('an offset that is another one than what was read is committed once nothing is under way', async () => {
  const world = createWorld()
  world.committed = [8n, -1n]
  world.idle = false
  await world.look()
  expect(world.passed).toEqual([])
  world.idle = true
  await world.look()
  expect(world.passed).toEqual([
    [0, 10n],
    [1, 20n],
  ])
  world.committed = [10n, 20n]
  await world.look()
  expect(world.passed).toHaveLength(2)
  // Of a topic that had the name before.
  world.committed = [10n, 30n]
  await world.look()
  expect(world.passed.slice(2)).toEqual([[1, 20n]])
})

test('of a partition whose start nobody could say, nothing is committed', async () => {
  const world = createWorld()
  world.places.set(1, view(unknownOffset))
  world.committed = [10n, -1n]
  await world.look()
  expect(world.passed).toEqual([])
})

test('partitions that were added are dealt out anew by the leader, once', async () => {
  const world = createWorld()
  await world.look()
  expect(world.rejoined).toBe(0)
  world.ends = [10n, 20n, 0n]
  world.committed = [10n, 20n, -1n]
  await world.look()
  await world.look()
  expect(world.rejoined).toBe(1)
  world.dealt = null
  world.ends = [10n, 20n, 0n, 0n]
  await world.look()
  expect(world.rejoined).toBe(1)
})

test('so are those that were added while the group was dealt out for the first time', async () => {
  const world = createWorld()
  world.dealt = 1
  await world.look()
  expect(world.rejoined).toBe(1)
})

test('if dealing out anew fails, the next look does it', async () => {
  const world = createWorld()
  await world.look()
  world.ends = [10n, 20n, 0n]
  world.committed = [10n, 20n, -1n]
  world.refused = 1
  const stopping = new AbortController()
  const running = world.headway.run(stopping.signal)
  await until(() => world.refused === 0, { what: 'it was refused' })
  stopping.abort()
  await running
  await world.look()
  expect(world.rejoined).toBe(1)
})

test('a member that the group does not hear any more is built again', async () => {
  const world = createWorld()
  world.lastHeartbeat = new Date(Date.now() - 60_000)
  expect(world.headway.run(new AbortController().signal)).rejects.toThrow('no heartbeat since')
})

test('so is one that the group never heard', async () => {
  const world = createWorld()
  const began = Date.now()
  const running = world.headway.run(new AbortController().signal)
  setSystemTime(began + 60_000)
  try {
    expect(String(await failureOf(running))).toContain('no heartbeat since')
  } finally {
    setSystemTime()
  }
})
