// Promises checked here: the address of the database, as DATABASE_URL or as an existing deployment's Spring keys; what is honoured is used,
// what is not is named, and no password is ever in a message.

import { describe, expect, test } from 'bun:test'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import postgres from 'postgres'
import { readDatabaseTarget } from '../src/databaseUrl.ts'
import type { Env } from '../src/env.ts'
import { createAuthority, writeCertificate } from './support/certificates.ts'
import { temporaryDir } from './support/servers.ts'

const read = (env: Env) => {
  const faults: string[] = []
  return { ...readDatabaseTarget(env, faults), faults }
}
const spring = (url: string, user?: string, password?: string): Env => ({
  SPRING_DATASOURCE_URL: url,
  SPRING_DATASOURCE_USERNAME: user,
  SPRING_DATASOURCE_PASSWORD: password,
})
const plain = { ssl: 'prefer', applicationName: 'orders', schema: undefined } as const

describe('DATABASE_URL', () => {
  test('is taken as it is', () => {
    expect(read({ DATABASE_URL: 'postgres://app:hunter2@db.example:5433/orders' })).toEqual({
      target: { ...plain, url: 'postgres://app:hunter2@db.example:5433/orders' },
      warnings: [],
      faults: [],
    })
  })

  test('may be called postgresql, and need no port and no password', () => {
    expect(read({ DATABASE_URL: ' postgresql://app@db/orders ' }).target?.url).toBe('postgres://app@db/orders')
  })

  test('wins over the Spring keys, all three', () => {
    const env = {
      ...spring('jdbc:postgresql://other/other', 'other', 'other'),
      DATABASE_URL: 'postgres://app:pw@db/orders',
    }
    expect(read(env)).toMatchObject({ target: { url: 'postgres://app:pw@db/orders' }, warnings: [], faults: [] })
  })

  test('that is empty does not count', () => {
    const env = { ...spring('jdbc:postgresql://db/orders', 'app'), DATABASE_URL: '' }
    expect(read(env).target?.url).toBe('postgres://app@db/orders')
  })

  test('honours the parameters too', () => {
    const env = {
      DATABASE_URL: 'postgres://db/orders?user=app&password=p%40w&sslmode=verify-full&application_name=x&pool=3',
    }
    expect(read(env)).toEqual({
      target: { url: 'postgres://app:p%40w@db/orders', ssl: 'verify-full', applicationName: 'x', schema: undefined },
      warnings: ['DATABASE_URL: the parameter pool is not used'],
      faults: [],
    })
  })
})

