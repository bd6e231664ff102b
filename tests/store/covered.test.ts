// Proves: a cancel of many means exactly the open orders of its scope that were committed before it began, whoever places orders meanwhile,
// whichever version stored them and whatever cluster they come from; and every page of them is bounded in what it reads.

import { describe, expect, test } from 'bun:test'
import type { OrderTerms } from '../../src/domain/terms.ts'
import { readCoveredPage, readMoment, readOpenTickers, type CancelScope, type Moment } from '../../src/store/covered.ts'
import { scannedRowsMax } from '../../src/store/orderPage.ts'
import { takeSweeps } from '../../src/store/sweeps.ts'
import { aPlacement } from '../support/builders.ts'
import { createExplainer } from '../support/explain.ts'
import { ownDatabase } from '../support/ownDatabase.ts'
import { storeOrders } from '../support/storeOrders.ts'

const { database, sql, db } = await ownDatabase()
const pages = database.open({ plans: 'pages' })

const place = async (...terms: Partial<OrderTerms>[]): Promise<string[]> => {
  const placements = terms.map((some) => aPlacement(some))
  await db.run((some) => storeOrders(some, placements))
  return placements.map(({ order }) => order.id)
}
const moment = async (): Promise<Moment> => (await pages.run(readMoment))!
const scopeOf = (some: Partial<CancelScope>): CancelScope => ({ userId: null, ticker: null, side: null, ...some })

const walk = async (scope: Partial<CancelScope>, at: Moment, limit = 2): Promise<string[]> => {
  const ids: string[] = []
  let before: string | undefined
  do {
    const query = { scope: scopeOf(scope), moment: at, before, limit, now: new Date() }
    const page = await pages.run((some) => readCoveredPage(some, query))
    expect(page.ids.length).toBeLessThanOrEqual(limit)
    ids.push(...page.ids)
    before = page.next ?? undefined
  } while (before !== undefined)
  return ids
}
const newestFirst = (ids: readonly string[]): string[] => ids.toSorted().toReversed()

/** Stores an order as another version or another cluster did: what the guards would set or refuse is as it is given here. */
const storeAs = async (
  userId: string,
  columns: { xact: string; position: string; sort_key?: boolean; ticker?: string },
) => {
  const { order } = aPlacement({ userId })
  const id = columns.sort_key === true ? crypto.randomUUID() : order.id
  await sql.unsafe(`
    set local session_replication_role = replica;
    insert into orders (rules_epoch, id, user_id, ticker, side, type, time_in_force, quantity, price, created_at, updated_at, xact, position, sort_key)
    values (1, '${id}', '${userId}', '${columns.ticker ?? 'AAPL'}', 'BUY', 'LIMIT', 'GTC', 100, 150, now(), now(), '${columns.xact}', ${columns.position},
            ${columns.sort_key === true ? `order_sort_key('${id}', now())` : 'null'})`)
  return id
}

