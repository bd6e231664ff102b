// Proves: a follower gets the open orders and then every change, as of its version and once; a cursor resumes without a gap, from the
// ring as from Postgres, on any replica, by stream or by polling; who cannot resume begins anew; nothing runs while nobody follows.

import { afterAll, afterEach, describe, expect, test } from 'bun:test'
import { isVisible } from '../../src/store/snapshot.ts'
import type { Database } from '../../src/store/sql.ts'
import { decodeCursor } from '../../src/tail/cursor.ts'
import { admittedMax } from '../../src/tail/gathering.ts'
import { aPlacement } from '../support/builders.ts'
import { placeAll } from '../support/storeOrders.ts'
import { until } from '../support/until.ts'
import { createTailWorld } from './world.ts'

const world = await createTailWorld()
afterEach(() => world.closeTails())
afterAll(() => world.stop())

const saw = (reading: { seen: () => string[] }, count: number) =>
  until(() => reading.seen().length >= count, { what: `${count} events` })

describe('a follower', () => {
  test('gets the open orders, then each change with the order as of its version', async () => {
    const [open, closed] = await world.place({}, {})
    await world.cancel(closed!.id)
    const { followLive } = world.startTail()
    const reading = await followLive()
    expect(reading.snapshot()).toContain(open!.id)
    expect(reading.snapshot()).not.toContain(closed!.id)

    const [next] = await world.place({})
    await world.applyFills({ buy: next!.id, quantity: '10' })
    await world.cancel(open!.id)
    await saw(reading, 3)
    expect(reading.seen()).toEqual([`${next!.id}.0`, `${next!.id}.1`, `${open!.id}.1`])
    const texts = reading.steps.flatMap((step) =>
      step.kind === 'events' ? step.events.map(({ event }) => event.text) : [],
    )
    expect(texts).toEqual(['ACCEPTED NEW 0', 'FILLED PARTIALLY_FILLED 1000000000', 'CANCELED CANCELED 0'])
  })

  test('gets what passes its filter, and nothing else', async () => {
    const { followLive } = world.startTail()
    const userId = crypto.randomUUID()
    const ticker = 'ONLY'
    const [mine, other] = await world.place({ userId, ticker }, { ticker })
    const readings = {
      all: await followLive(),
      user: await followLive({ userId }),
      ticker: await followLive({ ticker }),
      order: await followLive({ orderId: other!.id }),
      both: await followLive({ userId, ticker: 'AAPL' }),
    }
    expect(readings.user.snapshot()).toEqual([mine!.id])
    expect(readings.ticker.snapshot()).toEqual([other!.id, mine!.id])
    expect(readings.order.snapshot()).toEqual([other!.id])
    expect(readings.both.snapshot()).toEqual([])
    const [apple] = await world.place({ userId, ticker: 'AAPL' })
    await world.cancel(mine!.id, other!.id)
    await saw(readings.all, 3)
    const gone = { mine: `${mine!.id}.1`, other: `${other!.id}.1` }
    expect(readings.user.seen()).toEqual([`${apple!.id}.0`, gone.mine])
    expect(readings.ticker.seen().toSorted()).toEqual([gone.mine, gone.other].toSorted())
    expect(readings.order.seen()).toEqual([gone.other])
    expect(readings.both.seen()).toEqual([`${apple!.id}.0`])
  })

  test('sees at once what its own process commits, and soon what others commit', async () => {
    const { followLive, tail } = world.startTail({ pollMs: 60_000 })
    const reading = await followLive()
    await world.place({})
    await saw(reading, 1)
    tail.close()
    const other = world.startTail()
    const second = await other.followLive()
    await world.sql`select 1`
    const [order] = await world.place({})
    await saw(second, 1)
    expect(second.seen()).toEqual([`${order!.id}.0`])
  })

  test('that does not pull is given up with the cursor of what it pulled, and nothing is lost', async () => {
    const { tail, follow } = world.startTail({ bufferMaxBytes: 2_000 })
    const opened = tail.open({}, null, () => lagged++)
    let lagged = 0
    if (!opened.ok) throw new Error('not opened')
    const { following } = opened
    let step = await following.next()
    for (; step.kind !== 'live';) step = await following.next()
    const [first] = await world.place({})
    step = await following.next()
    expect(step.kind).toBe('events')
    const later: string[] = []
    await until(
      async () => {
        later.push(...(await world.place({})).map(({ id }) => `${id}.0`))
        return lagged === 1
      },
      { what: 'it is given up' },
    )
    step = await following.next()
    if (step.kind !== 'lagging') throw new Error(step.kind)
    const resumed = follow({}, step.cursor)
    await saw(resumed, later.length)
    expect(resumed.seen()).toEqual(later)
    expect(later).not.toContain(`${first!.id}.0`)
  })

  test('that would have to wait for what is read lets the reader rest; who polls has everything, and nothing is lost', async () => {
    const { follow, followLive, statements, page } = world.startTail({ gatherMs: 3_600_000 })
    const reading = await followLive()
    const placed: string[] = []
    const placeOne = async (): Promise<void> => {
      placed.push(...(await world.place({})).map(({ id }) => `${id}.0`))
    }
    for (let i = 1; i <= admittedMax; i++) {
      await placeOne()
      await saw(reading, i)
    }
    const looks = statements()
    for (let i = 0; i < 5; i++) await placeOne()
    await Bun.sleep(200)
    expect(statements()).toBe(looks)
    expect((await page(reading.cursor())).seen).toEqual(placed.slice(admittedMax))
    // One that has had nothing yet waits for nobody.
    const quiet = await followLive()
    await placeOne()
    await saw(quiet, 1)
    expect(reading.seen()).toEqual(placed.slice(0, admittedMax))
    // Nor for one that has left.
    reading.close()
    await placeOne()
    await saw(quiet, 2)
    const resumed = follow({}, reading.cursor())
    await saw(resumed, placed.length - admittedMax)
    expect(resumed.seen()).toEqual(placed.slice(admittedMax))
  })

  test('that gave up while it waited for its snapshot costs Postgres nothing', async () => {
    const gate = Promise.withResolvers<void>()
    let pages = 0
    const lists: Database = {
      ...world.db,
      async run(statement) {
        pages++
        await gate.promise
        return world.db.run(statement)
      },
    }
    const { follow } = world.startTail({ lists })
    const readings = Array.from({ length: 6 }, () => follow({ userId: crypto.randomUUID() }))
    await until(() => pages === 2, { what: 'the lanes are busy, the others wait' })
    for (const reading of readings.slice(2)) reading.close()
    gate.resolve()
    for (const reading of readings.slice(0, 2)) await until(reading.isLive, { what: 'the snapshot is complete' })
    expect(pages).toBe(2)
  })

  test('ends with its cursor when the tail closes, whatever it was doing', async () => {
    const { tail, followLive, follow } = world.startTail()
    const reading = await followLive()
    await world.place({})
    await saw(reading, 1)
    const starting = follow()
    tail.close()
    for (const one of [reading, starting]) await until(() => one.steps.at(-1)?.kind === 'ended', { what: 'it ended' })
    const [missed] = await world.place({})
    const other = world.startTail()
    const resumed = other.follow({}, reading.cursor())
    await saw(resumed, 1)
    expect(resumed.seen()).toEqual([`${missed!.id}.0`])
  })
})