describe('certificates', () => {
  const dir = temporaryDir('database-url')
  const authority = createAuthority('database authority')
  const ca = writeCertificate(dir, 'ca', authority)
  const client = writeCertificate(dir, 'client', authority.issue('app'))
  const of = (query: string, key = 'DATABASE_URL') =>
    read(
      key === 'DATABASE_URL'
        ? { DATABASE_URL: `postgres://app@db/orders?${query}` }
        : spring(`jdbc:postgresql://db/orders?${query}`, 'app'),
    )
  const both = `sslcert=${client.cert}&sslkey=${client.key}`

  test.each(['DATABASE_URL', 'SPRING_DATASOURCE_URL'])('are read from the files that %s names', (from) => {
    expect(of(`sslmode=verify-full&sslrootcert=${ca.cert}&${both}`, from)).toMatchObject({
      target: { ssl: 'verify-full', certificates: { ca: authority.cert, cert: expect.stringContaining('BEGIN') } },
      warnings: [],
      faults: [],
    })
  })

  test('with require are verified where there is an authority, as libpq does', () => {
    expect(of(`sslmode=require&sslrootcert=${ca.cert}`).target).toMatchObject({ ssl: 'verify-ca' })
    expect(of('sslmode=require').target).toMatchObject({ ssl: 'require' })
    expect(of('sslmode=verify-full&sslrootcert=system')).toMatchObject({ target: { ssl: 'verify-full' }, faults: [] })
  })

  test.each([
    [
      `sslrootcert=${ca.cert}`,
      'sslrootcert has no effect with sslmode=prefer: it needs sslmode=require, verify-ca, verify-full',
    ],
    [
      `sslmode=disable&sslkey=${client.key}`,
      'sslkey has no effect with sslmode=disable: it needs sslmode=require, verify-ca, verify-full',
    ],
    ['sslmode=verify-ca', 'sslmode=verify-ca needs sslrootcert'],
    ['sslmode=require&sslrootcert=system', 'sslrootcert=system needs sslmode=verify-full'],
    [
      'sslmode=verify-full&sslrootcert=/nowhere/hunter2',
      'sslrootcert must be the path of a PEM file: there is no such file',
    ],
    [`sslmode=verify-full&sslrootcert=${dir}`, 'sslrootcert must be the path of a PEM file: it is a folder'],
    [
      `sslmode=verify-full&sslrootcert=${client.key}`,
      'sslrootcert must be the path of a PEM file: it holds no certificate in PEM',
    ],
    [
      `sslmode=require&sslcert=${client.cert}&sslkey=${ca.cert}`,
      'sslkey must be the path of a PEM file: it holds no private key in PEM, or one with a passphrase',
    ],
    [`sslmode=require&sslcert=${client.cert}`, 'sslcert and sslkey go together'],
    [`sslmode=require&sslkey=${client.key}`, 'sslcert and sslkey go together'],
    [`sslmode=require&sslcert=${client.cert}&sslkey=${ca.key}`, 'sslkey must be the key of sslcert'],
  ])('that have no use stop the start: %#', (query, fault) => {
    expect(of(query).faults).toEqual([`DATABASE_URL: ${fault}`])
  })

  test('a password may be a file, which wins', () => {
    const path = join(dir, 'password')
    writeFileSync(path, 'p@ss/w:ord \n')
    const env = { DATABASE_URL: 'postgres://app:other@db/orders', DATABASE_PASSWORD_FILE: path }
    expect(read(env).target?.url).toBe('postgres://app:p%40ss%2Fw%3Aord%20@db/orders')
    for (const [text, reason] of [
      ['', 'it is empty'],
      ['hunter2\nhunter3', 'it holds more than one line of text'],
    ] as const) {
      writeFileSync(path, text)
      expect(read(env).faults).toEqual([
        `DATABASE_PASSWORD_FILE must be the path of a file with the password: ${reason}`,
      ])
    }
    expect(read({ ...env, DATABASE_PASSWORD_FILE: '/nowhere/hunter2' }).faults).toEqual([
      'DATABASE_PASSWORD_FILE must be the path of a file with the password: there is no such file',
    ])
  })
})

describe('the Spring keys', () => {
  test('of an existing deployment keep working', () => {
    expect(read(spring('jdbc:postgresql://db:5432/orders', 'app', 'hunter2'))).toEqual({
      target: { ...plain, url: 'postgres://app:hunter2@db:5432/orders' },
      warnings: [],
      faults: [],
    })
  })

  test('honour user, password, sslmode, currentSchema and ApplicationName', () => {
    const url =
      'jdbc:postgresql://db/orders?user=app&password=p%26w&sslmode=require&currentSchema=trading&ApplicationName=my+orders'
    expect(read(spring(url))).toEqual({
      target: {
        url: 'postgres://app:p%26w@db/orders',
        ssl: 'require',
        applicationName: 'my orders',
        schema: 'trading',
      },
      warnings: [],
      faults: [],
    })
  })

  test('warn of every other parameter, once each, by name', () => {
    const url = 'jdbc:postgresql://db/orders?reWriteBatchedInserts=true&ssl=true&ssl=false&socketTimeout=hunter2'
    expect(read(spring(url, 'app')).warnings).toEqual([
      'SPRING_DATASOURCE_URL: the parameter reWriteBatchedInserts is not used',
      'SPRING_DATASOURCE_URL: the parameter ssl is not used',
      'SPRING_DATASOURCE_URL: the parameter socketTimeout is not used',
    ])
  })

  test('that are empty do not hide those of the URL', () => {
    expect(read(spring('jdbc:postgresql://db/orders?user=app&password=pw', '', '')).target?.url).toBe(
      'postgres://app:pw@db/orders',
    )
  })

  test.each(['p@ss/w:ord%#?&=+', ' leading and trailing ', '%41', 'ключ', 'quote\'"\\', '{}[]|^`<>'])(
    'take any user and any password, such as %p, and the driver gets it back',
    async (secret) => {
      const user = secret.trim()
      const { target, faults } = read(spring('jdbc:postgresql://db:5433/orders', secret, secret))
      expect(faults).toEqual([])
      const sql = postgres(target!.url)
      expect(sql.options).toMatchObject({ user, pass: secret, host: ['db'], port: [5433], database: 'orders' })
      await sql.end()
    },
  )
})

