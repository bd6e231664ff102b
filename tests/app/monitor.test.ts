// Proves: the bounds of the outbox, in rows and in age, refuse new orders exactly while they are passed; a ticker that is set
// aside is refused alone; the monitor survives an absent Postgres.

import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import { createMonitor, type Monitor } from '../../src/app/monitor.ts'
import type { OutboxBound } from '../../src/store/outbox.ts'
import { createLog } from '../../src/telemetry/log.ts'
import { aPlacement } from '../support/builders.ts'
import { ownDatabase, ownProxy } from '../support/ownDatabase.ts'
import { storeOrders } from '../support/storeOrders.ts'
import { until } from '../support/until.ts'

const { database, sql } = await ownDatabase()
const { proxy, through } = await ownProxy(database)

let stopping: AbortController
let running: Promise<void> | null = null
let lines: string[] = []
beforeEach(async () => {
  stopping = new AbortController()
  lines = []
  floor = 0n
  await sql`delete from outbox`
  await sql`update relay_leases set set_aside = '{}'`
})
afterEach(async () => {
  stopping.abort()
  await running
})

const hourMs = 3_600_000
let floor = 0n
/** How often it said that events wait. */
let rung = 0
const start = (bound: Partial<OutboxBound> = {}): Monitor => {
  const log = createLog('info', (line) => lines.push(line))
  const monitor = createMonitor({
    db: through,
    bound: { rowsMax: 1_000, ageMaxMs: 3_600_000, ...bound },
    log,
    floor: () => floor,
    onWaiting: () => rung++,
  })
  running = monitor.run(stopping.signal)
  return monitor
}
const place = (count: number) =>
  database.open().run((sql) =>
    storeOrders(
      sql,
      Array.from({ length: count }, () => aPlacement()),
    ),
  )
const logged = (part: string): number => lines.filter((line) => line.includes(part)).length

test('nothing is known before the first look', () => {
  const monitor = createMonitor({
    db: through,
    bound: { rowsMax: 1, ageMaxMs: 1 },
    log: createLog('error', () => undefined),
    floor: () => 0n,
  })
  expect(monitor.state()).toMatchObject({ database: { up: false }, outboxFull: false })
})

test('it says when Postgres has answered for the first time, and not before', async () => {
  let answers = false
  const monitor = createMonitor({
    db: { ...through, run: (statement) => (answers ? through.run(statement) : Promise.reject(new Error('away'))) },
    bound: { rowsMax: 1, ageMaxMs: 1 },
    log: createLog('error', (line) => lines.push(line)),
    floor: () => 0n,
  })
  let reached = false
  void monitor.reached.then(() => (reached = true))
  running = monitor.run(stopping.signal)
  await until(() => monitor.state().database.detail === 'away', { what: 'a look that failed' })
  expect(reached).toBe(false)
  answers = true
  await monitor.reached
  expect(monitor.state().database.up).toBe(true)
})

test('it reports how many events wait and how old the oldest is', async () => {
  await place(3)
  await sql`update outbox set written_at = now() - interval '1 minute' where position = (select min(position) from outbox)`
  const monitor = start()
  await until(() => monitor.state().database.up, { what: 'the first look' })
  expect(monitor.state().outbox.rows).toBe(3)
  expect(monitor.state().outbox.ageMs).toBeGreaterThanOrEqual(60_000)
  expect(monitor.state().outboxFull).toBe(false)
})

test('it says that events wait, which others may have committed, and not while none do', async () => {
  rung = 0
  const monitor = start()
  await until(() => monitor.state().database.up, { what: 'the first look' })
  expect(rung).toBe(0)
  await place(1)
  await until(() => rung > 0, { what: 'it says so' })
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

describe('a ticker that is set aside, by whichever replica,', () => {
  const waitTooLong = async (...tickers: string[]): Promise<void> => {
    const placements = tickers.map((ticker) => aPlacement({ ticker }))
    await database.open().run((sql) => storeOrders(sql, placements))
    await sql`update outbox set written_at = now() - interval '10 hours' where ticker = any (${tickers})`
  }

  test('is refused alone once its events wait too long, and taken again once they are gone', async () => {
    await sql`update relay_leases set set_aside = '{BAD}' where shard = 3`
    await waitTooLong('BAD')
    await place(2)
    // The relay's floor has passed what is set aside.
    const [last] = await sql<{ position: string }[]>`select min(position) as position from outbox`
    floor = BigInt(last!.position)
    const monitor = start({ ageMaxMs: hourMs })
    await until(() => !monitor.hasRoom('BAD'), { what: 'the ticker is refused' })
    expect(monitor.hasRoom('GOOD')).toBe(true)
    expect(monitor.state()).toMatchObject({ outboxFull: false, outbox: { rows: 3, overdue: ['BAD'] } })
    expect(monitor.state().outbox.ageMs).toBeGreaterThan(hourMs)
    expect(monitor.state().outbox.sendableAgeMs).toBeLessThan(hourMs)
    await sql`delete from outbox where ticker = 'BAD'`
    await until(() => monitor.hasRoom('BAD'), { what: 'the ticker is taken again' })
    expect(logged('their new orders are refused')).toBe(1)
  })

  test('is taken while its events wait within the bound', async () => {
    await sql`update relay_leases set set_aside = '{BAD}' where shard = 3`
    await waitTooLong('BAD')
    const monitor = start({ ageMaxMs: 24 * hourMs })
    await until(() => monitor.state().outbox.rows === 1, { what: 'the event is counted' })
    expect(monitor.hasRoom('BAD')).toBe(true)
    expect(monitor.state().outbox.sendableAgeMs).toBe(0)
  })

  test('fills the bound of rows like any other', async () => {
    await sql`update relay_leases set set_aside = '{BAD}' where shard = 3`
    await waitTooLong('BAD', 'BAD', 'BAD')
    const monitor = start({ rowsMax: 2 })
    await until(() => !monitor.hasRoom('GOOD'), { what: 'the bound is passed' })
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
