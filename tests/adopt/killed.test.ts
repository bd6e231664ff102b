// Proves: a take-over that is killed at any step leaves Java's tables as they were, and the next one completes it; one that meets a running
// consumer, or somebody's orders, does nothing.

import { crashingBinary } from '../support/binary.ts'
import { afterAll, expect, test } from '../support/explained.ts'
import { runBinary } from '../support/service.ts'
import { createWorld } from '../support/world.ts'
import { javaLeg, javaOrder, makeJavaTables, storeJavaOrders } from './javaDatabase.ts'

const world = await createWorld()
afterAll(() => world[Symbol.asyncDispose]())

const orders = [
  javaOrder(),
  javaOrder({ status: 'FILLED', version: 1, filled: '10', lastPrice: '150.25', legs: [javaLeg('10')] }),
  javaOrder({ placed: false }),
]
const adoptUntil = async (point: string, ...args: string[]): Promise<number> => {
  const child = Bun.spawn([await crashingBinary(), 'adopt', ...args], {
    env: { ...world.env, ORDERS_TEST_CRASH: `${point}@1` },
    stdout: 'ignore',
    stderr: 'ignore',
  })
  return child.exited
}
const killed = 137
const java = () => world.sql`select md5(string_agg(o::text, ',' order by id)) as orders from public.orders o`

test.each(['after-schema-of-copy', 'before-sources', 'before-copy', 'after-copy'])(
  'killed at %s, and run again',
  async (point) => {
    await world.sql.unsafe('drop schema if exists orders cascade')
    await makeJavaTables(world.sql)
    await storeJavaOrders(world, orders)
    const before = await java()
    expect(await adoptUntil(point)).toBe(killed)
    const { exitCode, out } = await runBinary(['adopt'], world.env)
    expect(out).toContain('3 orders, 1 fills, 0 violations')
    expect(exitCode).toBe(0)
    expect(await java()).toEqual(before)
    expect(await world.sql`select from orders.outbox`).toHaveLength(1)
  },
)

test('the session of a copy is cut while it works: nothing of it is there', async () => {
  await world.sql.unsafe('drop schema if exists orders cascade')
  // The copy waits for this lock in the middle of its transaction.
  await using held = await world.sql
    .reserve()
    .then((sql) => ({ sql, [Symbol.asyncDispose]: async () => sql.release() }))
  expect(await adoptUntil('before-copy')).toBe(killed)
  await held.sql`begin`
  await held.sql`lock table orders.orders in access share mode`
  const { exitCode, err } = await runBinary(['adopt'], world.env)
  await held.sql`rollback`
  expect(exitCode).toBe(1)
  expect(err).toContain('not taken over')
  expect(await world.sql`select from orders.orders`).toHaveLength(0)
  expect((await runBinary(['adopt'], world.env)).exitCode).toBe(0)
})

test('killed before the way back, and run again', async () => {
  await world.sql.unsafe('delete from orders.outbox')
  expect(await adoptUntil('before-back', '--back')).toBe(killed)
  expect(await world.sql`select from pg_namespace where nspname = 'orders'`).toHaveLength(1)
  const { exitCode, err } = await runBinary(['adopt', '--back'], world.env)
  expect({ exitCode, err }).toEqual({ exitCode: 0, err: '' })
  expect(await world.sql`select from pg_namespace where nspname = 'orders'`).toHaveLength(0)
})

test('orders that were placed in the schema stop it', async () => {
  await world.sql.unsafe('create schema orders')
  const env = { ...world.env, DATABASE_URL: `${world.databaseUrl}?currentSchema=orders` }
  expect((await runBinary(['migrate'], env)).exitCode).toBe(0)
  const id = crypto.randomUUID()
  await world.sql`
    insert into orders.orders (rules_epoch, id, user_id, ticker, side, type, time_in_force, quantity, price, created_at, updated_at)
    values (1, ${id}, ${id}, 'AAPL', 'BUY', 'LIMIT', 'GTC', 1, 1, now(), now())`
  const { exitCode, err } = await runBinary(['adopt'], world.env)
  expect(exitCode).toBe(1)
  expect(err).toContain('has orders that were placed there')
})

test('an old history, no history at all, and bad arguments each get one clear error', async () => {
  await world.sql.unsafe(
    'drop schema orders cascade; delete from public.flyway_schema_history where installed_rank = 6',
  )
  const older = await runBinary(['adopt', '--dry-run'], world.env)
  expect(older.err).toContain('is at migration 5: start its newest version once')
  await world.sql.unsafe('drop table public.flyway_schema_history')
  const none = await runBinary(['adopt', '--dry-run'], world.env)
  expect(none.err).toContain('This database has no tables of the Java service')
  const wrong = await runBinary(['adopt', '--swallowed', 'whole'], world.env)
  expect(wrong.exitCode).toBe(2)
  expect(wrong.err).toContain('--swallowed must be exceptions or late')
})
