// Proves: an order that was placed by a clock from before 2024 is in every list, at its place.

import { expect, test } from 'bun:test'
import { leastIdAt } from '../../src/domain/ids.ts'
import { openStatuses } from '../../src/domain/order.ts'
import { migrations } from '../../src/store/migrations.ts'
import { readOrderPage, type OrderFilter } from '../../src/store/orderPage.ts'
import { createDatabase } from '../support/database.ts'
import { ownDatabase } from '../support/ownDatabase.ts'

const { database, sql } = await ownDatabase()
const db = database.open({ plans: 'pages' })
const now = new Date(Date.UTC(2026, 0, 1))
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
  db.run((s) => readOrderPage(s, { ...anything, ...filter }, { limit, now }))
const openFilter = { statuses: openStatuses, open: true }

/** An id as the service makes one, of this millisecond. */
const uuidAt = (ms: number): string => Bun.randomUUIDv7('hex', ms)

const year2024 = Date.UTC(2024, 0, 1)

test.each([0, 1, 946_684_800_000, year2024 - 1, year2024])(
  'an order of a replica whose clock said %d ms since 1970 is in every list, at its place',
  async (atMs) => {
    const at = new Date(atMs)
    const id = uuidAt(atMs)
    const [userId, ticker] = [crypto.randomUUID(), `EARLY${atMs % 1_000}`]
    await sql`
      insert into orders (rules_epoch, id, user_id, ticker, side, type, time_in_force, quantity, price, created_at, updated_at)
      values (1, ${id}, ${userId}, ${ticker}, 'BUY', 'LIMIT', 'GTC', 1, 1, ${at}, ${at})`
    const before = leastIdAt(atMs + 1)
    const filters = [
      { before },
      { userId },
      { ticker, before },
      { ticker, before, ...openFilter },
      { side: 'BUY', before },
    ] as const
    for (const filter of filters) expect((await page(filter, 1)).orders.map((order) => order.id)).toEqual([id])
    expect((await page({ ticker, before: leastIdAt(atMs) }, 1)).orders.map((order) => order.id)).not.toContain(id)
  },
)

test('such an order from before this version gets its place with the upgrade', async () => {
  const old = await createDatabase()
  try {
    const [early, late] = [uuidAt(year2024 - 1), uuidAt(year2024)]
    await old.sql.unsafe(`
      alter table orders disable trigger orders_early;
      insert into orders (rules_epoch, id, user_id, ticker, side, type, time_in_force, quantity, price, created_at, updated_at)
      select 1, id, gen_random_uuid(), 'EARLY', 'BUY', 'LIMIT', 'GTC', 1, 1, at, at
      from (values ('${early}'::uuid, timestamptz '2023-12-31T23:59:59.999Z'), ('${late}'::uuid, timestamptz '2024-01-01T00:00:00Z')) v (id, at);
      alter table orders enable trigger orders_early`)
    const pages = old.open({ plans: 'pages' })
    const ids = async () =>
      (await pages.run((s) => readOrderPage(s, { ...anything, ticker: 'EARLY' }, { limit: 5, now }))).orders.map(
        ({ id }) => id,
      )
    expect(await ids()).toEqual([late])
    await old.sql.unsafe(migrations.find(({ name }) => name.includes('early_orders'))!.sql)
    expect(await ids()).toEqual([late, early])
    const guards = await old.sql<{ name: string }[]>`
      select tgname as name from pg_trigger where tgrelid = 'orders'::regclass and tgenabled <> 'O' and not tgisinternal`
    expect([...guards]).toEqual([])
  } finally {
    await old.drop()
  }
})
