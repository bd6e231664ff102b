// Proves: statements that are planned once a connection go by key, or in the order of one, whatever the tables held when they
// were planned: what is fast in an empty database is fast in a full one.

import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { applyReports } from '../../src/app/report.ts'
import { createWaitingReports } from '../../src/app/waitingReports.ts'
import { addImmediateEndings, noteAcknowledged, readEndingsWork } from '../../src/store/endings.ts'
import { readLegState } from '../../src/store/fills.ts'
import { insertVoids, readVoidKeys } from '../../src/store/keys.ts'
import { readByKey, readKeyHolders, readOrders } from '../../src/store/orders.ts'
import { deleteEvents, deleteFreeEvents, readOutbox, readSettled, type EventPlace } from '../../src/store/outbox.ts'
import { readPending } from '../../src/store/pending.ts'
import type { Sql } from '../../src/store/sql.ts'
import { readTickersWithDueStops } from '../../src/store/stops.ts'
import { thinSweeps } from '../../src/store/sweeps.ts'
import { amount, aPlacementOf, aReport, newId, someTerms } from '../support/builders.ts'
import { createDatabase, type TestDatabase } from '../support/database.ts'
import { createExplainer, type Explainer } from '../support/explain.ts'
import { quietLog } from '../support/quietLog.ts'
import { storeOrders } from '../support/storeOrders.ts'

const stored = 20_000
const few = 300
const count = 50
const replicaId = crypto.randomUUID()

type KnownOrder = { id: string; user_id: string; client_order_id: string }

const statements: Record<
  string,
  (sql: Sql, known: readonly KnownOrder[], events: readonly EventPlace[]) => Promise<unknown>
> = {
  insertOrders: (sql) =>
    storeOrders(
      sql,
      Array.from({ length: count }, () => aPlacementOf(someTerms({ clientOrderId: crypto.randomUUID() }))),
    ),
  'insertOrders, for the first time': (sql) =>
    storeOrders(
      sql,
      Array.from({ length: count }, () => aPlacementOf(someTerms({ clientOrderId: crypto.randomUUID() }))),
      true,
    ),
  readKeyHolders: (sql, known) =>
    readKeyHolders(
      sql,
      known.map((row) => ({ id: row.id, userId: row.user_id, clientOrderId: row.client_order_id })),
      true,
    ),
  readByKey: (sql, known) =>
    readByKey(
      sql,
      known.map((row) => ({ userId: row.user_id, clientOrderId: row.client_order_id })),
      true,
    ),
  insertVoids: (sql, known) =>
    insertVoids(
      sql,
      known.map((row) => ({
        key: { userId: row.user_id, clientOrderId: row.client_order_id },
        at: new Date(),
        requestId: null,
        subject: null,
      })),
      true,
    ),
  readVoidKeys: (sql, known) =>
    readVoidKeys(
      sql,
      known.map((row) => ({ userId: row.user_id, clientOrderId: row.client_order_id })),
    ),
  readOrders: (sql, known) =>
    readOrders(
      sql,
      known.map(({ id }) => id),
    ),
  readOutbox: (sql) =>
    readOutbox(sql, {
      replicaId,
      floor: 0n,
      shards: Array.from({ length: 16 }, (_, n) => n),
      except: ['T1'],
      only: null,
      limit: count,
    }),
  lookForStops: (sql) =>
    readTickersWithDueStops(
      sql,
      Array.from({ length: count }, (_, n) => ({
        ticker: `T${n}`,
        lowest: amount('1'),
        highest: amount('2'),
        latest: '2030-01-01T00:00:00.000000Z',
      })),
      1_500,
    ),
  deleteEvents: (sql, _, events) => deleteEvents(sql, events),
  deleteFreeEvents: (sql, _, events) => deleteFreeEvents(sql, events),
}

