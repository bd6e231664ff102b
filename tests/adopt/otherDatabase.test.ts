// Proves: the legs that only the transaction processor knows are read from its own database too, and an address that is no use is refused
// before anything is written.

import { binary } from '../support/binary.ts'
import { createDatabase, type TestDatabase } from '../support/database.ts'
import { afterAll, beforeAll, expect, test } from '../support/explained.ts'
import { runBinary } from '../support/service.ts'
import { createWorld, type World } from '../support/world.ts'
import { javaLeg, javaOrder, makeJavaTables, storeJavaOrders } from './javaDatabase.ts'

/** In no topic any more. */
const recorded = (quantity: string) => javaLeg(quantity, { onTopic: false, inTransactions: true })
const filled = javaOrder({
  status: 'FILLED',
  version: 2,
  filled: '10',
  lastPrice: '150.25',
  legs: [recorded('6'), recorded('4')],
})

let world: World
let processor: TestDatabase
beforeAll(async () => {
  world = await createWorld()
  processor = await createDatabase()
  await binary()
  await makeJavaTables(world.sql)
  await makeJavaTables(processor.sql)
  await storeJavaOrders(world, [filled])
  const rows = await world.sql`select trade_id, order_id, quantity, price from public.transactions`
  await processor.sql`insert into public.transactions ${processor.sql(rows)}`
  await world.sql`drop table public.transactions`
})
afterAll(async () => {
  await world[Symbol.asyncDispose]()
  await processor.drop()
})

const adopt = (...args: string[]) => runBinary(['adopt', ...args], world.env)
const isAdopted = async () => (await world.sql`select from pg_namespace where nspname = 'orders'`).length === 1

test.each([
  ['a name with a space', 'no table', '--transactions is neither a table (name or schema.name) nor an address'],
  ['an address without a database', 'postgres://', '--transactions: '],
])('%s is refused', async (_, where, words) => {
  const { exitCode, err } = await adopt('--transactions', where)
  expect(err).toContain(words)
  expect([exitCode, await isAdopted()]).toEqual([1, false])
})

test('its password is not printed where nobody answers', async () => {
  const { exitCode, out, err } = await adopt('--transactions', 'postgres://reader:s3cr3t@127.0.0.1:1/transactions')
  expect(err).toContain('127.0.0.1:1')
  expect(out + err).not.toContain('s3cr3t')
  expect([exitCode, await isAdopted()]).toEqual([1, false])
})

test('without its legs the order is refused, with them it is carried over', async () => {
  const alone = await adopt('--dry-run')
  expect(alone.out).toContain(`refused: order ${filled.id}: amounts of its legs are in no source`)
  const { exitCode, err, out } = await adopt('--transactions', processor.url)
  expect([exitCode, err]).toEqual([0, ''])
  expect(out).toContain('1 orders, 2 fills, 0 violations')
  const legs = await world.sql<{ quantity: string }[]>`
    select trim_scale(quantity)::text as quantity from orders.ingested_fills where order_id = ${filled.id} order by quantity`
  expect(legs.map(({ quantity }) => quantity)).toEqual(['4', '6'])
})
