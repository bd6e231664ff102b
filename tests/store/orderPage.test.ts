// Proves: the pages of a list give each order once, newest first, though others come and close meanwhile and though most were taken over
// with ids that have no time in them; and every page is bounded in what it reads, at any depth.

import { beforeAll, describe, expect, test } from 'bun:test'
import { leastIdAt } from '../../src/domain/ids.ts'
import { closedStatuses, openStatuses, statuses, type Status } from '../../src/domain/order.ts'
import { readOrderPage, scannedRowsMax, type OrderFilter } from '../../src/store/orderPage.ts'
import { targetOf } from '../support/database.ts'
import { createExplainer, type Explainer } from '../support/explain.ts'
import { ownDatabase } from '../support/ownDatabase.ts'
import { startProxy } from '../support/proxy.ts'

const { database, sql } = await ownDatabase()
const db = database.open({ plans: 'pages' })
let explainer: Explainer

const busyUser = '00000000-0000-4000-8000-0000000000fa'
const smallUser = '00000000-0000-4000-8000-0000000000fb'
const userOf = (n: number): string => `00000000-0000-4000-8000-${(n % 50).toString(16).padStart(12, '0')}`
const total = 36_000
/** Order number n has this age: one every 10 ms. */
const bornAt = (n: number): number => 1_760_000_000_000 + n * 10
/** Orders with random ids. Half of them are older than number 1, the others stand between those that are numbered. */
const takenOver = 100_000
const now = new Date(bornAt(total + 1_000))

/**
 * Numbers 1 to 36,000, oldest first. Of three in a row one is the busy user's; of the others each user has a few hundred. SELL
 * stands only among the first thousand; the busy user's EXPIRED ones too. Of all, one in three is closed. The orders that were taken over
 * are like them.
 */
beforeAll(async () => {
  await sql.unsafe(`
    insert into orders (rules_epoch, id, user_id, client_order_id, ticker, side, type, time_in_force, quantity, price, created_at, updated_at)
    select 1, (substr(at, 1, 8) || '-' || substr(at, 9, 4) || '-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
           case when n % 3 = 0 then '${busyUser}' when n in (2, 20000, 35999) then '${smallUser}'
                else '00000000-0000-4000-8000-' || lpad(to_hex(n % 50), 12, '0') end::uuid,
           case when n % 2 = 0 then 'key-' || n end,
           case when n % 2 = 0 then 'EVEN' when n % 5 = 0 then 'FIVE' else 'ODD' end,
           case when n <= 1000 then 'SELL' else 'BUY' end, 'LIMIT', 'GTC', 100, 150,
           to_timestamp(${bornAt(0)} / 1000.0 + n / 100.0), to_timestamp(${bornAt(0)} / 1000.0 + n / 100.0)
    from (select n, lpad(to_hex(${bornAt(0)} + n * 10), 12, '0') as at from generate_series(1, ${total}) n) numbers;
    set local session_replication_role = replica;
    insert into orders (rules_epoch, id, sort_key, user_id, client_order_id, ticker, side, type, time_in_force, quantity, price, created_at, updated_at)
    select 1, id, order_sort_key(id, at), case when n % 3 = 0 then '${busyUser}' else '00000000-0000-4000-8000-' || lpad(to_hex(n % 50), 12, '0') end::uuid,
           case when n % 2 = 0 then 'taken-' || n end, case when n % 2 = 0 then 'EVEN' when n % 5 = 0 then 'FIVE' else 'ODD' end,
           case when n <= 1000 then 'SELL' else 'BUY' end, 'LIMIT', 'GTC', 100, 150, at, at
    from (select n, gen_random_uuid() as id, to_timestamp(${bornAt(-total)} / 1000.0 + n * ${(2 * total) / takenOver} / 100.0) as at
          from generate_series(1, ${takenOver}) n) numbers;
    update orders set version = 1, status = case when client_order_id is null then 'CANCELED' else 'EXPIRED' end
    where id in (select id from (select id, row_number() over (order by coalesce(sort_key, id)) as n from orders) x where n % 9 in (1, 2, 3));
    update orders set version = 1, status = 'PARTIALLY_FILLED', filled_quantity = 1, filled_notional = 150, last_fill_price = 150
    where status = 'NEW' and ticker = 'FIVE';
    update orders set version = version + 1, status = 'FILLED', filled_quantity = 100, filled_notional = 15000, last_fill_price = 150
    where status = 'NEW' and substr(id::text, 36) = '0' and id > '${leastIdAt(bornAt(1000))}';
    insert into order_keys (user_id, client_order_id, order_id)
      select user_id, client_order_id, id from orders where client_order_id is not null;
    analyze orders, order_keys;`)
  explainer = await createExplainer(database, 'pages')
})

