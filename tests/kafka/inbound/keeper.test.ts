// Proves: the keeper writes down how far partitions were handled, only where that moved, again where it could not be written, and once more at the
// end, which does not wait for a database that does not answer.

import { expect, test } from 'bun:test'
import { createKeeper } from '../../../src/kafka/inbound/keeper.ts'
import type { KeptPlace } from '../../../src/store/topicPlaces.ts'
import { quietLog } from '../../support/quietLog.ts'

const createWorld = (handled: [partition: number, next: bigint | null][]) => {
  const { log, lines } = quietLog()
  const world = {
    lines,
    lastRead: { topicId: 'id-1' as string | null },
    handled: new Map(handled),
    /** What was to be written, one array a statement. */
    statements: [] as (readonly KeptPlace[])[],
    answer: () => Promise.resolve(),
  }
  const { last } = createKeeper({
    topic: 't',
    lastRead: world.lastRead,
    partitions: () => world.handled.keys(),
    handledTo: (partition) => world.handled.get(partition) ?? null,
    kept: {
      keep(places) {
        world.statements.push(places)
        return world.answer()
      },
    },
    log,
  })
  return Object.assign(world, { last })
}

const placeOf = (partition: number, next: bigint, topicId = 'id-1') => ({ partition, topicId, next })

test('places that are known are kept, and then those alone that moved', async () => {
  const world = createWorld([
    [0, 5n],
    [1, 0n],
    [2, null],
    [3, -1n],
  ])
  await world.last()
  await world.last()
  world.handled.set(1, 7n)
  await world.last()
  // It is read again, and is no less handled for that.
  world.handled.set(0, 2n)
  await world.last()
  expect(world.statements).toEqual([[placeOf(0, 5n), placeOf(1, 0n)], [placeOf(1, 7n)]])
})

test('of a topic that was made anew all places are kept, though they are lower', async () => {
  const world = createWorld([[0, 5n]])
  await world.last()
  world.lastRead.topicId = 'id-2'
  world.handled.set(0, 1n)
  await world.last()
  expect(world.statements).toEqual([[placeOf(0, 5n)], [placeOf(0, 1n, 'id-2')]])
})

test('before a topic was read nothing is kept', async () => {
  const world = createWorld([[0, 5n]])
  world.lastRead.topicId = null
  await world.last()
  expect(world.statements).toEqual([])
})

test('what could not be kept is said, and kept later', async () => {
  const world = createWorld([[0, 5n]])
  world.answer = () => Promise.reject(new Error('no database'))
  await world.last()
  expect(world.lines).toMatchObject([{ level: 'warn', topic: 't', error: 'no database' }])
  world.answer = () => Promise.resolve()
  await world.last()
  expect(world.statements).toEqual([[placeOf(0, 5n)], [placeOf(0, 5n)]])
})

test('the end waits for no database that does not answer', async () => {
  const world = createWorld([[0, 5n]])
  let answered = false
  world.answer = async () => {
    await Bun.sleep(10_000)
    answered = true
  }
  await world.last()
  expect(world.statements).toHaveLength(1)
  expect(answered).toBe(false)
})
