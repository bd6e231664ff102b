import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'bun:test'
import { createMonitor, type Monitor, type OutboxBound } from '../../src/app/monitor.ts'
import { createLog } from '../../src/log.ts'
import { insertOrders } from '../../src/store/orders.ts'
import type { Database, Sql } from '../../src/store/sql.ts'
import { aPlacement } from '../support/builders.ts'
import { createDatabase, targetOf, type TestDatabase } from '../support/database.ts'
import { startProxy, type Proxy } from '../support/proxy.ts'
import { until } from '../support/until.ts'

let database: TestDatabase
let sql: Sql
let proxy: Proxy
let db: Database

beforeAll(async () => {
  database = await createDatabase()
  sql = database.sql
  proxy = await startProxy(database.url)
  db = database.open({}, targetOf(proxy.url))
})
afterAll(async () => {
  await database.drop()
  await proxy.stop()
})

let stopping: AbortController
let running: Promise<void> | null = null
let lines: string[] = []
beforeEach(async () => {
  stopping = new AbortController()
  lines = []
  await sql`delete from outbox`
})
afterEach(async () => {
  stopping.abort()
  await running
})

const start = (bound: Partial<OutboxBound> = {}): Monitor => {
  const log = createLog('info', (line) => lines.push(line))
  const monitor = createMonitor(db, { rowsMax: 1_000, ageMaxMs: 3_600_000, ...bound }, log)
  running = monitor.run(stopping.signal)
  return monitor
}
const place = (count: number) =>
  database.open().run((sql) =>
    insertOrders(
      sql,
      Array.from({ length: count }, () => aPlacement()),
    ),
  )
const logged = (part: string): number => lines.filter((line) => line.includes(part)).length

test('nothing is known before the first look', () => {
  const monitor = createMonitor(db, { rowsMax: 1, ageMaxMs: 1 }, createLog('error'))
  expect(monitor.state()).toMatchObject({ database: { up: false }, outboxFull: false })
})

test('it tells how many events wait and how old the oldest is', async () => {
  await place(3)
  await sql`update outbox set written_at = now() - interval '1 minute' where position = (select min(position) from outbox)`
  const monitor = start()
  await until(() => monitor.state().database.up, { what: 'the first look' })
  expect(monitor.state().outbox.rows).toBe(3)
  expect(monitor.state().outbox.ageMs).toBeGreaterThanOrEqual(60_000)
  expect(monitor.state().outboxFull).toBe(false)
})

describe('the outbox is full', () => {
  test('past its bound of rows, not at it, and no longer than that', async () => {
    await place(5)
    const monitor = start({ rowsMax: 5 })
    await until(() => monitor.state().outbox.rows === 5, { what: 'the bound is met' })
    expect(monitor.state().outboxFull).toBe(false)
    await place(2)
    await until(() => monitor.state().outboxFull, { what: 'the bound is passed' })
    expect(monitor.state().outbox.rows).toBe(6)
    await sql`delete from outbox where position in (select position from outbox limit 3)`
    await until(() => !monitor.state().outboxFull, { what: 'it is within its bound again' })
    expect(logged('new orders are refused')).toBe(1)
    expect(logged('new orders are taken')).toBe(1)
  })

  test('past its bound of age', async () => {
    await place(1)
    await sql`update outbox set written_at = now() - interval '10 seconds'`
    const monitor = start({ ageMaxMs: 5_000 })
    await until(() => monitor.state().outboxFull, { what: 'the bound is passed' })
    await sql`delete from outbox`
    await until(() => !monitor.state().outboxFull, { what: 'it is within its bound again' })
  })
})

test('while Postgres is away it says so, keeps what it saw last, and finds back by itself', async () => {
  await place(7)
  const monitor = start({ rowsMax: 5 })
  await until(() => monitor.state().outboxFull, { what: 'the bound is passed' })
  await proxy.refuse()
  await until(() => !monitor.state().database.up, { what: 'Postgres is seen to be away' })
  expect(monitor.state()).toMatchObject({ outboxFull: true, outbox: { rows: 6 } })
  expect(monitor.state().database.detail).not.toBe('answers')
  await proxy.accept()
  await until(() => monitor.state().database.up, { what: 'Postgres is seen to be back' })
  expect(logged('postgres is not reachable')).toBe(1)
  expect(logged('postgres is reachable')).toBe(2)
})

test('it ends with the signal, at once', async () => {
  start()
  stopping.abort()
  await running
})
