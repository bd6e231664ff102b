// Proves: the feed copes with what a real broker cannot be made to answer at a given moment: faults of single partitions, answers
// that come too late, batches that cannot be read. The brokers are a stand-in. (Real ones: tests/e2e/clusterChanges.test.ts.)

import { expect, test } from 'bun:test'
import { at } from '../../../src/kafka/batchLayout.ts'
import type { RawMessage } from '../../../src/kafka/client.ts'
import { faults } from '../../../src/kafka/fetching.ts'
import type { Fetched, Place } from '../../../src/kafka/fetchRequest.ts'
import { createFeed, type Feed, type FeedOptions } from '../../../src/kafka/inbound/feed.ts'
import { createIntake } from '../../../src/kafka/inbound/intake.ts'
import type { Gap } from '../../../src/store/gaps.ts'
import type { KeptPlace } from '../../../src/store/topicPlaces.ts'
import { encodeBatch } from '../../fuzz/records/batch.ts'
import { quietLog } from '../../support/quietLog.ts'
import { until } from '../../support/until.ts'
import { failureOf } from '../../support/waiting.ts'

type FetchRequest = Parameters<FeedOptions['fetcher']['fetch']>[0]
/** Of one partition: offsets from `start` on; what lies within `unreadable` is one batch with an unknown codec. */
type Log = { start: number; end: number; unreadable?: readonly [first: number, last: number]; fault?: number }

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, n) => from + n)

const codecOfNobody = 7
const epochOfAll = 2
const noTime = { key: null, headers: [], timestamp: 1_000n } as const

/** One batch with these offsets, as it stands in the log of a broker. */
const batch = (first: number, last: number, codecBits = 0): Buffer => {
  const records = range(first, last + 1).map((offset) => ({ ...noTime, value: Buffer.from(`${offset}`) }))
  const bytes = encodeBatch({ records, lies: { codecBits } })
  bytes.writeBigInt64BE(BigInt(first), 0)
  bytes.writeInt32BE(epochOfAll, at.leaderEpoch)
  return bytes
}

const createBrokers = (logs: Log[]) => {
  const state = {
    logs,
    committed: logs.map(() => -1n),
    topicId: 'id-1',
    epoch: -1,
    away: false,
    leaderless: new Set<number>(),
    /** How many partitions the client knows of, until it asks anew. */
    known: logs.length,
    hold: null as Promise<void> | null,
    diverged: (_next: bigint, _epoch: number): boolean => false,
    /** Whether the answer has room for the first partition of the request alone. */
    full: false,
    batchesMax: Infinity,
    /** How many questions for the starts of partitions fail, and how many commits. */
    failures: { starts: 0, commits: 0 },
    /** What the database has. */
    kept: [] as KeptPlace[],
  }
  const partitionAnswer = ({ partition, next, epoch }: Place): Fetched => {
    const log = state.logs[partition]!
    const from = Number(next)
    const out = from < log.start || from > log.end
    const [first, last] = log.unreadable ?? [Infinity, -Infinity]
    const batches = log.fault !== undefined || out ? [] : range(from, Math.min(log.end, from + state.batchesMax))
    return {
      partition,
      fault: log.fault ?? (out ? faults.offsetOutOfRange : 0),
      end: BigInt(log.end),
      stable: BigInt(log.end),
      start: BigInt(log.start),
      aborted: [],
      diverged: state.diverged(next, epoch),
      records: Buffer.concat(
        batches
          .filter((offset) => offset <= first || offset > last || offset === from)
          .map((offset) =>
            offset < first || offset > last ? batch(offset, offset) : batch(first, last, codecOfNobody),
          ),
      ),
    }
  }
  const fetch = async ({ places }: FetchRequest) => {
    await Bun.sleep(1)
    const answers = places
      .map(partitionAnswer)
      .map((answer, n) => (state.full && n > 0 ? { ...answer, records: Buffer.alloc(0) } : answer))
    await state.hold
    if (state.away) throw new Error('no broker')
    return answers
  }
  const topicOf = <T>(value: T) => Promise.resolve(new Map([['t', value]]))
  const fetcher = {
    fetch,
    metadata: () =>
      Promise.resolve({
        topics: new Map([
          [
            't',
            {
              id: state.topicId,
              partitions: logs
                .slice(0, state.known)
                .map((_, partition) => ({ leader: state.leaderless.has(partition) ? -1 : 1 })),
              partitionsCount: state.known,
            },
          ],
        ]),
      }),
    clearMetadata: () => {
      state.known = logs.length
    },
    committedPlaces: () =>
      Promise.resolve(
        state.committed.flatMap((next, partition) => (next < 0n ? [] : [{ partition, next, epoch: state.epoch }])),
      ),
  }
  const member = {
    assignments: [{ topic: 't', partitions: logs.map((_, partition) => partition) }],
    listOffsets: ({ partitions }: { partitions: { t: number[] } }) =>
      state.failures.starts-- > 0 || partitions.t.some((partition) => state.leaderless.has(partition))
        ? Promise.reject(new Error('no leader'))
        : topicOf(state.logs.map(({ start }) => BigInt(start))),
    commit: ({ offsets }: { offsets: { partition: number; offset: bigint }[] }) => {
      if (state.failures.commits-- > 0) return Promise.reject(new Error('no coordinator'))
      if (offsets.some(({ partition }) => partition >= logs.length))
        return Promise.reject(new Error('no such partition'))
      for (const { partition, offset } of offsets) state.committed[partition] = offset
      return Promise.resolve()
    },
  }
  return { state, fetcher, member }
}

