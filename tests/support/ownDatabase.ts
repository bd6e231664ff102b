// The database of one test file, made when the file is loaded and dropped after its last test:
//   const { database, sql, db } = await ownDatabase()

import { afterAll } from 'bun:test'
import type { Database, Sql } from '../../src/store/sql.ts'
import { createDatabase, targetOf, type TestDatabase } from './database.ts'
import { startProxy, type Proxy } from './proxy.ts'

export type OwnDatabase = {
  database: TestDatabase
  /** Raw SQL as superuser. */
  sql: Sql
  /** A pool as the service opens it. */
  db: Database
}

export const ownDatabase = async (): Promise<OwnDatabase> => {
  const database = await createDatabase()
  afterAll(() => database.drop())
  return { database, sql: database.sql, db: database.open() }
}

/** A proxy in front of the database, and a pool of the service that goes through it. */
export const ownProxy = async (database: TestDatabase): Promise<{ proxy: Proxy; through: Database }> => {
  const proxy = await startProxy(database.url)
  afterAll(() => proxy.stop())
  return { proxy, through: database.open({}, targetOf(proxy.url)) }
}
