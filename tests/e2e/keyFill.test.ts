// Proves: the binary on a database of 1.4: it serves at once, fills in the keys of the orders that are there, says how far it is, and answers for
// old keys right all the while; a later start that migrates drops the old index, and verify finds nothing.

import { expect, test } from '../support/explained.ts'
import { orderBody } from '../support/orderBody.ts'
import { runBinary, type RunningService } from '../support/service.ts'
import { until } from '../support/until.ts'
import { createWorld, type World } from '../support/world.ts'

const userId = '00000000-0000-4000-8000-000000000014'
const old = 5_000

/** What the migration of a database of 1.4 leaves, with orders that have keys: nothing is filled in. */
const asAfterMigration = async ({ sql }: World): Promise<void> => {
  await sql`update order_keys_fill set finished_at = null`
  await sql`create unique index orders_by_client_order_id on orders (user_id, client_order_id) where client_order_id is not null`
  await sql`
    insert into orders (rules_epoch, id, user_id, client_order_id, ticker, side, type, time_in_force, quantity, price, created_at, updated_at)
    select 1, gen_random_uuid(), ${userId}, 'old-' || n, 'AAPL', 'BUY', 'LIMIT', 'GTC', 100, 150.5, now(), now()
    from generate_series(1, ${old}::integer) n`
}

const keysOf = async (service: RunningService): Promise<string | undefined> => {
  const { json } = await service.http('/actuator/health')
  const { db } = json['components'] as { db: { details: { olderKeys?: string } } }
  return db.details.olderKeys
}

const hasOldIndex = async ({ sql }: World): Promise<boolean> => {
  const [row] = await sql<{ there: boolean }[]>`select to_regclass('orders_by_client_order_id') is not null as there`
  return row!.there
}

/** What is answered for a key of before, whether it was filled in or not. */
const expectOldKey = async (service: RunningService, clientOrderId: string): Promise<void> => {
  const body = orderBody({ userId, clientOrderId, quantity: 100, price: 150.5 })
  const again = await service.post(body)
  expect([again.status, again.headers.get('idempotent-replayed')]).toEqual([202, 'true'])
  expect((await service.post({ ...body, price: 151 })).json['code']).toBe('IDEMPOTENCY_MISMATCH')
  const voided = await service.http('/orders/void', { body: { userId, clientOrderId } })
  expect(voided.json).toMatchObject({ voided: false, order: { clientOrderId } })
  const list = await service.http(`/orders?userId=${userId}&clientOrderId=${clientOrderId}`)
  expect((list.json['orders'] as unknown[]).length).toBe(1)
}

test('the keys of older orders are filled in beside the service, and count from its first moment', async () => {
  await using world = await createWorld()
  await asAfterMigration(world)
  // Somebody holds the place of the fill, so that nothing is filled in yet.
  const holder = await world.sql.reserve()
  await holder`begin`
  await holder`select from order_keys_fill for update`
  const service = await world.start()
  await until(async () => (await keysOf(service)) !== undefined, { what: 'health says what is missing' })
  expect(await keysOf(service)).toMatch(/^of 0 orders of about \d+ are filled in$/)
  expect(await service.metrics()).toMatchObject({ orders_key_fill_done: 0, orders_key_fill_orders: 0 })
  await expectOldKey(service, 'old-1')
  await expectOldKey(service, `old-${old}`)

  await holder`rollback`
  holder.release()
  await service.logged('the keys of older orders are filled in')
  await until(async () => (await keysOf(service)) === undefined, { what: 'health has nothing to say of them' })
  expect((await service.metrics())['orders_key_fill_done']).toBe(1)
  expect((await service.metrics())['orders_key_fill_orders']).toBeGreaterThanOrEqual(old)
  await expectOldKey(service, 'old-2')
  expect(await hasOldIndex(world)).toBeTrue()
  expect(await service.stop()).toBe(0)

  await world.sql`update order_keys_fill set finished_at = finished_at - interval '61 s'`
  const later = await world.start()
  expect(await hasOldIndex(world)).toBeFalse()
  await expectOldKey(later, 'old-3')
  expect(await later.stop()).toBe(0)
  // The orders of before have no event in the outbox, so the tables alone are asked about keys.
  const { out } = await runBinary(['verify', '--json'], world.env)
  expect(
    out
      .split('\n')
      .filter((line) => line.includes('"key"') || line.includes('row of its key') || line.includes('guard')),
  ).toEqual([])
})