describe('an address that cannot be used', () => {
  const form =
    'DATABASE_URL must have the form postgres://user:password@host:port/database, special characters percent-encoded'
  const jdbcForm = 'SPRING_DATASOURCE_URL must have the form jdbc:postgresql://host:port/database'

  test.each([
    'mysql://app:hunter2@db/orders',
    'app:hunter2@db/orders',
    'postgres://app:hunter2@db',
    'postgres://app:hunter2@db/',
    'postgres://app:hunter2@/orders',
    'postgres://app:hunter2@db:99999/orders',
    'postgres://app:hunter2@db:port/orders',
    'postgres://app:hunter2#x@db/orders',
    'postgres://app:hunter2/x@db/orders',
    'postgres://app:hunter2%zz@db/orders',
    'jdbc:postgresql://db/orders?password=hunter2',
  ])('DATABASE_URL=%s', (url) => {
    expect(read({ DATABASE_URL: url })).toEqual({ target: null, warnings: [], faults: [form] })
  })

  test.each([
    'jdbc:mysql://db/orders?password=hunter2',
    'jdbc:postgresql:orders',
    'jdbc:postgresql://db1:5432,db2:5432/orders?password=hunter2',
    'postgres://app:hunter2@db/orders',
    'jdbc:postgresql://db',
  ])('SPRING_DATASOURCE_URL=%s', (url) => {
    expect(read(spring(url, 'app', 'hunter2'))).toEqual({ target: null, warnings: [], faults: [jdbcForm] })
  })

  test('none at all', () => {
    const missing = 'DATABASE_URL (or SPRING_DATASOURCE_URL) is required: postgres://user:password@host:port/database'
    expect(read({}).faults).toEqual([missing])
    expect(read({ SPRING_DATASOURCE_USERNAME: 'app', SPRING_DATASOURCE_PASSWORD: 'hunter2' }).faults).toEqual([missing])
  })

  test('two faults of it are both listed', () => {
    expect(read({ DATABASE_URL: 'postgres://db/orders?sslmode=maybe&password=hunter2' }).faults).toEqual([
      'DATABASE_URL: sslmode must be one of disable, allow, prefer, require, verify-ca, verify-full',
      'DATABASE_URL names no user',
    ])
  })
})

test('no message holds a password', () => {
  const secret = 'hunter2'
  const urls = [
    `postgres://app:${secret}@db/orders?x=${secret}&sslmode=${secret}`,
    `postgres://${secret}`,
    secret,
    `jdbc:postgresql://db/orders?password=${secret}&sslmode=${secret}&other=${secret}`,
  ]
  for (const url of urls)
    for (const env of [{ DATABASE_URL: url }, spring(url, secret, secret)]) {
      const { faults, warnings } = read(env)
      expect([...faults, ...warnings].join('\n')).not.toContain(secret)
    }
})