const start = async (logs: Log[], keepGap: (gap: Gap) => Promise<void> = () => Promise.resolve()) => {
  const brokers = createBrokers(logs)
  const { log, lines } = quietLog()
  const gaps: Gap[] = []
  const feed: Feed = createFeed({
    ...({ member: brokers.member, fetcher: brokers.fetcher } as unknown as Pick<FeedOptions, 'member' | 'fetcher'>),
    topic: 't',
    subject: 'trades',
    lastRead: { topicId: null },
    kept: { read: () => Promise.resolve(brokers.state.kept) },
    onGap: async (gap) => {
      await keepGap(gap)
      gaps.push(gap)
    },
    onAssigned: () => undefined,
    requestTimeoutMs: 10_000,
    log,
  })
  const intake = createIntake(feed.tap, { lanes: 1, messagesMax: 1_000, bytesMax: 1_000_000 })
  const stopping = new AbortController()
  const running = feed.run(intake, stopping.signal)
  const taken: RawMessage[] = []
  return {
    ...brokers,
    feed,
    gaps,
    lines,
    running,
    /** The offsets that came of a partition. */
    offsets(partition: number): number[] {
      taken.push(...intake.take(intake.lanes[0]!, 1_000))
      return taken.filter((message) => message.partition === partition).map(({ offset }) => Number(offset))
    },
    taken,
    async [Symbol.asyncDispose]() {
      stopping.abort()
      await running.catch(() => undefined)
    },
  }
}
test('each partition is read from where the group stands, and from its start where it stands nowhere', async () => {
  await using world = await start([
    { start: 2, end: 6 },
    { start: 0, end: 5 },
  ])
  world.state.committed = [-1n, 3n]
  await world.feed.assign()
  await until(() => world.offsets(0).length === 4 && world.offsets(1).length === 2, { what: 'both are read' })
  expect(world.offsets(0)).toEqual(range(2, 6))
  expect(world.offsets(1)).toEqual(range(3, 5))
  expect(world.feed.view().get(1)).toMatchObject({ next: 5n, end: 5n, trouble: null })
})

test('a partition with a fault of its own is said, and the others are read', async () => {
  await using world = await start([
    { start: 0, end: 3, fault: 56 },
    { start: 0, end: 3 },
  ])
  await world.feed.assign()
  await until(() => world.offsets(1).length === 3, { what: 'the other one is read' })
  expect(world.offsets(0)).toEqual([])
  await until(() => world.feed.view().get(0)!.trouble, { what: 'it is said' })
  expect(world.feed.view().get(0)!.trouble).toBe('the broker answers KAFKA_STORAGE_ERROR')
  world.state.logs[0] = { start: 0, end: 3 }
  await until(() => world.offsets(0).length === 3, { what: 'it is read' })
  expect(world.feed.view().get(0)!.trouble).toBeNull()
})

test('a partition without a leader holds up no other; once it has one it is read from its start, which is no gap', async () => {
  await using world = await start([
    { start: 4, end: 7 },
    { start: 0, end: 3 },
  ])
  world.state.leaderless.add(0)
  await world.feed.assign()
  await until(() => world.offsets(1).length === 3, { what: 'the other one is read' })
  expect(world.feed.view().get(0)!.trouble).toBe('it has no leader')
  world.state.leaderless.clear()
  await until(() => world.offsets(0).length === 3, { what: 'it is read' })
  expect(world.offsets(0)).toEqual([4, 5, 6])
  expect(world.gaps).toEqual([])
  expect(world.lines.filter(({ level }) => level === 'error')).toEqual([])
})

test('a partition that the client does not know yet is asked for, however young it takes its knowledge to be', async () => {
  await using world = await start([
    { start: 0, end: 2 },
    { start: 0, end: 3 },
  ])
  world.state.known = 1
  await world.feed.assign()
  await until(() => world.offsets(1).length === 3, { what: 'the new partition is read', deadlineMs: 10_000 })
})

