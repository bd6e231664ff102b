// Proves: every way in which a row can contradict its ledger is named, with the value that is expected and the value that is
// there.

import { expect, test } from 'bun:test'
import type { Sql } from '../../src/store/sql.ts'
import { beReader } from '../../src/verify/tablesSql.ts'
import type { Violation } from '../../src/verify/violation.ts'
import { createDatabase } from '../support/database.ts'
import { corrupt, seedOrders } from '../support/seed.ts'
import { failureOf } from '../support/waiting.ts'
import { populate, verify, type Ids } from './verified.ts'

test('what the service wrote is clean', async () => {
  await using database = await createDatabase()
  await populate(database)
  expect(await verify(database)).toEqual({ orders: 9, fills: 7, violations: [], notes: [] })
})

test('an empty database is clean', async () => {
  await using database = await createDatabase()
  expect(await verify(database)).toEqual({ orders: 0, fills: 0, violations: [], notes: [] })
})

type Rule = readonly [rule: string, expected: string | null, found: string | null]
type Case = { what: string; sql: (ids: Ids) => string; of: keyof Ids; rules: readonly Rule[] }

const cases: Case[] = [
  {
    what: 'a filled quantity that is not the sum of the ledger',
    sql: (ids) => `update orders set filled_quantity = 30.00000002 where id = '${ids.partial}'`,
    of: 'partial',
    rules: [['filled_quantity', '30.00000001', '30.00000002']],
  },
  {
    what: 'a notional that is off by its last digit',
    sql: (ids) => `update orders set filled_notional = filled_notional + 0.0000000000000001 where id = '${ids.filled}'`,
    of: 'filled',
    rules: [['filled_notional', '14999.9999990050000001', '14999.9999990050000002']],
  },
  {
    what: 'a last price that is not that of the highest version',
    sql: (ids) => `update orders set last_fill_price = 149.99999999 where id = '${ids.filled}'`,
    of: 'filled',
    rules: [['last_fill_price', '150.5', '149.99999999']],
  },
  {
    what: 'a status that the fills do not imply',
    sql: (ids) => `alter table orders drop constraint orders_status_and_fill;
                   update orders set status = 'FILLED' where id = '${ids.partial}'`,
    of: 'partial',
    rules: [['status', 'PARTIALLY_FILLED', 'FILLED']],
  },
  {
    what: 'a version that skipped a step',
    sql: (ids) => `update orders set version = 3 where id = '${ids.filled}'`,
    of: 'filled',
    rules: [['version', '2', '3']],
  },
  {
    what: 'a cancel without a version of its own',
    sql: (ids) => `update orders set version = 0 where id = '${ids.canceled}'`,
    of: 'canceled',
    rules: [['version', '1', '0']],
  },
  {
    what: 'a ledger row that vanished',
    sql: (ids) => `delete from ingested_fills where order_id = '${ids.filled}' and trade_id = 'f1'`,
    of: 'filled',
    rules: [
      ['filled_notional', '0.000001505', '14999.9999990050000001'],
      ['filled_quantity', '0.00000001', '100'],
      ['first_ledger_step', '1', '2'],
      ['last_ledger_step', '1', '2'],
      ['status', 'PARTIALLY_FILLED', 'FILLED'],
      ['version', '1', '2'],
    ],
  },
  {
    what: 'a ledger step that is not the one after the last',
    sql: (ids) => `update ingested_fills set order_version = 7 where order_id = '${ids.partial}'`,
    of: 'partial',
    rules: [
      ['first_ledger_step', '1', '7'],
      ['last_ledger_step', '1', '7'],
    ],
  },
  {
    what: 'a late row of an order that is open',
    sql: (ids) => `update ingested_fills set late = true where order_id = '${ids.partial}'`,
    of: 'partial',
    rules: [['late_fills', '0', '1']],
  },
  {
    what: 'a row of a canceled order that is not flagged as late',
    sql: (ids) => `update ingested_fills set late = false where order_id = '${ids.late}'`,
    of: 'late',
    rules: [['late_fills', '1', '0']],
  },
  {
    what: 'a ledger of the other side',
    sql: (ids) => `update ingested_fills set side = 'SELL' where order_id = '${ids.filled}' and trade_id = 'f1'`,
    of: 'filled',
    rules: [['ledger_side', 'BUY', 'BUY and SELL']],
  },
  {
    what: 'a ledger of another ticker',
    sql: (ids) => `update ingested_fills set ticker = 'MSFT' where order_id = '${ids.partial}'`,
    of: 'partial',
    rules: [['ledger_ticker', 'AAPL', 'MSFT']],
  },
  {
    what: 'an overfilled order',
    sql: (
      ids,
    ) => `alter table orders drop constraint orders_status_and_fill; alter table orders drop constraint orders_never_overfilled;
                   update orders set quantity = 99 where id = '${ids.filled}'`,
    of: 'filled',
    rules: [['filled_at_most_quantity', 'true', 'false']],
  },
  {
    what: 'an order that was changed before it was made',
    sql: (ids) => `update orders set updated_at = created_at - interval '1 ms' where id = '${ids.fresh}'`,
    of: 'fresh',
    rules: [['updated_after_created', 'true', 'false']],
  },
  {
    what: 'a rejected order with a fill',
    sql: (ids) => `alter table orders drop constraint orders_status_and_fill;
                   update orders set status = 'REJECTED', version = 2 where id = '${ids.partial}'`,
    of: 'partial',
    rules: [
      ['first_ledger_step', '2', '1'],
      ['last_ledger_step', '2', '1'],
      ['unfilled_if_rejected', 'true', 'false'],
    ],
  },
  {
    what: 'one trade twice in the ledger of an order',
    sql: (ids) => `alter table ingested_fills drop constraint ingested_fills_pkey;
                   update ingested_fills set trade_id = 'f1' where order_id = '${ids.filled}'`,
    of: 'filled',
    rules: [['distinct_trades', '2', '1']],
  },
]