describe('the orders that were committed before', () => {
  test('are meant, newest first, page by page; those placed afterwards are not', async () => {
    const userId = crypto.randomUUID()
    const before = [...(await place({ userId }, { userId })), ...(await place({ userId }, { userId }, { userId }))]
    const at = await moment()
    await place({ userId }, { userId })
    expect(await walk({ userId }, at)).toEqual(newestFirst(before))
  })

  test('are meant where their transaction has a higher id than one that ends later, and that one is not', async () => {
    const userId = crypto.randomUUID()
    const [open, go] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    let lateId = ''
    const late = sql.begin(async (transaction) => {
      const placement = aPlacement({ userId })
      lateId = placement.order.id
      await storeOrders(transaction as never, [placement])
      open.resolve()
      await go.promise
    })
    await open.promise
    const ids = await place({ userId })
    const at = await moment()
    go.resolve()
    await late
    expect(await walk({ userId }, at)).toEqual(ids)
    expect(await walk({ userId }, await moment())).toEqual(newestFirst([lateId, ...ids]))
  })

  test('are only the open ones of the user, the ticker and the side', async () => {
    const [userId, other, ticker] = [crypto.randomUUID(), crypto.randomUUID(), `T${Date.now() % 1_000_000}`]
    const [buy, sell, elsewhere, foreign, closed] = await place(
      { userId, ticker },
      { userId, ticker, side: 'SELL' },
      { userId, ticker: 'MSFT' },
      { userId: other, ticker },
      { userId, ticker },
    )
    await sql`update orders set status = 'CANCELED', version = 1 where id = ${closed!}`
    const at = await moment()
    expect(await walk({ userId }, at)).toEqual(newestFirst([buy!, sell!, elsewhere!]))
    expect(await walk({ ticker }, at)).toEqual(newestFirst([buy!, sell!, foreign!]))
    expect(await walk({ userId, ticker }, at)).toEqual(newestFirst([buy!, sell!]))
    expect(await walk({ userId, ticker, side: 'SELL' }, at)).toEqual([sell!])
    expect(await walk({ ticker, side: 'BUY' }, at)).toEqual(newestFirst([buy!, foreign!]))
  })

  test('are meant where they are older than the log, or were taken over', async () => {
    const userId = crypto.randomUUID()
    const ids = [
      await storeAs(userId, { xact: '3', position: '0' }),
      await storeAs(userId, { xact: '3', position: '0', sort_key: true }),
      ...(await place({ userId })),
    ]
    expect((await walk({ userId }, await moment())).toSorted()).toEqual(ids.toSorted())
  })
})

describe('in a database that was copied from another cluster', () => {
  test('its orders are meant, however high their transaction ids; those placed afterwards are not', async () => {
    const copy = await ownDatabase()
    const userId = crypto.randomUUID()
    const copied = aPlacement({ userId }).order.id
    // As logical replication leaves it: the transaction ids of the other cluster, and the sequences set to where they stood there.
    await copy.sql.unsafe(`
      set local session_replication_role = replica;
      delete from log_epochs;
      insert into log_epochs (epoch, floor, xact) values (1, 0, '999999999');
      insert into orders (rules_epoch, id, user_id, ticker, side, type, time_in_force, quantity, price, created_at, updated_at, xact, position)
      values (1, '${copied}', '${userId}', 'AAPL', 'BUY', 'LIMIT', 'GTC', 100, 150, now(), now(), '900000000', 70);
      select setval('log_position', 100)`)
    const reads = copy.database.open({ plans: 'pages' })
    const at = (await reads.run(readMoment))!
    const later = aPlacement({ userId })
    await copy.db.run((some) => storeOrders(some, [later]))
    const page = await reads.run((some) =>
      readCoveredPage(some, { scope: scopeOf({ userId }), moment: at, before: undefined, limit: 9, now: new Date() }),
    )
    expect(page.ids).toEqual([copied])
  })

  test('a sweep that was copied with them means what it meant there', async () => {
    const copy = await ownDatabase()
    const userId = crypto.randomUUID()
    const [seen, running, unseen] = [aPlacement().order.id, aPlacement().order.id, aPlacement().order.id]
    const row = (id: string, xact: number, position: number) =>
      `(1, '${id}', '${userId}', 'AAPL', 'BUY', 'LIMIT', 'GTC', 100, 150, now(), now(), '${xact}', ${position})`
    await copy.sql.unsafe(`
      set local session_replication_role = replica;
      insert into orders (rules_epoch, id, user_id, ticker, side, type, time_in_force, quantity, price, created_at, updated_at, xact, position)
      values ${row(seen, 900_000_000, 70)}, ${row(running, 900_000_001, 71)}, ${row(unseen, 900_000_005, 81)};
      insert into cancel_sweeps (user_id, reason_code, cause, snapshot, position)
      values ('${userId}', 'CANCEL_AFTER', '{"kind": "cancel-after"}', '900000001:900000002:900000001', 80);
      insert into log_epochs (epoch, floor) values (2, 100);
      select setval('log_position', 100)`)
    await copy.db.run((some) => storeOrders(some, [aPlacement({ userId })]))
    const reads = copy.database.open({ plans: 'pages' })
    const [sweep] = await reads.run((some) =>
      takeSweeps(some, { replicaId: crypto.randomUUID(), leaseMs: 1_000, limit: 1, at: [] }),
    )
    const page = await reads.run((some) =>
      readCoveredPage(some, {
        scope: sweep!.scope,
        moment: sweep!.moment,
        before: undefined,
        limit: 9,
        now: new Date(),
      }),
    )
    expect(page.ids).toEqual([seen])
  })
})

