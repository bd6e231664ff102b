// Proves: the service finds out at the start what a connection pooler does to the settings of a session, and says once what to
// change. Without those settings nothing bounds a statement, and an answer may leave before its commit is on disk.

import { expect, test } from '../support/explained.ts'
import { orderBody } from '../support/orderBody.ts'
import { startPooler } from '../support/pooler.ts'
import { postgresServer } from '../support/servers.ts'
import { runBinary } from '../support/service.ts'
import { until } from '../support/until.ts'
import { createWorld } from '../support/world.ts'

const advice =
  ': a connection pooler such as PgBouncer seems to stand at this address, so give the address of Postgres itself, to which this service keeps few connections.'
const sentences = {
  refuse: `The settings of its sessions are refused (unsupported startup parameter: synchronous_commit)${advice}`,
  drop: `The settings of its sessions are not in force (synchronous_commit is off instead of on, lock_timeout is 0 instead of 1000, statement_timeout is 0 instead of 3000 and 14 more)${advice}`,
}

test.each(['refuse', 'drop'] as const)(
  'one that %ss the settings stops serve, migrate and verify',
  async (behaviour) => {
    await using world = await createWorld({ createTopics: false })
    await world.sql.unsafe(
      `alter database ${new URL(world.databaseUrl).pathname.slice(1)} set synchronous_commit = off`,
    )
    await using pooler = await startPooler(world.databaseUrl, behaviour)
    const env = { ...world.env, DATABASE_URL: pooler.url, SERVER_PORT: '0' }
    const sentence = sentences[behaviour]
    const errorsOf = (out: string) =>
      out
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as Record<string, unknown>)
        .filter(({ level }) => level === 'error')

    const served = await runBinary(['serve'], env)
    expect({ exitCode: served.exitCode, errors: errorsOf(served.out) }).toMatchObject({
      exitCode: 1,
      errors: [{ message: sentence }],
    })
    const migrated = await runBinary(['migrate'], env)
    expect({ exitCode: migrated.exitCode, errors: errorsOf(migrated.out) }).toMatchObject({
      exitCode: 1,
      errors: [{ error: sentence }],
    })
    expect(await runBinary(['verify'], env)).toMatchObject({
      exitCode: 2,
      err: `orders: could not verify: ${sentence}\n`,
    })
  },
)

test('one that drops the schema too does not get another one migrated', async () => {
  await using world = await createWorld({ createTopics: false, postgresAt: (await postgresServer()).url })
  await world.sql`create schema trading`
  await using pooler = await startPooler(world.databaseUrl, 'drop')
  const env = { ...world.env, DATABASE_URL: `${pooler.url}?currentSchema=trading` }
  expect((await runBinary(['migrate'], env)).exitCode).toBe(1)
  expect(await world.sql`select tablename from pg_tables where schemaname in ('public', 'trading')`).toHaveLength(0)
})

test('one whose server is away, which it says with the same code, is waited for', async () => {
  await using world = await createWorld()
  await using pooler = await startPooler(world.databaseUrl, 'away')
  const service = await world.start({ wait: 'live', env: { DATABASE_URL: pooler.url } })
  await service.logged('waiting for postgres')
  pooler.become('pass')
  await service.ready()
  await until(async () => (await service.post(orderBody())).status === 202, { what: 'orders are taken' })
})
