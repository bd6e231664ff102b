// Proves: the upgrade from 1.2 hurts nobody whatever happens meanwhile: a table that is held for long is left to the others and tried again,
// an index whose building was cut is built anew, and replicas that start together end with one schema.

import { expect, test } from 'bun:test'
import { migrate } from '../../../src/store/migrate.ts'
import { migrations } from '../../../src/store/migrations.ts'
import { openSession } from '../../../src/store/sql.ts'
import { createDatabase, type TestDatabase } from '../../support/database.ts'
import { until } from '../../support/until.ts'
import { failureOf, untilBlocked } from '../../support/waiting.ts'
import { faultsOf, invalidIndexesOf } from './found.ts'
import {
  filesBefore,
  filesSince,
  filesSince12,
  livesOf12,
  migrateTo,
  migrationsOf12,
  replicaOf12,
} from './release12.ts'

const databaseOf12 = async () => {
  const database = await createDatabase({ empty: true })
  await migrateTo(database, migrationsOf12)
  const old = replicaOf12(database.session())
  await livesOf12(old)
  return { database, old }
}

const columnsOf = async ({ sql }: TestDatabase): Promise<string[]> => {
  const rows = await sql<{ name: string }[]>`
    select attname as name from pg_attribute where attrelid = 'orders'::regclass and attnum > 0`
  return rows.map(({ name }) => name)
}

test.each(['orders', 'ingested_fills'])(
  'while somebody reads %s for long, writers go on between attempts, and the migration ends after the reader',
  async (table) => {
    const { database, old } = await databaseOf12()
    await using _ = database
    const reader = database.session()
    await reader.unsafe(`begin; select count(*) from ${table}`)
    const [own] = await reader<{ pid: number }[]>`select pg_backend_pid() as pid`
    const sql = openSession(database.target, 10_000)
    const busy: { name: string; holders: readonly string[] }[] = []
    const migrated = migrate(sql, {
      migrations,
      onWait: () => undefined,
      onBusy: (name, holders) => busy.push({ name, holders }),
      onApplied: () => undefined,
      pauseMs: 200,
    })
    await until(() => busy.length >= 2, { what: 'the migration gave up twice' })
    expect(busy[0]).toEqual({
      name: '0010_log.sql',
      holders: [expect.stringMatching(new RegExp(`^${own!.pid} postgres`))],
    })
    expect(await columnsOf(database)).not.toContain('xact')
    // Its attempts are short, so a writer is served in between although the reader is still there.
    await old.place(1)
    await old.move((await old.place(1))[0]!)
    await reader`commit`
    expect(await migrated).toEqual(filesSince12)
    await sql.end()
    expect(await faultsOf(database)).toEqual([])
  },
)

test('an index whose building was cut off is built anew at the next start', async () => {
  const { database, old } = await databaseOf12()
  await using _ = database
  // Building waits until every transaction that wrote the table has ended.
  const writer = database.session()
  await migrateTo(database, filesBefore('0012_log_indexes.sql'))
  const [id] = (await old.place(1)) as [string]
  await writer.unsafe(`begin; update orders set version = version + 1 where id = '${id}'`)
  const cut = failureOf(migrateTo(database))
  await untilBlocked(database.sql, 'create index concurrently')
  await database.sql`
    select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and query like '%create index concurrently%' and pid <> pg_backend_pid()`
  expect(await cut).toBeInstanceOf(Error)
  await writer`rollback`
  expect(await invalidIndexesOf(database)).toEqual(['orders_by_xact'])

  expect(await migrateTo(database)).toEqual(filesSince('0012_log_indexes.sql'))
  expect(await faultsOf(database)).toEqual([])
})

test('while indexes wait for a long transaction, orders are placed, filled and canceled', async () => {
  const { database, old } = await databaseOf12()
  await using _ = database
  await migrateTo(database, filesBefore('0012_log_indexes.sql'))
  const writer = database.session()
  const [held] = (await old.place(1)) as [string]
  await writer.unsafe(`begin; update orders set version = version + 1 where id = '${held}'`)
  const migrated = migrateTo(database)
  await untilBlocked(database.sql, 'create index concurrently')
  await livesOf12(old)
  await writer`rollback`
  expect(await migrated).toEqual(filesSince('0012_log_indexes.sql'))
  expect(await faultsOf(database)).toEqual([])
})

test('two replicas that start together, with writers at work, end with one schema', async () => {
  const { database, old } = await databaseOf12()
  await using _ = database
  const ended = new AbortController()
  const writes = (async (): Promise<void> => {
    // Once the new schema is there, this replica's orders are refused, and nothing else.
    while (!ended.signal.aborted) {
      const error = await livesOf12(old).then(
        () => null,
        (reason: unknown) => reason,
      )
      if (error === null) continue
      expect(error).toMatchObject({ code: '25006' })
      return
    }
  })()
  const applied = await Promise.all([migrateTo(database), migrateTo(database)])
  ended.abort()
  await writes
  expect(applied.toSorted((a, b) => b.length - a.length)).toEqual([filesSince12, []])
  expect(await faultsOf(database)).toEqual([])
})