const anything: OrderFilter = {
  userId: undefined,
  ticker: undefined,
  side: undefined,
  clientOrderId: undefined,
  statuses: [],
  open: undefined,
  before: undefined,
  from: undefined,
}
const page = (filter: Partial<OrderFilter>, limit: number) =>
  db.run((sql) => readOrderPage(sql, { ...anything, ...filter }, { limit, now }))

/** Every page from the first to the last: the ids, and how many pages were shorter than asked for. */
const walk = async (filter: Partial<OrderFilter>, limit: number): Promise<{ ids: string[]; short: number }> => {
  const ids: string[] = []
  let short = 0
  let before: string | undefined
  do {
    const { orders, nextBefore } = await page({ ...filter, ...(before === undefined ? {} : { before }) }, limit)
    ids.push(...orders.map(({ id }) => id))
    expect(orders.length).toBeLessThanOrEqual(limit)
    if (nextBefore !== null && before !== undefined) expect(nextBefore < before).toBe(true)
    if (nextBefore !== null && orders.length < limit) short++
    before = nextBefore ?? undefined
  } while (before !== undefined)
  return { ids, short }
}

/** The truth, by one plain statement. */
const idsWhere = async (condition: string): Promise<string[]> => {
  const rows = await sql.unsafe<{ id: string }[]>(
    `select id from orders where ${condition} order by coalesce(sort_key, id) desc`,
  )
  return rows.map(({ id }) => id)
}

const openFilter = { statuses: openStatuses, open: true }
const closedFilter = { statuses: closedStatuses, open: false }

describe('many pages give each order once, newest first,', () => {
  const cases: [string, Partial<OrderFilter>, string][] = [
    ['without a filter', {}, 'true'],
    ['by user', { userId: busyUser }, `user_id = '${busyUser}'`],
    ['by a user of few orders', { userId: smallUser }, `user_id = '${smallUser}'`],
    ['by user, open', { userId: busyUser, ...openFilter }, `user_id = '${busyUser}' and open`],
    ['by user, closed', { userId: busyUser, ...closedFilter }, `user_id = '${busyUser}' and not open`],
    ['by ticker', { ticker: 'FIVE' }, "ticker = 'FIVE'"],
    ['by ticker, open', { ticker: 'FIVE', ...openFilter }, "ticker = 'FIVE' and open"],
    ['by user and ticker', { userId: busyUser, ticker: 'FIVE' }, `user_id = '${busyUser}' and ticker = 'FIVE'`],
    ['by user and side', { userId: busyUser, side: 'SELL' }, `user_id = '${busyUser}' and side = 'SELL'`],
    ['by side', { side: 'SELL' }, "side = 'SELL'"],
    ['open', openFilter, 'open'],
    [
      'by ticker, side, and a status',
      { ticker: 'EVEN', side: 'SELL', statuses: ['EXPIRED'], open: false },
      "ticker = 'EVEN' and side = 'SELL' and status = 'EXPIRED'",
    ],
    ['by nothing that exists', { userId: crypto.randomUUID() }, 'false'],
  ]
  test.each(cases)('%s', async (_what, filter, condition) => {
    const expected = await idsWhere(condition)
    const { ids } = await walk(filter, 500)
    expect(ids).toEqual(expected)
  })

  for (const status of statuses)
    test(`of status ${status}`, async () => {
      const open = openStatuses.includes(status)
      const { ids } = await walk({ statuses: [status], open }, 500)
      expect(ids).toEqual(await idsWhere(`status = '${status}'`))
    })

  test('of statuses on both sides of open and closed', async () => {
    const mixed: Status[] = ['PARTIALLY_FILLED', 'CANCELED']
    const { ids } = await walk({ statuses: mixed, ticker: 'FIVE' }, 500)
    expect(ids).toEqual(await idsWhere("status in ('PARTIALLY_FILLED', 'CANCELED') and ticker = 'FIVE'"))
  })

  test('though others are placed meanwhile', async () => {
    const expected = await idsWhere("side = 'SELL'")
    const ids: string[] = []
    let before: string | undefined
    let placed = total
    do {
      const { orders, nextBefore } = await page({ side: 'SELL', ...(before === undefined ? {} : { before }) }, 100)
      ids.push(...orders.map(({ id }) => id))
      before = nextBefore ?? undefined
      await sql.unsafe(`
        insert into orders (rules_epoch, id, user_id, ticker, side, type, time_in_force, quantity, price, created_at, updated_at)
        values (1, '${leastIdAt(bornAt(++placed))}', '${userOf(1)}', 'NEWER', 'SELL', 'LIMIT', 'GTC', 1, 1, now(), now())`)
    } while (before !== undefined)
    const expectedIds = new Set(expected)
    expect(ids.filter((id) => expectedIds.has(id))).toEqual(expected)
    expect(new Set(ids).size).toBe(ids.length)
  })
})

