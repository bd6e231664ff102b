// Proves: time-outs that an operator has set for a database, for other programs, cut off neither a migration nor verify.

import type { ReservedSql } from 'postgres'
import { expect, test } from '../support/explained.ts'
import { runBinary } from '../support/service.ts'
import { until } from '../support/until.ts'
import { createWorld, type World } from '../support/world.ts'

const names = ['statement_timeout', 'lock_timeout', 'transaction_timeout', 'idle_session_timeout']
const timeout = '2s'
const heldFor = '3 seconds'

const isHeldUp = async ({ sql }: World): Promise<boolean> => {
  const rows = await sql`
    select from pg_stat_activity
    where datname = current_database() and wait_event_type = 'Lock' and query_start < clock_timestamp() - ${heldFor}::text::interval`
  return rows.length > 0
}

/** Runs a subcommand, one statement of which meets this lock, until it has waited for longer than the time-outs of the database allow. */
const runHeldUp = async (
  world: World,
  holder: ReservedSql,
  { lock, args }: { lock: string; args: readonly string[] },
) => {
  await holder.unsafe(`begin; ${lock}`)
  let ended = false
  const run = runBinary(args, world.env).finally(() => (ended = true))
  try {
    await until(async () => ended || (await isHeldUp(world)), { what: 'a statement has waited for longer than it may' })
  } finally {
    await holder`rollback`
  }
  return run
}

test('a migration and verify wait for a lock for longer than the time-outs of the database', async () => {
  await using world = await createWorld()
  await (await world.start()).stop()
  // It is older than the time-outs, which are for new sessions.
  const holder = await world.sql.reserve()
  const known = await world.sql<{ name: string }[]>`select name from pg_settings where name = any (${names}::text[])`
  for (const { name } of known)
    await world.sql.unsafe(`alter database ${new URL(world.databaseUrl).pathname.slice(1)} set ${name} = '${timeout}'`)

  await world.sql`delete from orders_migrations where name = '0027_cheap_checks_validated.sql'`
  const migrated = await runHeldUp(world, holder, {
    lock: 'lock table orders in share update exclusive mode',
    args: ['migrate'],
  })
  expect({ exitCode: migrated.exitCode, last: migrated.out.trim().split('\n').at(-1) }).toEqual({
    exitCode: 0,
    last: expect.stringContaining('the schema was migrated'),
  })
  const verified = await runHeldUp(world, holder, {
    lock: 'lock table exceptions in access exclusive mode',
    args: ['verify'],
  })
  holder.release()
  expect(verified).toMatchObject({ exitCode: 0, out: '0 orders, 0 fills, 0 violations\n' })
})
