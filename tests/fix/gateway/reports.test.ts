// Proves: a session of FIX is told every event that concerns it, each once and in the order of versions: at the head and from far behind, over
// kills, commits out of order, lost connections and copied databases.

import { afterEach, describe, expect, test } from 'bun:test'
import { encodeReports } from '../../../src/fix/gateway/reports.ts'
import type { OrderSession } from '../../../src/fix/orders/session.ts'
import { isVisible } from '../../../src/store/snapshot.ts'
import type { Database } from '../../../src/store/sql.ts'
import { decodeCursor } from '../../../src/tail/cursor.ts'
import { becomeCopy } from '../../support/logicalCopy.ts'
import { createRandom } from '../../support/random.ts'
import { until } from '../../support/until.ts'
import { session as aSession } from '../orders/someSession.ts'
import { createReportsWorld, faultsOf, type ReportsWorld } from './reportsWorld.ts'

let world: ReportsWorld
afterEach(() => world.stop())

const userId = () => crypto.randomUUID()
const own = (id: string, user = userId()) => aSession({ id, user })
const all = (id: string, user = userId()) => aSession({ id, user, reports: 'all' })
const zero = (ids: readonly string[]): string[] => ids.map((id) => `${id}.0`)

const expectTold = async (session: OrderSession, names: readonly string[]): Promise<void> => {
  await world.hasHeard(session, names)
  const told = await world.told(session)
  expect(told.toSorted()).toEqual([...names].toSorted())
  expect(faultsOf(told)).toEqual([])
}

describe('at the head of the log', () => {
  test('a session begins with what happens from now on, and is told of its own orders, whoever moves them', async () => {
    world = await createReportsWorld()
    const [one, two] = [own('one'), own('two')]
    const replica = world.startReplica()
    await world.place({ userId: one.user! })
    const first = await world.connectLive(one, replica)
    await world.connectLive(two, replica)
    expect(first.pages).toMatchObject([{ from: null, events: [] }])
    const [a, b, c] = await world.placeIn(one, {}, {}, {})
    await world.placeIn(two, {})
    await world.place({ userId: one.user! })
    await world.applyFills({ buy: a!, quantity: '1' })
    await world.cancel(c!)
    await world.cancelIn(one, b!)
    await expectTold(
      one,
      [a, b, c].flatMap((id) => [`${id}.0`, `${id}.1`]),
    )
    expect(encodeReports(first.pages.at(-1)!.events, one).at(-1)).toMatchObject({ type: '8' })
  })

  test('a drop copy is told of all orders of its users, and an own session of what it did to others of its user', async () => {
    world = await createReportsWorld()
    const user = userId()
    const [copy, desk] = [all('copy', user), own('desk', user)]
    const replica = world.startReplica()
    await world.connectLive(copy, replica)
    await world.connectLive(desk, replica)
    const [http] = await world.place({ userId: user })
    const [fix] = await world.placeIn(desk, {})
    await world.place({})
    await world.cancelIn(desk, http!)
    await expectTold(copy, [`${http}.0`, `${fix}.0`, `${http}.1`])
    await expectTold(desk, [`${fix}.0`, `${http}.1`])
  })

  test('one that keeps slowly goes back to reading by itself, and misses nothing', async () => {
    world = await createReportsWorld()
    const [slow, quick] = [all('slow'), own('quick')]
    const replica = world.startReplica()
    const gate = Promise.withResolvers<void>()
    let slowed = false
    const connection = await world.connect(slow, replica, async ({ events }) => {
      if (events.length === 0 || slowed) return
      slowed = true
      await gate.promise
    })
    await until(connection.isLive, { what: 'it is at the head' })
    await world.connectLive(quick, replica)
    for (let i = 0; i < 14; i++) await world.place(...Array.from({ length: 500 }, () => ({ userId: slow.user! })))
    await until(() => !connection.isLive(), { what: 'it is too slow' })
    expect(replica.pages.state().readers.find(({ id }) => id === 'slow')!.oldestAgeMs).toBeGreaterThan(0)
    const ids = await world.placeIn(quick, {})
    await expectTold(quick, zero(ids))
    gate.resolve()
    await until(connection.isLive, { what: 'it is at the head again' })
    await expectTold(slow, await world.logged((id) => id !== ids[0]))
    expect(connection.pages.every(({ events }) => events.length <= 500)).toBe(true)
    expect(connection.seen()).toHaveLength(7_000)
    await until(() => replica.pages.state().readers.every(({ oldestAgeMs }) => oldestAgeMs === 0), {
      what: 'nothing waits',
    })
  })

  test('a lost connection to Postgres loses nothing, and is said as long as it lasts', async () => {
    world = await createReportsWorld()
    const desk = own('desk')
    const replica = world.startReplica()
    const connection = await world.connectLive(desk, replica)
    await world.sql`alter table log_epochs rename to log_epochs_away`
    const ids = await world.placeIn(desk, {}, {})
    await until(() => replica.pages.state().readers[0]!.oldestAgeMs > 600, { what: 'its age grows' })
    expect(replica.pages.state().obstacle).not.toBe(null)
    await world.sql`alter table log_epochs_away rename to log_epochs`
    await expectTold(desk, zero(ids))
    await until(() => replica.pages.state().obstacle === null, { what: 'nothing is in the way' })
    expect(connection.seen()).toHaveLength(2)
  })
})

