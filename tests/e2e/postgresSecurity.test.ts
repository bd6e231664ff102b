// Proves: with a Postgres that takes no connection in the clear, the binary verifies the server as sslmode says, logs in with
// SCRAM or a certificate, and says what to mend when it refuses the server or is refused.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import postgres from 'postgres'
import { freePort } from '../stack/ports.ts'
import { databaseUrl, startPostgres, type PostgresServer } from '../stack/postgres.ts'
import { createAuthority, writeCertificate } from '../support/certificates.ts'
import { afterAll, beforeAll, describe, expect, test } from '../support/explained.ts'
import { orderBody } from '../support/orderBody.ts'
import { temporaryDir } from '../support/servers.ts'
import { runBinary, startService, type RunningService } from '../support/service.ts'
import { until } from '../support/until.ts'

const password = 'app:secret/1'
const dir = temporaryDir('postgres-tls')
const [authority, other] = [createAuthority('database authority'), createAuthority('another authority')]
const files = {
  ca: writeCertificate(dir, 'ca', authority).cert,
  other: writeCertificate(dir, 'other', other).cert,
  client: writeCertificate(dir, 'client', authority.issue('app_cert')),
  stranger: writeCertificate(dir, 'stranger', other.issue('app_cert')),
}
/** Of the test alone: in the clear, which the service's roles may not. */
const access = [
  'host all postgres 127.0.0.1/32 scram-sha-256',
  'hostssl all app_cert 127.0.0.1/32 cert',
  'hostssl all app 127.0.0.1/32 scram-sha-256',
]

const serve = async (name: string, hosts: string[]): Promise<PostgresServer> => {
  const tls = { ...authority.issue(name, { hosts }), ca: authority.cert }
  return startPostgres({ dataDir: join(dir, name), port: await freePort(), tls, access })
}

let here: PostgresServer
let elsewhere: PostgresServer
let plain: PostgresServer

const prepare = async (server: PostgresServer): Promise<void> => {
  const sql = postgres(server.url, { max: 1, onnotice: () => undefined })
  await sql.unsafe(`create role app login password '${password}'`)
  await sql.unsafe('create role app_cert login')
  await sql.unsafe('create database orders owner app')
  await sql.unsafe('grant create on database orders to app_cert')
  await sql.end()
}

beforeAll(async () => {
  here = await serve('here', ['localhost', '127.0.0.1'])
  elsewhere = await serve('elsewhere', ['db.example'])
  plain = await startPostgres({ dataDir: join(dir, 'plain'), port: await freePort() })
  await Promise.all([here, elsewhere, plain].map(prepare))
})
afterAll(() => Promise.all([here, elsewhere, plain].map((server) => server.stop())))

type Options = { server: PostgresServer; query: string; user?: string; host?: string; jdbc?: boolean }
const envOf = ({ server, query, host = 'localhost', jdbc = false, ...options }: Options): Record<string, string> => {
  const user = options.user ?? `app:${encodeURIComponent(password)}`
  const place = `${host}:${new URL(server.url).port}/orders?${query}`
  return {
    ...(jdbc
      ? {
          SPRING_DATASOURCE_URL: `jdbc:postgresql://${place}`,
          SPRING_DATASOURCE_USERNAME: 'app',
          SPRING_DATASOURCE_PASSWORD: password,
        }
      : { DATABASE_URL: `postgres://${user}@${place}` }),
    KAFKA_BOOTSTRAP_SERVERS: '127.0.0.1:1',
    SHUTDOWN_READINESS_DELAY_MS: '0',
    SHUTDOWN_DEADLINE_MS: '2000',
    SERVER_HOST: '127.0.0.1',
  }
}

const dbOf = async (service: RunningService) => {
  const { status, json } = await service.http('/actuator/health')
  const { db } = json['components'] as { db: { status: string; details: { detail: string } } }
  return { code: status, ...db }
}