test('records that are gone are kept as a gap before anything behind them is read, however long that takes', async () => {
  let failures = 3
  const keepGap = () => (failures-- > 0 ? Promise.reject(new Error('no database')) : Promise.resolve())
  await using world = await start([{ start: 8, end: 10 }], keepGap)
  world.state.committed = [3n]
  await world.feed.assign()
  await until(() => world.offsets(0).length === 2, { what: 'the rest is read' })
  expect(failures).toBe(-1)
  expect(world.gaps).toEqual([{ topic: 't', partition: 0, first: 3n, next: 8n }])
  expect(world.offsets(0)).toEqual([8, 9])
})

const placeOf = (next: bigint, topicId = 'id-1'): KeptPlace => ({ partition: 0, topicId, next })

test('a group that has lost its offset goes on where the database says: what was deleted behind that is a gap', async () => {
  await using world = await start([{ start: 8, end: 10 }])
  world.state.kept = [placeOf(3n)]
  await world.feed.assign()
  await until(() => world.offsets(0).length === 2, { what: 'the rest is read' })
  expect(world.gaps).toEqual([{ topic: 't', partition: 0, first: 3n, next: 8n }])
  expect(world.offsets(0)).toEqual([8, 9])
  expect(world.lines).toMatchObject([{ level: 'warn', topic: 't', partition: 0, kept: '3', keptEveryMs: 10_000 }])
})

test('a partition without a leader whose offset the group has lost: what was deleted behind the kept place is a gap', async () => {
  await using world = await start([{ start: 8, end: 10 }])
  world.state.kept = [placeOf(3n)]
  world.state.leaderless.add(0)
  await world.feed.assign()
  expect(world.feed.view().get(0)!.next).toBe(3n)
  world.state.leaderless.clear()
  await until(() => world.offsets(0).length === 2, { what: 'the rest is read' })
  expect(world.gaps).toEqual([{ topic: 't', partition: 0, first: 3n, next: 8n }])
})

test.each([
  ['all that was deleted was read', [placeOf(8n)], []],
  ['more than that was read', [placeOf(9n)], []],
  ['nothing was ever read', [], [{ level: 'info', topic: 't', partition: 0, start: '8' }]],
  [
    'it was another topic of this name',
    [placeOf(3n, 'id-0')],
    [{ level: 'info', topic: 't', partition: 0, start: '8' }],
  ],
])('a group without an offset, where messages were deleted and %s: the start, and no gap', async (_, kept, lines) => {
  await using world = await start([{ start: 8, end: 10 }])
  world.state.kept = kept
  await world.feed.assign()
  await until(() => world.offsets(0).length === 2, { what: 'it is read' })
  expect(world.offsets(0)).toEqual([8, 9])
  expect(world.gaps).toEqual([])
  expect(world.lines).toHaveLength(lines.length)
  expect(world.lines).toMatchObject(lines)
})

test('a partition that ends before the offset that was to be read is read from its start, and said', async () => {
  await using world = await start([{ start: 1, end: 3 }])
  world.state.committed = [50n]
  await world.feed.assign()
  await until(() => world.offsets(0).length === 2, { what: 'it is read' })
  expect(world.gaps).toEqual([])
  expect(world.lines.some(({ message }) => message.includes('ends before the offset'))).toBe(true)
})

test('a partition that was cut off and written again is read from its start, once what was read before is taken', async () => {
  await using world = await start([{ start: 0, end: 3 }])
  await world.feed.assign()
  await until(() => world.feed.view().get(0)!.next === 3n, { what: 'it is read' })
  world.state.diverged = (next, epoch) => next === 3n && epoch === epochOfAll
  world.state.logs[0] = { start: 0, end: 6 }
  await until(() => world.feed.view().get(0)!.trouble, { what: 'it is said' })
  expect(world.feed.view().get(0)!).toMatchObject({
    next: 3n,
    trouble: 'it was cut off, and what was read before waits',
  })
  expect(world.offsets(0)).toEqual([0, 1, 2])
  await until(() => world.offsets(0).length === 9, { what: 'it is read again' })
  expect(world.offsets(0)).toEqual([0, 1, 2, ...range(0, 6)])
  expect(world.gaps).toEqual([])
  expect(world.lines.filter(({ message }) => message.includes('was cut off'))).toMatchObject([
    { level: 'error', topic: 't', partition: 0, offset: '3', start: '0' },
  ])
})

test('the epoch that the group committed shows that a partition was cut off meanwhile', async () => {
  await using world = await start([{ start: 0, end: 6 }])
  Object.assign(world.state, { committed: [3n], epoch: 4, diverged: (_next: bigint, epoch: number) => epoch === 4 })
  await world.feed.assign()
  await until(() => world.offsets(0).length === 6, { what: 'it is read from its start' })
  expect(world.offsets(0)).toEqual(range(0, 6))
})

