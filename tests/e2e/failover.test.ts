// Proves: given an address with several servers, as clusters are written, the service goes to the one that takes writes, moves to
// another after a failover, and neither writes nor reads where writes are no longer taken. The standby and the promotion are
// real.

import { join } from 'node:path'
import postgres from 'postgres'
import { freePort } from '../stack/ports.ts'
import { databaseUrl, startPostgres, type PostgresServer } from '../stack/postgres.ts'
import { afterAll, beforeAll, expect, test } from '../support/explained.ts'
import { placeOnceTaken } from '../support/placeOrder.ts'
import { temporaryDir } from '../support/servers.ts'
import { runBinary } from '../support/service.ts'
import { startStandby } from '../support/standby.ts'
import { until } from '../support/until.ts'
import { createWorld, type World } from '../support/world.ts'

const dir = temporaryDir('failover')
let first: PostgresServer
let second: PostgresServer
let world: World

beforeAll(async () => {
  first = await startPostgres({ dataDir: join(dir, 'first'), port: await freePort() })
  second = await startStandby(first, join(dir, 'second'))
  world = await createWorld({ postgresAt: first.url })
})
afterAll(async () => {
  await world[Symbol.asyncDispose]()
  await Promise.all([first.stop(), second.stop()])
})

const on = async <T>(server: PostgresServer, work: (sql: postgres.Sql) => Promise<T>): Promise<T> => {
  const name = new URL(world.databaseUrl).pathname.slice(1)
  const sql = postgres(databaseUrl(server.url, name), { max: 1, onnotice: () => undefined })
  try {
    return await work(sql)
  } finally {
    await sql.end({ timeout: 1 })
  }
}
const readOnly = (server: PostgresServer, value: 'on' | 'off') =>
  on(server, async (sql) => {
    await sql.unsafe(`alter system set default_transaction_read_only = ${value}`)
    await sql.unsafe('select pg_reload_conf()')
  })
const isThere = (server: PostgresServer, id: string): Promise<boolean> =>
  on(server, async (sql) => (await sql`select from orders where id = ${id}`).length === 1)

/** The standby first: an order of the list is no promise of a role. */
const addressOf = (query: string) => {
  const { username, password, pathname } = new URL(world.databaseUrl)
  return `postgres://${username}:${password}@127.0.0.1:${second.port},127.0.0.1:${first.port}${pathname}?${query}`
}

/** The id of an order that was taken, tried until one is. */
test('the one that takes writes is found at the start and after a failover', async () => {
  const env = { DATABASE_URL: addressOf('sslmode=disable&target_session_attrs=read-write') }
  expect(await runBinary(['migrate'], { ...world.env, ...env })).toMatchObject({ exitCode: 0, err: '' })
  expect(await runBinary(['verify'], { ...world.env, ...env })).toMatchObject({ exitCode: 0, err: '' })
  const service = await world.start({ env })
  const before = await placeOnceTaken(service)
  expect(await isThere(first, before)).toBe(true)
  await until(() => isThere(second, before), { what: 'the standby has it' })

  await first.kill()
  await until(async () => (await service.http('/actuator/health/readiness')).status === 503, { what: 'not ready' })
  const { db } = (await service.http('/actuator/health')).json['components'] as Record<string, { status: string }>
  expect(db!.status).toBe('DOWN')
  await until(
    async () => {
      const health = (await service.http('/actuator/health')).text
      return health.includes(`127.0.0.1:${second.port} takes no writes`) && health.includes('none of the servers')
    },
    { what: 'health says what each server answered' },
  )
  await on(second, (sql) => sql`select pg_promote()`)
  const after = await placeOnceTaken(service)
  expect(await isThere(second, after)).toBe(true)
  await service.ready()
  expect((await service.http(`/orders/${before}`)).status).toBe(200)
  expect(await service.stop()).toBe(0)
})

test('a server that stops taking writes under its connections is left, by whoever reads too', async () => {
  // As it was before the promotion: it would take writes, were it not read-only.
  await first.restart()
  await readOnly(first, 'on')
  const service = await world.start({ env: { DATABASE_URL: addressOf('targetServerType=primary') } })
  const order = await placeOnceTaken(service)
  expect(await isThere(second, order)).toBe(true)
  expect((await service.http(`/orders/${order}`)).status).toBe(200)

  await readOnly(second, 'on')
  await readOnly(first, 'off')
  const here = await placeOnceTaken(service)
  expect(await isThere(first, here)).toBe(true)
  await until(async () => (await service.http(`/orders/${here}`)).status === 200, { what: 'reads have moved' })
  expect((await service.http(`/orders/${order}`)).status).toBe(404)
  await service.ready()
  expect(await service.stop()).toBe(0)
})
