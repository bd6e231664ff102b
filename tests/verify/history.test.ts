// Proves: every way in which the history of an order can contradict itself or the order is named, and so is a log whose transaction ids or
// positions mean nothing; what older versions of the service left out is no fault.

import { describe, expect, test } from 'bun:test'
import type { Violation } from '../../src/verify/violation.ts'
import { createDatabase, type TestDatabase } from '../support/database.ts'
import { corrupt } from '../support/seed.ts'
import { populate, verify, type Ids } from './verified.ts'

type Rule = readonly [rule: string, expected: string | null, found: string | null]
type Case = { what: string; sql: (ids: Ids) => string; of: keyof Ids; rules: readonly Rule[] }

/** What verify says of histories after this corruption. A row that was written anew has another writer: that is a case of its own. */
const historyFaults = async (database: TestDatabase): Promise<Violation[]> =>
  (await verify(database)).violations.filter(({ subject, rule }) => subject === 'history' && !rule.startsWith('xact'))

const cases: Case[] = [
  {
    what: 'an end without a row',
    sql: (ids) => `delete from order_changes where order_id = '${ids.canceled}'`,
    of: 'canceled',
    rules: [
      ['history_ends', '1', '0'],
      ['history_ends_as', 'CANCELED', null],
      ['reason_code', null, 'USER_CANCELED'],
    ],
  },
  {
    what: 'a version without a row, and what is added up without it',
    sql: (ids) => `delete from ingested_fills where order_id = '${ids.filled}' and trade_id = 'f1'`,
    of: 'filled',
    rules: [
      ['filled_notional of version 2', '0.000001505', '14999.9999990050000001'],
      ['filled_quantity of version 2', '0.00000001', '100'],
      ['history_versions', '2', '1'],
    ],
  },
  {
    what: 'a version that two rows claim',
    sql: (ids) => `
      alter table order_changes drop constraint order_changes_kind;
      insert into order_changes (order_id, version, kind, at, cause, filled_quantity, filled_notional, last_fill_price, position)
      select order_id, 1, 'ACCEPTED', applied_at, '{"kind": "trigger"}', cumulative_quantity, cumulative_notional, price, position + 100
      from ingested_fills where order_id = '${ids.partial}';
      select setval('log_position', 1000)`,
    of: 'partial',
    rules: [['history_rows', '1', '2']],
  },
  {
    what: 'an end of another kind',
    sql: (ids) => `update order_changes set kind = 'EXPIRED' where order_id = '${ids.late}'`,
    of: 'late',
    rules: [['history_ends_as', 'CANCELED', 'EXPIRED']],
  },
  {
    what: 'an order whose history has an end and that is open',
    sql: (ids) => `
      alter table order_changes drop constraint order_changes_kind;
      insert into order_changes (order_id, version, kind, at, cause, filled_quantity, filled_notional)
      select id, 1, 'CANCELED', updated_at, '{"kind": "request"}', 0, 0 from orders where id = '${ids.fresh}'`,
    of: 'fresh',
    rules: [
      ['history_ends', '0', '1'],
      ['history_ends_as', null, 'CANCELED'],
    ],
  },
  {
    what: 'another reason',
    sql: (ids) =>
      `update order_changes set reason_code = 'HALT', reason_text = 'so it is' where order_id = '${ids.canceled}'`,
    of: 'canceled',
    rules: [
      ['reason_code', 'HALT', 'USER_CANCELED'],
      ['reason_text', 'so it is', null],
    ],
  },
  {
    what: 'amounts after a fill that are not those up to it',
    sql: (ids) => `update ingested_fills set cumulative_quantity = 100, cumulative_notional = cumulative_notional + 1
                   where order_id = '${ids.filled}' and trade_id = 'f1'`,
    of: 'filled',
    rules: [
      ['filled_notional of version 1', '14999.9999975000000001', '15000.9999975000000001'],
      ['filled_quantity of version 1', '99.99999999', '100'],
    ],
  },
  {
    what: 'amounts of another change that are not those up to it',
    sql: (ids) =>
      `update order_changes set filled_quantity = 5, filled_notional = 750, last_fill_price = 150 where order_id = '${ids.late}'`,
    of: 'late',
    rules: [
      ['filled_notional of version 1', '0', '750'],
      ['filled_quantity of version 1', '0', '5'],
      ['last_fill_price of version 1', null, '150'],
    ],
  },
  {
    what: 'a position that is not above those of the versions before',
    sql: (
      ids,
    ) => `update ingested_fills set position = (select min(position) from ingested_fills where order_id = '${ids.filled}')
                   where order_id = '${ids.filled}' and order_version = 2`,
    of: 'filled',
    rules: [['log_position of version 2', 'above 14', '14']],
  },
  {
    what: 'a position that is not above that of the acceptance',
    sql: (ids) => `update order_changes set position = 1 where order_id = '${ids.canceled}'`,
    of: 'canceled',
    rules: [['log_position of version 1', 'above 5', '1']],
  },
  {
    what: 'an order of the log without a position',
    sql: (ids) => `update orders set position = 0 where id = '${ids.fresh}'`,
    of: 'fresh',
    rules: [['log_position', 'above 0', '0']],
  },
  {
    what: 'an order of before the log with a position',
    sql: (ids) => `update orders set xact = '3' where id = '${ids.fresh}'`,
    of: 'fresh',
    rules: [['log_position', '0', 'above 0']],
  },
]

