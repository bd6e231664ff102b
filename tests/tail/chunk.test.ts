// Proves: whoever reads the log from place to place gets every row exactly once and no version before its predecessor, whatever
// transactions do: long ones, rollbacks, savepoints, killed backends, ids that were drawn in another order than versions.

import { afterAll, describe, expect, test } from 'bun:test'
import { readHead, type Place } from '../../src/store/log.ts'
import { isVisible } from '../../src/store/snapshot.ts'
import type { Database, Sql } from '../../src/store/sql.ts'
import { placeAtHead, readChunk, type ChunkLimits } from '../../src/tail/chunk.ts'
import { createExplainer } from '../support/explain.ts'
import { createRandom } from '../support/random.ts'
import { untilBlocked } from '../support/waiting.ts'
import { createTailWorld } from './world.ts'

const world = await createTailWorld()
afterAll(() => world.stop())
const { database, sql } = world
const log = database.open({ plans: 'log', connections: 6 })

const headPlace = async (db: Database = log): Promise<Place> => placeAtHead(await db.run(readHead))!

const limitsOf = (rowsMax: number, filter = {}): ChunkLimits => ({ filter, rowsMax, looksMax: rowsMax })

/** Everything after a place, chunk by chunk, until nothing else is there. */
const readOn = async (from: Place, limits: ChunkLimits, db: Database = log) => {
  const seen: string[] = []
  const sizes: number[] = []
  for (let place = from; ;) {
    const chunk = await readChunk(db, place, limits)
    if (chunk.kind !== 'chunk') throw new Error(chunk.kind)
    seen.push(...chunk.rows.map(({ history: { order } }) => `${order.id}.${order.version}`))
    sizes.push(chunk.rows.length)
    place = chunk.end
    if (chunk.complete) return { seen, sizes, place }
  }
}

/** A row of the log as somebody with psql writes one: in a transaction of their own. */
const insertOrder = (session: Sql, id: string) => session`
  insert into orders (rules_epoch, id, user_id, ticker, side, type, time_in_force, quantity, price, created_at, updated_at)
  values (1, ${id}, gen_random_uuid(), 'AAPL', 'BUY', 'LIMIT', 'GTC', 100, 1, now(), now())`
const cancelOrder = (session: Sql, id: string) => session`
  update orders set status = 'CANCELED', version = version + 1, updated_at = clock_timestamp() where id = ${id}`

/** Fails unless every row is there exactly once, and every version after the one before. */
const expectWhole = (seen: readonly string[], logged: readonly string[]): void => {
  expect(seen.toSorted()).toEqual(logged.toSorted())
  const versions = new Map<string, number>()
  const early: string[] = []
  for (const name of seen) {
    const [id, version] = name.split('.') as [string, string]
    const before = versions.get(id)
    if (before !== undefined && Number(version) !== before + 1) early.push(name)
    versions.set(id, Number(version))
  }
  expect(early).toEqual([])
}

describe('a version with a lower transaction id than the one before', () => {
  for (const rowsMax of [1, 2, 100])
    test(`comes after it, ${rowsMax} rows at a time`, async () => {
      const start = await headPlace()
      const before = await world.position()
      const early = database.session()
      await early`begin`
      await early`select pg_current_xact_id()`
      const orders = await world.place({}, {}, {})
      await world.place({})
      for (const { id } of orders) await cancelOrder(early, id)
      await early`commit`
      await world.place({}, {})
      const logged = await world.logged(before)
      const { seen } = await readOn(start, limitsOf(rowsMax))
      expectWhole(seen, logged)
      for (const { id } of orders) expect(seen.indexOf(`${id}.1`)).toBeGreaterThan(seen.indexOf(`${id}.0`))
    })
})

test('a chunk does not end between a version and one before it that has a higher transaction id', async () => {
  const start = await headPlace()
  const before = await world.position()
  const early = database.session()
  await early`begin`
  await early`select pg_current_xact_id()`
  let last = ''
  for (let i = 0; i < 6; i++) last = (await world.place({}))[0]!.id
  await cancelOrder(early, last)
  await early`commit`
  for (const rowsMax of [1, 2, 3]) {
    const { seen, sizes } = await readOn(start, limitsOf(rowsMax))
    expectWhole(seen, await world.logged(before))
    expect(sizes.length).toBeGreaterThan(1)
  }
})

