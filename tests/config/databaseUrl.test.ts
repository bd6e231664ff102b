// Proves: the address of the database is read from DATABASE_URL or from an existing deployment's Spring keys; what is honoured is
// used, what is not is named, and no message contains a password.

import { describe, expect, test } from 'bun:test'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import postgres from 'postgres'
import { readDatabaseTarget } from '../../src/config/databaseUrl.ts'
import type { Env } from '../../src/config/env.ts'
import { openSession } from '../../src/store/sql.ts'
import { temporaryDir } from '../support/servers.ts'

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
    expect(read({ DATABASE_URL: ' postgresql://app@db/orders ' }).target?.url).toBe('postgres://app@db:5432/orders')
  })

  test('wins over the Spring keys, all three', () => {
    const env = {
      ...spring('jdbc:postgresql://other/other', 'other', 'other'),
      DATABASE_URL: 'postgres://app:pw@db/orders',
    }
    expect(read(env)).toMatchObject({ target: { url: 'postgres://app:pw@db:5432/orders' }, warnings: [], faults: [] })
  })

  test('that is empty does not count', () => {
    const env = { ...spring('jdbc:postgresql://db/orders', 'app'), DATABASE_URL: '' }
    expect(read(env).target?.url).toBe('postgres://app@db:5432/orders')
  })

  test('honours the parameters too', () => {
    const env = {
      DATABASE_URL: 'postgres://db/orders?user=app&password=p%40w&sslmode=verify-full&application_name=x&pool=3',
    }
    expect(read(env)).toEqual({
      target: {
        url: 'postgres://app:p%40w@db:5432/orders',
        ssl: 'verify-full',
        applicationName: 'x',
        schema: undefined,
      },
      warnings: ['DATABASE_URL: the parameter pool is not used'],
      faults: [],
    })
  })
})