describe('from behind', () => {
  test('a session that was away is told what it missed in pages, then goes on at the head', async () => {
    world = await createReportsWorld()
    const desk = own('desk')
    const before = await world.connectLive(desk, world.startReplica())
    await before.stop()
    const ids: string[] = []
    for (let i = 0; i < 6; i++) {
      ids.push(...(await world.placeIn(desk, ...Array.from({ length: 250 }, () => ({})))))
      await world.place(...Array.from({ length: 100 }, () => ({})))
    }
    for (let i = 0; i < ids.length; i += 300) await world.cancel(...ids.slice(i, i + 300))
    const again = await world.connectLive(desk, world.startReplica())
    const more = await world.placeIn(desk, {})
    await expectTold(desk, [...zero([...ids, ...more]), ...ids.map((id) => `${id}.1`)])
    expect(again.pages.every(({ events }) => events.length <= 500)).toBe(true)
    expect(again.seen()).toHaveLength(3_001)
  })

  test('one transaction of very many events is told in pages, and a kill between two of them repeats none', async () => {
    world = await createReportsWorld()
    const copy = all('copy')
    const before = await world.connectLive(copy, world.startReplica())
    await before.stop()
    await world.sql`
      insert into orders (rules_epoch, id, user_id, ticker, side, type, time_in_force, quantity, price, created_at, updated_at)
      select 1, gen_random_uuid(), ${copy.user}::uuid, 'AAPL', 'BUY', 'LIMIT', 'GTC', 100, 1, now(), now() from generate_series(1, 4000)`
    const events: number[] = []
    for (let kills = 0; kills < 3; kills++) {
      let pages = 0
      const connection = await world.connect(copy, world.startReplica(), async () => {
        if (++pages > 2) throw new Error('killed')
      })
      expect(await connection.done.then(String, String)).toBe('Error: killed')
      events.push(connection.seen().length)
    }
    expect(events).toEqual([1_000, 1_000, 1_000])
    const last = await world.connectLive(copy, world.startReplica())
    await expectTold(copy, await world.logged())
    expect(last.seen()).toHaveLength(1_000)
  })
})

describe('many at once from behind', () => {
  test('are read for together, from wherever each was, and each is told what it missed', async () => {
    world = await createReportsWorld()
    const user = userId()
    const copy = all('copy', user)
    const desks = Array.from({ length: 40 }, (_, i) => own(`desk-${i}`, user))
    await world.place({})
    const before = world.startReplica()
    for (const session of [...desks, copy]) await (await world.connectLive(session, before)).stop()
    const missed = new Map<OrderSession, string[]>()
    for (const [i, desk] of desks.entries()) {
      missed.set(desk, [...(await world.placeIn(desk, {}, {}))])
      await world.place(...Array.from({ length: 100 }, () => ({})))
      // Some come and go meanwhile: they are ahead of the others then.
      if (i % 10 === 0) await (await world.connectLive(desks[(i * 7) % 40]!, before)).stop()
    }
    await world.cancel(...[...missed.values()].map(([first]) => first!))
    const toldBefore = new Map<OrderSession, number>()
    for (const session of [...desks, copy]) toldBefore.set(session, (await world.told(session)).length)
    expect(toldBefore.get(desks[0]!)).toBe(2)
    const gate = Promise.withResolvers<void>()
    const inner = world.database.open({ plans: 'log', connections: 2 })
    const run: Database['run'] = async (statement) => {
      await gate.promise
      return inner.run(statement)
    }
    const replica = world.startReplica({ lanes: 1, pollMs: 60_000, db: { ...inner, run } })
    const connections = await Promise.all([...desks, copy].map((session) => world.connect(session, replica)))
    gate.resolve()
    await until(() => connections.every(({ isLive }) => isLive()), { what: 'all are at the head' })
    // One for each to see whether its place is of this database, and a few for all.
    expect(replica.statements()).toBeLessThan(41 + 20)
    const every = [...missed.values()]
    for (const [desk, [first, second]] of missed) await expectTold(desk, [`${first}.0`, `${second}.0`, `${first}.1`])
    await expectTold(copy, [...zero(every.flat()), ...every.map(([first]) => `${first}.1`)])
    for (const { session, seen } of connections)
      expect(seen()).toEqual((await world.told(session)).slice(toldBefore.get(session)))
    expect(connections.at(-1)!.seen()).toHaveLength(120)
  })
})

