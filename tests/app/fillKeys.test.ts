// Proves: the loop that fills in old keys goes on through failures and beside others, says how far it is, ends for ever, and leaves room for
// placing.

import { expect, test } from 'bun:test'
import { createKeyFilling, fillBatchMax } from '../../src/app/fillKeys.ts'
import { createKeyFill } from '../../src/app/keyFill.ts'
import type { Database } from '../../src/store/sql.ts'
import { createTestLog } from '../http/harness.ts'
import { createDatabase, type TestDatabase } from '../support/database.ts'
import { until } from '../support/until.ts'

const old = 2 * fillBatchMax + 1

/** A database whose keys of so many orders were not filled in yet. */
const unfilled = async (): Promise<TestDatabase> => {
  const database = await createDatabase()
  await database.sql`update order_keys_fill set finished_at = null`
  await database.sql`
    insert into orders (rules_epoch, id, user_id, client_order_id, ticker, side, type, time_in_force, quantity, price, created_at, updated_at)
    select 1, gen_random_uuid(), gen_random_uuid(), 'old-' || n, 'T', 'BUY', 'LIMIT', 'GTC', 1, 1, now(), now()
    from generate_series(1, ${old}::integer) n`
  return database
}
const count = async ({ sql }: TestDatabase): Promise<number> => (await sql`select from order_keys`).length

/** A clock that goes a minute a look, so that every batch is logged. */
const fast = () => {
  let ms = 0
  return () => (ms += 60_000)
}

test('it fills in all keys, says how far it is, and never runs again', async () => {
  await using database = await unfilled()
  const db = database.open({ connections: 1, plans: 'pages' })
  const { log, lines } = createTestLog()
  let statements = 0
  const counted: Database = { ...db, run: (statement) => (statements++, db.run(statement)) }
  const filling = createKeyFilling({ db: counted, clock: () => performance.now(), log })
  expect(filling.state()).toEqual({ finished: false, orders: 0, ordersAbout: 0, obstacle: null })
  const { signal } = new AbortController()
  await filling.run(signal)
  expect(statements).toBe(3)
  expect(await count(database)).toBe(old)
  expect(filling.state()).toMatchObject({ finished: true, orders: old, obstacle: null })
  expect(lines.map(({ message }) => message)).toEqual([
    'the keys of older orders are being filled in',
    'the keys of older orders are filled in',
  ])

  const again = createKeyFilling({ db: counted, clock: () => performance.now(), log })
  await again.run(signal)
  // A look, and it says that there is nothing to do.
  expect(statements).toBe(5)
  expect(again.state()).toMatchObject({ finished: true, orders: old })
  expect(lines).toHaveLength(2)
})

test('a failure is said and tried again; what was filled in stays', async () => {
  await using database = await unfilled()
  const db = database.open({ connections: 1 })
  const rarely: string[] = []
  const { log } = createTestLog()
  let fails = true
  const failing: Database = {
    ...db,
    run: (statement) => (fails ? Promise.reject(new Error('away')) : db.run(statement)),
  }
  const filling = createKeyFilling({
    db: failing,
    clock: fast(),
    log: { ...log, rarely: (_, __, message) => void rarely.push(message) },
  })
  const stop = new AbortController()
  const run = filling.run(stop.signal)
  await until(() => filling.state().obstacle !== null, { what: 'it has failed' })
  expect(filling.state()).toMatchObject({ finished: false, obstacle: 'away' })
  expect(rarely).toEqual(['the keys of older orders cannot be filled in now'])
  fails = false
  stop.abort()
  await run
  await createKeyFilling({ db, clock: () => performance.now(), log }).run(new AbortController().signal)
  expect(await count(database)).toBe(old)
})

test('several replicas fill together, each ends, and each place is done once', async () => {
  await using database = await unfilled()
  const fillings = Array.from({ length: 3 }, () =>
    createKeyFilling({
      db: database.open({ connections: 1 }),
      clock: () => performance.now(),
      log: createTestLog().log,
    }),
  )
  const { signal } = new AbortController()
  await Promise.all(fillings.map((filling) => filling.run(signal)))
  expect(await count(database)).toBe(old)
  for (const filling of fillings) expect(filling.state()).toMatchObject({ finished: true, orders: old })
})

test('whether all are filled in is looked up every 10 s until it is so, and never again', async () => {
  await using database = await unfilled()
  const db = database.open()
  let looks = 0
  let ms = 0
  const counted: Database = { ...db, run: (statement) => (looks++, db.run(statement)) }
  const fill = createKeyFill(counted, () => ms)
  expect([await fill.isDone(), await fill.isDone(), looks]).toEqual([false, false, 1])
  await createKeyFilling({ db, clock: () => performance.now(), log: createTestLog().log }).run(
    new AbortController().signal,
  )
  ms += 9_999
  expect([await fill.isDone(), looks]).toEqual([false, 1])
  ms += 1
  expect([await fill.isDone(), looks]).toEqual([true, 2])
  ms += 60_000
  expect([await fill.isDone(), looks]).toEqual([true, 2])
})