for (const { what, sql, of, rules } of cases)
  test(`names ${what}`, async () => {
    await using database = await createDatabase()
    const ids = await populate(database)
    await corrupt(database.sql, sql(ids))
    const { violations } = await verify(database)
    const own = violations.filter(({ subject }) => subject === 'order')
    expect(own).toEqual(
      rules.map(([rule, expected, found]) => ({ subject: 'order', id: ids[of], rule, expected, found })),
    )
    // Nothing else is accused but what was dropped on the way, and the order's history (history.test.ts).
    const others = violations.filter(
      ({ subject, id }) =>
        !['order', 'guard', 'ingested_fills'].includes(subject) && !(subject === 'history' && id === ids[of]),
    )
    expect(others).toEqual([])
  })

const alone = async (statement: (ids: Ids) => string): Promise<Violation[]> => {
  await using database = await createDatabase()
  const ids = await populate(database)
  await corrupt(database.sql, statement(ids))
  return (await verify(database)).violations
}

test('names fills of no order', async () => {
  const lost = 'ffffffff-0000-7000-8000-000000000000'
  const found = await alone((ids) => `update ingested_fills set order_id = '${lost}' where order_id = '${ids.late}'`)
  expect(found).toContainEqual({
    subject: 'fill',
    id: lost,
    rule: 'order',
    expected: 'an order with this id',
    found: null,
  })
})

test('names outbox rows of no order, of an order that is not canceled, and of another ticker', async () => {
  const found = await alone(
    (ids) => `update outbox set kind = 'CANCELLED' where order_id = '${ids.fresh}';
              update outbox set ticker = 'MSFT' where order_id = '${ids.partial}';
              update outbox set order_id = gen_random_uuid() where order_id = '${ids.filled}'`,
  )
  expect(found).toMatchObject([
    { subject: 'outbox row', id: '1', expected: 'ended by the service', found: 'NEW' },
    { subject: 'outbox row', id: '2', expected: 'AAPL', found: 'MSFT' },
    { subject: 'outbox row', id: '3', rule: 'order', found: null },
  ])
})

