// Proves: a connection that ends, whenever that is, leaves nothing behind for the statements after it: no rows, no error, no bytes that wait, no
// gap in what the driver knows of types. A session that was lost is lost. Version 3.4.9 of the driver does all of this only with our patch.

import { afterAll, expect, test } from 'bun:test'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import postgres from 'postgres'
import { codeOf, storeFault } from '../../src/store/faults.ts'
import { openSession, type Database, type Sql } from '../../src/store/sql.ts'
import { createDatabase } from '../support/database.ts'
import { startProxy } from '../support/proxy.ts'
import { until } from '../support/until.ts'
import { failureOf } from '../support/waiting.ts'

const database = await createDatabase()
afterAll(() => database.drop())
const { sql: admin, target } = database

/** A pool of one connection. */
const single = (): Database => database.open({ connections: 1 })

const rowsOf = (db: Database): Promise<number[]> =>
  db.run(async (sql) => (await sql<{ n: number }[]>`select n from generate_series(1, 3) n`).map(({ n }) => n))

const endBackends = (where: string) =>
  admin.unsafe(`
    select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid() and (${where})`)

test('a statement that failed after some rows leaves no rows to the next one', async () => {
  const db = single()
  const failure = await failureOf(db.run((sql) => sql`select 1 / (5 - n) from generate_series(1, 9) n`))
  expect(failure).toMatchObject({ code: '22012' })
  expect(await rowsOf(db)).toEqual([1, 2, 3])
})

test('a connection that ended amid rows leaves neither rows nor its error to the next one', async () => {
  const db = single()
  expect(await rowsOf(db)).toEqual([1, 2, 3])
  const cut = failureOf(
    db.run(
      (sql) =>
        sql`select case when n > 400 then pg_sleep(60)::text else repeat('x', 100) end from generate_series(1, 500) n`,
    ),
  )
  await until(async () => (await endBackends(`wait_event = 'PgSleep'`)).length > 0, {
    what: 'a backend ended in its sleep',
  })
  await cut
  expect(await rowsOf(db)).toEqual([1, 2, 3])
})

test('a connection that ended with bytes that waited to be sent is opened anew, and sends', async () => {
  const { hostname, port } = new URL(database.url)
  const sockets: Socket[] = []
  const socket = (): Socket => {
    sockets.push(connect(Number(port), hostname))
    return sockets.at(-1)!
  }
  const sql = postgres(database.url, { ...({ socket } as object), max: 1, connect_timeout: 5, backoff: () => 0 })
  try {
    expect(await sql`select 1 as n`).toMatchObject([{ n: 1 }])
    const cut = failureOf(sql`select 2 as n`.execute())
    // The driver takes the statement up now, and writes it in the next round of the event loop; the end comes before that.
    for (let turns = 0; turns < 10; turns++) await Promise.resolve()
    sockets[0]!.emit('close', false)
    sockets[0]!.destroy()
    expect(await cut).toMatchObject({ code: 'CONNECTION_CLOSED' })
    expect(await sql`select 3 as n`).toMatchObject([{ n: 3 }])
    expect(sockets).toHaveLength(2)
  } finally {
    await sql.end({ timeout: 0 })
  }
})

test('a connection that ended while it learned the types of arrays is opened anew, and knows them', async () => {
  const proxy = await startProxy(database.url)
  try {
    let ended = false
    proxy.before(async (statement) => {
      if (ended || !statement.includes('typarray')) return
      ended = true
      await endBackends(`application_name = 'opens'`)
    })
    const db = database.open({ connections: 1 }, { ...target, url: proxy.url, applicationName: 'opens' })
    const arrays = () => db.run((sql) => sql<{ a: unknown }[]>`select array[1, 2] as a`)
    const first = await arrays().catch((error: unknown) => error)
    expect(ended).toBe(true)
    // It was asked again on the second connection, or failed; the next one is answered in either case.
    if (!(first instanceof Error)) expect(first).toMatchObject([{ a: [1, 2] }])
    expect(await arrays()).toMatchObject([{ a: [1, 2] }])
  } finally {
    await proxy.stop()
  }
})

test('a connection on which Postgres canceled the question for the types of arrays is opened anew, and knows them', async () => {
  const db = database.open({ connections: 1, lockTimeoutMs: 300, connectTimeoutMs: 3_000 })
  const arrays = () => db.run((sql) => sql<{ a: unknown }[]>`select array[1, 2] as a`)
  // A vacuum of catalogs removes the file from which a backend learns them. The next one writes it anew, and waits for this lock before it can be asked anything.
  const whileLocked = () =>
    admin.begin(async (transaction) => {
      await transaction`lock table pg_catalog.pg_type in access exclusive mode`
      return codeOf(await failureOf(arrays()))
    })
  await until(async () => (await whileLocked()) === '55P03', { what: 'Postgres canceled the question for types' })
  // It may end before that connection does.
  const again = await arrays().catch((error: unknown) => error)
  if (!(again instanceof Error)) expect(again).toMatchObject([{ a: [1, 2] }])
  expect(await arrays()).toMatchObject([{ a: [1, 2] }])
})

test('whoever accepts connections and ends them at once is asked again after pauses', async () => {
  let accepted = 0
  const server = createServer((socket) => {
    accepted++
    socket.on('error', () => undefined).end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    const url = new URL(database.url)
    url.port = String((server.address() as AddressInfo).port)
    const db = database.open({ connections: 1, statementTimeoutMs: 1_000 }, { ...target, url: url.href })
    expect(storeFault(await failureOf(db.run((sql) => sql`select 1`)))).toBe('unknown')
    // 0.1 to 0.3 s lie between them, for two seconds.
    expect(accepted).toBeGreaterThan(2)
    expect(accepted).toBeLessThan(30)
  } finally {
    server.close()
  }
})

const withSession = async (work: (session: Sql) => Promise<void>): Promise<void> => {
  const session = openSession({ ...target, applicationName: 'session' }, 10_000)
  try {
    await work(session)
  } finally {
    await session.end({ timeout: 0 })
  }
}

test('rows that were lost with their connection are not the end of the rows', () =>
  withSession(async (session) => {
    let rows = 0
    const read = async (): Promise<void> => {
      for await (const page of session`select n from generate_series(1, 1000) n`.cursor(10)) {
        rows += page.length
        if (rows > 10) continue
        await endBackends(`application_name = 'session'`)
        await until(async () => (await endBackends(`application_name = 'session'`)).length === 0, { what: 'it ended' })
        await Bun.sleep(50)
      }
    }
    // The end of a backend may come as a reset.
    expect(await failureOf(read())).toMatchObject({ code: expect.stringMatching(/^(CONNECTION_CLOSED|ECONNRESET)$/) })
    expect(rows).toBe(10)
  }))

test('a session that was lost takes no statement any more: what it had set, locked and begun is gone', () =>
  withSession(async (session) => {
    await session`select set_config('search_path', 'pg_catalog', false)`
    await endBackends(`application_name = 'session'`)
    const isOver = ({ message }: Error): boolean => message.includes('session with Postgres was lost')
    let failure = await failureOf(session`select pg_sleep(1)`)
    // The first ones may still run into the end of the connection. None is answered.
    for (let tries = 0; tries < 3 && !isOver(failure as Error); tries++) failure = await failureOf(session`select 1`)
    expect((failure as Error).message).toBe('the session with Postgres was lost, and what it had begun')
  }))

test('a session is not ended for its age, as connections of pools are', () =>
  withSession((session) => {
    expect(session.options.max_lifetime).toBe(0)
    return Promise.resolve()
  }))
