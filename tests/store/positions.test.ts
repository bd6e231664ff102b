// Proves: a start refuses sequences that would invert the log or the outbox, or hand out ids of sweeps again: with a cache, or behind the rows that
// are there, as in a copy by logical replication; and says the statement that mends it.

import { expect, test } from 'bun:test'
import { MigrationRefused } from '../../src/store/migrate.ts'
import { requirePositions } from '../../src/store/positions.ts'
import { openSession, type Sql } from '../../src/store/sql.ts'
import { aPlacement } from '../support/builders.ts'
import { createDatabase, type TestDatabase } from '../support/database.ts'
import { storeOrders } from '../support/storeOrders.ts'
import { failureOf } from '../support/waiting.ts'

const start = async ({ target }: TestDatabase): Promise<void> => {
  const sql = openSession(target, 10_000)
  try {
    await requirePositions(sql)
  } finally {
    await sql.end()
  }
}

const withOrders = async (): Promise<TestDatabase> => {
  const database = await createDatabase()
  await database.open().run((sql) => storeOrders(sql, [aPlacement(), aPlacement(), aPlacement()]))
  return database
}

test('sequences are fine in an empty database, in one with orders, and where the outbox was emptied', async () => {
  await using empty = await createDatabase()
  await start(empty)
  await using database = await withOrders()
  await start(database)
  await database.sql`delete from outbox`
  await start(database)
})

test.each(['outbox_position_seq', 'log_position'])(
  '%s with a cache is refused: it inverts the order of events',
  async (name) => {
    await using database = await createDatabase()
    await database.sql.unsafe(`alter sequence ${name} cache 20`)
    const error = await failureOf(start(database))
    expect(error).toBeInstanceOf(MigrationRefused)
    expect(String(error)).toContain(`The sequence ${name} has cache 20`)
  },
)

test.each(['outbox_position_seq', 'log_position'])(
  '%s behind the rows is refused, until the statement that it names was run',
  async (name) => {
    await using database = await withOrders()
    for (const behind of [`alter sequence ${name} restart`, `select setval('${name}', 2)`]) {
      await database.sql.unsafe(behind)
      const error = await failureOf(start(database))
      expect(error).toBeInstanceOf(MigrationRefused)
      const [, mend] = /Stop every replica, then: (select setval.*;)$/.exec(String(error)) ?? []
      await database.sql.unsafe(mend!)
      await start(database)
      expect(await database.sql.unsafe(`select nextval('${name}')::integer as next`)).toEqual([{ next: 4 }] as never)
    }
  },
)

const beginSweeps = (sql: Sql, count: number) => sql`
  insert into cancel_sweeps (reason_code, cause) select 'HALT', '{"kind": "halt"}' from generate_series(1, ${count}::integer)`

/** What the start refuses, which the statement that it names mends. */
const mended = async (database: TestDatabase): Promise<string> => {
  const error = await failureOf(start(database))
  expect(error).toBeInstanceOf(MigrationRefused)
  const [, found, mend] = /^MigrationRefused: (.*) is in use: .* then: (select setval.*;)$/.exec(String(error)) ?? []
  await database.sql.unsafe(mend!)
  await start(database)
  return found!
}

test('ids of sweeps that would be handed out again are refused', async () => {
  await using database = await createDatabase()
  const { sql } = database
  await start(database)
  await beginSweeps(sql, 3)
  await start(database)
  await sql`alter sequence cancel_sweeps_id_seq restart`
  expect(await failureOf(beginSweeps(sql, 1))).toMatchObject({ constraint_name: 'cancel_sweeps_pkey' })
  await sql`alter sequence cancel_sweeps_id_seq restart`
  expect(await mended(database)).toBe('The sequence cancel_sweeps_id_seq stands at 0, and 3')
  await sql`select setval('cancel_sweeps_id_seq', 2)`
  expect(await mended(database)).toBe('The sequence cancel_sweeps_id_seq stands at 2, and 3')
  await beginSweeps(sql, 2)
})

test('a cache of the ids of sweeps is fine', async () => {
  await using database = await createDatabase()
  await database.sql`alter sequence cancel_sweeps_id_seq cache 20`
  await beginSweeps(database.sql, 3)
  await start(database)
})

test('a role that may not read the sequence of the ids of sweeps starts', async () => {
  await using database = await createDatabase()
  const { name, sql } = database
  await beginSweeps(sql, 3)
  await sql`alter sequence cancel_sweeps_id_seq restart`
  await sql.unsafe(`
    create role ${name};
    grant select on all tables in schema public to ${name};
    grant select on outbox_position_seq, log_position to ${name}`)
  try {
    const session = database.session()
    await session.unsafe(`set role ${name}`)
    await requirePositions(session)
    await sql.unsafe(`grant select on cancel_sweeps_id_seq to ${name}`)
    expect(await failureOf(requirePositions(session))).toBeInstanceOf(MigrationRefused)
  } finally {
    await sql.unsafe(`drop owned by ${name}; drop role ${name}`)
  }
})

test('positions count that only a sweep or the floor of an epoch has', async () => {
  await using database = await withOrders()
  const { sql } = database
  await beginSweeps(sql, 1)
  await sql`select setval('log_position', 3)`
  expect(await mended(database)).toBe('The sequence log_position stands at 3, and 4')
  await sql`insert into log_epochs (epoch, floor) values (2, 1000)`
  expect(await mended(database)).toBe('The sequence log_position stands at 4, and 1000')
})
