// Proves: a start refuses sequences that would invert the log or the outbox: with a cache, or behind the rows that are there, as in a copy by
// logical replication; and says the statement that mends it.

import { expect, test } from 'bun:test'
import { MigrationRefused } from '../../src/store/migrate.ts'
import { requirePositions } from '../../src/store/positions.ts'
import { openSession } from '../../src/store/sql.ts'
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