describe('a page', () => {
  test('of a client order id is one order', async () => {
    const { orders, nextBefore } = await page({ userId: busyUser, clientOrderId: 'key-600' }, 50)
    expect(orders).toMatchObject([{ userId: busyUser, clientOrderId: 'key-600' }])
    expect(nextBefore).toBeNull()
    expect((await page({ userId: smallUser, clientOrderId: 'key-600' }, 50)).orders).toEqual([])
    expect((await page({ userId: busyUser, clientOrderId: 'key-600', side: 'BUY' }, 50)).orders).toEqual([])
    expect(
      (await page({ userId: busyUser, clientOrderId: 'key-600', before: leastIdAt(bornAt(600)) }, 50)).orders,
    ).toEqual([])
  })

  test('of the client order id of an order that was taken over is that order, if it is of that time', async () => {
    const { orders } = await page({ userId: busyUser, clientOrderId: 'taken-600' }, 50)
    const [order] = orders
    expect(orders).toMatchObject([{ userId: busyUser, clientOrderId: 'taken-600' }])
    const at = order!.createdAt.getTime()
    const within = (bounds: Partial<OrderFilter>) =>
      page({ userId: busyUser, clientOrderId: 'taken-600', ...bounds }, 50).then((found) => found.orders.length)
    expect(await within({ from: leastIdAt(at), before: leastIdAt(at + 1) })).toBe(1)
    expect(await within({ before: leastIdAt(at) })).toBe(0)
    expect(await within({ from: leastIdAt(at + 1) })).toBe(0)
  })

  test('that ends with the last order has no next one', async () => {
    expect(await page({ userId: smallUser }, 3)).toMatchObject({ orders: [{}, {}, {}], nextBefore: null })
    const first = await page({ userId: smallUser }, 2)
    expect(first.nextBefore).toBe(first.orders[1]!.id)
    expect(await page({ userId: smallUser, before: first.nextBefore! }, 2)).toMatchObject({
      orders: [{}],
      nextBefore: null,
    })
  })

  test('may begin at a time, which is inclusive, and end before one, which is not', async () => {
    const [at, until] = [leastIdAt(bornAt(1000)), leastIdAt(bornAt(1010))]
    const { orders, nextBefore } = await page({ from: at, before: until }, 50)
    const between = `created_at >= to_timestamp(${bornAt(1000)} / 1000.0) and created_at < to_timestamp(${bornAt(1010)} / 1000.0)`
    expect(orders.map(({ id }) => id)).toEqual(await idsWhere(between))
    expect(await idsWhere(`${between} and sort_key is null`)).toHaveLength(10)
    expect(orders.length).toBeGreaterThan(20)
    expect(nextBefore).toBeNull()
    expect((await page({ from: at, before: until, ticker: 'FIVE' }, 50)).orders.map(({ id }) => id)).toEqual(
      await idsWhere(`${between} and ticker = 'FIVE'`),
    )
    expect((await page({ from: until, before: at }, 50)).orders).toEqual([])
  })

  test('shows the orders as they are stored', async () => {
    const { orders } = await page({ userId: smallUser }, 50)
    expect(orders.map(({ createdAt }) => createdAt.getTime())).toEqual([35_999, 20_000, 2].map(bornAt))
    expect(orders[0]).toMatchObject({ userId: smallUser, side: 'BUY', type: 'LIMIT', quantity: 100_00000000n })
  })
})