describe('a transaction that stays open', () => {
  test('holds up nobody, and its rows come when it ends; those that it takes back never come', async () => {
    const start = await headPlace()
    const before = await world.position()
    const [long, undone] = [database.session(), database.session()]
    const [kept, lost, saved] = [crypto.randomUUID(), crypto.randomUUID(), crypto.randomUUID()]
    await long`begin`
    await insertOrder(long, kept)
    await long`savepoint s`
    await insertOrder(long, lost)
    await long`rollback to savepoint s`
    await long`savepoint t`
    await insertOrder(long, saved)
    await undone`begin`
    await insertOrder(undone, crypto.randomUUID())
    await world.place({}, {})
    const first = await readOn(start, limitsOf(10))
    expect(first.seen).toHaveLength(2)
    await undone`rollback`
    await world.place({})
    const second = await readOn(first.place, limitsOf(10))
    expect(second.seen).toHaveLength(1)
    await long`commit`
    const third = await readOn(second.place, limitsOf(10))
    expect(third.seen).toEqual([`${kept}.0`, `${saved}.0`])
    expect((await readOn(third.place, limitsOf(10))).seen).toEqual([])
    expectWhole([...first.seen, ...second.seen, ...third.seen], await world.logged(before))
  })

  test('with more rows than a read takes is read in pages', async () => {
    const start = await headPlace()
    const before = await world.position()
    const long = database.session()
    await long`begin`
    await long`
      insert into orders (rules_epoch, id, user_id, ticker, side, type, time_in_force, quantity, price, created_at, updated_at)
      select 1, gen_random_uuid(), gen_random_uuid(), 'BULK', 'BUY', 'LIMIT', 'GTC', 100, 1, now(), now() from generate_series(1, 100)`
    await world.place({})
    const first = await readOn(start, limitsOf(10))
    expect(first.seen).toHaveLength(1)
    await world.place({})
    await long`commit`
    const rest = await readOn(first.place, limitsOf(10))
    expect(Math.max(...rest.sizes)).toBeLessThanOrEqual(10)
    expectWhole([...first.seen, ...rest.seen], await world.logged(before))
    const bulk = await readOn(start, limitsOf(10, { ticker: 'BULK' }))
    expect(bulk.seen).toHaveLength(100)
  })
})

test('orders that were refused when they came in count like all orders where a read has to be cut', async () => {
  const start = await headPlace()
  const before = await world.position()
  for (let n = 0; n < 12; n++)
    await sql`
      insert into orders (rules_epoch, id, user_id, ticker, side, type, time_in_force, quantity, price, status, reason_code, created_at, updated_at)
      select 1, gen_random_uuid(), gen_random_uuid(), 'MIXED', 'BUY', 'LIMIT', 'GTC', 100, 1, status, case status when 'REJECTED' then 'HALTED' end, now(), now()
      from unnest(array['NEW', 'REJECTED', 'REJECTED']) as t (status)`
  for (const rowsMax of [3, 5, 10]) {
    const { seen, sizes } = await readOn(start, limitsOf(rowsMax))
    expect(sizes.length).toBeGreaterThan(2)
    expectWhole(seen, await world.logged(before))
  }
  expect((await readOn(start, limitsOf(5, { ticker: 'MIXED' }))).seen).toHaveLength(36)
})

test('a place never counts as finished what lies above the rows that were read', async () => {
  await world.place({})
  const start = await headPlace()
  for (let i = 0; i < 20; i++) await sql`select pg_current_xact_id()`
  await world.place({})
  const [row] = await sql<{ xact: string }[]>`select max(xact)::text as xact from orders`
  for (let i = 0; i < 20; i++) await sql`select pg_current_xact_id()`
  const { place } = await readOn(start, limitsOf(10))
  expect(place.snapshot.xmax).toBe(BigInt(row!.xact) + 1n)
  const again = await readOn(place, limitsOf(10))
  expect(again.place.snapshot.xmax).toBe(place.snapshot.xmax)
  expect((await headPlace()).snapshot.xmax).toBe(place.snapshot.xmax)
  const filtered = await readOn(start, limitsOf(10, { ticker: 'NONE' }))
  expect(filtered.place.snapshot.xmax).toBe(place.snapshot.xmax)
})

test('create index concurrently, a long reader and a busy second database do not stall it', async () => {
  const other = await createTailWorld()
  const busy = other.database.session()
  const [holder, builder] = [database.session(), database.session()]
  try {
    await busy`begin`
    await busy`select pg_current_xact_id()`
    await holder`begin`
    await insertOrder(holder, crypto.randomUUID())
    const index = builder.unsafe('create index concurrently stalled on orders (ticker)').then(() => true)
    await untilBlocked(sql, 'create index concurrently')
    let { place } = await readOn(await headPlace(), limitsOf(100))
    for (let i = 0; i < 20; i++) {
      await other.place({}, {})
      const [order] = await world.place({})
      const next = await readOn(place, limitsOf(100))
      expect(next.seen).toEqual([`${order!.id}.0`])
      place = next.place
    }
    // Of what runs, only what lies below the last row is kept: the place does not grow with the other database's transactions.
    expect(place.snapshot.xip.length).toBeLessThan(10)
    await holder`rollback`
    await index
    await busy`rollback`
  } finally {
    await other.stop()
  }
})