test('a password may be a file, which wins', () => {
  const path = join(temporaryDir('database-url'), 'password')
  writeFileSync(path, 'p@ss/w:ord \n')
  const env = { DATABASE_URL: 'postgres://app:other@db/orders', DATABASE_PASSWORD_FILE: path }
  const { target } = read(env)
  expect(target?.url).toBe('postgres://app:p%40ss%2Fw%3Aord%20@db:5432/orders')
  writeFileSync(path, 'exchanged')
  expect(target?.password?.()).toBe('exchanged')
  writeFileSync(path, '')
  expect(target?.password?.()).toBe('exchanged')
  for (const [text, reason] of [
    ['', 'it is empty'],
    ['hunter2\nhunter3', 'it holds more than one line of text'],
    [Buffer.from('\uFEFFhunter2', 'utf16le'), 'it is UTF-16: write it in UTF-8'],
  ] as const) {
    writeFileSync(path, text)
    expect(read(env).faults).toEqual([`DATABASE_PASSWORD_FILE must be the path of a file with the password: ${reason}`])
  }
  writeFileSync(path, '\uFEFFp@ss/w:ord \r\n')
  expect(read(env).target?.url).toBe('postgres://app:p%40ss%2Fw%3Aord%20@db:5432/orders')
  expect(read({ ...env, DATABASE_PASSWORD_FILE: '/nowhere/hunter2' }).faults).toEqual([
    'DATABASE_PASSWORD_FILE must be the path of a file with the password: there is no such file',
  ])
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
        url: 'postgres://app:p%26w@db:5432/orders',
        ssl: 'require',
        applicationName: 'my orders',
        schema: 'trading',
      },
      warnings: [],
      faults: [],
    })
  })

  test('warn of every other parameter, once each, by name', () => {
    const url =
      'jdbc:postgresql://db/orders?reWriteBatchedInserts=true&prepareThreshold=1&prepareThreshold=2&socketTimeout=hunter2'
    expect(read(spring(url, 'app')).warnings).toEqual([
      'SPRING_DATASOURCE_URL: the parameter reWriteBatchedInserts is not used',
      'SPRING_DATASOURCE_URL: the parameter prepareThreshold is not used',
      'SPRING_DATASOURCE_URL: the parameter socketTimeout is not used: DB_STATEMENT_TIMEOUT_MS is the key for it',
    ])
  })

  test('that are empty do not hide those of the URL', () => {
    expect(read(spring('jdbc:postgresql://db/orders?user=app&password=pw', '', '')).target?.url).toBe(
      'postgres://app:pw@db:5432/orders',
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

describe('several servers', () => {
  const choices = [
    { host: 'db1', port: 5432 },
    { host: 'fe80::2', port: 6432 },
  ]
  test.each(['', '?targetServerType=primary', '?target_session_attrs=read-write', '?targetServerType=any'])(
    'are the choice for the one that takes writes%s',
    (query) => {
      const direct = read({ DATABASE_URL: `postgres://app:p%40w@db1,[fe80::2]:6432/orders${query}` })
      expect(direct).toMatchObject({ target: { url: 'postgres://app:p%40w@db1:5432/orders', choices }, faults: [] })
      const { target, faults } = read(spring(`jdbc:postgresql://db1:5432,[fe80::2]:6432/orders${query}`, 'app'))
      expect({ target, faults }).toMatchObject({ target: { choices }, faults: [] })
    },
  )

  test('a single host is a choice too if it must be the primary', () => {
    const of = (query: string) => read({ DATABASE_URL: `postgres://app@db/orders${query}` }).target?.choices
    expect(of('?targetServerType=master')).toEqual([{ host: 'db', port: 5432 }])
    expect(of('?target_session_attrs=any')).toBeUndefined()
    expect(of('')).toBeUndefined()
  })

  test.each(['targetServerType=secondary', 'targetServerType=preferSecondary', 'target_session_attrs=standby'])(
    '%s is no place for a service that writes',
    (query) => {
      expect(read({ DATABASE_URL: `postgres://app@db1,db2/orders?${query}` }).faults).toEqual([
        `DATABASE_URL: ${query.split('=')[0]} must be primary: this service writes`,
      ])
    },
  )
})

describe('the forms of an address', () => {
  const local = 'postgres://app@localhost:5432/orders'
  test.each([
    ['jdbc:postgresql:orders', local],
    ['jdbc:postgresql:///orders', local],
    ['jdbc:postgresql:orders?user=x', local],
    ['jdbc:postgresql://db/orders', 'postgres://app@db:5432/orders'],
    ['jdbc:postgresql://db:6432/orders', 'postgres://app@db:6432/orders'],
    ['jdbc:postgresql://[::1]:6432/orders', 'postgres://app@[::1]:6432/orders'],
    ['jdbc:postgresql://db/my%20orders', 'postgres://app@db:5432/my%20orders'],
    ['jdbc:postgresql://db/my+orders', 'postgres://app@db:5432/my%20orders'],
    ['jdbc:postgresql://db/orders?password=a%23b', 'postgres://app:a%23b@db:5432/orders'],
    ['jdbc:postgresql://db/orders?password=a#b+c', 'postgres://app:a%23b%20c@db:5432/orders'],
  ])('%s', (url, expected) => {
    expect(read(spring(url, 'app'))).toMatchObject({ target: { url: expected }, faults: [] })
  })

  test.each([
    ['postgres://app@db/my%20orders', 'postgres://app@db:5432/my%20orders'],
    ['postgres://app@db/%D0%B7%2F%3F', 'postgres://app@db:5432/%D0%B7%2F%3F'],
    ['postgres://app@[2001:db8::1]/orders', 'postgres://app@[2001:db8::1]:5432/orders'],
    ['postgres://app:a+b@db/orders', 'postgres://app:a%2Bb@db:5432/orders'],
    ['postgres://db/orders?user=app&password=a+b', 'postgres://app:a%2Bb@db:5432/orders'],
    ['postgres://app:p@ss@db/orders', 'postgres://app:p%40ss@db:5432/orders'],
  ])('%s', (url, expected) => {
    expect(read({ DATABASE_URL: url })).toMatchObject({ target: { url: expected }, faults: [] })
  })

  test('a percent-encoded database reaches the driver decoded', async () => {
    const sql = openSession(read({ DATABASE_URL: 'postgres://app@db/my%20%D0%B7%2Forders' }).target!, 1_000)
    expect(sql.options.database).toBe('my з/orders')
    await sql.end()
  })

  test('options are handed to the server', () => {
    expect(read({ DATABASE_URL: 'postgres://app@db/orders?options=-c%20geqo%3Doff' })).toMatchObject({
      target: { options: '-c geqo=off' },
      warnings: [],
      faults: [],
    })
  })
})

describe('a file of variables with the line ends of Windows', () => {
  test('gives the same as one without, passwords included', () => {
    const file = join(temporaryDir('crlf'), 'password')
    writeFileSync(file, 'from a file\r\n')
    const environments: Env[] = [
      { DATABASE_URL: 'postgres://app:pw@db/orders?currentSchema=trading' },
      spring('jdbc:postgresql://db/orders?ssl=true', 'app', ' p w '),
      { ...spring('jdbc:postgresql://db/orders', 'app', ''), DATABASE_PASSWORD_FILE: file },
    ]
    const readAll = (env: Env) => {
      const { target, ...rest } = read(env)
      return { ...rest, target: { ...target, password: target?.password?.() } }
    }
    for (const env of environments) {
      for (const end of ['\r', '\n', '\r\n']) {
        const ends = Object.fromEntries(Object.entries(env).map(([key, value]) => [key, `${value ?? ''}${end}`]))
        expect(readAll(ends)).toEqual(readAll(env))
        expect(read(ends).faults).toEqual([])
      }
    }
  })

  test('a carriage return within a password is a fault', () => {
    expect(read(spring('jdbc:postgresql://db/orders', 'app', 'hun\rter2')).faults).toEqual([
      'SPRING_DATASOURCE_PASSWORD must be one line of text',
    ])
  })
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
    'postgres://app:hunter2@db/orders?sslmode=verify-full#hunter2',
    'postgres://app:hunter2@db/or%00ders',
    'postgres://app%0Auser:hunter2@db/orders',
    'postgres://app:hunter2@db1,/orders',
    'postgres://app:hunter2@db1:5432:5433/orders',
    'postgres://app:hunter2@[::1/orders',
    'postgres://app:hunter2@%2Fvar%2Frun%2Fpostgresql/orders',
    'postgres:///orders',
    'jdbc:postgresql://db/orders?password=hunter2',
  ])('DATABASE_URL=%s', (url) => {
    expect(read({ DATABASE_URL: url })).toEqual({ target: null, warnings: [], faults: [form] })
  })

  test.each([
    'jdbc:mysql://db/orders?password=hunter2',
    'jdbc:postgresql:',
    'jdbc:postgresql:///',
    'jdbc:postgresql://db/',
    'jdbc:postgresql://db/?user=hunter2',
    'jdbc:postgresql://db1:5432,:5432/orders?password=hunter2',
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