const store = async ({ sql }: TestDatabase, orders: number = stored): Promise<void> => {
  await sql`
    with placed as (
      insert into orders (rules_epoch, id, user_id, client_order_id, ticker, side, type, time_in_force, quantity, price, created_at, updated_at)
      select 1, gen_random_uuid(), gen_random_uuid(), 'key-' || n, 'T' || n % 100, 'BUY', 'LIMIT', 'GTC', 1, 1, now(), now()
      from generate_series(1, ${orders}::integer) n
      returning id, ticker, user_id, client_order_id
    ), keyed as (
      insert into order_keys (user_id, client_order_id, order_id) select user_id, client_order_id, id from placed
    )
    insert into outbox (event_id, kind, order_id, ticker, occurred_at) select gen_random_uuid(), 'PLACED', id, ticker, now() from placed`
}

/** What the tables hold when the statements are planned. */
const states: Record<string, (database: TestDatabase) => Promise<unknown>> = {
  'new tables': () => Promise.resolve(),
  'tables that were vacuumed while empty': ({ sql }) => sql.unsafe('vacuum analyze'),
  'a few events that were analyzed': async (database) => {
    await store(database, few)
    await database.sql.unsafe('analyze orders; analyze outbox')
  },
  'an outbox that was full and is empty': async (database) => {
    await store(database)
    await database.sql`delete from outbox`
    await database.sql.unsafe('vacuum (analyze, truncate off) outbox')
  },
  'a full outbox that was analyzed': async (database) => {
    await store(database)
    await database.sql.unsafe('analyze orders; analyze outbox')
  },
}

/** A row may be looked at twice: by its id and by its key. */
const looksMax = 2 * count

describe.each(Object.entries(states))('planned for %s', (_, prepare) => {
  let database: TestDatabase
  let explainer: Explainer

  beforeAll(async () => {
    database = await createDatabase()
    await database.sql`update relay_leases set holder = ${replicaId}, expires_at = 'infinity'`
    await prepare(database)
    explainer = await createExplainer(database, 'keys')
    for (const run of Object.values(statements)) await explainer.run((sql) => run(sql, [], []))
    await explainer.plans()
    await store(database)
  })
  afterAll(() => database.drop())

  for (const [name, run] of Object.entries(statements))
    test(`${name} reads no more than it was asked for`, async () => {
      const orders = await database.sql<KnownOrder[]>`
        select id, user_id, client_order_id from orders where client_order_id like 'key-%' limit ${count}`
      const waiting = await database.sql<
        { position: string; event_id: string }[]
      >`select position, event_id from outbox order by position limit ${count}`
      const events = waiting.map(({ position, event_id }) => ({ position: BigInt(position), eventId: event_id }))
      await explainer.run((sql) => run(sql, orders, events))
      const [plan] = await explainer.plans()
      expect(plan!.rowsScanned('orders')).toBeLessThanOrEqual(looksMax)
      expect(plan!.rowsScanned('outbox')).toBeLessThanOrEqual(looksMax)
      expect(plan!.rowsScanned('order_keys')).toBeLessThanOrEqual(looksMax)
      const touched = plan!.rowsScanned('orders') + plan!.rowsScanned('outbox') + plan!.rowsScanned('order_keys')
      expect(touched).toBeGreaterThanOrEqual(name.startsWith('read') ? count : 0)
    })

  test('tickers to leave out are looked up in a hash, not one by one', async () => {
    const settled = (sql: Sql) => readSettled(sql, { floor: 0n, except: ['T1'], shards: [0, 1] })
    await explainer.run((sql) => statements['readOutbox']!(sql, [], []))
    await explainer.run(settled)
    for (const { filters } of await explainer.plans()) {
      expect(filters).toContain('hashed SubPlan')
      expect(filters).not.toContain('<> ALL ($')
    }
  })
})

