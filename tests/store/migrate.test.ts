// Proves: a database of any age reaches the schema of this binary once and file by file, whoever else migrates; one that is
// foreign, newer or changed is refused and left untouched.

import { describe, expect, test } from 'bun:test'
import { migrate, MigrationRefused, requireSchema, type MigrateOptions } from '../../src/store/migrate.ts'
import { migrations, type Migration } from '../../src/store/migrations.ts'
import { requirePositions } from '../../src/store/positions.ts'
import { openSession, type Sql } from '../../src/store/sql.ts'
import { createDatabase, type TestDatabase } from '../support/database.ts'
import { failureOf } from '../support/waiting.ts'

const quiet: MigrateOptions = { migrations, onWait: () => undefined, onApplied: () => undefined }
const names = migrations.map(({ name }) => name)

/** As the service does it: on one connection of its own. */
const onSession = async <T>(database: TestDatabase, work: (sql: Sql) => Promise<T>): Promise<T> => {
  const sql = openSession(database.target, 10_000)
  try {
    return await work(sql)
  } finally {
    await sql.end({ timeout: 1 })
  }
}

const tablesOf = async ({ sql }: TestDatabase): Promise<string[]> => {
  const rows = await sql<{ name: string }[]>`
    select table_name as name from information_schema.tables where table_schema = 'public' order by table_name`
  return rows.map(({ name }) => name)
}

const first: Migration = { name: '0001_first.sql', sql: 'create table first (id integer)' }
const second: Migration = { name: '0002_second.sql', sql: 'create table second (id integer)' }
const broken: Migration = {
  name: '0002_broken.sql',
  sql: 'create table half_done (id integer); insert into half_done values (1); select 1 / 0',
}

