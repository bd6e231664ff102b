// Proves: after a crash of Postgres nothing is skipped, though it gives out transaction ids again; where the database is another one,
// or has lost what was read, whoever follows is told to begin anew; a standby is never read.

import { afterAll, afterEach, describe, expect, test } from 'bun:test'
import { migrate } from '../../src/store/migrate.ts'
import { migrations } from '../../src/store/migrations.ts'
import { openSession, type Database } from '../../src/store/sql.ts'
import { decodeCursor } from '../../src/tail/cursor.ts'
import { freePort } from '../stack/ports.ts'
import { startPostgres, type PostgresServer } from '../stack/postgres.ts'
import { targetOf } from '../support/database.ts'
import { corrupt } from '../support/seed.ts'
import { temporaryDir } from '../support/servers.ts'
import { cutOff, startStandby } from '../support/standby.ts'
import { until } from '../support/until.ts'
import { createTailWorld, type Reading } from './world.ts'

const saw = (reading: Reading, name: string) =>
  until(() => reading.seen().includes(name), { what: `the event ${name}` })
const wasReset = (reading: Reading) => until(() => reading.resets().length > 0 && reading.isLive(), { what: 'a reset' })

describe('a server of its own', () => {
  let server: PostgresServer
  const start = async () => {
    server = await startPostgres({ dataDir: temporaryDir('tail-postgres'), port: await freePort() })
    const session = openSession(targetOf(server.url), 10_000)
    await migrate(session, { migrations, onWait: () => undefined, onApplied: () => undefined })
    await session.end()
    return createTailWorld(targetOf(server.url))
  }

  test('that is killed gives out ids again, and nobody misses what gets them', async () => {
    const world = await start()
    const { followLive, tail } = world.startTail()
    const reading = await followLive()
    const [first] = await world.place({})
    await saw(reading, `${first!.id}.0`)

    // Transactions that leave nothing on the disk: the server forgets that it gave out their ids.
    const spent: bigint[] = []
    for (let i = 0; i < 200; i++) {
      const [row] = await world.sql<{ id: string }[]>`select pg_current_xact_id()::text as id`
      spent.push(BigInt(row!.id))
    }
    const polled = await tail.page({}, null, 10)
    if (!polled.ok) throw new Error(polled.code)
    await server.kill()
    await server.restart()
    const session = openSession(targetOf(server.url), 10_000)
    const next = await until(async () => (await world.place({}))[0], { what: 'an order is placed again' })
    const [row] = await session<{ xact: string }[]>`select xact::text as xact from orders where id = ${next.id}`
    await session.end()
    // Without this the test would prove nothing.
    expect(spent).toContain(BigInt(row!.xact))

    await saw(reading, `${next.id}.0`)
    expect(reading.resets()).toEqual([])
    for (const cursor of [polled.cursor, reading.cursors()[0]!]) {
      const elsewhere = world.startTail().follow({}, cursor)
      await saw(elsewhere, `${next.id}.0`)
      expect(elsewhere.resets()).toEqual([])
    }
    await world.stop()
  }, 120_000)

  test('that is a standby is not read: streams wait', async () => {
    const world = await start()
    await world.place({})
    const standby = await startStandby(server, temporaryDir('tail-standby'))
    const onStandby = await createTailWorld(targetOf(standby.url))
    const { tail, follow, lines } = onStandby.startTail()
    const reading = follow()
    await until(() => tail.state().obstacle !== null, { what: 'the tail says what is wrong' })
    expect(tail.state().obstacle).toContain('standby')
    expect(lines.length).toBeGreaterThan(0)
    expect(await tail.page({}, null, 10)).toEqual({ ok: false, code: 'UNAVAILABLE' })
    const { page } = world.startTail()
    const { cursor } = await until(() => page(null), { what: 'the primary answers' })
    expect(await tail.page({}, cursor, 10)).toEqual({ ok: false, code: 'UNAVAILABLE' })
    expect(reading.steps).toEqual([])
    await Promise.all([onStandby.stop(), world.stop()])
    await standby.stop()
  }, 120_000)

  test('that is a standby gives no open orders either, whoever reads the log: streams wait for the primary', async () => {
    const world = await start()
    const standby = await startStandby(server, temporaryDir('tail-standby'))
    await cutOff(standby)
    // The standby lacks it.
    const [order] = await world.place({})
    const behind = world.database.open({ connections: 2 }, targetOf(standby.url))
    let [through, answers] = [behind, 0]
    const lists: Database = {
      async run(statement) {
        const answer = await through.run(statement)
        answers++
        return answer
      },
      close: () => Promise.resolve(),
    }
    const { follow } = world.startTail({ lists })
    const readings = [follow(), follow({ orderId: order!.id })]
    const gotSomething = () => readings.some(({ steps }) => steps.length > 0)
    await until(() => answers > 4 || gotSomething(), { what: 'the standby is asked again' })
    expect(readings.map(({ steps }) => steps)).toEqual([[], []])
    through = world.db
    for (const reading of readings) {
      await until(reading.isLive, { what: 'the snapshot is complete' })
      expect(reading.snapshot()).toEqual([order!.id])
    }
    await world.stop()
    await standby.stop()
  }, 120_000)

  afterEach(() => server.stop())
})

