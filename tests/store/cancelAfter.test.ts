// Proves: a look at the switches, planned once a connection, reads no more than it has to, however many switches are armed and however many
// sweeps were done; and so does an arming, which is planned each time.

import { expect, test } from 'bun:test'
import { armSwitches, fireDue } from '../../src/store/cancelAfter.ts'
import { createExplainer } from '../support/explain.ts'
import { ownDatabase } from '../support/ownDatabase.ts'

const { database, sql } = await ownDatabase()

test('a look reads the deadlines that have passed and the next one, by their index', async () => {
  const explainer = await createExplainer(database, 'keys')
  // Planned while the tables are empty.
  await explainer.run((some) => fireDue(some, 500))
  await explainer.plans()
  await sql`
    insert into cancel_after (user_id, fires_at, cause, attempt)
    select gen_random_uuid(), case when n % 3 > 0 then now() + n * interval '1 minute' end, ${sql.json({ kind: 'cancel-after' })}, gen_random_uuid()
    from generate_series(1, 20000) n`
  await sql`
    insert into cancel_sweeps (user_id, reason_code, cause, done_at)
    select gen_random_uuid(), 'CANCEL_AFTER', ${sql.json({ kind: 'cancel-after' })}, now() from generate_series(1, 20000) n`
  expect(await explainer.run((some) => fireDue(some, 500))).toMatchObject({ lateMs: [], due: false, open: 0 })
  const [idle] = await explainer.plans()
  expect(idle!.rowsScanned('cancel_after')).toBeLessThanOrEqual(3)
  expect(idle!.rowsScanned('cancel_sweeps')).toBe(0)

  await sql`update cancel_after set fires_at = now() - interval '1 second' where user_id in (select user_id from cancel_after where fires_at is not null limit 30)`
  const fired = await explainer.run((some) => fireDue(some, 10))
  expect([fired.lateMs.length, fired.due, fired.isWaiting]).toEqual([10, true, true])
  const [firing] = await explainer.plans()
  expect(firing!.rowsScanned('cancel_after')).toBeLessThanOrEqual(100)
})

test.each([true, false])('arming reads the switches of its users alone (skip locked: %p)', async (skipLocked) => {
  await sql`
    insert into cancel_after (user_id, fires_at, cause, attempt)
    select gen_random_uuid(), now() + interval '1 hour', ${sql.json({ kind: 'cancel-after' })}, gen_random_uuid() from generate_series(1, 20000)`
  await sql`analyze cancel_after`
  const explainer = await createExplainer(database, 'sets')
  const known = await sql<{ user_id: string }[]>`select user_id from cancel_after limit 100`
  const newcomers = Array.from({ length: 100 }, () => crypto.randomUUID())
  const users = [...known.map(({ user_id }) => user_id), ...newcomers]
  const armings = users.map((userId) => ({
    userId,
    timeoutMs: 3_600_000,
    cause: { kind: 'cancel-after' } as const,
    attempt: crypto.randomUUID(),
    lost: [],
  }))
  expect((await explainer.run((some) => armSwitches(some, armings, { skipLocked }))).size).toBe(users.length)
  // It is explained by being run again.
  await sql.begin(async (transaction) => {
    await transaction`set local session_replication_role = replica`
    await transaction`delete from cancel_after where user_id = any (${newcomers})`
  })
  const [plan] = await explainer.plans()
  expect(plan!.rowsScanned('cancel_after')).toBeLessThanOrEqual(4 * users.length)
})
