// Proves: a sweep cancels every open order that it means and no other, each once, whoever works on it, whoever dies meanwhile and whatever fails;
// it is done only then; a large one does not hold up the others.

import { beforeEach, describe, expect, test } from 'bun:test'
import { createSweeps, type SweepsOptions } from '../../src/app/sweeps.ts'
import type { OrderTerms } from '../../src/domain/terms.ts'
import type { CancelScope } from '../../src/store/covered.ts'
import type { Database, Sql } from '../../src/store/sql.ts'
import { aPlacement, newId } from '../support/builders.ts'
import { ownDatabase } from '../support/ownDatabase.ts'
import { quietLog } from '../support/quietLog.ts'
import { createRandom } from '../support/random.ts'
import { storeOrders } from '../support/storeOrders.ts'
import { until } from '../support/until.ts'

const { database, sql, db } = await ownDatabase()

const replica = (changes: Partial<SweepsOptions> = {}) =>
  createSweeps({
    db: database.open({ plans: 'pages', connections: 1 }),
    replicaId: crypto.randomUUID(),
    newEventId: () => newId(),
    onCommitted: () => undefined,
    clock: () => performance.now(),
    now: () => new Date(),
    log: quietLog().log,
    ...changes,
  })

let userId = ''
beforeEach(async () => {
  userId = crypto.randomUUID()
  await sql`update cancel_sweeps set done_at = now() where done_at is null`
  await sql`update orders set status = 'CANCELED', version = version + 1 where open`
})

const place = async (...terms: Partial<OrderTerms>[]): Promise<string[]> => {
  const placements = terms.map((some) => aPlacement({ userId, ...some }))
  await db.run((some) => storeOrders(some, placements))
  return placements.map(({ order }) => order.id)
}
const placeMany = (count: number, user = userId) =>
  sql`insert into orders (rules_epoch, id, user_id, ticker, side, type, time_in_force, quantity, price, created_at, updated_at)
      select 1, (${newId().slice(0, 13)} || '-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, ${user}, 'MANY' || n % 3, 'BUY', 'LIMIT', 'GTC', 1, 1, now(), now()
      from generate_series(1, ${count}::integer) n`
const begin = async (
  { userId: user = null, ticker = null, side = null }: Partial<CancelScope>,
  reason = 'HALT',
): Promise<string> => {
  const [row] = await sql<{ id: string }[]>`
    insert into cancel_sweeps (user_id, ticker, side, reason_code, cause, snapshot, begun_at)
    values (${user}, ${ticker}, ${side}, ${reason}, ${sql.json({ kind: 'halt', requestId: 'a-halt' })}, pg_current_snapshot(), clock_timestamp()) returning id`
  return row!.id
}
const isDone = async (id: string): Promise<boolean> =>
  (await sql`select from cancel_sweeps where id = ${id} and done_at is not null`).length === 1
const openIds = async (): Promise<string[]> =>
  (await sql<{ id: string }[]>`select id from orders where open order by id`).map(({ id }) => id)
const canceled = async (user = userId): Promise<{ orders: number; changes: number; events: number }> => {
  const [row] = await sql<{ orders: number; changes: number; events: number }[]>`
    with o as materialized (select id from orders where user_id = ${user} and status = 'CANCELED')
    select (select count(*)::integer from o) as orders,
           (select count(*)::integer from order_changes where order_id in (select id from o)) as changes,
           (select count(*)::integer from outbox where kind = 'CANCELLED' and order_id in (select id from o)) as events`
  return row!
}
const untilIdle = async (one: ReturnType<typeof replica>): Promise<void> => {
  while (await one.turn());
}

test('it cancels what was there of its scope, says why in the log and to the engine, and is done', async () => {
  const [bought, sold] = await place({ ticker: 'SWEPT' }, { ticker: 'SWEPT', side: 'SELL' })
  const others = await place({ ticker: 'OTHER' })
  const id = await begin({ ticker: 'SWEPT', side: 'BUY' })
  const later = await place({ ticker: 'SWEPT' })
  const counted: [string, number][] = []
  await untilIdle(replica({ onCanceled: (reason, orders) => counted.push([reason, orders]) }))
  expect(await openIds()).toEqual([sold!, ...others, ...later].toSorted())
  expect(await isDone(id)).toBe(true)
  expect(counted).toEqual([['HALT', 1]])
  expect([...(await sql`select kind, reason_code, cause from order_changes where order_id = ${bought!}`)]).toEqual([
    { kind: 'CANCELED', reason_code: 'HALT', cause: { kind: 'halt', requestId: 'a-halt' } },
  ])
  expect(
    await sql`select from outbox where order_id = ${bought!} and kind = 'CANCELLED' and reason_code = 'HALT'`,
  ).toHaveLength(1)
})

test('of all orders it goes ticker by ticker', async () => {
  await placeMany(1_700)
  await place({ ticker: 'AAA' }, { ticker: 'ZZZ', userId: crypto.randomUUID() })
  const id = await begin({})
  const later = await place({ ticker: 'MANY1' })
  await untilIdle(replica())
  expect(await openIds()).toEqual(later)
  expect(await isDone(id)).toBe(true)
})