describe('if no index carries the filter', () => {
  test('by what an order asks for, or whether its stop was met, a page looks at 10,000 rows as well', async () => {
    const none: Partial<OrderFilter>[] = [
      { type: 'STOP' },
      { timeInForce: 'GTD' },
      { triggered: false },
      { triggered: true },
      { expiresBefore: new Date('2999-01-01T00:00:00Z') },
    ]
    for (const one of none)
      for (const whose of [{}, { userId: busyUser }, { ticker: 'EVEN' }, { ticker: 'EVEN', ...openFilter }]) {
        const filter = { ...one, ...whose }
        const { orders, nextBefore } = await page(filter, 50)
        expect([filter, orders.length]).toEqual([filter, 0])
        expect(nextBefore).not.toBeNull()
        const passed = await idsWhere(
          `coalesce(sort_key, id) >= '${nextBefore}' and ${'userId' in whose ? `user_id = '${busyUser}'` : 'ticker' in whose ? "ticker = 'EVEN'" : 'true'}${'open' in whose ? ' and open' : ''}`,
        )
        expect([filter, passed.length]).toEqual([filter, scannedRowsMax])
      }
  })

  test('a page looks at 10,000 rows, and says where to go on though it is empty', async () => {
    expect(scannedRowsMax).toBe(10_000)
    const { orders, nextBefore } = await page({ ticker: 'EVEN', side: 'SELL' }, 50)
    expect(orders).toEqual([])
    expect(nextBefore).not.toBeNull()
    const [row] = await sql<
      { passed: string }[]
    >`select count(*) as passed from orders where ticker = 'EVEN' and coalesce(sort_key, id) >= ${nextBefore}`
    expect(row!.passed).toBe('10000')
  })

  test('short pages still give each order once', async () => {
    const { ids, short } = await walk({ ticker: 'EVEN', side: 'SELL' }, 50)
    expect(ids).toEqual(await idsWhere("ticker = 'EVEN' and side = 'SELL'"))
    expect(short).toBeGreaterThan(0)
  })

  test('no order is left out though others close between any two statements of a page', async () => {
    // Newest first: 10,000 to look at, then the one that is sought, then some more, all open.
    const userId = crypto.randomUUID()
    await sql`
      insert into orders (rules_epoch, id, sort_key, user_id, ticker, side, type, time_in_force, quantity, price, created_at, updated_at)
      select 1, id, order_sort_key(id, now()), ${userId}, 'SHIFT', 'BUY', 'LIMIT', 'GTC', 1, 1, now(), now()
      from (select gen_random_uuid() as id from generate_series(1, 10050)) ids`
    const ids = await idsWhere(`user_id = '${userId}'`)
    const sought = ids[scannedRowsMax + 2]!
    await sql`update orders set version = 1, status = 'PARTIALLY_FILLED', filled_quantity = 0.5, filled_notional = 0.5, last_fill_price = 1
      where id = ${sought}`
    const proxy = await startProxy(database.url)
    const through = database.open({ connections: 1 }, targetOf(proxy.url))
    let statements = 0
    proxy.before(async (statement) => {
      if (statement.includes('from orders') && ++statements === 2)
        await sql`update orders set version = 1, status = 'CANCELED' where id in ${sql(ids.slice(0, 10))}`
    })
    const filter: OrderFilter = { ...anything, userId, statuses: ['PARTIALLY_FILLED'], open: true }
    const found: string[] = []
    let before: string | undefined
    do {
      const { orders, nextBefore } = await through.run((sql) =>
        readOrderPage(sql, { ...filter, before }, { limit: 50, now: new Date() }),
      )
      found.push(...orders.map(({ id }) => id))
      before = nextBefore ?? undefined
    } while (before !== undefined)
    expect(found).toEqual([sought])
    await proxy.stop()
  })

  test('no page reads past the bound', async () => {
    for (const filter of [{ side: 'SELL' }, { statuses: ['EXPIRED'], open: false }] as const) {
      await explainer.run((sql) => readOrderPage(sql, { ...anything, ...filter }, { limit: 50, now }))
      const plans = await explainer.plans()
      expect(plans.length).toBeGreaterThan(0)
      for (const plan of plans) {
        // Once for the page, and once to find where the next one begins, with one row of the other kind and the few whose random ids look like
        // one of the year to come. Nothing but the page itself is sorted.
        expect(plan.rowsScanned('orders')).toBeLessThanOrEqual(2 * (scannedRowsMax + 50))
        expect(plan.nodes).not.toContain('Seq Scan')
        expect(plan.nodes.filter((node) => node === 'Sort').length).toBeLessThanOrEqual(1)
      }
    }
  })
})