describe('an order with thousands of fills', () => {
  let database: TestDatabase
  const orderId = crypto.randomUUID()
  const fills = 5_000

  beforeAll(async () => {
    database = await createDatabase()
    await store(database, few)
    await database.sql`
      insert into orders (rules_epoch, id, user_id, ticker, side, type, time_in_force, quantity, price, created_at, updated_at)
      values (1, ${orderId}, gen_random_uuid(), 'T', 'BUY', 'LIMIT', 'GTC', ${2 * fills}, 1, now(), now())`
    await database.sql`
      insert into ingested_fills (order_id, trade_id, side, ticker, ts, quantity, price, late, applied_at, order_version, kafka_partition, kafka_offset)
      select ${orderId}::uuid, 'trade-' || n, 'BUY', 'T', now(), 1, 1, false, now(), n, 0, n from generate_series(1, ${fills}::integer) n`
  })
  afterAll(() => database.drop())

  for (const analyzed of [false, true])
    test(`its next trades are looked up one by one, ${analyzed ? 'with' : 'without'} statistics`, async () => {
      if (analyzed) await database.sql.unsafe('analyze orders; analyze ingested_fills')
      const explainer = await createExplainer(database)
      const tradeIds = Array.from({ length: count }, (_, n) => `trade-${fills - count / 2 + n}`)
      const { records } = await explainer.run((sql) =>
        readLegState(
          sql,
          tradeIds.map((tradeId) => ({ orderId, tradeId })),
        ),
      )
      const known = [...records.get(orderId)!.values()].filter(({ ledger }) => ledger !== null)
      expect(known).toHaveLength(count / 2 + 1)
      const [plan] = await explainer.plans()
      expect(plan!.rowsScanned('ingested_fills')).toBeLessThanOrEqual(count)
      expect(plan!.rowsScanned('ingested_fills')).toBeGreaterThanOrEqual(known.length)
    })
})

describe.each([
  ['to end', 'pages', readEndingsWork, '%as untold%'],
  ['for the clock', 'keys', (sql: Sql) => readPending(sql, { endsImmediate: true }), '%as settling%'],
] as const)('whether there is anything %s', (_, plans, read, text) => {
  test('is planned once a connection, and goes by index whatever the tables held then', async () => {
    const database = await createDatabase()
    const explainer = await createExplainer(database, plans)
    await explainer.run<object>(read)
    await store(database)
    await database.sql`
      insert into orders (rules_epoch, id, user_id, ticker, side, type, time_in_force, quantity, price, expires_at, created_at, updated_at)
      select 1, gen_random_uuid(), gen_random_uuid(), 'T', 'BUY', 'LIMIT', 'GTD', 1, 1, now() + interval '1 day', now(), now()
      from generate_series(1, ${stored}::integer)`
    await explainer.plans()
    const found = await explainer.run<object>(read)
    expect(Object.values(found).filter((value) => value === true)).toEqual([])
    const [plan] = await explainer.plans()
    // At most the next one whose time will be over.
    expect(plan!.rowsScanned('orders')).toBeLessThanOrEqual(1)
    const planned = await explainer.run(
      (
        sql,
      ) => sql`select sum(generic_plans)::integer as once, sum(custom_plans)::integer as anew from pg_prepared_statements
                   where statement like ${text} and statement not like '%pg_prepared_statements%'`,
    )
    expect(planned[0]).toMatchObject({ anew: 0 })
    expect(planned[0]!['once']).toBeGreaterThanOrEqual(2)
    await database.drop()
  })
})