describe('among many writers', () => {
  const seed = 20_261_126
  const writers = 200
  const stepsEach = 3

  /** One writer: what the service does, and what sessions of people do, with ends of every kind. */
  const write = async (random: ReturnType<typeof createRandom>, own: Sql): Promise<void> => {
    const ids: string[] = []
    for (let step = 0; step < stepsEach; step++) {
      const kind = random.below(10)
      if (kind < 4 || ids.length === 0)
        ids.push(...(await world.place(...Array.from({ length: random.int(1, 5) }, () => ({})))).map(({ id }) => id))
      else if (kind < 6) await world.applyFills(...ids.slice(0, 3).map((buy) => ({ buy, quantity: '1' })))
      else if (kind < 8) await world.cancel(...random.shuffle(ids).slice(0, 2))
      else
        await own
          .unsafe(
            `begin; select pg_current_xact_id(); savepoint s;
             insert into orders (rules_epoch, id, user_id, ticker, side, type, time_in_force, quantity, price, created_at, updated_at)
             select 1, gen_random_uuid(), gen_random_uuid(), 'AAPL', 'BUY', 'LIMIT', 'GTC', 100, 1, now(), now() from generate_series(1, 3);
             ${random.chance(0.3) ? 'rollback to savepoint s;' : ''} select pg_sleep(${random.next() / 20});
             ${random.chance(0.3) ? 'rollback' : random.chance(0.2) ? 'select pg_terminate_backend(pg_backend_pid())' : 'commit'}`,
          )
          .then(
            () => undefined,
            () => undefined,
          )
    }
  }

  test('every reader gets every row exactly once, and no version before its predecessor', async () => {
    const random = createRandom(seed)
    const before = await world.position()
    const start = await headPlace()
    const long = database.session()
    await long`begin`
    await insertOrder(long, crypto.randomUUID())
    let writing = true
    const readers = [7, 40, 5_000].map(async (rowsMax) => {
      const seen: string[] = []
      let place = start
      for (;;) {
        const last = !writing
        const next = await readOn(place, limitsOf(rowsMax))
        seen.push(...next.seen)
        place = next.place
        if (last) return seen
        await Bun.sleep(1)
      }
    })
    const own = Array.from({ length: 8 }, () => database.session())
    await Promise.all(Array.from({ length: writers }, (_, n) => write(random.fork(), own[n % own.length]!)))
    await long`commit`
    writing = false
    const logged = await world.logged(before)
    expect(logged.length).toBeGreaterThan(writers)
    for (const seen of await Promise.all(readers)) expectWhole(seen, logged)
    // Whoever comes later gets the same, with any size.
    for (const rowsMax of [7, 60]) expectWhole((await readOn(start, limitsOf(rowsMax))).seen, logged)
  }, 300_000)
})

describe('a database that is full', () => {
  test('a read looks at what is new, and at nothing else', async () => {
    const full = await createTailWorld()
    try {
      await full.sql.unsafe(`
        insert into orders (rules_epoch, id, user_id, ticker, side, type, time_in_force, quantity, price, created_at, updated_at)
        select 1, gen_random_uuid(), gen_random_uuid(), 'FULL', 'BUY', 'LIMIT', 'GTC', 100, 1, now(), now() from generate_series(1, 100000)`)
      const explainer = await createExplainer(full.database, 'log')
      const { run } = explainer
      const db = { run, close: () => Promise.resolve() }
      const start = await headPlace(db)
      await full.place({}, {})
      const orders = await full.place({})
      await full.applyFills({ buy: orders[0]!.id })
      await full.cancel(orders[0]!.id)
      for (const filter of [{}, { ticker: 'AAPL' }, { userId: orders[0]!.userId }, { orderId: orders[0]!.id }])
        await readOn(start, limitsOf(100, filter), db)
      const { page, ...plain } = start
      expect(page).toBeNull()
      await readOn(
        { ...plain, page: { end: { xmax: start.snapshot.xmax + 100n, xip: [] }, after: 0n } },
        limitsOf(100),
        db,
      )
      for (const plan of await explainer.plans()) {
        expect(plan.nodes).not.toContain('Seq Scan on orders')
        for (const table of ['orders', 'ingested_fills', 'order_changes'])
          expect(plan.rowsScanned(table)).toBeLessThanOrEqual(40)
      }
    } finally {
      await full.stop()
    }
  })
})

test('what was there before the log is not in it', async () => {
  const old = await createTailWorld()
  try {
    const start = await headPlace(old.database.open({ plans: 'log' }))
    await old.sql.unsafe(`set session_replication_role = replica;
      insert into orders (rules_epoch, id, user_id, ticker, side, type, time_in_force, quantity, price, created_at, updated_at, xact, position)
      select 1, gen_random_uuid(), gen_random_uuid(), 'OLD', 'BUY', 'LIMIT', 'GTC', 100, 1, now(), now(), '3', 0 from generate_series(1, 10)`)
    const everything = { ...start, snapshot: { xmax: 0n, xip: [] } }
    expect((await readOn(everything, limitsOf(5), old.database.open({ plans: 'log' }))).seen).toEqual([])
    expect(isVisible(start.snapshot, 3n)).toBe(true)
  } finally {
    await old.stop()
  }
})