describe('a cursor', () => {
  const history = async () => {
    const orders = await world.place(...Array.from({ length: 20 }, () => ({})))
    await world.applyFills(...orders.map(({ id }) => ({ buy: id, quantity: '10' })))
    await world.cancel(...orders.slice(10).map(({ id }) => id))
    await world.applyFills(...orders.slice(0, 10).map(({ id }) => ({ buy: id, quantity: '90' })))
    return orders
  }

  test('of any event resumes after that event: from the ring and from Postgres, by stream and by polling', async () => {
    const first = world.startTail()
    const reading = await first.followLive()
    const before = await world.position()
    await history()
    const logged = await world.logged(before)
    await saw(reading, logged.length)
    expect(reading.seen()).toEqual(logged)

    const cold = world.startTail({ ring: { eventsMax: 0, bytesMax: 0 } })
    await cold.followLive()
    const idle = world.startTail()
    for (const [i, cursor] of reading.cursors().entries()) {
      if (i % 7 !== 0 && i < logged.length - 2) continue
      const rest = logged.slice(i + 1)
      for (const tail of [first, cold, idle]) expect((await tail.page(cursor)).seen).toEqual(rest)
      for (const tail of [first, cold]) {
        const resumed = tail.follow({}, cursor)
        await saw(resumed, rest.length)
        expect(resumed.seen()).toEqual(rest)
        resumed.close()
      }
    }
  })

  test('gives pages of any size that join without a gap, with a filter and without', async () => {
    const { page } = world.startTail()
    const start = await page(null)
    expect(start.seen).toEqual([])
    const before = await world.position()
    const orders = await history()
    const logged = await world.logged(before)
    const { userId, id } = orders[12]!
    for (const [filter, wanted] of [
      [{}, logged],
      [{ userId }, logged.filter((name) => name.startsWith(id))],
      [{ ticker: 'AAPL' }, logged],
      [{ ticker: 'NONE' }, []],
    ] as const)
      for (const limit of [1, 7, 1_000]) {
        const seen: string[] = []
        let { cursor } = start
        for (;;) {
          const next = await page(cursor, filter, limit)
          cursor = next.cursor
          if (next.seen.length === 0) break
          expect(next.seen.length).toBeLessThanOrEqual(limit)
          seen.push(...next.seen)
        }
        expect(seen).toEqual([...wanted])
        expect((await page(cursor, {}, 1_000)).seen).toEqual([])
      }
  })

  test('within what one transaction wrote leads through a part of the log, not through all of it', async () => {
    const { page } = world.startTail()
    const { cursor: start } = await page(null)
    for (let i = 0; i < 3; i++) await world.place(...Array.from({ length: 250 }, () => ({})))
    const { cursor, seen } = await page(start, {}, 5)
    const [last] = await world.sql<
      [{ xact: string }]
    >`select xact from orders where xact > '3' order by xact desc limit 1`
    const end = decodeCursor(cursor)!.place.page!.end
    expect(isVisible(end, BigInt(last.xact))).toBe(false)
    expect([...seen, ...(await page(cursor)).seen]).toHaveLength(750)
  })

  test('that is no cursor is said to be none', async () => {
    const { tail } = world.startTail()
    for (const text of ['', 'x', 'YWJj', '????', 'a'.repeat(10_000)]) {
      expect(tail.open({}, text)).toEqual({ ok: false, code: 'BAD_CURSOR' })
      expect(await tail.page({}, text, 10)).toEqual({ ok: false, code: 'BAD_CURSOR' })
    }
  })

  test('that is too old or too far behind begins anew', async () => {
    let now = new Date()
    const { follow, page, tail } = world.startTail({ now: () => now, cursorMaxAgeMs: 1_000, resumeMaxEvents: 10 })
    const { cursor } = await page(null)
    await world.place(...Array.from({ length: 10 }, () => ({})))
    const near = follow({}, cursor)
    await saw(near, 10)
    expect((await page(cursor)).seen).toHaveLength(10)
    await world.place({})
    await saw(near, 11)
    const far = follow({}, cursor)
    await until(far.isLive, { what: 'it began anew' })
    expect(far.resets()).toEqual(['TOO_FAR_BEHIND'])
    expect(far.snapshot().length).toBeGreaterThanOrEqual(11)
    near.close()
    far.close()
    expect(await tail.page({}, cursor, 5)).toEqual({ ok: false, code: 'CURSOR_EXPIRED', reason: 'TOO_FAR_BEHIND' })
    now = new Date(now.getTime() + 1_001)
    const old = follow({}, cursor)
    await until(old.isLive, { what: 'it began anew' })
    expect(old.resets()).toEqual(['CURSOR_TOO_OLD'])
    expect(await tail.page({}, cursor, 5)).toEqual({ ok: false, code: 'CURSOR_EXPIRED', reason: 'CURSOR_TOO_OLD' })
  })
})