test('names placements of stops that wait, and those of triggered stops under an id that is not derived from the order', async () => {
  const found = await alone(
    ({ stop, triggered }) => `
      insert into outbox (event_id, kind, order_id, ticker, occurred_at)
      select x.event_id, 'PLACED', o.id, o.ticker, o.updated_at
      from orders o, lateral (values (overlay(o.id::text placing '8' from 15)::uuid), ('ffffffff-0000-4000-8000-000000000000'::uuid)) x (event_id)
      where o.id in ('${stop}', '${triggered}') order by o.id = '${stop}', x.event_id`,
  )
  expect(
    found.map(({ rule, expected, found: value }) => [rule.split(' ').slice(0, -1).join(' '), expected, value]),
  ).toEqual([
    ['event id of order', expect.stringMatching(/-8[0-9a-f]{3}-/), 'ffffffff-0000-4000-8000-000000000000'],
    ['status of order', 'one that an engine may execute', 'NEW'],
    ['status of order', 'one that an engine may execute', 'NEW'],
  ])
})

test('names exceptions whose content was applied, and those of no order', async () => {
  const found = await alone(
    (
      ids,
    ) => `update exceptions set quantity = 30.00000001, price = 150.25, trade_id = 'p1' where disposition = 'OVERFILL';
              update exceptions set order_id = gen_random_uuid() where disposition = 'CONFLICT' and order_id = '${ids.partial}'`,
  )
  expect(found).toHaveLength(2)
  expect(new Set(found.map(({ subject, rule }) => `${subject} ${rule.split(' ')[0]}`))).toEqual(
    new Set(['exception OVERFILL', 'exception order']),
  )
  expect(found.find(({ rule }) => rule.startsWith('OVERFILL'))).toMatchObject({ found: 'applied as version 1' })
})

test('reads page by page: an offender in the middle of 30,000 orders, and at every edge', async () => {
  await using database = await createDatabase()
  await seedOrders(database.sql, 30_000)
  expect(await verify(database)).toMatchObject({ orders: 30_000, fills: 26_250, violations: [] })
  const edges = [1, 10_000, 10_001, 20_000, 29_999, 30_000]
  await corrupt(
    database.sql,
    `update orders set version = version + 1 where id in (select id from orders where false
       ${edges.map((n) => `union all (select id from orders order by id offset ${n - 1} limit 1)`).join(' ')})`,
  )
  const { violations } = await verify(database)
  expect(violations.map(({ id }) => Number(`0x${id.slice(9, 13)}${id.slice(14, 18)}`))).toEqual(edges)
})

test('orders of one id are counted, even across the edge of a page', async () => {
  await using database = await createDatabase()
  await seedOrders(database.sql, 10_000)
  await corrupt(
    database.sql,
    `alter table orders drop constraint orders_pkey cascade;
     insert into orders (rules_epoch, id, user_id, ticker, side, type, time_in_force, quantity, price, created_at, updated_at)
     select 1, id, user_id, ticker, side, type, time_in_force, quantity, price, created_at, updated_at
     from orders order by id desc limit 1`,
  )
  const { violations } = await verify(database)
  const twins = violations.filter(({ rule }) => rule === 'rows_with_this_id')
  expect(twins.map(({ found }) => found)).toEqual(['2', '2'])
})

test('its session can change nothing', async () => {
  await using database = await createDatabase()
  const { fresh: id } = await populate(database)
  const sql: Sql = database.session()
  await beReader(sql)
  const failure = await failureOf(sql`update orders set updated_at = now(), version = version + 1 where id = ${id}`)
  expect(failure).toMatchObject({ code: '25006' })
})