test('a partition that always has more keeps no other from being read, however little room an answer has', async () => {
  await using world = await start([
    { start: 0, end: 100_000 },
    { start: 0, end: 3 },
  ])
  world.state.full = true
  world.state.batchesMax = 5
  await world.feed.assign()
  await until(() => world.offsets(1).length === 3, { what: 'the other one is read' })
  expect(world.feed.view().get(0)!.next).toBeLessThan(100_000n)
})

test('a batch that cannot be read is one message without bytes, wherever it ends, and the others come', async () => {
  await using world = await start([
    { start: 0, end: 9, unreadable: [3, 6] },
    { start: 0, end: 2 },
  ])
  await world.feed.assign()
  await until(() => world.offsets(0).at(-1) === 8 && world.offsets(1).length === 2, { what: 'what follows is read' })
  expect(world.offsets(0)).toEqual([0, 1, 2, 3, 7, 8])
  const [odd] = world.taken.filter(({ unreadable }) => unreadable !== null)
  expect(odd).toMatchObject({ partition: 0, offset: 3n, value: null, unreadable: { last: 6n } })
  expect(odd!.unreadable!.reason).toStartWith(
    'the batch with the records 3 to 6 cannot be read: its codec 7 is unknown',
  )
})

test('an answer to a question of an older assignment, or from before a rewind, is not used', async () => {
  await using world = await start([{ start: 0, end: 4 }])
  const held = Promise.withResolvers<void>()
  world.state.hold = held.promise
  await world.feed.assign()
  await Bun.sleep(30)
  world.state.committed = [2n]
  await world.feed.assign()
  world.state.hold = null
  held.resolve()
  await until(() => world.offsets(0).length >= 2, { what: 'it is read' })
  expect(world.offsets(0)).toEqual([2, 3])
  world.feed.rewind(0, 1n)
  await until(() => world.offsets(0).length >= 5, { what: 'it is read again' })
  expect(world.offsets(0)).toEqual([2, 3, 1, 2, 3])
})

test('a topic that was made anew under the same name ends the feed; the next one begins at its start', async () => {
  await using world = await start([{ start: 0, end: 2 }])
  await world.feed.assign()
  await until(() => world.offsets(0).length === 2, { what: 'it is read' })
  world.state.topicId = 'id-2'
  expect(world.running).rejects.toThrow('deleted and created again')
  world.state.committed = [2n]
  await world.feed.assign()
  expect(world.feed.view().get(0)!.next).toBe(0n)
})

test.each([
  ['where it starts', { starts: 1, commits: 0 }],
  ['to commit its start', { starts: 0, commits: 1 }],
])('a topic that was made anew is read from its start though it was too young to say %s', async (_, failures) => {
  await using world = await start([{ start: 0, end: 5 }])
  await world.feed.assign()
  await until(() => world.offsets(0).length === 5, { what: 'it is read' })
  Object.assign(world.state, { topicId: 'id-2', committed: [3n], failures })
  expect(String(await failureOf(world.running))).toContain('deleted and created again')
  await world.feed.assign()
  expect(world.feed.view().get(0)!.next).toBe(0n)
  expect(world.lines.filter(({ message }) => message.includes('created again'))).toHaveLength(1)
})

test('what the group had committed of an old topic of the name is forgotten: an assignment that follows at once begins at the start too', async () => {
  await using world = await start([
    { start: 0, end: 5 },
    { start: 0, end: 5 },
  ])
  await world.feed.assign()
  await until(() => world.offsets(0).length === 5, { what: 'it is read' })
  Object.assign(world.state, { topicId: 'id-2', committed: [3n, 3n] })
  world.state.leaderless.add(1)
  expect(String(await failureOf(world.running))).toContain('deleted and created again')
  await world.feed.assign()
  await world.feed.assign()
  expect([...world.feed.view()].map(([partition, { next }]) => [partition, next])).toEqual([
    [0, 0n],
    [1, 0n],
  ])
})

test('a topic that was made anew with fewer partitions is read, though the group still deals out the old number', async () => {
  await using world = await start([
    { start: 0, end: 5 },
    { start: 0, end: 5 },
  ])
  await world.feed.assign()
  await until(() => world.offsets(0).length === 5, { what: 'it is read' })
  Object.assign(world.state, { topicId: 'id-2', committed: [3n] })
  expect(String(await failureOf(world.running))).toContain('deleted and created again')
  world.state.logs.pop()
  await world.feed.assign()
  expect(world.feed.view().get(0)!.next).toBe(0n)
  expect(world.state.committed).toEqual([0n])
})