describe('the history of an order:', () => {
  for (const { what, sql, of, rules } of cases)
    test(`names ${what}`, async () => {
      await using database = await createDatabase()
      const ids = await populate(database)
      await corrupt(database.sql, sql(ids))
      expect(await historyFaults(database)).toEqual(
        rules.map(([rule, expected, found]) => ({ subject: 'history', id: ids[of], rule, expected, found })),
      )
    })

  for (const kind of ['fresh', 'partial', 'canceled'] as const)
    test(`names a time of change that is not that of the last event (${kind})`, async () => {
      await using database = await createDatabase()
      const ids = await populate(database)
      await corrupt(
        database.sql,
        `update orders set updated_at = updated_at + interval '1 s' where id = '${ids[kind]}'`,
      )
      expect(await historyFaults(database)).toMatchObject([{ subject: 'history', id: ids[kind], rule: 'updated_at' }])
    })

  test('names a change of no order', async () => {
    await using database = await createDatabase()
    const ids = await populate(database)
    const lost = 'ffffffff-0000-7000-8000-000000000000'
    await corrupt(database.sql, `update order_changes set order_id = '${lost}' where order_id = '${ids.late}'`)
    expect(await historyFaults(database)).toContainEqual({
      subject: 'history',
      id: lost,
      rule: 'order of version 1',
      expected: 'an order with this id',
      found: null,
    })
  })
})

describe('what older versions left out is no fault:', () => {
  /** Without the orders of kinds that older versions did not know. */
  const old = ({ halfway, stop, triggered, refused }: Ids): string => `
               delete from outbox where order_id in ('${halfway}', '${stop}', '${triggered}', '${refused}');
               delete from ingested_fills where order_id in ('${halfway}', '${triggered}');
               delete from order_changes where order_id in ('${halfway}', '${triggered}');
               delete from orders where id in ('${halfway}', '${stop}', '${triggered}', '${refused}');
               update orders set xact = '3', position = 0, request_id = null, subject = null, reason_code = null;
               update ingested_fills set xact = '3', position = 0, cumulative_quantity = null, cumulative_notional = null;`

  test('orders of before the log, canceled ones and late fills among them', async () => {
    await using database = await createDatabase()
    const ids = await populate(database)
    await corrupt(database.sql, `${old(ids)} delete from order_changes`)
    expect(await verify(database)).toEqual({ orders: 5, fills: 4, violations: [], notes: [] })
    await populate(database)
    expect(await verify(database)).toEqual({ orders: 14, fills: 11, violations: [], notes: [] })
  })

  test('orders of before the log that have a row of their end must have one that fits', async () => {
    await using database = await createDatabase()
    const ids = await populate(database)
    await corrupt(
      database.sql,
      `${old(ids)} update order_changes set reason_code = null, xact = '3', position = 0;
       update order_changes set kind = 'EXPIRED' where order_id = '${ids.canceled}'`,
    )
    expect(await historyFaults(database)).toMatchObject([
      { id: ids.canceled, rule: 'history_ends_as', expected: 'CANCELED', found: 'EXPIRED' },
    ])
  })

  test('fills that 1.2 wrote in one transaction have positions in any order; those of this version have not', async () => {
    await using database = await createDatabase()
    const ids = await populate(database)
    const swap = `update ingested_fills f set position = (select sum(g.position) from ingested_fills g where g.order_id = f.order_id) - f.position
                  where order_id = '${ids.filled}'`
    await corrupt(database.sql, swap)
    expect(await historyFaults(database)).toMatchObject([{ id: ids.filled, rule: 'log_position of version 2' }])
    await corrupt(
      database.sql,
      `update ingested_fills set cumulative_quantity = null, cumulative_notional = null, xact = pg_current_xact_id() where order_id = '${ids.filled}'`,
    )
    expect(await historyFaults(database)).toEqual([])
  })
})