describe('migrate', () => {
  test('brings an empty database to the schema, file by file, in order', async () => {
    await using database = await createDatabase({ empty: true })
    const messages: string[] = []
    const applied = await onSession(database, (sql) =>
      migrate(sql, { ...quiet, onApplied: (name) => messages.push(name) }),
    )
    expect(applied).toEqual(names)
    expect(messages).toEqual(names)
    expect(await tablesOf(database)).toEqual([
      'adoption',
      'adoption_beginnings',
      'adoption_events',
      'adoption_openings',
      'adoption_refused',
      'cancel_after',
      'cancel_sweeps',
      'event_publication',
      'event_publication_lease',
      'exception_resolutions',
      'exceptions',
      'fix_due',
      'fix_sent',
      'fix_sessions',
      'ingested_fills',
      'ingested_reports',
      'instruments',
      'log_epochs',
      'order_changes',
      'order_endings',
      'order_keys',
      'order_keys_fill',
      'orders',
      'orders_migrations',
      'outbox',
      'relay_leases',
      'replicas',
      'report_exception_resolutions',
      'report_exceptions',
      'rules_changes',
      'rules_gate',
      'tape_marks',
      'topic_places',
      'trade_gaps',
      'trading_states',
    ])
    await onSession(database, (sql) => requireSchema(sql, migrations))
  })

  test('has nothing to do the second time', async () => {
    await using database = await createDatabase({ empty: true })
    await onSession(database, (sql) => migrate(sql, quiet))
    expect(await onSession(database, (sql) => migrate(sql, quiet))).toEqual([])
  })

  test('started by eight replicas at once applies each file once, and each of them ends with the schema', async () => {
    await using database = await createDatabase({ empty: true })
    const waited: number[] = []
    const applied = await Promise.all(
      Array.from({ length: 8 }, (_, replica) =>
        onSession(database, async (sql) => {
          const files = await migrate(sql, { ...quiet, onWait: () => waited.push(replica) })
          await requireSchema(sql, migrations)
          return files
        }),
      ),
    )
    expect(applied.flat().toSorted()).toEqual(names)
    const [row] = await database.sql<{ count: string }[]>`select count(*) from orders_migrations`
    expect(row!.count).toBe(String(migrations.length))
  })

  test('waits for another replica that is migrating, says so once, and gives the lock back at its end', async () => {
    await using database = await createDatabase({ empty: true })
    const { promise: holding, resolve: letGo } = Promise.withResolvers<void>()
    const { promise: locked, resolve: setLocked } = Promise.withResolvers<void>()
    const { promise: waiting, resolve: setWaiting } = Promise.withResolvers<void>()
    let waits = 0
    // The first replica stands still inside its lock until the second one has met it.
    const slow = onSession(database, async (sql) => {
      const [row] = await sql<{ taken: boolean }[]>`select pg_try_advisory_lock(122489661811315) as taken`
      expect(row!.taken).toBe(true)
      setLocked()
      await holding
      await sql`select pg_advisory_unlock(122489661811315)`
    })
    await locked
    const other = onSession(database, (sql) =>
      migrate(sql, {
        ...quiet,
        onWait: () => {
          waits++
          setWaiting()
        },
      }),
    )
    await waiting
    expect(await tablesOf(database)).toEqual([])
    letGo()
    await slow
    expect(await other).toEqual(names)
    expect(waits).toBe(1)
    const locks = await database.sql`
      select 1 from pg_locks l join pg_database d on d.oid = l.database
      where locktype = 'advisory' and datname = current_database()`
    expect(locks).toHaveLength(0)
  })

  test('applies only what is missing to a database of an older binary', async () => {
    await using database = await createDatabase({ empty: true })
    await onSession(database, (sql) => migrate(sql, { ...quiet, migrations: [first] }))
    expect(await onSession(database, (sql) => migrate(sql, { ...quiet, migrations: [first, second] }))).toEqual([
      '0002_second.sql',
    ])
    expect(await tablesOf(database)).toEqual(['first', 'orders_migrations', 'second'])
  })

  test('leaves nothing of a file that fails, keeps the files before it, and can go on once the file is mended', async () => {
    await using database = await createDatabase({ empty: true })
    const error = await failureOf(onSession(database, (sql) => migrate(sql, { ...quiet, migrations: [first, broken] })))
    expect(error).toMatchObject({ code: '22012' })
    expect(await tablesOf(database)).toEqual(['first', 'orders_migrations'])
    const mended = { ...broken, sql: 'create table half_done (id integer)' }
    expect(await onSession(database, (sql) => migrate(sql, { ...quiet, migrations: [first, mended] }))).toEqual([
      '0002_broken.sql',
    ])
  })

  test('refuses a file whose content was changed after it was applied', async () => {
    await using database = await createDatabase({ empty: true })
    await onSession(database, (sql) => migrate(sql, { ...quiet, migrations: [first] }))
    const changed = { ...first, sql: `${first.sql} -- a comment is a change too` }
    const error = await failureOf(
      onSession(database, (sql) => migrate(sql, { ...quiet, migrations: [changed, second] })),
    )
    expect(error).toBeInstanceOf(MigrationRefused)
    expect(String(error)).toContain('0001_first.sql')
    expect(await tablesOf(database)).toEqual(['first', 'orders_migrations'])
  })

  test('refuses a database of a newer binary', async () => {
    await using database = await createDatabase({ empty: true })
    await onSession(database, (sql) => migrate(sql, { ...quiet, migrations: [first, second] }))
    const error = await failureOf(onSession(database, (sql) => migrate(sql, { ...quiet, migrations: [first] })))
    expect(error).toBeInstanceOf(MigrationRefused)
    expect(String(error)).toContain('0002_second.sql')
  })

  test('recognises the database of the Java service and leaves it untouched', async () => {
    await using database = await createDatabase({ empty: true })
    await database.sql`create table orders (id uuid primary key, symbol text)`
    await database.sql`insert into orders values (gen_random_uuid(), 'AAPL')`
    const error = await failureOf(onSession(database, (sql) => migrate(sql, quiet)))
    expect(error).toBeInstanceOf(MigrationRefused)
    expect(String(error)).toContain('run orders adopt')
    expect(await tablesOf(database)).toEqual(['orders'])
    expect(await database.sql`select symbol from orders`).toHaveLength(1)
  })

  test('refuses a server older than PostgreSQL 15, and touches nothing', async () => {
    await using database = await createDatabase({ empty: true })
    // The version comes from settings that nobody can set, so a function of the same name stands in front of them.
    await database.sql.unsafe(`
      create schema old_server;
      create function old_server.current_setting(name text) returns text language sql as $$
        select case name when 'server_version_num' then '140011' when 'server_version' then '14.11' else pg_catalog.current_setting(name) end
      $$;`)
    const aged = { ...database, target: { ...database.target, schema: 'old_server, pg_catalog, public' } }
    const error = await failureOf(onSession(aged, (sql) => migrate(sql, quiet)))
    expect(error).toBeInstanceOf(MigrationRefused)
    expect(String(error)).toContain('14.11')
    expect(await failureOf(onSession(aged, (sql) => requireSchema(sql, migrations)))).toBeInstanceOf(MigrationRefused)
    expect(await tablesOf(database)).toEqual([])
  })

  test('works within a schema of its own, beside another service', async () => {
    await using database = await createDatabase({ empty: true })
    await database.sql`create table orders (id integer)`
    await database.sql`create schema ours`
    const ours = { ...database, target: { ...database.target, schema: 'ours' } }
    expect(await onSession(ours, (sql) => migrate(sql, quiet))).toEqual(names)
    await onSession(ours, async (sql) => {
      await requireSchema(sql, migrations)
      await requirePositions(sql)
    })
    expect(await tablesOf(database)).toEqual(['orders'])
  })
})

describe('requireSchema, for a start that does not migrate,', () => {
  test('is content with a migrated database', async () => {
    await using database = await createDatabase()
    await onSession(database, (sql) => requireSchema(sql, migrations))
  })

  test('names what an empty database lacks, and creates nothing', async () => {
    await using database = await createDatabase({ empty: true })
    const error = await failureOf(onSession(database, (sql) => requireSchema(sql, migrations)))
    expect(error).toBeInstanceOf(MigrationRefused)
    expect(String(error)).toContain(names.join(', '))
    expect(await tablesOf(database)).toEqual([])
  })

  test('names the one file that is missing', async () => {
    await using database = await createDatabase({ empty: true })
    await onSession(database, (sql) => migrate(sql, { ...quiet, migrations: [first] }))
    const error = await failureOf(onSession(database, (sql) => requireSchema(sql, [first, second])))
    expect(String(error)).toContain('lacks 0002_second.sql')
  })

  test('refuses changed content, an unknown file and the Java database as migrate does', async () => {
    await using database = await createDatabase({ empty: true })
    await onSession(database, (sql) => migrate(sql, { ...quiet, migrations: [first, second] }))
    const changed = { ...first, sql: 'create table other (id integer)' }
    for (const migrations of [[changed, second], [first]])
      expect(await failureOf(onSession(database, (sql) => requireSchema(sql, migrations)))).toBeInstanceOf(
        MigrationRefused,
      )
    await using java = await createDatabase({ empty: true })
    await java.sql`create table orders (id integer)`
    expect(String(await failureOf(onSession(java, (sql) => requireSchema(sql, migrations))))).toContain(
      'run orders adopt',
    )
  })
})
