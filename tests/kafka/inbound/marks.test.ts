// Proves: a mark says no more than was handled: its moment was taken before the ends of the partitions were asked for, and it rises only once
// all before such an end is handled; it rises step by step through a backlog, and nobody is asked while nobody waits for it.

import { expect, test } from 'bun:test'
import { createMarks, type MarksOptions } from '../../../src/kafka/inbound/marks.ts'
import type { RaisedMarks, TapeMark } from '../../../src/store/tapeMarks.ts'
import { quietLog } from '../../support/quietLog.ts'
import { until } from '../../support/until.ts'

const topic = 'trades'

/** A topic whose partitions end at `ends`; the database's time is a number that rises with every question. */
const createWorld = (ends: bigint[], assigned: number[], needed = true, goneAfterMs = 60_000) => {
  const quiet = quietLog()
  const lastRead: { topicId: string | null } = { topicId: 'one' }
  const world = {
    lastRead,
    lines: quiet.lines,
    ends,
    partitions: ends.length,
    topicId: 'one',
    needed,
    handled: new Map<number, bigint>(),
    time: 0,
    asked: [] as string[],
    marks: [] as (TapeMark & Omit<RaisedMarks, 'marks'>)[],
    assignments: [{ topic, partitions: assigned }],
  }
  const member = {
    get assignments() {
      return world.assignments
    },
    metadata() {
      world.asked.push('metadata')
      const partitions = Array.from({ length: world.partitions }, () => ({ leader: 1 }))
      const described = { id: world.topicId, partitionsCount: world.partitions, partitions }
      return Promise.resolve({ topics: new Map([[topic, described]]) })
    },
    listOffsets() {
      world.asked.push('ends')
      return Promise.resolve(new Map([[topic, world.ends]]))
    },
  } as unknown as MarksOptions['member']
  const marks = createMarks({
    member,
    topic,
    lastRead,
    handledTo: (partition) => world.handled.get(partition) ?? null,
    tape: {
      need() {
        world.asked.push('time')
        return Promise.resolve(world.needed ? new Date(++world.time) : null)
      },
      raise({ marks, ...topic }) {
        for (const mark of marks) world.marks.push({ ...mark, ...topic })
        return Promise.resolve()
      },
    },
    log: quiet.log,
    goneAfterMs,
  })
  const stop = new AbortController()
  const running = marks.run(stop.signal)
  return Object.assign(world, {
    async [Symbol.asyncDispose]() {
      stop.abort()
      await running
    },
    mark: (what: string, is: (mark: (typeof world.marks)[number]) => boolean) =>
      until(() => world.marks.find(is), { what }),
    questions: (count: number) => until(() => world.time >= count, { what: `${count} questions` }),
  })
}

test('the moment is taken before the ends are asked for', async () => {
  await using world = createWorld([5n], [0])
  world.handled.set(0, 5n)
  await world.mark('the mark', ({ partition }) => partition === 0)
  expect(world.asked.slice(0, 3)).toEqual(['time', 'metadata', 'ends'])
  expect(world.marks[0]).toEqual({ partition: 0, readUntil: new Date(1), partitions: 1, goneUntil: null })
})

test('it waits until all before the end is handled, and stands then for the moment of that end', async () => {
  await using world = createWorld([5n], [0])
  world.handled.set(0, 4n)
  await world.questions(2)
  expect(world.marks).toEqual([])
  world.ends = [9n]
  await world.questions(4)
  world.handled.set(0, 8n)
  const { readUntil } = await world.mark('the first step', () => true)
  expect(readUntil.getTime()).toBeLessThanOrEqual(3)
  expect(readUntil.getTime()).toBeGreaterThanOrEqual(2)
  world.handled.set(0, 9n)
  await world.mark('the second step', (mark) => mark.readUntil.getTime() >= 4)
})

test('it speaks for the partitions of this member only, and says how many there are', async () => {
  await using world = createWorld([5n, 5n, 5n], [1])
  for (const partition of [0, 1, 2]) world.handled.set(partition, 5n)
  await world.mark('the mark', ({ partition }) => partition === 1)
  world.partitions = 4
  world.assignments = [{ topic, partitions: [2] }]
  await world.mark('the mark of the next assignment', ({ partition }) => partition === 2)
  expect(new Set(world.marks.map(({ partition }) => partition))).toEqual(new Set([1, 2]))
  expect(world.marks.at(-1)).toMatchObject({ partition: 2, partitions: 4 })
})

test('an unknown place raises nothing', async () => {
  await using world = createWorld([0n], [0])
  await world.questions(2)
  expect(world.marks).toEqual([])
})

test('nor does a topic that was created again under its name', async () => {
  await using world = createWorld([5n], [0])
  world.topicId = 'another'
  world.handled.set(0, 5n)
  await world.questions(2)
  expect(world.marks).toEqual([])
})

test('no broker is asked while nobody waits', async () => {
  await using world = createWorld([5n], [0], false)
  await until(() => world.asked.filter((what) => what === 'time').length >= 3, { what: 'three looks' })
  expect(new Set(world.asked)).toEqual(new Set(['time']))
})

test('no broker is asked before the first assignment, and nothing is said of the topic', async () => {
  await using world = createWorld([5n], [0])
  world.lastRead.topicId = null
  await world.questions(2)
  expect(new Set(world.asked)).toEqual(new Set(['time']))
  expect(world.lines).toEqual([])
  world.lastRead.topicId = 'one'
  world.handled.set(0, 5n)
  await world.mark('the mark', () => true)
})

test('what the topic no longer has is called gone once every answer has left it out for long enough, until the moment of the last', async () => {
  await using world = createWorld([5n], [0], true, 1_500)
  world.handled.set(0, 5n)
  await world.questions(2)
  expect(world.marks.filter(({ goneUntil }) => goneUntil !== null)).toEqual([])
  // A partition that was added comes between, and a broker that does not know it yet.
  world.partitions = 2
  await world.questions(3)
  world.partitions = 1
  const seen = world.marks.length
  await world.questions(4)
  await world.mark('the mark after it', ({ readUntil }) => readUntil.getTime() >= 4)
  expect(world.marks.slice(seen).filter(({ goneUntil }) => goneUntil !== null)).toEqual([])
  const { goneUntil, readUntil } = await world.mark(
    'the mark of a topic that stays so',
    (mark) => mark.goneUntil !== null,
  )
  expect(goneUntil).toEqual(readUntil)
  // While nobody waits, no broker is asked: what happened meanwhile is unknown.
  world.needed = false
  const asked = world.asked.length
  await until(() => world.asked.length >= asked + 2, { what: 'a look for nobody' })
  const before = world.marks.length
  world.needed = true
  await until(() => world.marks.length > before, { what: 'the next mark' })
  expect(world.marks[before]).toMatchObject({ goneUntil: null })
})
