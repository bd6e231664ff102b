// Proves: under the roles of 1.2, on a Postgres of its own: the owner migrates, and the runtime role goes on with the statements of either
// version at once, before sql/roles.sql is run again, after it, and after going back to 1.2; it gets no right beyond those.

import { afterAll, beforeAll, expect, test } from 'bun:test'
import postgres from 'postgres'
import { inRepo } from '../../../src/build/repository.ts'
import { freePort } from '../../stack/ports.ts'
import { startPostgres, type PostgresServer } from '../../stack/postgres.ts'
import { targetOf } from '../../support/database.ts'
import { logOf } from '../../support/logRows.ts'
import { temporaryDir } from '../../support/servers.ts'
import { failureOf } from '../../support/waiting.ts'
import { faultsOf } from './found.ts'
import { filesSince12, livesOf12, migrateTo, migrationsOf12, replicaOf12 } from './release12.ts'
import rolesOf12 from './release12/roles.sql' with { type: 'text' }
import { replicaNow } from './replicaNow.ts'
import { wayBackBefore } from './wayBack.ts'

const roles = await Bun.file(inRepo('sql', 'roles.sql')).text()
const password = 'a-secret'

let server: PostgresServer
let admin: postgres.Sql
let url: string
const urlAs = (role: string): string => {
  const as = new URL(url)
  ;[as.username, as.password] = [role, password]
  return as.href
}
const sessions: postgres.Sql[] = []
const sessionAs = (role: string): postgres.Sql => {
  const sql = postgres(urlAs(role), { max: 1, onnotice: () => undefined })
  sessions.push(sql)
  return sql
}

beforeAll(async () => {
  server = await startPostgres({ dataDir: temporaryDir('roles-upgraded'), port: await freePort() })
  url = await server.createDatabase('orders')
  admin = postgres(url, { max: 1, onnotice: () => undefined })
  await admin.unsafe(rolesOf12)
  for (const role of ['orders_owner', 'orders_runtime', 'orders_reader'])
    await admin.unsafe(`alter role ${role} password '${password}'`)
})
afterAll(async () => {
  await Promise.all([admin, ...sessions].map((sql) => sql.end({ timeout: 0 })))
  await server.stop()
})

const asOwner = () => ({ target: targetOf(urlAs('orders_owner')) })
const asReader = () => ({ target: targetOf(urlAs('orders_reader')), sql: sessionAs('orders_reader') })

test('owner and runtime role go through the upgrade, the roles, the way back and the upgrade again', async () => {
  await migrateTo(asOwner(), migrationsOf12)
  await admin.unsafe(rolesOf12)
  const old = replicaOf12(sessionAs('orders_runtime'))
  await livesOf12(old)
  const now = replicaNow(targetOf(urlAs('orders_runtime')))
  const lives = async (): Promise<void> => {
    await livesOf12(old, now)
    const [filled, canceled] = (await now.place(2)) as [string, string]
    await now.fill(filled, 4)
    await now.cancel(canceled)
    await old.fill(filled, 6)
  }
  expect(await migrateTo(asOwner())).toEqual(filesSince12)
  await lives()
  expect(await logOf(asReader())).toHaveLength(20)

  for (let run = 0; run < 2; run++) await admin.unsafe(roles)
  await lives()
  const owner = sessionAs('orders_owner')
  for (const statement of wayBackBefore('0010')) await owner.unsafe(statement)
  expect(await migrateTo(asOwner(), migrationsOf12)).toEqual([])
  await admin.unsafe(rolesOf12)
  await livesOf12(old)
  expect(await migrateTo(asOwner())).toEqual(filesSince12)
  await lives()
  await admin.unsafe(roles)
  await lives()
  await now.close()
  expect(await faultsOf(asReader())).toEqual([])
})

test('the script runs again at once while others read and write: it locks nobody out', async () => {
  const [reader, writer] = [sessionAs('orders_reader'), sessionAs('orders_runtime')]
  await reader.unsafe('begin; select count(*) from orders; select count(*) from outbox')
  await writer.unsafe('begin; delete from outbox')
  await admin.unsafe(`set local lock_timeout = '200ms'; ${roles}`)
  await Promise.all([reader`rollback`, writer`rollback`])
})

test.each([
  `update orders set position = position + 1`,
  `update order_changes set version = version`,
  `delete from order_changes`,
  `select setval('log_position', 1)`,
  `alter table log_epochs add column mine integer`,
])('the runtime role may not: %s', async (statement) => {
  expect(await failureOf(sessionAs('orders_runtime').unsafe(statement))).toMatchObject({ code: '42501' })
})
