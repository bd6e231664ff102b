// Proves: ten thousand followers that resume at once, as after a restart, cost Postgres a few reads and each gets exactly what it missed;
// what lies far back is read with the filter of its follower; the ring stays within its bounds.

import { afterAll, afterEach, describe, expect, test } from 'bun:test'
import { createRandom } from '../support/random.ts'
import { until } from '../support/until.ts'
import { createTailWorld } from './world.ts'

const world = await createTailWorld()
afterEach(() => world.closeTails())
afterAll(() => world.stop())

const users = Array.from({ length: 40 }, () => crypto.randomUUID())

/** Orders of all users, and what becomes of them; the cursor after each event. */
const history = async () => {
  const { followLive, tail } = world.startTail()
  const reading = await followLive()
  const before = await world.position()
  const owners = new Map<string, string>()
  for (let round = 0; round < 3; round++) {
    const orders = await world.place(...users.map((userId) => ({ userId })))
    for (const { id, userId } of orders) owners.set(id, userId)
    await world.applyFills(...orders.map(({ id }) => ({ buy: id })))
    await world.cancel(...orders.slice(0, 20).map(({ id }) => id))
  }
  const logged = await world.logged(before)
  await until(() => reading.seen().length === logged.length, { what: 'all was seen' })
  tail.close()
  const ownerOf = (name: string) => owners.get(name.split('.')[0]!)
  /** What follows the event of this number, for one user. */
  const after = (i: number, userId: string) => logged.slice(i + 1).filter((name) => ownerOf(name) === userId)
  return { logged, cursors: reading.cursors(), after }
}

test('ten thousand followers that resume at once are served by a ring that is made longer for all of them', async () => {
  const { cursors, after } = await history()
  const random = createRandom(14)
  const { follow, statements, tail } = world.startTail({ pollMs: 1_000 })
  const readings = Array.from({ length: 10_000 }, () => {
    const i = random.below(cursors.length)
    const userId = random.pick(users)
    return { wanted: after(i, userId), reading: follow({ userId }, cursors[i]) }
  })
  await until(() => tail.state().catchingUp === 0, { what: 'all are at the head' })
  const wrong = readings.filter(({ wanted, reading }) => reading.seen().join() !== wanted.join())
  expect(wrong.length).toBe(0)
  expect(statements()).toBeLessThan(100)
}, 120_000)

describe('what lies before the ring', () => {
  test('is read from Postgres with the filter, and joins the ring without a gap', async () => {
    const { logged, cursors, after } = await history()
    const { followLive, follow, tail } = world.startTail({ ring: { eventsMax: 30, bytesMax: 10_000_000 } })
    await followLive()
    for (const i of [0, 1, 50, 150, logged.length - 1]) {
      const userId = users[i % users.length]!
      const reading = follow({ userId }, cursors[i])
      const all = follow({}, cursors[i])
      await until(() => tail.state().catchingUp === 0, { what: 'both are at the head' })
      const [order] = await world.place({ userId })
      const name = `${order!.id}.0`
      await until(() => reading.seen().includes(name) && all.seen().includes(name), { what: 'the next event' })
      expect(reading.seen()).toEqual([...after(i, userId), ...reading.seen().slice(after(i, userId).length)])
      expect(new Set(reading.seen()).size).toBe(reading.seen().length)
      expect(all.seen().slice(0, logged.length - i - 1)).toEqual(logged.slice(i + 1))
      expect(tail.state().ring.events).toBeLessThanOrEqual(30)
      reading.close()
      all.close()
    }
  })

  test('and is too much to be caught up with, is counted once for all', async () => {
    const { cursors } = await history()
    const { followLive, follow, statements } = world.startTail({ pollMs: 10_000, resumeMaxEvents: 100 })
    await followLive()
    const before = statements()
    const readings = users.map((userId, i) => follow({ userId }, cursors[i % 4 === 0 ? 0 : 1]))
    for (const reading of readings) await until(reading.isLive, { what: 'it began anew' })
    for (const reading of readings) expect(reading.resets()).toEqual(['TOO_FAR_BEHIND'])
    expect(statements() - before).toBeLessThan(10)
  })

  test('and would not fit into the ring, is not read for the ring', async () => {
    const { cursors, after } = await history()
    const { followLive, follow, statements, tail } = world.startTail({
      pollMs: 10_000,
      ring: { eventsMax: 10_000, bytesMax: 20_000 },
    })
    await followLive()
    const before = statements()
    const readings = users.map((userId, i) => ({ wanted: after(i, userId), reading: follow({ userId }, cursors[i]) }))
    await until(() => tail.state().catchingUp === 0, { what: 'all are at the head' })
    for (const { wanted, reading } of readings) expect(reading.seen()).toEqual(wanted)
    // Two reads for each: the rest of the page of its cursor, and what comes after it. And a few of the reader.
    expect(statements() - before).toBeLessThan(2 * users.length + 10)
  })

  test('the ring holds no more than it may', async () => {
    const { followLive, tail } = world.startTail({ ring: { eventsMax: 10_000, bytesMax: 20_000 } })
    const reading = await followLive()
    for (let i = 0; i < 20; i++) await world.place(...Array.from({ length: 10 }, () => ({})))
    await until(() => reading.seen().length >= 200, { what: 'all was seen' })
    // What is read at once on a slow machine may be more than the ring holds; the next event is not.
    await world.place({})
    await until(() => reading.seen().length >= 201, { what: 'the last was seen' })
    expect(tail.state().ring.bytes).toBeLessThanOrEqual(20_000)
    expect(tail.state().ring.events).toBeGreaterThan(0)
  })
})
