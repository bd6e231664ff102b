// Proves: arrays arrive as they were sent; every connection has its settings pinned; a connection that stalls, breaks or leads to
// a server without writes costs a bounded time, and its fault says whether anything may have been stored.

import { describe, expect, test } from 'bun:test'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { array, assert, asyncProperty, constantFrom, oneof, option, string } from 'fast-check'
import { storeFault } from '../../src/store/faults.ts'
import { openDatabase, openSession, textArray, useOwnSettings, type Database, type Sql } from '../../src/store/sql.ts'
import { createDatabase, targetOf } from '../support/database.ts'
import { ownDatabase } from '../support/ownDatabase.ts'
import { startProxy } from '../support/proxy.ts'
import { until } from '../support/until.ts'
import { failureOf } from '../support/waiting.ts'

const { database, db } = await ownDatabase()

const roundTrip = (values: readonly (string | null)[]): Promise<(string | null)[]> =>
  db.run(async (sql) => {
    // As rows: the driver reads a NULL within an array as a text.
    const rows = await sql<{ back: string | null }[]>`
      select back from unnest(${textArray(values)}::text[]) with ordinality as t (back, at) order by at`
    return rows.map((row) => row.back)
  })

const untilRecovered = (pool: Database) =>
  until(() => pool.run((sql) => sql`select 1`), { what: 'the pool has recovered' })

describe('an array of texts', () => {
  test('arrives as it was sent, whatever stands in it', async () => {
    const nasty = [
      '',
      ' ',
      ' leading and trailing ',
      'NULL',
      'null',
      'Null',
      null,
      '"',
      '""',
      "'",
      "''; drop table orders; --",
      '\\',
      '\\\\"',
      '\\N',
      '{',
      '}',
      '{}',
      '{a,b}',
      ',',
      'a,b',
      ';',
      '$1',
      '%s',
      '\n\r\t\b\f',
      '\u0001\u001f\u007f',
      'é ß Ж 漢字 👩‍👩‍👧 \u200b\ufeff\u2028',
      'AAPL',
      'BRK.B',
      '2026-01-02T03:04:05.678Z',
      '-0.00000001',
      '[1:2]={a,b}',
    ]
    expect(await roundTrip(nasty)).toEqual(nasty)
  })

  test('may be empty', async () => {
    expect(await roundTrip([])).toEqual([])
  })

  test('is quoted if necessary, in a hundred random cases', async () => {
    const element = option(
      oneof(string({ unit: 'grapheme' }), string({ unit: constantFrom('"', '\\', '{', '}', ',', 'N', ' ', 'U', 'L') })),
    )
    const storable = element.filter((text) => text === null || !text.includes('\0'))
    await assert(
      asyncProperty(array(storable), async (values) => {
        expect(await roundTrip(values)).toEqual(values)
      }),
    )
  })
})

test('every connection of a pool has the settings pinned that durability and correctness lean on', async () => {
  const pool = database.open({ lockTimeoutMs: 1_234, statementTimeoutMs: 5_678 })
  const names = [
    'synchronous_commit',
    'default_transaction_isolation',
    'lock_timeout',
    'statement_timeout',
    'plan_cache_mode',
    'application_name',
    'tcp_keepalives_idle',
  ]
  const settings = await pool.run(
    (sql) =>
      sql<
        { name: string; setting: string }[]
      >`select name, setting from pg_settings where name = any (${textArray(names)}::text[])`,
  )
  expect(Object.fromEntries(settings.map(({ name, setting }) => [name, setting]))).toEqual({
    synchronous_commit: 'on',
    default_transaction_isolation: 'read committed',
    lock_timeout: '1234',
    statement_timeout: '5678',
    plan_cache_mode: 'force_custom_plan',
    application_name: 'orders-test',
    tcp_keepalives_idle: '10',
  })
})