test('reports that wait are settled by key: what is read in the order of an index and what is joined need plans of two kinds', async () => {
  await using database = await createDatabase()
  await store(database)
  const orders = await database.sql<{ id: string; ticker: string }[]>`select id, ticker from orders limit ${count}`
  const common = { now: () => new Date(), newId }
  await applyReports(
    database.open(),
    orders.map(({ id: orderId, ticker }) => aReport({ orderId, ticker, cumulative: '1' })),
    { ...common, signal: new AbortController().signal, onRetry: () => undefined },
  )
  await database.sql.unsafe('analyze orders; analyze ingested_reports')
  await database.sql`insert into tape_marks values ('trades', 0, clock_timestamp() + interval '1 hour')`
  const [reads, writes] = [await createExplainer(database, 'pages'), await createExplainer(database, 'sets')]
  const loop = createWaitingReports({
    ...common,
    reads: { ...reads, close: () => Promise.resolve() },
    db: { ...writes, close: () => Promise.resolve() },
    tradeTopic: 'trades',
    waitMs: 1_000,
    onSettled: () => undefined,
    onCommitted: () => undefined,
    clock: () => 0,
    log: quietLog().log,
  })
  await loop.pass()
  const plans = [...(await reads.plans()), ...(await writes.plans())]
  expect(plans).toHaveLength(2)
  for (const plan of plans) expect(plan.rowsScanned('orders')).toBeLessThanOrEqual(looksMax)
  const [row] = await database.sql`select count(*)::integer as waiting from ingested_reports where state = 'WAITING'`
  expect(row).toEqual({ waiting: 0 })
})

describe.each(['analyzed while empty', 'analyzed since'])(
  'beside very many endings, events and sweeps, %s',
  (analyzed) => {
    const immediate = 300
    const batch = 100
    let database: TestDatabase
    let explainer: Explainer

    beforeAll(async () => {
      database = await createDatabase()
      // As of a night without orders: then the market closes.
      await database.sql.unsafe('vacuum analyze')
      explainer = await createExplainer(database, 'pages')
      await explainer.run(readEndingsWork)
      await explainer.plans()
      await store(database)
      await database.sql`
      insert into orders (rules_epoch, id, user_id, ticker, side, type, time_in_force, quantity, price, expires_at, created_at, updated_at)
      select 1, gen_random_uuid(), gen_random_uuid(), 'T', 'BUY', 'LIMIT', 'GTD', 1, 1, now() - interval '1 hour', now(), now()
      from generate_series(1, ${stored}::integer)`
      await database.sql`
      insert into orders (rules_epoch, id, user_id, ticker, side, type, time_in_force, quantity, price, created_at, updated_at)
      select 1, gen_random_uuid(), gen_random_uuid(), 'T', 'BUY', 'LIMIT', 'IOC', 1, 1, now(), now()
      from generate_series(1, ${immediate}::integer)`
      await database.sql`
      insert into order_endings (order_id, outcome, reason_code, due_at, told_at, outbox_position)
      select id, 'EXPIRED', 'EXPIRED_GTD', expires_at, now(), 1000000 + row_number() over () from orders where expires_at is not null`
      await database.sql`
      insert into cancel_sweeps (reason_code, cause, done_at)
      select 'HALT', '{"kind": "halt"}', now() from generate_series(1, ${stored}::integer)`
      if (analyzed === 'analyzed since') await database.sql.unsafe('vacuum analyze')
    })
    afterAll(() => database.drop())

    for (const [name, run, looks] of [
      ['what there is to end', readEndingsWork, { orders: 2, order_endings: 3 }],
      [
        'endings of orders that are to be executed at once',
        (sql) => addImmediateEndings(sql, { graceMs: 1, limit: batch }),
        { orders: 2 * immediate, order_endings: 2 * immediate, outbox: stored },
      ],
      [
        'endings of which the broker was told',
        (sql) => noteAcknowledged(sql, batch),
        { order_endings: 3 * batch, outbox: batch },
      ],
      ['sweeps of long ago', (sql) => thinSweeps(sql, 1), { cancel_sweeps: 2_000 }],
    ] as const satisfies readonly (readonly [string, (sql: Sql) => Promise<unknown>, Record<string, number>])[])
      test(`${name}: no order is compared with each of them`, async () => {
        await explainer.run<unknown>(run)
        const [plan] = await explainer.plans()
        const found = Object.entries(looks).map(([table, most]) => ({ table, most, looks: plan!.rowsScanned(table) }))
        expect(found.filter((one) => one.looks > one.most)).toEqual([])
        expect(plan!.pairsDropped).toBeLessThanOrEqual(batch)
      })
  },
)
