// Proves: the commands about roles in the handbook work line by line, as they are written, on a Postgres of their own: by the
// real psql where this machine has one, by what it would do where it has none. Afterwards the runtime role can do what the
// service needs.

import { mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import postgres from 'postgres'
import { inRepo } from '../../src/build/repository.ts'
import { freePort } from '../stack/ports.ts'
import { startPostgres, type PostgresServer } from '../stack/postgres.ts'
import { binary } from '../support/binary.ts'
import { afterAll, beforeAll, expect, test } from '../support/explained.ts'
import { orderBody } from '../support/orderBody.ts'
import { temporaryDir } from '../support/servers.ts'
import { startService } from '../support/service.ts'
import { createWorld, tradeOf, type World } from '../support/world.ts'
import { shippedText } from './shipped.ts'

const loads = 'psql "$ADMIN_URL" -v ON_ERROR_STOP=1 --single-transaction -f sql/roles.sql'
const passwords = `psql "$ADMIN_URL" -c '\\password orders_owner' -c '\\password orders_runtime' -c '\\password orders_reader'`
const documented = [
  loads,
  passwords,
  'DATABASE_URL=postgres://orders_owner@… orders migrate',
  loads,
  'DATABASE_URL=postgres://orders_runtime@… DB_MIGRATE=false orders serve',
  'DATABASE_URL=postgres://orders_reader@… orders verify --topics',
]

let server: PostgresServer
let world: World
const commands = join(temporaryDir('commands'), 'bin')
beforeAll(async () => {
  server = await startPostgres({ dataDir: temporaryDir('roles-documented'), port: await freePort() })
  world = await createWorld({ postgresAt: server.url })
  mkdirSync(commands)
  symlinkSync(await binary(), join(commands, 'orders'))
})
afterAll(async () => {
  await world[Symbol.asyncDispose]()
  await server.stop()
})

const urlAs = (role: string): string => {
  const url = new URL(world.databaseUrl)
  ;[url.username, url.password] = [role, `${role}-secret`]
  return url.href
}

/** The address that the handbook leaves out, with the password that was set. */
const completed = (line: string): string => line.replace(/postgres:\/\/(\w+)@…/, (_, role: string) => urlAs(role))

/** Runs a line with the shell, in the repository, as its reader does. */
const shell = async (line: string) => {
  const env = { ...world.env, PATH: `${commands}:${process.env['PATH']}`, ADMIN_URL: world.databaseUrl }
  const child = Bun.spawn(['/bin/sh', '-c', line], { cwd: inRepo(), env, stdio: ['ignore', 'pipe', 'pipe'] })
  const [out, err, exitCode] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited])
  return { exitCode, out, err }
}

/** `--single-transaction -f` without psql: the whole file as one message is one transaction, too. */
const loadRoles = async (): Promise<void> => {
  if (Bun.which('psql') === null) await world.sql.unsafe(shippedText('sql/roles.sql')).simple()
  else expect(await shell(loads)).toMatchObject({ exitCode: 0, out: expect.stringMatching(/^DO\n$/) })
}

test('the handbook and the head of the script name the same commands', () => {
  const page = shippedText('src/handbook/operating.md')
  const [, block] = /## Roles\n[\s\S]*?```sh\n([\s\S]*?)```/.exec(page) ?? []
  expect(block?.trim().split('\n')).toEqual(documented)
  const head = [...shippedText('sql/roles.sql').matchAll(/^-- {3}(psql .*)$/gm)].map(([, line]) => line!)
  expect(head).toEqual([loads, passwords])
})

test('line by line: roles, passwords, migrate, roles again, serve, verify', async () => {
  await loadRoles()
  // Asks on a terminal; this is what it sends then.
  for (const [, role] of passwords.matchAll(/password (\w+)/g))
    await world.sql.unsafe(`alter role ${role} password '${role}-secret'`)
  expect(await shell(completed(documented[2]!))).toMatchObject({ exitCode: 0, err: '' })
  await loadRoles()

  const command = ['/bin/sh', '-c', `exec env ${completed(documented[4]!)}`]
  const env = { ...world.env, PATH: `${commands}:${process.env['PATH']}` }
  await using service = await startService({ command, env })
  const placed = await service.post(orderBody({ quantity: 10 }))
  expect(placed.status).toBe(202)
  const { id } = placed.json
  await world.publishTrades(tradeOf({ buyOrderId: id, quantity: 4 }), tradeOf({ buyOrderId: id, quantity: 7 }))
  await world.tradesConsumed()
  await world.outboxEmpty()
  expect((await service.http('/exceptions')).json).toMatchObject({ exceptions: [{ disposition: 'OVERFILL' }] })
  expect((await service.http(`/orders/${String(id)}`)).json).toMatchObject({ status: 'PARTIALLY_FILLED' })
  expect(await service.stop()).toBe(0)
  expect(service.log.filter(({ level, message }) => level === 'error' && !message.includes('exception'))).toEqual([])

  const verified = await shell(completed(documented[5]!))
  expect(verified).toMatchObject({ exitCode: 0, out: expect.stringContaining('1 orders, 1 fills, 0 violations') })
})

test('the runtime role may vacuum the outbox, which the service does beside autovacuum', async () => {
  const notices: string[] = []
  const sql = postgres(urlAs('orders_runtime'), { max: 1, onnotice: ({ message }) => notices.push(message!) })
  await sql`vacuum (skip_locked, truncate off) outbox`.simple()
  await sql`vacuum (skip_locked, truncate off) orders`.simple()
  await sql.end()
  // A right that is missing is a notice, and no error: the statement does nothing.
  expect(notices).toEqual([expect.stringContaining('"orders"')])
})