describe('places', () => {
  test('of a session that hears nothing move on, so that a restart reads little', async () => {
    world = await createReportsWorld()
    const startMs = Date.now()
    let aheadMs = 0
    const replica = world.startReplica({ now: () => new Date(startMs + aheadMs) })
    const quiet = own('quiet')
    const connection = await world.connectLive(quiet, replica)
    const begun = await world.placeOf(quiet)
    for (let i = 0; i < 11; i++) await world.place(...Array.from({ length: 500 }, () => ({})))
    expect(await world.placeOf(quiet)).toEqual(begun)
    const [last] = await world.sql<{ xact: string }[]>`select max(xact)::text as xact from orders`
    // Moved to the end of what was read: it is asked for anew until all was.
    const hasMoved = async (): Promise<boolean> => {
      aheadMs += 11_000
      const { page, snapshot } = decodeCursor((await world.placeOf(quiet))!.cursor)!.place
      return page === null && isVisible(snapshot, BigInt(last!.xact))
    }
    await until(hasMoved, { what: 'the place moved behind everything' })
    await connection.stop()
    const again = world.startReplica()
    await world.connectLive(quiet, again)
    expect(again.statements()).toBeLessThan(12)
    expect(await world.told(quiet)).toEqual([])
  })

  test('that are of no log any more begin it again: nothing is told twice', async () => {
    world = await createReportsWorld()
    const desk = own('desk')
    const connection = await world.connectLive(desk, world.startReplica())
    const ids = await world.placeIn(desk, {}, {})
    await expectTold(desk, zero(ids))
    await connection.stop()
    await world.sql`update fix_sessions set cursor = 'nonsense' where id = 'desk'`
    const replica = world.startReplica()
    await world.connectLive(desk, replica)
    expect(replica.lines.some(({ level }) => level === 'error')).toBe(true)
    const more = await world.placeIn(desk, {})
    await expectTold(desk, zero([...ids, ...more]))
  })

  test('of a cluster from which the tables were copied: what was not told there comes first', async () => {
    world = await createReportsWorld()
    const desk = own('desk')
    const connection = await world.connectLive(desk, world.startReplica())
    const there = await world.placeIn(desk, {}, {})
    await expectTold(desk, zero(there))
    await connection.stop()
    await world.cancel(there[0]!)
    const waiting = await world.placeIn(desk, ...Array.from({ length: 700 }, () => ({})))
    await becomeCopy(world.sql)
    const again = await world.connectLive(desk, world.startReplica())
    expect(again.seen().slice(-700)).toEqual(zero(waiting))
    const here = await world.placeIn(desk, {})
    await world.cancel(there[1]!, waiting[0]!)
    await expectTold(desk, [
      ...zero([...there, ...waiting, ...here]),
      `${there[0]}.1`,
      `${there[1]}.1`,
      `${waiting[0]}.1`,
    ])
    expect(again.seen()).toHaveLength(704)
  })
})

describe('under load from many sides', () => {
  test('every session is told what concerns it once, over kills, while transactions end out of order', async () => {
    world = await createReportsWorld()
    const random = createRandom(11)
    const user = userId()
    const desks = ['a', 'b', 'c'].map((id) => own(id, user))
    const copy = all('copy', user)
    const replicas = [world.startReplica(), world.startReplica()]
    const stopping = new AbortController()
    const keepConnected = async (session: OrderSession): Promise<void> => {
      while (!stopping.signal.aborted) {
        let pages = random.int(2, 12)
        const connection = await world.connect(session, random.pick(replicas), async () => {
          await Bun.sleep(random.int(0, 8))
          if (--pages === 0) throw new Error('killed')
        })
        await connection.done.catch(() => undefined)
      }
    }
    // The first place of each is kept before its first order.
    for (const session of [...desks, copy]) await (await world.connectLive(session, replicas[0]!)).stop()
    const connected = [...desks, copy].map(keepConnected)
    // A transaction that stays open while others end: its rows come late, with low ids.
    const writeSlowly = async (): Promise<void> => {
      const session = world.database.session()
      for (let i = 0; i < 15; i++) {
        await session`begin`
        await session`
          insert into orders (rules_epoch, id, user_id, ticker, side, type, time_in_force, quantity, price, created_at, updated_at)
          values (1, gen_random_uuid(), ${user}::uuid, 'SLOW', 'BUY', 'LIMIT', 'GTC', 100, 1, now(), now())`
        await Bun.sleep(random.int(20, 120))
        await session.unsafe(random.chance(0.3) ? 'rollback' : 'commit')
      }
    }
    const work = async (session: OrderSession): Promise<void> => {
      for (let i = 0; i < 25; i++) {
        const ids = await world.placeIn(session, ...Array.from({ length: random.int(1, 8) }, () => ({})))
        await world.applyFills(...ids.map((buy) => ({ buy, quantity: '1' })))
        await world.cancel(...ids.filter(() => random.chance(0.5)))
        await world.place({ userId: user }, {})
      }
    }
    await Promise.all([writeSlowly(), ...desks.map(work)])
    const ofUser = async (where: string): Promise<Set<string>> =>
      new Set((await world.sql.unsafe<{ id: string }[]>(`select id from orders where ${where}`)).map(({ id }) => id))
    for (const desk of desks) {
      const orders = await ofUser(`origin = 'fix:${desk.id}'`)
      await expectTold(desk, await world.logged((id) => orders.has(id)))
    }
    const orders = await ofUser(`user_id = '${user}'`)
    await expectTold(copy, await world.logged((id) => orders.has(id)))
    stopping.abort()
    await world.endConnections()
    await Promise.all(connected)
  })
})
