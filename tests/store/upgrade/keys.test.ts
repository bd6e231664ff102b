// Proves: the upgrade from 1.4 keeps every key. While the keys of its orders are being filled into the table of keys, repetitions, mismatches,
// voids and rivals are answered right; every order is looked through, also those of other clocks; then the old index goes.

import { expect, test } from 'bun:test'
import { runBatch } from '../../../src/app/batcher.ts'
import { dropOldIndex, fillKeys, isOldIndexIdle, readFillProgress } from '../../../src/store/keyFill.ts'
import { migrations as filesNow } from '../../../src/store/migrations.ts'
import { openSession } from '../../../src/store/sql.ts'
import { newId } from '../../support/builders.ts'
import { createDatabase, type TestDatabase } from '../../support/database.ts'
import { failureOf } from '../../support/waiting.ts'
import { faultsOf, invalidIndexesOf } from './found.ts'
import { migrateTo } from './release12.ts'
import { filesSince14, migrationsOf14, replicaOf14, type Replica14 } from './release14.ts'
import { replicaNow } from './replicaNow.ts'

const userId = crypto.randomUUID()
const keyOf = (n: number) => ({ userId, clientOrderId: `key-${n}` })

/** A database of 1.4 with a replica of it that runs, and keyed orders of every kind of id, by their numbers. */
const databaseOf14 = async (orders: number): Promise<{ database: TestDatabase; old: Replica14; ids: string[] }> => {
  const database = await createDatabase({ empty: true })
  await migrateTo(database, migrationsOf14)
  const old = replicaOf14(database.session())
  const ids = Array.from({ length: orders }, (_, n) =>
    // Of a clock before 2024, of one ahead, of today.
    n % 3 === 0
      ? newId(new Date(1_600_000_000_000 + n))
      : n % 3 === 1
        ? newId(new Date(4_000_000_000_000 + n))
        : newId(),
  )
  await old.place(...ids.map((id, n) => ({ id, ...keyOf(n) })), ...ids.map(() => ({ userId, clientOrderId: null })))
  return { database, old, ids }
}

const filledIn = async ({ sql }: TestDatabase): Promise<number> => (await sql`select from order_keys`).length
const hasOldIndex = async ({ sql }: TestDatabase): Promise<boolean> => {
  const [row] = await sql<{ there: boolean }[]>`select to_regclass('orders_by_client_order_id') is not null as there`
  return row!.there
}

test('a database of 1.4 without keyed orders needs no fill and no old index', async () => {
  await using database = await createDatabase({ empty: true })
  await migrateTo(database, migrationsOf14)
  await replicaOf14(database.session()).place({ userId, clientOrderId: null })
  expect(await migrateTo(database)).toEqual(filesSince14)
  expect(await readFillProgress(database.sql)).toMatchObject({ finished: true, orders: 0 })
  expect(await hasOldIndex(database)).toBeFalse()
  expect(await faultsOf(database)).toEqual([])
})

test('a replica of 1.4 that still runs is told that Postgres takes no writes: it answers 503, and has stored nothing', async () => {
  const { database, old } = await databaseOf14(3)
  await using _ = database
  await migrateTo(database)
  const before = await database.sql`select id from orders`
  expect(await failureOf(old.place({ userId, clientOrderId: 'late' }))).toMatchObject({ code: '25006' })
  // What every version since 1.0 makes of this code.
  const bugs: unknown[] = []
  const answers = await runBatch([{ userId, clientOrderId: 'late' }], {
    run: (orders) => old.place(...orders),
    kind: 'write',
    onBug: (error) => bugs.push(error),
    giveUpAt: performance.now() + 10_000,
  })
  expect([answers, bugs]).toEqual([[{ ok: false, code: 'OVERLOADED' }], []])
  expect(await database.sql`select id from orders`).toHaveLength(before.length)
  expect(await filledIn(database)).toBe(0)
})

test('an order that 1.4 brought in between the two files has its key too', async () => {
  await using database = await createDatabase({ empty: true })
  await migrateTo(database, migrationsOf14)
  const old = replicaOf14(database.session())
  const upTo = (name: string) => [
    ...migrationsOf14,
    ...filesNow.filter((file) => file.name <= name && file.name >= '0019'),
  ]
  await migrateTo(database, upTo('0019_keys.sql'))
  const [id] = await old.place(keyOf(1))
  expect(await old.place(keyOf(1))).toEqual([])
  await migrateTo(database)
  const now = replicaNow(database.target)
  expect(await now.voidKey(keyOf(1))).toBe(id!)
  await now.fillAllKeys()
  expect(await now.voidKey(keyOf(1))).toBe(id!)
  await now.close()
})