test('a session has no time-outs, whatever an operator has set for the database; that for a lock may be chosen', async () => {
  await using database = await createDatabase()
  // Some came with a later PostgreSQL than the oldest that is supported.
  const timeouts = await database.sql<{ name: string }[]>`
    select name from pg_settings where name in
      ('statement_timeout', 'lock_timeout', 'transaction_timeout', 'idle_session_timeout', 'idle_in_transaction_session_timeout')`
  for (const { name } of timeouts) await database.sql.unsafe(`alter database ${database.name} set ${name} = '2s'`)
  const sessions = [0, 1].map(() => openSession(database.target, 10_000))
  const [busy, idle] = sessions as [Sql, Sql]
  try {
    await Promise.all([useOwnSettings(busy), useOwnSettings(idle, { lockTimeoutMs: 1_234 })])
    const inForce = async (sql: Sql) =>
      Object.fromEntries(
        await Promise.all(
          timeouts.map(async ({ name }) => [
            name,
            (await sql`select current_setting(${name}::text) as value`)[0]!['value'],
          ]),
        ),
      )
    const none = Object.fromEntries(timeouts.map(({ name }) => [name, '0']))
    expect(await inForce(busy)).toEqual(none)
    expect(await inForce(idle)).toEqual({ ...none, lock_timeout: '1234ms' })
    await Promise.all([busy`select pg_sleep(2.5)`, Bun.sleep(2_500)])
    await idle`select 1`
  } finally {
    await Promise.all(sessions.map((sql) => sql.end({ timeout: 1 })))
  }
})

test('a schema of its own is looked at when it is named', async () => {
  await database.sql`create schema elsewhere`
  const pool = database.open({}, { ...database.target, schema: 'elsewhere' })
  const [row] = await pool.run((sql) => sql<{ path: string }[]>`select current_setting('search_path') as path`)
  expect(row!.path).toBe('elsewhere')
})

describe('a connection that stalls', () => {
  test('costs its statement no more than the deadline, and the pool is replaced', async () => {
    const proxy = await startProxy(database.url)
    const pool = database.open({ statementTimeoutMs: 2_000, lockTimeoutMs: 1_000, connections: 1 }, targetOf(proxy.url))
    await pool.run((sql) => sql`select 1`)
    proxy.stall()

    const error = await failureOf(pool.run((sql) => sql`select 2`))
    expect(error).toMatchObject({ code: 'DEADLINE_PASSED' })
    expect(storeFault(error)).toBe('unknown')
    const [row] = await pool.run((sql) => sql<{ three: number }[]>`select 3 as three`)
    expect(row!.three).toBe(3)
    await proxy.stop()
  })

  test('takes down what else was in flight on that pool, as an unknown outcome', async () => {
    const proxy = await startProxy(database.url)
    const pool = database.open({ statementTimeoutMs: 5_000, lockTimeoutMs: 1_000, connections: 2 }, targetOf(proxy.url))
    await Promise.all([pool.run((sql) => sql`select pg_sleep(0.05)`), pool.run((sql) => sql`select pg_sleep(0.05)`)])
    proxy.stall()
    const first = failureOf(pool.run((sql) => sql`select 'first'`))
    // So much later that it is not at its own deadline when the pool is replaced.
    await Bun.sleep(2_000)
    const second = failureOf(pool.run((sql) => sql`select 'second'`))
    expect(await first).toMatchObject({ code: 'DEADLINE_PASSED' })
    expect(await second).toMatchObject({ code: 'CONNECTION_DESTROYED' })
    expect(storeFault(await second)).toBe('unknown')
    await proxy.stop()
  })
})

describe('a database that is away', () => {
  test('is unavailable while nobody listens, and answers again as soon as somebody does', async () => {
    const proxy = await startProxy(database.url)
    const pool = database.open({}, targetOf(proxy.url))
    await proxy.refuse()
    expect(storeFault(await failureOf(pool.run((sql) => sql`select 1`)))).toBe('unavailable')
    await proxy.accept()
    await untilRecovered(pool)
    await proxy.stop()
  })

  test('leaves the outcome unknown where the connection was cut under a statement', async () => {
    const proxy = await startProxy(database.url)
    const pool = database.open({}, targetOf(proxy.url))
    await pool.run((sql) => sql`select 1`)
    proxy.loseAnswer('a statement that commits')
    const error = await failureOf(
      pool.run(
        (sql) => sql`insert into replicas (id, seen_at) select gen_random_uuid(), now() /* a statement that commits */`,
      ),
    )
    expect(storeFault(error)).toBe('unknown')
    const [row] = await database.sql<{ count: string }[]>`select count(*) from replicas`
    expect(row!.count).toBe('1')
    await proxy.stop()
  })

  test('leaves the outcome unknown where the server ended the session', async () => {
    const pool = database.open({ connections: 1 })
    const running = failureOf(pool.run((sql) => sql`select pg_sleep(60) /* the victim */`))
    await until(
      async () => {
        const rows = await database.sql`
          select pg_terminate_backend(pid) from pg_stat_activity
          where datname = current_database() and pid <> pg_backend_pid() and state = 'active' and query like '%the victim%'`
        return rows.length > 0
      },
      { what: 'the victim runs and is ended' },
    )
    expect(storeFault(await running)).toBe('unknown')
    // The driver hands the dead session's error to the first statement of the next one too: also unknown, also repeated.
    await untilRecovered(pool)
  })
})