describe('the reader', () => {
  test('at a replica that has read less far, shows nothing from before the snapshot of another', async () => {
    const slow = world.startTail({ pollMs: 600_000 })
    await slow.followLive()
    const placement = aPlacement()
    const before = placement.order.id
    await placeAll(world.db, [placement], () => undefined)
    const quick = world.startTail()
    const first = await quick.followLive()
    expect(first.snapshot()).toContain(before)
    const moved = slow.follow({}, first.cursor())
    const [after] = await world.place({})
    await saw(moved, 1)
    await world.place({})
    await saw(moved, 2)
    expect(moved.seen()[0]).toBe(`${after!.id}.0`)
    expect(moved.seen()).not.toContain(`${before}.0`)
  })

  test('reads while somebody follows, and not longer', async () => {
    const { followLive, statements } = world.startTail({ pollMs: 1 })
    await world.place({})
    expect(statements()).toBe(0)
    const reading = await followLive()
    const before = statements()
    await until(() => statements() > before + 20, { what: 'it polls' })
    reading.close()
    await until(
      async () => {
        const now = statements()
        await Bun.sleep(100)
        return statements() === now
      },
      { what: 'it stops' },
    )
    const again = await followLive()
    const [order] = await world.place({})
    await saw(again, 1)
    expect(again.seen()).toEqual([`${order!.id}.0`])
  })
})

/** A pool on which the next `fails` statements do not end in time. */
const createSlowPool = (): { db: Database; fails: number } => {
  const events = world.database.open({ plans: 'log', connections: 4 })
  const slow = { fails: 0 }
  const db: Database = {
    ...events,
    run: (statement) =>
      slow.fails-- > 0
        ? Promise.reject(Object.assign(new Error('canceled'), { code: '57014' }))
        : events.run(statement),
  }
  return Object.assign(slow, { db })
}

test('reads that never end in time make everybody begin anew, behind what cannot be read', async () => {
  const slow = createSlowPool()
  const { followLive } = world.startTail({ db: slow.db })
  const reading = await followLive()
  slow.fails = 8
  await until(() => reading.resets().length > 0 && reading.steps.at(-1)?.kind !== 'reset', { what: 'it began anew' })
  expect(reading.resets()).toEqual(['TOO_FAR_BEHIND'])
  const [order] = await world.place({})
  await until(() => reading.seen().includes(`${order!.id}.0`), { what: 'the next event' })
})

test('a cursor whose events never come in time begins anew; who is at the head does not notice', async () => {
  const slow = createSlowPool()
  const { followLive, follow } = world.startTail({ db: slow.db, pollMs: 10_000, ring: { eventsMax: 0, bytesMax: 0 } })
  const first = await followLive()
  await world.place({}, {})
  await saw(first, 2)
  slow.fails = Infinity
  const late = follow({}, first.cursors()[0])
  await until(late.isLive, { what: 'it began anew' })
  slow.fails = 0
  expect(late.resets()).toEqual(['TOO_FAR_BEHIND'])
  expect(first.resets()).toEqual([])
  const [order] = await world.place({})
  await until(() => late.seen().includes(`${order!.id}.0`), { what: 'the next event' })
})