test('an order whose transaction id was given out a second time, after a crash of Postgres, is not meant', async () => {
  const userId = crypto.randomUUID()
  await place({ userId })
  // A transaction that ends with an id and without a row: after a crash nothing on disk need know of its id.
  await sql`select pg_current_xact_id()`
  const at = await moment()
  const [row] = await sql<
    { xact: string }[]
  >`select (pg_snapshot_xmax(pg_current_snapshot())::text::bigint - 1)::text as xact`
  const again = await storeAs(userId, { xact: row!.xact, position: '1000000' })
  expect(await walk({ userId }, at)).not.toContain(again)
})

test('a page looks at a bounded number of rows, wherever the orders that it means are', async () => {
  const userId = crypto.randomUUID()
  const [deep] = await place({ userId, ticker: 'DEEP' })
  await sql`
    insert into orders (rules_epoch, id, user_id, ticker, side, type, time_in_force, quantity, price, created_at, updated_at)
    select 1, (substr(${deep!}, 1, 13) || '-7fff-8000-' || lpad(to_hex(n), 12, '0'))::uuid, ${userId}, 'FLAT', 'BUY', 'LIMIT', 'GTC', 1, 1, now(), now()
    from generate_series(1, ${2 * scannedRowsMax + 5}::integer) n`
  await sql.unsafe('analyze orders')
  const at = await moment()
  const explainer = await createExplainer(database, 'pages')
  const query = {
    scope: scopeOf({ userId, ticker: 'DEEP' }),
    moment: at,
    before: undefined,
    limit: 500,
    now: new Date(),
  }
  const page = await explainer.run((some) => readCoveredPage(some, query))
  expect(page).toMatchObject({ ids: [], next: expect.any(String) })
  const [plan] = await explainer.plans()
  expect(plan!.rowsScanned('orders')).toBeLessThanOrEqual(4 * scannedRowsMax)
  expect(await walk({ userId, ticker: 'DEEP' }, at, 500)).toEqual([deep!])
  // Of one range only as many as it gives.
  await explainer.run((some) => readCoveredPage(some, { ...query, scope: scopeOf({ userId }), limit: 50 }))
  const [exact] = await explainer.plans()
  expect(exact!.rowsScanned('orders')).toBeLessThanOrEqual(200)
})

test('the tickers with open orders are found by their index, however many orders are closed', async () => {
  const other = await ownDatabase()
  await other.sql`
    insert into orders (rules_epoch, id, user_id, ticker, side, type, time_in_force, quantity, price, created_at, updated_at)
    select 1, gen_random_uuid(), gen_random_uuid(), 'T' || n % 20, 'BUY', 'LIMIT', 'GTC', 1, 1, now(), now() from generate_series(1, 4000) n`
  await other.sql`update orders set status = 'CANCELED', version = 1 where ticker not in ('T3', 'T7', 'T9')`
  await other.sql.unsafe('analyze orders')
  const explainer = await createExplainer(other.database, 'pages')
  expect(await explainer.run((some) => readOpenTickers(some, { after: '', limit: 2 }))).toEqual({
    tickers: ['T3', 'T7'],
    next: 'T7',
  })
  expect(await explainer.run((some) => readOpenTickers(some, { after: 'T7', limit: 2 }))).toEqual({
    tickers: ['T9'],
    next: null,
  })
  for (const plan of await explainer.plans()) expect(plan.rowsScanned('orders')).toBeLessThanOrEqual(100)
})