test('a large one does not hold up the others', async () => {
  await placeMany(3_000)
  const large = await begin({ userId })
  const other = crypto.randomUUID()
  await place({ userId: other })
  const small = await begin({ userId: other })
  const one = replica()
  await one.turn()
  expect([await isDone(small), await isDone(large)]).toEqual([true, false])
  await untilIdle(one)
  expect(await isDone(large)).toBe(true)
})

describe('each order is canceled once', () => {
  test('while two replicas work on one sweep, because the lease of one ran out', async () => {
    await placeMany(4_000)
    const id = await begin({ userId })
    const [one, other] = [replica(), replica()]
    await one.turn()
    await sql`update cancel_sweeps set worked_until = now() - interval '1 second' where id = ${id}`
    await other.turn()
    await Promise.all([untilIdle(one), untilIdle(other)])
    expect(await canceled()).toEqual({ orders: 4_000, changes: 4_000, events: 4_000 })
    expect(await isDone(id)).toBe(true)
  })

  test('where the replica that worked is gone: another takes over once its lease has run out, from the top', async () => {
    await placeMany(1_200)
    const id = await begin({ userId })
    await replica().turn()
    expect(await openIds()).toHaveLength(700)
    const other = replica()
    expect(await other.turn()).toBe(false)
    expect(await openIds()).toHaveLength(700)
    await sql`update cancel_sweeps set worked_until = now() - interval '1 second' where id = ${id}`
    await untilIdle(other)
    expect(await canceled()).toEqual({ orders: 1_200, changes: 1_200, events: 1_200 })
    expect(await isDone(id)).toBe(true)
  })

  test('where it is gone, and the clock of the database was set back', async () => {
    await placeMany(1_200)
    const id = await begin({ userId })
    await replica().turn()
    await sql`update cancel_sweeps set worked_until = worked_until + interval '1 hour' where id = ${id}`
    await untilIdle(replica())
    expect(await isDone(id)).toBe(true)
  })
})

describe('where something fails', () => {
  /** A pool whose statements fail half of the time, some after they were committed. */
  const shaky = (): Database => {
    const pool = database.open({ plans: 'pages', connections: 1 })
    const random = createRandom(1)
    return {
      ...pool,
      async run<T>(statement: (some: Sql) => Promise<T>) {
        const draw = random.next()
        if (draw < 0.2) throw Object.assign(new Error('refused'), { code: 'ECONNREFUSED' })
        const result = await pool.run(statement)
        if (draw < 0.4) throw Object.assign(new Error('lost'), { code: 'CONNECTION_CLOSED' })
        return result
      },
    }
  }

  test('the loop tries again until it is done', async () => {
    await placeMany(1_600)
    const id = await begin({ userId })
    const one = replica({ db: shaky() })
    const stop = new AbortController()
    const running = one.run(stop.signal)
    await until(() => isDone(id), { what: 'the sweep is done', deadlineMs: 60_000 })
    stop.abort()
    await running
    expect(await canceled()).toEqual({ orders: 1_600, changes: 1_600, events: 1_600 })
  })

  test('an order that Postgres refuses to change keeps its sweep open, and nothing else', async () => {
    const [sick] = await place({}, {}, {})
    await sql.unsafe(`
      create function sick() returns trigger language plpgsql as $$ begin raise exception using errcode = 'check_violation'; end $$;
      create trigger sick before update on orders for each row when (old.id = '${sick!}') execute function sick()`)
    const id = await begin({ userId })
    let now = 0
    const one = replica({ clock: () => now })
    await untilIdle(one)
    expect([await openIds(), await isDone(id)]).toEqual([[sick!], false])
    await sql.unsafe('drop trigger sick on orders')
    now += 60_000
    await untilIdle(one)
    expect([await openIds(), await isDone(id)]).toEqual([[], true])
  })
})

test('an order that a session holds locked keeps its sweep open, and holds up no other order and no other sweep', async () => {
  const [locked] = await place({}, {}, {})
  const held = await begin({ userId })
  const other = crypto.randomUUID()
  await place({ userId: other })
  const free = await begin({ userId: other })
  let now = 0
  const one = replica({ db: database.open({ plans: 'pages', connections: 1, lockTimeoutMs: 100 }), clock: () => now })
  const session = database.session()
  try {
    await session`begin`
    await session`select from orders where id = ${locked!} for update`
    await untilIdle(one)
    expect([await openIds(), await isDone(held), await isDone(free)]).toEqual([[locked!], false, true])
  } finally {
    await session`rollback`
  }
  now += 60_000
  await untilIdle(one)
  expect([await openIds(), await isDone(held)]).toEqual([[], true])
})

test('the loop begins when it is rung, and leaves its sweeps to the others when it stops', async () => {
  const one = replica()
  const stop = new AbortController()
  const running = one.run(stop.signal)
  await place({})
  const id = await begin({ userId })
  one.ring()
  await until(() => isDone(id), { what: 'the sweep is done', deadlineMs: 2_000 })
  await placeMany(20_000)
  const next = await begin({ userId })
  one.ring()
  await until(
    async () => (await sql`select from cancel_sweeps where id = ${next} and worked_by is not null`).length === 1,
    {
      what: 'the sweep is taken',
    },
  )
  stop.abort()
  await running
  expect([...(await sql`select worked_by, worked_until, done_at from cancel_sweeps where id = ${next}`)]).toEqual([
    { worked_by: null, worked_until: null, done_at: null },
  ])
})