describe('accepted', () => {
  const cases: [string, () => Options][] = [
    [
      'verify-full: the right authority, the right host name',
      () => ({ server: here, query: `sslmode=verify-full&sslrootcert=${files.ca}` }),
    ],
    [
      'verify-full: the right authority, the right address',
      () => ({ server: here, query: `sslmode=verify-full&sslrootcert=${files.ca}`, host: '127.0.0.1' }),
    ],
    [
      'verify-ca: the right authority, another host name',
      () => ({ server: elsewhere, query: `sslmode=verify-ca&sslrootcert=${files.ca}` }),
    ],
    ['require: any certificate', () => ({ server: elsewhere, query: 'sslmode=require' })],
    [
      'require with a root certificate: as verify-ca',
      () => ({ server: elsewhere, query: `sslmode=require&sslrootcert=${files.ca}` }),
    ],
    ['prefer, the default: encrypted where the server can', () => ({ server: here, query: '' })],
    [
      "JDBC's ssl=true, as verify-full: the right authority, the right host name",
      () => ({ server: here, query: `ssl=true&sslrootcert=${files.ca}`, jdbc: true }),
    ],
    [
      "JDBC's ssl=true with the factory that verifies nothing",
      () => ({ server: elsewhere, query: `ssl=true&sslfactory=org.postgresql.ssl.NonValidatingFactory`, jdbc: true }),
    ],
    [
      'verify-full with several servers, the first of which is away',
      () => ({ server: here, query: `sslmode=verify-full&sslrootcert=${files.ca}`, host: 'localhost:1,localhost' }),
    ],
    [
      'prefer with several servers, the first of which is away',
      () => ({ server: here, query: '', host: 'localhost:1,localhost' }),
    ],
  ]
  test.each(cases)('%s', async (_, options) => {
    await using service = await startService({ env: envOf(options()) })
    expect((await service.post(orderBody())).status).toBe(202)
    expect(await dbOf(service)).toMatchObject({ status: 'UP' })
    const sql = postgres(options().server.url, { max: 1 })
    const rows = await sql`
      select distinct s.ssl, s.version from pg_stat_ssl s join pg_stat_activity a using (pid) where a.application_name = 'orders'`
    await sql.end()
    expect(rows).toEqual([{ ssl: true, version: 'TLSv1.3' }] as never)
  })

  test('a certificate of the client in place of a password', async () => {
    const query = `sslmode=verify-full&sslrootcert=${files.ca}&sslcert=${files.client.cert}&sslkey=${files.client.key}`
    const env = envOf({ server: here, query: `${query}&currentSchema=by_cert`, user: 'app_cert' })
    const sql = postgres(databaseUrl(here.url, 'orders'), { max: 1 })
    await sql`create schema by_cert authorization app_cert`
    await sql.end()
    expect(await runBinary(['migrate'], env)).toMatchObject({ exitCode: 0, err: '' })
    expect(await runBinary(['verify'], env)).toMatchObject({ exitCode: 0, out: '0 orders, 0 fills, 0 violations\n' })
  })

  test('a password in a file', async () => {
    const file = join(dir, 'password')
    writeFileSync(file, `${password}\n`)
    const query = `sslmode=verify-full&sslrootcert=${files.ca}`
    const env = { ...envOf({ server: here, query, user: 'app' }), DATABASE_PASSWORD_FILE: file }
    expect(await runBinary(['migrate'], env)).toMatchObject({ exitCode: 0, err: '' })
  })
})