const world = await createTailWorld()
afterEach(() => world.closeTails())
afterAll(() => world.stop())

describe('on one server', () => {
  test('a row that was read and is not there any more: everybody begins anew', async () => {
    const { followLive, tail } = world.startTail()
    const reading = await followLive()
    const [kept] = await world.place({})
    await saw(reading, `${kept!.id}.0`)
    const [lost] = await world.place({})
    await saw(reading, `${lost!.id}.0`)
    const cursor = reading.cursor()
    await corrupt(
      world.sql,
      `delete from outbox where order_id = '${lost!.id}'; delete from orders where id = '${lost!.id}'`,
    )
    await wasReset(reading)
    expect(reading.resets()).toEqual(['OTHER_DATABASE'])
    expect(reading.snapshot()).not.toContain(lost!.id)
    const [next] = await world.place({})
    await saw(reading, `${next!.id}.0`)
    // A cursor of before is refused wherever it comes: by a reader that runs, and by one that does not.
    const expired = { ok: false, code: 'CURSOR_EXPIRED', reason: 'OTHER_DATABASE' } as const
    expect(await tail.page({}, cursor, 10)).toEqual(expired)
    const second = world.startTail()
    expect(await second.tail.page({}, cursor, 10)).toEqual(expired)
    const resumed = second.follow({}, cursor)
    await wasReset(resumed)
    expect(resumed.resets()).toEqual(['OTHER_DATABASE'])
  })

  test('tables that were copied from another cluster: an epoch begins, and so does everybody', async () => {
    const { followLive, page } = world.startTail()
    const reading = await followLive()
    const { cursor } = await page(null)
    const [old] = await world.place({})
    await saw(reading, `${old!.id}.0`)
    // As a dump leaves it: the row's own transaction is another one than it says.
    await corrupt(
      world.sql,
      `insert into log_epochs (epoch, floor, xact) select max(epoch) + 1, 0, '77' from log_epochs`,
    )
    await wasReset(reading)
    expect(reading.resets()).toEqual(['OTHER_DATABASE'])
    const [next] = await world.place({})
    await saw(reading, `${next!.id}.0`)
    const [last] = await world.sql<{ ours: boolean; floor: string }[]>`
      select xmin::text::numeric = mod(xact::text::numeric, 4294967296) as ours, floor from log_epochs order by epoch desc limit 1`
    expect(last!.ours).toBe(true)
    expect(BigInt(last!.floor)).toBeLessThan(await world.position())
    const cold = world.startTail()
    expect(await cold.tail.page({}, cursor, 10)).toEqual({
      ok: false,
      code: 'CURSOR_EXPIRED',
      reason: 'OTHER_DATABASE',
    })
    expect(decodeCursor((await cold.page(null)).cursor)!.place.epoch).toBeGreaterThan(decodeCursor(cursor)!.place.epoch)
    // Rows with ids that this server has not given out yet come from the other one, and never come.
    await corrupt(
      world.sql,
      `insert into orders (rules_epoch, id, user_id, ticker, side, type, time_in_force, quantity, price, created_at, updated_at, xact, position)
       select 1, gen_random_uuid(), gen_random_uuid(), 'ALIEN', 'BUY', 'LIMIT', 'GTC', 1, 1, now(), now(), '99999999999', 1000000 + n
       from generate_series(1, 100) n`,
    )
    const seen = reading.seen().length
    const [after] = await world.place({})
    await saw(reading, `${after!.id}.0`)
    expect(reading.seen()).toHaveLength(seen + 1)
  })

  test('Postgres away: streams wait, then go on where they were', async () => {
    const { followLive, tail } = world.startTail()
    const reading = await followLive()
    const [first] = await world.place({})
    await saw(reading, `${first!.id}.0`)
    for (let i = 0; i < 5; i++)
      await world.sql`
        select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`.catch(
        () => undefined,
      )
    const next = await until(async () => (await world.place({}))[0], { what: 'an order is placed again' })
    await saw(reading, `${next.id}.0`)
    expect(reading.resets()).toEqual([])
    await until(() => tail.state().obstacle === null, { what: 'it reads again' })
  })
})
