// Proves: a guard that is gone, off or unproved is named, and the list misses none that the schema has.

import { expect, test } from 'bun:test'
import { guards } from '../../src/store/guards.ts'
import { verifyGuards } from '../../src/verify/guardsSql.ts'
import { createDatabase } from '../support/database.ts'
import { corrupt, seedOrders } from '../support/seed.ts'

test('a migrated database has every guard of the list in force', async () => {
  await using database = await createDatabase()
  const { sql } = database
  expect(await verifyGuards(sql)).toEqual([])
})

test('the list has every guard of a migrated database', async () => {
  await using database = await createDatabase()
  const { sql } = database
  // Only these hold nothing but what may be lost.
  const plain = ['orders_migrations', 'relay_leases', 'replicas']
  const rows = await sql<{ relation: string; name: string }[]>`
    select relation::text, name from (
      select tgrelid::regclass as relation, tgname as name from pg_trigger where not tgisinternal
      union select conrelid::regclass, conname from pg_constraint where contype in ('c', 'f') and conrelid <> 0
      union select indrelid::regclass, indexrelid::regclass::name from pg_index
            where indisunique and indrelid in (select oid from pg_class where relnamespace = 'public'::regnamespace)
    ) g where relation::text <> all (${plain})
    order by relation::text, name`
  const listed = Object.entries(guards).flatMap(([relation, { triggers, constraints, keys }]) =>
    [...triggers, ...constraints, ...Object.keys(keys)].map((name) => `${relation}.${name}`),
  )
  expect(new Set(rows.map(({ relation, name }) => `${relation}.${name}`))).toEqual(new Set(listed))
})

const breaks = [
  ['alter table orders disable trigger orders_only_forward', 'orders.orders_only_forward', 'disabled'],
  ['alter table orders enable replica trigger orders_terms_fixed', 'orders.orders_terms_fixed', 'on replicas only'],
  ['drop trigger ingested_fills_never_deleted on ingested_fills', 'ingested_fills.ingested_fills_never_deleted', null],
  ['alter table orders drop constraint orders_never_overfilled', 'orders.orders_never_overfilled', null],
  [
    `alter table orders drop constraint orders_version;
     alter table orders add constraint orders_version check (version >= 0) not valid`,
    'orders.orders_version',
    'not validated',
  ],
  ['alter table outbox set unlogged', 'outbox.logged', 'unlogged'],
  ['update order_keys_fill set finished_at = null', 'orders.orders_by_client_order_id', null],
  ['alter table order_keys drop constraint order_keys_pkey', 'order_keys.order_keys_pkey', null],
  [
    `alter table ingested_fills drop constraint ingested_fills_one_step;
     create index ingested_fills_one_step on ingested_fills (order_id, order_version)`,
    'ingested_fills.ingested_fills_one_step',
    'not unique',
  ],
] as const

for (const [statement, id, found] of breaks)
  test(`names what "${statement.split(';')[0]}" did`, async () => {
    await using database = await createDatabase()
    const { sql } = database
    await sql.unsafe(statement)
    expect(await verifyGuards(sql)).toMatchObject([{ subject: 'guard', id, expected: 'in force', found }])
  })

test('a table whose every trigger is off keeps no foreign key either', async () => {
  await using database = await createDatabase()
  const { sql } = database
  await sql`alter table ingested_fills disable trigger all`
  const named = (await verifyGuards(sql)).map(({ id, found }) => [id, found])
  expect(named).toContainEqual(['ingested_fills.ingested_fills_order_id_fkey', 'disabled'])
  expect(named).toHaveLength(5)
})

test('a sequence that hands positions out in bulk is named', async () => {
  await using database = await createDatabase()
  const { sql } = database
  await sql`alter sequence outbox_position_seq cache 20`
  await sql`alter sequence log_position cache 30`
  expect(await verifyGuards(sql)).toMatchObject([
    { id: 'outbox.position', expected: '1', found: '20' },
    { id: 'log_position', expected: '1', found: '30' },
  ])
})

test('sessions that begin with their triggers off are named', async () => {
  await using database = await createDatabase()
  await database.sql.unsafe(`alter database ${database.name} set session_replication_role = replica`)
  expect(await verifyGuards(database.session())).toMatchObject([{ id: 'session_replication_role', found: 'replica' }])
})

test('where a unique key is gone, the rows that it would have refused are named', async () => {
  await using database = await createDatabase()
  const { sql } = database
  await seedOrders(sql, 4)
  await corrupt(
    sql,
    `update order_keys_fill set finished_at = null;
     update orders set user_id = '00000000-0000-4000-8000-000000000001', client_order_id = 'twice' where id in (select id from orders limit 2)`,
  )
  expect(await verifyGuards(sql)).toMatchObject([
    { subject: 'guard' },
    { subject: 'orders', id: '00000000-0000-4000-8000-000000000001 twice', expected: '1', found: '2' },
  ])
})