describe('a server that takes no writes', () => {
  test('is left as soon as a write says so, by every pool of the target', async () => {
    const writes = database.open({ connections: 1 })
    const reads = database.open({ connections: 1 })
    const write = () => writes.run((sql) => sql`insert into replicas (id, seen_at) values (gen_random_uuid(), now())`)
    const backend = () =>
      reads.run(async (sql) => (await sql<{ pid: number }[]>`select pg_backend_pid() as pid`)[0]!.pid)
    await writes.run((sql) => sql.unsafe('set default_transaction_read_only = on'))
    const before = await backend()
    const refused = await failureOf(write())
    expect({ refused, fault: storeFault(refused) }).toMatchObject({ refused: { code: '25006' }, fault: 'unavailable' })
    await write()
    expect(await backend()).not.toBe(before)
  })

  test('and one that is silent cost their time, once, and no connection that nobody holds', async () => {
    const silent = createServer(() => undefined).listen(0, '127.0.0.1')
    await once(silent, 'listening')
    const real = new URL(database.url)
    const standing = { host: real.hostname, port: Number(real.port) }
    const target = {
      ...database.target,
      applicationName: 'chosen',
      choices: [{ host: '127.0.0.1', port: (silent.address() as AddressInfo).port }, standing],
    }
    const limits = { statementTimeoutMs: 100, lockTimeoutMs: 50, connections: 2, connectTimeoutMs: 2_500 }
    const pool = database.open(limits, target)
    const answer = () => pool.run((sql) => sql`select 1`)
    // Each misses its deadline while the silent one is asked, and the pool is replaced.
    const missed = await Promise.all([failureOf(answer()), failureOf(answer())])
    expect(missed.map(storeFault)).toEqual(['unknown', 'unknown'])
    await until(answer, { what: 'the other server was found' })
    await until(
      async () => {
        const rows = await database.sql`select from pg_stat_activity where application_name = 'chosen'`
        return rows.length <= limits.connections
      },
      { what: 'no more connections than the pool may have' },
    )
    silent.close()
  })
})

test('a pool tells how many statements run and wait, and the fault of each that fails', async () => {
  const faults: string[] = []
  const limits = {
    plans: 'sets',
    connections: 2,
    connectTimeoutMs: 5_000,
    lockTimeoutMs: 4_000,
    statementTimeoutMs: 10_000,
  } as const
  const pool = openDatabase(targetOf(database.url), limits, (fault) => faults.push(fault))
  try {
    expect(pool.load()).toEqual({ connections: 2, running: 0, waiting: 0 })
    const sleeping = Array.from({ length: 5 }, () => pool.run((sql) => sql`select pg_sleep(0.2)`))
    expect(pool.load()).toEqual({ connections: 2, running: 2, waiting: 3 })
    await Promise.all(sleeping)
    expect(pool.load()).toEqual({ connections: 2, running: 0, waiting: 0 })
    await failureOf(pool.run((sql) => sql`select 1 / 0`))
    await failureOf(pool.run((sql) => sql`select from nowhere`))
    expect(faults).toEqual(['data', 'bug'])
    expect(pool.load()).toMatchObject({ running: 0 })
  } finally {
    await pool.close()
  }
})

test('an address of IPv6 and a port that is left out reach the driver as they are meant', async () => {
  const target = { ssl: 'disable', applicationName: 'x', schema: undefined } as const
  const six = openSession({ ...target, url: 'postgres://u:p@[fe80::1]:6432/orders' }, 1_000)
  expect(six.options).toMatchObject({ host: ['fe80::1'], port: [6432], user: 'u', database: 'orders' })
  const plain = openSession({ ...target, url: 'postgres://u@db.example/orders' }, 1_000)
  expect(plain.options).toMatchObject({ host: ['db.example'], port: [5432] })
})
