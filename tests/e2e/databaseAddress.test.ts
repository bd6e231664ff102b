// Proves: the binary understands the address of the database: names that have to be encoded, a schema that does not exist, and a
// file of variables saved by a Windows editor.

import { expect, test } from '../support/explained.ts'
import { orderBody } from '../support/orderBody.ts'
import { runBinary } from '../support/service.ts'
import { createWorld, type World } from '../support/world.ts'

const inDatabase = (world: World, name: string): string => {
  const url = new URL(world.databaseUrl)
  url.pathname = `/${encodeURIComponent(name)}`
  return url.href
}
const lastLine = (out: string): Record<string, unknown> => JSON.parse(out.trim().split('\n').at(-1)!)

test('a database whose name has to be percent-encoded is found, in both forms of the address', async () => {
  await using world = await createWorld({ createTopics: false })
  const name = `my з/orders ${world.name}`
  await world.sql.unsafe(`create database "${name}"`)
  const url = new URL(inDatabase(world, name))
  const direct = { DATABASE_URL: url.href }
  const spring = {
    SPRING_DATASOURCE_URL: `jdbc:postgresql://${url.host}${url.pathname.replaceAll('%20', '+')}`,
    SPRING_DATASOURCE_USERNAME: url.username,
    SPRING_DATASOURCE_PASSWORD: url.password,
  }
  expect(await runBinary(['migrate'], direct)).toMatchObject({ exitCode: 0, err: '' })
  expect(await runBinary(['verify'], spring)).toMatchObject({ exitCode: 0, err: '' })
  await world.sql.unsafe(`drop database "${name}"`)
})

test('a schema that does not exist is said as that by every command, and is not made', async () => {
  await using world = await createWorld({ createTopics: false })
  const database = new URL(world.databaseUrl).pathname.slice(1)
  const sentence = `The schema tradnig does not exist in the database ${database}: create it, or correct currentSchema (or the search_path of the role).`
  const env = { ...world.env, SERVER_PORT: '0', DATABASE_URL: `${world.databaseUrl}?currentSchema=Tradnig` }
  for (const DB_MIGRATE of ['true', 'false']) {
    const served = await runBinary(['serve'], { ...env, DB_MIGRATE })
    expect({ exitCode: served.exitCode, message: lastLine(served.out)['message'] }).toEqual({
      exitCode: 1,
      message: sentence,
    })
  }
  const migrated = await runBinary(['migrate'], env)
  expect({ exitCode: migrated.exitCode, error: lastLine(migrated.out)['error'] }).toEqual({
    exitCode: 1,
    error: sentence,
  })
  expect(await runBinary(['verify'], env)).toMatchObject({
    exitCode: 2,
    err: `orders: could not verify: ${sentence}\n`,
  })
  expect(await world.sql`select from pg_namespace where nspname ilike 'tradnig'`).toHaveLength(0)

  await world.sql`create schema tradnig`
  expect(await runBinary(['migrate'], env)).toMatchObject({ exitCode: 0, err: '' })
  expect(await world.sql`select from pg_tables where schemaname = 'tradnig' and tablename = 'orders'`).toHaveLength(1)
})

test('a schema that the role may not use is said as that', async () => {
  await using world = await createWorld({ createTopics: false })
  const role = `role_${world.name.replaceAll('-', '_')}`
  await world.sql.unsafe(`create schema trading; create role ${role} login password 'secret'`)
  const url = new URL(world.databaseUrl)
  ;[url.username, url.password] = [role, 'secret']
  const migrated = await runBinary(['migrate'], { DATABASE_URL: `${url.href}?currentSchema=trading` })
  expect({ exitCode: migrated.exitCode, error: lastLine(migrated.out)['error'] }).toEqual({
    exitCode: 1,
    error: `The role ${role} may not use the schema trading: grant usage on it, as sql/roles.sql does.`,
  })
  await world.sql.unsafe(`drop role ${role}`)
})

test('variables with the line ends of Windows serve, the password of the database included', async () => {
  await using world = await createWorld()
  const role = `role_${world.name.replaceAll('-', '_')}`
  await world.sql.unsafe(`create role ${role} superuser login password ' p/w '`)
  const { host, pathname } = new URL(world.databaseUrl)
  const { DATABASE_URL: _, ...rest } = world.env
  const env = {
    ...rest,
    SPRING_DATASOURCE_URL: `jdbc:postgresql://${host}${pathname}?ApplicationName=crlf`,
    SPRING_DATASOURCE_USERNAME: role,
    SPRING_DATASOURCE_PASSWORD: ' p/w ',
    DB_MIGRATE: 'true',
  }
  const ends = Object.fromEntries(Object.entries(env).map(([key, value]) => [key, `${value}\r`]))
  const service = await world.start({ env: { ...ends, DATABASE_URL: '\r' } })
  expect((await service.post(orderBody())).status).toBe(202)
  expect(await world.kafka.readUntil(world.topics.placed, 1)).toHaveLength(1)
  expect(await service.stop()).toBe(0)
  await world.sql.unsafe(`drop role ${role}`)
})
