// Proves: what the handbook says of going back to 1.2: with the rows of the newer files deleted, 1.2 starts on the same database and works, as
// the runtime role too; and coming forward again needs nothing but a start, rewrites no table and leaves no gap in the log.

import { expect, test } from 'bun:test'
import { migrate, requireSchema } from '../../../src/store/migrate.ts'
import { migrations } from '../../../src/store/migrations.ts'
import { openSession } from '../../../src/store/sql.ts'
import { createDatabase, type TestDatabase } from '../../support/database.ts'
import { logOf } from '../../support/logRows.ts'
import { failureOf } from '../../support/waiting.ts'
import { faultsOf, filesOf, ordersOf } from './found.ts'
import { filesBefore, filesSince12, livesOf12, migrateTo, migrationsOf12, replicaOf12 } from './release12.ts'
import { filesSince14, migrationsOf14, replicaOf14 } from './release14.ts'
import { replicaNow } from './replicaNow.ts'
import { wayBackBefore } from './wayBack.ts'

const goBack = async ({ sql }: TestDatabase, first = '0010'): Promise<void> => {
  for (const statement of wayBackBefore(first)) await sql.unsafe(statement)
}

/** What a start of 1.2 asks before it serves, with DB_MIGRATE=true. */
const start12 = async (database: TestDatabase): Promise<void> => {
  expect(await migrateTo(database, migrationsOf12)).toEqual([])
  const sql = openSession(database.target, 10_000)
  await requireSchema(sql, migrationsOf12)
  await sql.end()
}

test('1.2 does not start on the newer schema until its rows are deleted; then it works, and forward again is one start', async () => {
  await using database = await createDatabase({ empty: true })
  await migrateTo(database, migrationsOf12)
  await livesOf12(replicaOf12(database.session()))
  await migrateTo(database)
  const now = replicaNow(database.target)
  await livesOf12(replicaOf12(database.session()), now)
  const [orders, files, log] = [await ordersOf(database), await filesOf(database), await logOf(database)]

  expect(String(await failureOf(migrateTo(database, migrationsOf12)))).toContain('which this binary does not know')
  await goBack(database)
  await start12(database)
  expect(await ordersOf(database)).toEqual(orders)
  await livesOf12(replicaOf12(database.session()))
  const between = await logOf(database)
  expect(between).toHaveLength(2 * log.length)

  expect(await migrateTo(database)).toEqual(filesSince12)
  expect(await filesOf(database)).toMatchObject(files)
  expect(await logOf(database)).toEqual(between)
  expect(between.slice(0, log.length)).toEqual(log)
  await livesOf12(replicaOf12(database.session()), now)
  await now.close()
  expect(await logOf(database)).toHaveLength(3 * log.length)
  expect(await faultsOf(database)).toEqual([])
})

test('twice back and forth, cut off half way, is as good as once', async () => {
  await using database = await createDatabase({ empty: true })
  await migrateTo(database)
  for (const files of [filesBefore('0011_log_checked.sql'), filesBefore('0012_log_indexes.sql'), migrations]) {
    await goBack(database)
    await start12(database)
    await livesOf12(replicaOf12(database.session()))
    const sql = openSession(database.target, 10_000)
    await migrate(sql, { migrations: files, onWait: () => undefined, onApplied: () => undefined })
    await sql.end()
  }
  expect(await faultsOf(database)).toEqual([])
})

test('back to 1.4 and forward again: it decides about keys by its index, and what it placed has its keys afterwards', async () => {
  await using database = await createDatabase({ empty: true })
  await migrateTo(database)
  const key = { userId: crypto.randomUUID(), clientOrderId: 'k' }
  const now = replicaNow(database.target)
  const [ours] = await now.placeKeyed(key)
  expect(await now.voidKey({ ...key, clientOrderId: 'void' })).toBe('void')

  await goBack(database, '0019')
  expect(await migrateTo(database, migrationsOf14)).toEqual([])
  const old = replicaOf14(database.session())
  expect(await old.place(key)).toEqual([])
  const [theirs] = await old.place({ ...key, clientOrderId: 'other' })
  expect(await old.place({ ...key, clientOrderId: 'other' })).toEqual([])

  expect(await migrateTo(database)).toEqual(filesSince14)
  expect(await now.voidKey({ ...key, clientOrderId: 'other' })).toBe(theirs!)
  await now.fillAllKeys()
  expect(await now.voidKey(key)).toBe(ours!)
  expect(await now.voidKey({ ...key, clientOrderId: 'other' })).toBe(theirs!)
  expect(await now.voidKey({ ...key, clientOrderId: 'void' })).toBe('void')
  await now.close()
  expect(await faultsOf(database)).toEqual([])
})