describe('transaction ids', () => {
  /** The rules about transaction ids that are broken. */
  const xactFaults = async (database: TestDatabase): Promise<Violation[]> =>
    (await verify(database)).violations.filter(({ rule }) => rule.startsWith('xact'))
  const others = `update ingested_fills set late = late; update order_changes set reason_text = null;`

  test('that are not those of their rows are named', async () => {
    await using database = await createDatabase()
    const ids = await populate(database)
    await corrupt(database.sql, others)
    const found = await xactFaults(database)
    expect(found).toHaveLength(11)
    expect(found).toContainEqual({
      subject: 'history',
      id: ids.canceled,
      rule: 'xact of version 1',
      expected: expect.stringMatching(/^that of its writer, \d+$/),
      found: expect.stringMatching(/^\d+$/),
    })
  })

  test('that are still to come are named', async () => {
    await using database = await createDatabase()
    const ids = await populate(database)
    await corrupt(database.sql, `update orders set xact = '9999999999' where id = '${ids.fresh}'`)
    expect(await xactFaults(database)).toEqual([
      {
        subject: 'history',
        id: ids.fresh,
        rule: 'xact of version 0',
        expected: expect.stringMatching(/^below \d+$/),
        found: '9999999999',
      },
    ])
  })

  test('of an earlier epoch may be anything', async () => {
    await using database = await createDatabase()
    const ids = await populate(database)
    await corrupt(database.sql, `${others} update orders set xact = '9999999999' where id = '${ids.fresh}'`)
    await database.sql`insert into log_epochs (epoch, floor) select 2, last_value from log_position`
    expect(await verify(database)).toEqual({ orders: 9, fills: 7, violations: [], notes: [] })
    await populate(database)
    await corrupt(database.sql, others)
    expect(await xactFaults(database)).toHaveLength(11)
  })

  test('are not checked, and a note says so, while nobody has begun an epoch in this cluster', async () => {
    await using database = await createDatabase()
    await populate(database)
    await corrupt(database.sql, `${others} update log_epochs set floor = 0`)
    expect(await verify(database)).toEqual({
      orders: 9,
      fills: 7,
      violations: [],
      notes: [expect.stringContaining('copied from another cluster')],
    })
  })
})

describe('the sequence of positions', () => {
  const guardFaults = async (statement: string): Promise<Violation[]> => {
    await using database = await createDatabase()
    await populate(database)
    await corrupt(database.sql, statement)
    return (await verify(database)).violations
  }

  test('that stands below a position is named', async () => {
    expect(await guardFaults(`select setval('log_position', 3)`)).toEqual([
      { subject: 'guard', id: 'log_position', rule: 'value of the sequence', expected: 'at least 20', found: '3' },
    ])
  })

  test('that stands below the floor of the epoch is named', async () => {
    expect(await guardFaults('insert into log_epochs (epoch, floor) values (2, 1000)')).toMatchObject([
      { id: 'log_position', expected: 'at least 1000', found: '20' },
    ])
  })

  test('counts from an epoch', async () => {
    expect(await guardFaults('delete from log_epochs')).toEqual([
      { subject: 'guard', id: 'log_epochs', rule: 'epochs', expected: 'at least 1', found: '0' },
    ])
  })
})