test('while nothing is filled in, in the middle, and afterwards every answer is the same', async () => {
  const { database, ids } = await databaseOf14(30)
  await using _ = database
  expect(await migrateTo(database)).toEqual(filesSince14)
  const now = replicaNow(database.target)
  const holds = async (stage: string): Promise<void> => {
    const some = [0, 1, 2, 13, 28, 29]
    expect(await now.placeKeyed(...some.map(keyOf))).toEqual(some.map((n) => ids[n]!))
    expect(await now.placeKeyed(...some.map((n) => ({ ...keyOf(n), price: 151 })))).toEqual(
      some.map(() => 'IDEMPOTENCY_MISMATCH'),
    )
    expect(await Promise.all(some.map((n) => now.voidKey(keyOf(n))))).toEqual(some.map((n) => ids[n]!))
    const [placed, voided] = [`placed ${stage}`, `void ${stage}`].map((clientOrderId) => ({ userId, clientOrderId }))
    const [id] = await now.placeKeyed(placed!)
    expect(await now.voidKey(voided!)).toBe('void')
    expect(await now.placeKeyed(placed!, voided!)).toEqual([id!, 'VOIDED'])
    expect(await now.voidKey(placed!)).toBe(id!)
  }
  await holds('before')
  await database.sql`select 1`
  expect(await fillKeys(database.sql, 25)).toMatchObject({ finished: false, orders: 25 })
  await holds('between')
  expect(await hasOldIndex(database)).toBeTrue()
  expect(await now.fillAllKeys(7)).toBeGreaterThanOrEqual(60)
  expect(await readFillProgress(database.sql)).toMatchObject({ finished: true })
  await holds('after')
  const missing = await database.sql`
    select o.id from orders o left join order_keys k on k.order_id = o.id where o.client_order_id is not null and k.order_id is null`
  expect(missing).toHaveLength(0)
  await now.close()
  expect(await faultsOf(database)).toEqual([])
})

test('three replicas fill and two place and make void meanwhile: every key has one holder', async () => {
  const { database, ids } = await databaseOf14(600)
  await using _ = database
  await migrateTo(database)
  const [a, b, c] = [replicaNow(database.target), replicaNow(database.target), replicaNow(database.target)]
  const pick = (n: number): number => (n * 7) % 900
  const placing = Array.from({ length: 60 }, (_, n) =>
    a.placeKeyed(...Array.from({ length: 10 }, (__, m) => keyOf(pick(n * 10 + m)))),
  )
  const voiding = Array.from({ length: 300 }, (_, n) => b.voidKey(keyOf(pick(n))))
  await Promise.all([...placing, ...voiding, a.fillAllKeys(11), b.fillAllKeys(13), c.fillAllKeys(17)])
  const rows = await database.sql<{ key: string; holder: string | null; order: string | null }[]>`
    select k.client_order_id as key, k.order_id as holder, o.id as "order"
    from order_keys k left join orders o on o.user_id = k.user_id and o.client_order_id = k.client_order_id`
  expect(rows.filter(({ holder, order }) => holder !== order)).toEqual([])
  expect(new Set(rows.map(({ key }) => key)).size).toBe(rows.length)
  for (const [n, id] of ids.entries()) expect(rows.find(({ key }) => key === `key-${n}`)?.holder).toBe(id)
  await Promise.all([a, b, c].map((replica) => replica.close()))
  expect(await faultsOf(database)).toEqual([])
})

test('one replica at a time fills; whoever comes meanwhile leaves it alone, and after the end nobody does anything', async () => {
  const { database } = await databaseOf14(10)
  await using _ = database
  await migrateTo(database)
  const busy = database.session()
  await busy`begin`
  expect(await fillKeys(busy, 5)).toMatchObject({ finished: false, orders: 5 })
  expect(await fillKeys(database.sql, 5)).toBeNull()
  await busy`rollback`
  expect(await readFillProgress(database.sql)).toMatchObject({ finished: false, orders: 0 })
  expect(await fillKeys(database.sql, 100)).toMatchObject({ finished: true, orders: 20 })
  expect(await fillKeys(database.sql, 100)).toBeNull()
  expect(await filledIn(database)).toBe(10)
})

test('the old index goes a minute after the end, by whoever migrates then, and its absence is no fault', async () => {
  const { database } = await databaseOf14(3)
  await using _ = database
  await migrateTo(database)
  await migrateTo(database)
  expect(await hasOldIndex(database)).toBeTrue()
  // Until the end it is a guard.
  await database.sql`drop index orders_by_client_order_id`
  expect(await faultsOf(database)).toMatchObject([
    { name: 'orders_by_client_order_id', state: null },
    { id: 'orders.orders_by_client_order_id' },
    { subject: 'note', rule: expect.stringContaining('still being filled in') },
  ])
  await database.sql`create unique index orders_by_client_order_id on orders (user_id, client_order_id) where client_order_id is not null`

  await fillKeys(database.sql, 100)
  await migrateTo(database)
  expect([await hasOldIndex(database), await isOldIndexIdle(database.sql)]).toEqual([true, false])
  await database.sql`update order_keys_fill set finished_at = finished_at - interval '61 s'`
  expect(await migrateTo(database)).toEqual([])
  expect(await hasOldIndex(database)).toBeFalse()
  expect(await faultsOf(database)).toEqual([])
})

test('whoever holds the table for long keeps the old index for now, and nobody waits for it', async () => {
  const { database } = await databaseOf14(3)
  await using _ = database
  await migrateTo(database)
  await fillKeys(database.sql, 100)
  await database.sql`update order_keys_fill set finished_at = finished_at - interval '61 s'`
  const reader = database.session()
  await reader.unsafe('begin; select count(*) from orders')
  const session = openSession(database.target, 10_000)
  const startedAt = performance.now()
  expect(await failureOf(dropOldIndex(session))).toMatchObject({ code: '55P03' })
  expect(performance.now() - startedAt).toBeLessThan(10_000)
  await migrateTo(database)
  await reader`commit`
  await migrateTo(database)
  expect(await hasOldIndex(database)).toBeFalse()
  expect(await invalidIndexesOf(database)).toEqual([])
  await session.end()
})
