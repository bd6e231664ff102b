// Proves: a database of 1.2, with orders of every status, reaches this schema without a table being rewritten, and replicas of 1.2 and of
// this version work on it side by side: each goes on with the other's orders, and everything that either does is in the log. Only orders are taken by this version alone.

import { expect, test } from 'bun:test'
import { createDatabase } from '../../support/database.ts'
import { logOf } from '../../support/logRows.ts'
import { failureOf } from '../../support/waiting.ts'
import { faultsOf, filesOf, ordersOf } from './found.ts'
import { filesSince12, livesOf12, migrateTo, migrationsOf12, replicaOf12, type MoveOf12 } from './release12.ts'
import { replicaNow } from './replicaNow.ts'

/** An empty database of 1.2 with a replica of it that runs. */
const databaseOf12 = async () => {
  const database = await createDatabase({ empty: true })
  await migrateTo(database, migrationsOf12)
  return { database, old: replicaOf12(database.session()) }
}

test('orders of every status stay as they are, no table is rewritten, and nothing of before is new to the log', async () => {
  const { database, old } = await databaseOf12()
  await using _ = database
  await livesOf12(old)
  const [orders, files] = [await ordersOf(database), await filesOf(database)]
  expect(new Set(orders.map(({ status }) => status)).size).toBe(6)

  expect(await migrateTo(database)).toEqual(filesSince12)
  expect(await ordersOf(database)).toEqual(orders)
  expect(await filesOf(database)).toMatchObject(files)
  expect(await logOf(database)).toEqual([])
  expect(
    await database.sql`select distinct xact, position from orders union select xact, position from ingested_fills`,
  ).toEqual([{ xact: '3', position: '0' }] as never)
  expect(await database.sql`select * from order_changes`).toHaveLength(0)
  expect(await faultsOf(database)).toEqual([])
})

test('a replica of 1.2 places nothing over its open connection: Postgres says that it takes no writes, and nothing is stored', async () => {
  const { database, old } = await databaseOf12()
  await using _ = database
  await old.place(1)
  await migrateTo(database)
  expect(await failureOf(old.place(1))).toMatchObject({ code: '25006', message: expect.stringContaining('not judged') })
  expect(await database.sql`select from orders`).toHaveLength(1)
  expect(await database.sql`select from outbox`).toHaveLength(1)
})

test('a replica of 1.2 goes on with cancels and fills, and all that it does is in the log', async () => {
  const { database, old } = await databaseOf12()
  await using _ = database
  const before = await livesOf12(old)
  await migrateTo(database)
  const now = replicaNow(database.target)
  const after = await livesOf12(old, now)
  await now.close()
  await old.fill(before.part, 6)
  await old.move(before.fresh)
  await old.fill(before.canceled, 2)

  const named = new Map(
    Object.entries({
      ...after,
      '1.2 part': before.part,
      '1.2 fresh': before.fresh,
      '1.2 canceled': before.canceled,
    }).map(([name, id]) => [id, name]),
  )
  const log = (await logOf(database)).map(({ order, version, kind, reason }) => [
    named.get(order),
    version,
    kind,
    reason,
  ])
  expect(log.slice(0, 7).map((row) => row.slice(1))).toEqual(Array.from({ length: 7 }, () => [0, 'ACCEPTED', null]))
  expect(log.slice(7)).toEqual([
    ['part', 1, 'FILLED', null],
    ['filled', 1, 'FILLED', null],
    ['filled', 2, 'FILLED', null],
    ['canceled', 1, 'CANCELED', 'USER_CANCELED'],
    ['late', 1, 'CANCELED', 'USER_CANCELED'],
    ['late', 2, 'FILLED', null],
    ['rejected', 1, 'REJECTED', 'UNKNOWN'],
    ['expired', 1, 'EXPIRED', 'UNKNOWN'],
    ['1.2 part', 2, 'FILLED', null],
    ['1.2 fresh', 1, 'CANCELED', 'USER_CANCELED'],
    ['1.2 canceled', 2, 'FILLED', null],
  ])
  expect(await faultsOf(database)).toEqual([])
})

test('the row of a cancel by 1.2 has the time, the amounts and the transaction of the order itself', async () => {
  const { database, old } = await databaseOf12()
  await using _ = database
  await migrateTo(database)
  const now = replicaNow(database.target)
  const [id] = (await now.place(1)) as [string]
  await now.close()
  await old.move(id)
  expect(
    await database.sql`
    select c.at = o.updated_at as at, c.version = o.version as version, c.cause, c.xact::text::bigint = o.xmin::text::bigint as transaction,
           o.reason_code, c.filled_quantity::float8 as filled
    from order_changes c join orders o on o.id = c.order_id`,
  ).toEqual([
    { at: true, version: true, cause: { kind: 'request' }, transaction: true, reason_code: 'USER_CANCELED', filled: 0 },
  ] as never)
})

test('each release goes on with the orders of the other; versions have no gap, and amounts add up', async () => {
  const { database, old } = await databaseOf12()
  await using _ = database
  const [theirs, canceledByUs] = (await old.place(2)) as [string, string]
  await migrateTo(database)
  const now = replicaNow(database.target)
  const [ours, canceledByThem] = (await now.place(2)) as [string, string]
  await now.fill(theirs, 4)
  await old.fill(theirs, 6)
  await old.fill(ours, 3)
  await now.fill(ours, 7)
  await now.cancel(canceledByUs)
  await old.move(canceledByThem)
  await old.fill(canceledByUs, 2)
  await now.fill(canceledByThem, 2)

  await now.close()

  const log = await logOf(database)
  const of = (id: string) =>
    log.filter(({ order }) => order === id).map(({ version, kind, cumulative }) => [version, kind, cumulative])
  expect(of(theirs)).toEqual([
    [1, 'FILLED', '4'],
    [2, 'FILLED', null],
  ])
  expect(of(ours)).toEqual([
    [0, 'ACCEPTED', null],
    [1, 'FILLED', null],
    [2, 'FILLED', '10'],
  ])
  expect(of(canceledByUs)).toEqual([
    [1, 'CANCELED', '0'],
    [2, 'FILLED', null],
  ])
  expect(of(canceledByThem)).toEqual([
    [0, 'ACCEPTED', null],
    [1, 'CANCELED', '0'],
    [2, 'FILLED', '2'],
  ])
  expect(await faultsOf(database)).toEqual([])
})

test.each(['CANCELED', 'REJECTED', 'EXPIRED'] as const)(
  '1.2 still cannot make an order %s that is filled',
  async (target: MoveOf12) => {
    const { database, old } = await databaseOf12()
    await using _ = database
    const { filled } = await livesOf12(old)
    await migrateTo(database)
    expect(await old.move(filled, target)).toEqual({ before: 'FILLED', after: null })
    const raw = database.sql`update orders set status = ${target}, version = version + 1 where id = ${filled}`
    expect(await failureOf(raw)).toMatchObject({ code: '23514' })
    expect(await database.sql`select from order_changes`).toHaveLength(0)
  },
)