describe('refused', () => {
  const cases: [string, () => Options, RegExp][] = [
    [
      'verify-full: another authority',
      () => ({ server: here, query: `sslmode=verify-full&sslrootcert=${files.other}` }),
      /^the certificate of the server at localhost:\d+ is not accepted: no trusted authority signed it \(/,
    ],
    [
      'verify-full: an authority that not everybody trusts',
      () => ({ server: here, query: 'sslmode=verify-full&sslrootcert=system' }),
      /^the certificate of the server at localhost:\d+ is not accepted: no trusted authority signed it \(/,
    ],
    [
      'verify-ca: another authority',
      () => ({ server: here, query: `sslmode=verify-ca&sslrootcert=${files.other}` }),
      /^the certificate of the server at localhost:\d+ is not accepted: no trusted authority signed it \(/,
    ],
    [
      'verify-full: another host name',
      () => ({ server: elsewhere, query: `sslmode=verify-full&sslrootcert=${files.ca}` }),
      /^the certificate of the server at localhost:\d+ is not accepted: it is for another host name \(.*db\.example/,
    ],
    [
      'verify-full: another address',
      () => ({ server: elsewhere, query: `sslmode=verify-full&sslrootcert=${files.ca}`, host: '127.0.0.1' }),
      /^the certificate of the server at 127\.0\.0\.1:\d+ is not accepted: it is for another host name/,
    ],
    [
      'require: a server without TLS',
      () => ({ server: plain, query: 'sslmode=require' }),
      /^the server at localhost:\d+ takes no TLS, which sslmode=require asks for$/,
    ],
    [
      "JDBC's ssl=true: an authority that not everybody trusts",
      () => ({ server: here, query: 'ssl=true', jdbc: true }),
      /^the certificate of the server at localhost:\d+ is not accepted: no trusted authority signed it \(/,
    ],
    [
      "JDBC's ssl=true: another host name",
      () => ({ server: elsewhere, query: `ssl=true&sslrootcert=${files.ca}`, jdbc: true }),
      /^the certificate of the server at localhost:\d+ is not accepted: it is for another host name/,
    ],
    [
      'ssl=true in DATABASE_URL: a server without TLS',
      () => ({ server: plain, query: 'ssl=true' }),
      /^the server at localhost:\d+ takes no TLS, which sslmode=verify-full asks for$/,
    ],
    [
      'verify-full with several servers: another authority',
      () => ({ server: here, query: `sslmode=verify-full&sslrootcert=${files.other}`, host: 'localhost:1,localhost' }),
      /^none of the servers takes writes: localhost:1: .*; localhost:\d+: the certificate of the server at localhost:\d+ is not accepted: no trusted authority signed it \(/,
    ],
    [
      'disable: a server that takes nothing in the clear',
      () => ({ server: here, query: 'sslmode=disable' }),
      /^no pg_hba\.conf entry for host "127\.0\.0\.1", user "app", database "orders", no encryption$/,
    ],
    [
      'a wrong password',
      () => ({ server: here, query: 'sslmode=require', user: 'app:wrong' }),
      /^password authentication failed for user "app"$/,
    ],
    [
      'no certificate of the client, where one stands for the password',
      () => ({ server: here, query: 'sslmode=require', user: 'app_cert' }),
      /^connection requires a valid client certificate$/,
    ],
    [
      'a certificate of the client that another authority signed',
      () => ({
        server: here,
        query: `sslmode=require&sslcert=${files.stranger.cert}&sslkey=${files.stranger.key}`,
        user: 'app_cert',
      }),
      /TLSV1_ALERT_UNKNOWN_CA$/,
    ],
  ]
  test.each(cases)('%s; health and log say so in one sentence', async (_, options, message) => {
    await using service = await startService({ env: envOf(options()), wait: 'live' })
    const db = await until(
      async () => {
        const state = await dbOf(service)
        return message.test(state.details.detail) && state.details.detail !== 'not reached yet' && state
      },
      { what: `health says ${String(message)}` },
    )
    expect(db).toMatchObject({ code: 503, status: 'DOWN' })
    expect(String((await service.logged('waiting for postgres'))['error'])).toMatch(message)
    expect((await service.http('/actuator/health/readiness')).status).toBe(503)
    const output = JSON.stringify(service.log) + service.noise() + JSON.stringify(db)
    expect(output).not.toContain(password)
    expect(output).not.toContain(encodeURIComponent(password))
    const migrated = await runBinary(['migrate'], envOf(options()))
    expect(migrated.exitCode).toBe(1)
    expect((JSON.parse(migrated.out.trim().split('\n').at(-1)!) as { error: string }).error).toMatch(message)
  })
})

test('a password that is exchanged on the server and in its file needs no restart', async () => {
  const file = join(dir, 'exchanged')
  writeFileSync(file, password)
  const query = `sslmode=verify-full&sslrootcert=${files.ca}`
  const env = { ...envOf({ server: here, query, user: 'app' }), DATABASE_PASSWORD_FILE: file }
  await using service = await startService({ env })
  expect((await service.post(orderBody())).status).toBe(202)
  const sql = postgres(here.url, { max: 1 })
  try {
    await sql.unsafe("alter role app password 'another'")
    await sql`select pg_terminate_backend(pid) from pg_stat_activity where usename = 'app'`
    await until(async () => (await dbOf(service)).status === 'DOWN', { what: 'the old password is refused' })
    writeFileSync(file, 'another\n')
    await until(async () => (await service.post(orderBody())).status === 202, { what: 'the new password is used' })
  } finally {
    await sql.unsafe(`alter role app password '${password}'`)
    await sql.end()
  }
})

test('a certificate that is no longer accepted while the service runs is a 503, and nothing needs a restart afterwards', async () => {
  const dataDir = join(dir, 'changing')
  const port = await freePort()
  const start = (hosts: string[]) =>
    startPostgres({ dataDir, port, tls: { ...authority.issue('changing', { hosts }), ca: authority.cert }, access })
  let server = await start(['localhost'])
  await prepare(server)
  await using service = await startService({
    env: envOf({ server, query: `sslmode=verify-full&sslrootcert=${files.ca}` }),
  })
  expect((await service.post(orderBody())).status).toBe(202)

  await server.stop()
  server = await start(['db.example'])
  await until(async () => (await dbOf(service)).details.detail.includes('it is for another host name'), {
    what: 'health says that the certificate is another one',
  })
  const refused = await service.post(orderBody())
  expect({ status: refused.status, code: refused.json['code'] }).toEqual({ status: 503, code: 'OVERLOADED' })

  await server.stop()
  server = await start(['localhost'])
  await until(async () => (await service.post(orderBody())).status === 202, { what: 'orders are taken again' })
  expect(await service.stop()).toBeGreaterThanOrEqual(0)
  await server.stop()
})