describe('the promised pages cost the same at any depth:', () => {
  const limit = 50
  /** With the index in which the orders stand that were taken over. */
  const promised: [string, Partial<OrderFilter>, string][] = [
    ['without a filter', {}, 'orders_by_age_sorted'],
    ['userId', { userId: busyUser }, 'orders_by_user_sorted'],
    ['ticker', { ticker: 'EVEN' }, 'orders_by_ticker_sorted'],
    ['userId, open', { userId: busyUser, ...openFilter }, 'orders_by_user_sorted'],
    ['ticker, open', { ticker: 'EVEN', ...openFilter }, 'orders_by_ticker_sorted'],
    ['userId and clientOrderId', { userId: busyUser, clientOrderId: 'key-600' }, 'orders_pkey'],
  ]
  for (const [name, filter, index] of promised)
    for (const [depth, n] of [
      ['first', total + 1_000],
      ['middle', total / 2],
      ['deep', 1_000],
      ['where only orders are that were taken over', -total / 2],
      ['last', 20 - total],
    ] as const)
      test(`${name}, ${depth}`, async () => {
        const before = leastIdAt(bornAt(n))
        await explainer.run((sql) => readOrderPage(sql, { ...anything, ...filter, before }, { limit, now }))
        for (const { nodes, indexes, rowsScanned } of await explainer.plans()) {
          expect(indexes).toContain(index)
          expect(rowsScanned('orders')).toBeLessThanOrEqual(2 * limit + 10)
          expect(nodes).not.toContain('Seq Scan')
          expect(nodes).not.toContain('Bitmap Heap Scan')
          // The page alone is sorted. A key finds one order at most, which is sorted twice for nothing.
          const sorts = nodes.filter((node) => node.endsWith('Sort')).length
          expect(sorts).toBeLessThanOrEqual(filter.clientOrderId === undefined ? 1 : 2)
        }
      })
})

test.each([3_600_000, 48 * 3_600_000, 300 * 24 * 3_600_000])(
  'an order of a replica whose clock was %d ms ahead is in every list, at its place',
  async (aheadMs) => {
    const at = new Date(now.getTime() + aheadMs)
    const id = leastIdAt(at.getTime())
    const userId = crypto.randomUUID()
    await sql`
      insert into orders (rules_epoch, id, user_id, ticker, side, type, time_in_force, quantity, price, created_at, updated_at)
      values (1, ${id}, ${userId}, 'AHEAD', 'BUY', 'LIMIT', 'GTC', 1, 1, ${at}, ${at})`
    const before = leastIdAt(at.getTime() + 1)
    for (const filter of [{ before }, { userId }, { ticker: 'AHEAD', before }])
      expect((await page(filter, 1)).orders.map((order) => order.id)).toEqual([id])
  },
)
