// A database of its own for each caller, with the schema that this binary's own migrations make, in a few milliseconds: it is
// cloned from a template that is migrated once. Names are unique, so test processes that share a server do not meet. `drop`
// closes everything that was opened on it and removes it, whoever is still connected.

import postgres from 'postgres'
import type { ServicePools } from '../../src/app/batchers.ts'
import type { DatabaseTarget } from '../../src/store/connection.ts'
import { migrate } from '../../src/store/migrate.ts'
import { migrations } from '../../src/store/migrations.ts'
import { openDatabase, openSession, type Database, type PoolLimits, type Sql } from '../../src/store/sql.ts'
import { postgresServer } from './servers.ts'

export type TestDatabase = AsyncDisposable & {
  name: string
  /** As superuser. */
  url: string
  target: DatabaseTarget
  /** Raw SQL, on a pool that the service knows nothing of. */
  sql: Sql
  /** One raw connection, for a transaction by hand: `begin`, and hold what it locks. */
  session: () => Sql
  /** A pool as the service opens it. Through a proxy: `{ ...database.target, url: proxy.url }`. */
  open: (limits?: Partial<PoolLimits>, target?: DatabaseTarget) => Database
  drop: () => Promise<void>
}

/** The service's own defaults, but a pool of a few connections and more patience with a busy machine. */
const limitsOfTests: PoolLimits = {
  plans: 'sets',
  connections: 4,
  connectTimeoutMs: 10_000,
  lockTimeoutMs: 10_000,
  statementTimeoutMs: 20_000,
}

/** One pool for every kind of statement: plans may cost more or less, the results are the same. */
export const allPools = (pool: Database): ServicePools => ({ places: pool, changes: pool, gets: pool, pages: pool })

/** Pools as the service opens them. */
export const servicePools = ({ open }: TestDatabase): ServicePools => ({
  places: open({ plans: 'keys' }),
  changes: open(),
  gets: open({ plans: 'keys' }),
  pages: open({ plans: 'pages' }),
})

const closeWaitMs = 250

const run = crypto.randomUUID().slice(0, 8)
let lastNumber = 0
let openCount = 0
let template: Promise<string> | null = null

const nameOf = (what: string): string => `orders_test_${run}_${what}`

const urlOf = (server: string, name: string): string => {
  const url = new URL(server)
  url.pathname = `/${name}`
  return url.href
}

export const targetOf = (url: string): DatabaseTarget => ({
  url,
  ssl: 'disable',
  applicationName: 'orders-test',
  schema: undefined,
})

const connect = (url: string, max: number): Sql => postgres(url, { max, onnotice: () => undefined })

/** Statements on the maintenance database, one after the other. */
const onServer = async (...statements: string[]): Promise<void> => {
  const { url } = await postgresServer()
  const sql = connect(url, 1)
  try {
    for (const statement of statements) await sql.unsafe(statement)
  } finally {
    await sql.end()
  }
}

const buildTemplate = async (): Promise<string> => {
  const name = nameOf('template')
  await onServer(`create database ${name} template template0`)
  const sql = openSession(targetOf(urlOf((await postgresServer()).url, name)), limitsOfTests.connectTimeoutMs)
  try {
    await migrate(sql, { migrations, onWait: () => undefined, onApplied: () => undefined })
  } finally {
    // Nobody may be connected to a database that is copied.
    await sql.end()
  }
  return name
}

/** A server from the environment outlives the run, so the template must not stay behind in it. */
const dropUnusedTemplate = async (): Promise<void> => {
  if (openCount > 0 || template === null || !process.env['DATABASE_URL']) return
  const unused = template
  template = null
  await onServer(`drop database if exists ${await unused} with (force)`)
}

/** `empty: true` gives a database without any table, for the tests of migrating itself. */
export const createDatabase = async ({ empty = false } = {}): Promise<TestDatabase> => {
  openCount++
  const name = nameOf(String(++lastNumber))
  if (!empty) template ??= buildTemplate()
  await onServer(`create database ${name} template ${empty ? 'template0' : await template}`)

  const url = urlOf((await postgresServer()).url, name)
  const target = targetOf(url)
  const pools: Database[] = []
  const sessions: Sql[] = []
  const keep = (sql: Sql): Sql => {
    sessions.push(sql)
    return sql
  }
  const drop = async (): Promise<void> => {
    await onServer(`drop database if exists ${name} with (force)`)
    const closed = [...pools.map((pool) => pool.close()), ...sessions.map((sql) => sql.end({ timeout: 0 }))]
    // The driver takes seconds to let go of a connection that was cut under a statement: nobody has to wait for that.
    await Promise.race([Promise.all(closed), Bun.sleep(closeWaitMs)])
    openCount--
    await dropUnusedTemplate()
  }
  return {
    name,
    url,
    target,
    sql: keep(connect(url, 8)),
    session: () => keep(connect(url, 1)),
    open(limits = {}, through = target) {
      const pool = openDatabase(through, { ...limitsOfTests, ...limits })
      pools.push(pool)
      return pool
    },
    drop,
    [Symbol.asyncDispose]: drop,
  }
}
