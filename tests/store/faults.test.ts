// Proves: every error of Postgres and of the connection is classified by what may be done next.

import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { codeOf, storeFault, type StoreFault } from '../../src/store/faults.ts'
import { createDatabase, type TestDatabase } from '../support/database.ts'
import { failureOf, untilBlocked } from '../support/waiting.ts'

const withCode = (code: unknown): Error => Object.assign(new Error('failed'), { code })

describe('a code is sorted by what may be done next', () => {
  const cases: [StoreFault, string[]][] = [
    ['data', ['22001', '22003', '22021', '22P02', '23502', '23503', '23505', '23514']],
    ['contention', ['40P01', '40001', '55P03', '57014']],
    [
      'unavailable',
      [
        'ECONNREFUSED',
        'ENOTFOUND',
        'CONNECT_TIMEOUT',
        '57P03',
        '25006',
        '42501',
        '54000',
        'TLS_REFUSED',
        '53300',
        '53100',
        '58030',
        '28P01',
        '3D000',
        'XX000',
      ],
    ],
    [
      'unknown',
      [
        'CONNECTION_CLOSED',
        'CONNECTION_ENDED',
        'CONNECTION_DESTROYED',
        'DEADLINE_PASSED',
        'ECONNRESET',
        'EPIPE',
        'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA',
        'ETIMEDOUT',
        '57P01',
        '57P02',
        '57P04',
        '57P05',
        '25P03',
        '25P04',
        '08006',
        '08003',
      ],
    ],
    ['bug', ['42601', '42P01', '42703', '0A000', 'P0001', '25P02', 'UNDEFINED_VALUE', 'ENOENT', '']],
  ]
  for (const [fault, codes] of cases)
    test.each(codes)(`${fault}: %s`, (code) => {
      expect(storeFault(withCode(code))).toBe(fault)
    })
})

test.each(['EHOSTUNREACH', 'ENETUNREACH'])(
  '%s stores nothing where it ends the opening of a connection alone',
  (code) => {
    const failed = (syscall: string): Error => Object.assign(withCode(code), { syscall })
    expect(storeFault(failed('connect'))).toBe('unavailable')
    expect([storeFault(failed('read')), storeFault(failed('write')), storeFault(withCode(code))]).toEqual([
      'unknown',
      'unknown',
      'unknown',
    ])
  },
)

test('an error without a code is a bug', () => {
  for (const error of [new Error('x'), new TypeError('y'), null, undefined, 'text', 7, {}, withCode(7)]) {
    expect(codeOf(error)).toBe('')
    expect(storeFault(error)).toBe('bug')
  }
})

describe('the errors of Postgres:', () => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await createDatabase()
  })
  afterAll(() => database.drop())

  test('a row that breaks a constraint is a data error', async () => {
    const { sql } = database
    await sql`insert into replicas (id, seen_at) values ('00000000-0000-0000-0000-000000000001', now())`
    expect(
      storeFault(
        await failureOf(sql`insert into replicas (id, seen_at) values ('00000000-0000-0000-0000-000000000001', now())`),
      ),
    ).toBe('data')
    expect(
      storeFault(await failureOf(sql`insert into replicas (id, seen_at) values ('not a uuid'::text::uuid, now())`)),
    ).toBe('data')
    expect(storeFault(await failureOf(sql`insert into replicas (id) values (gen_random_uuid())`))).toBe('data')
  })

  test('a lock that is not given in time is contention, and so is a statement that takes too long', async () => {
    const holder = database.session()
    await holder.unsafe('begin; lock table replicas')
    const waiter = database.open({ lockTimeoutMs: 50 })
    expect(storeFault(await failureOf(waiter.run((sql) => sql`select * from replicas`)))).toBe('contention')
    await holder.unsafe('rollback')
    // Not on a pool, which gives a connection up itself where the server is late with its refusal.
    const slow = database.session()
    await slow.unsafe("set statement_timeout = '50ms'")
    expect(storeFault(await failureOf(slow.unsafe('select pg_sleep(60)')))).toBe('contention')
  })

  test('a deadlock is contention', async () => {
    const [one, other] = [database.session(), database.session()]
    await one.unsafe("begin; set deadlock_timeout = '50ms'; lock table replicas")
    await other.unsafe("begin; set deadlock_timeout = '50ms'; lock table relay_leases")
    const first = one.unsafe('lock table relay_leases').then(
      () => null,
      (error: unknown) => error,
    )
    await untilBlocked(database.sql, 'lock table relay_leases')
    const second = other.unsafe('lock table replicas').then(
      () => null,
      (error: unknown) => error,
    )
    const victim = await Promise.race([first.then((error) => error ?? second), second.then((error) => error ?? first)])
    expect(codeOf(victim)).toBe('40P01')
    expect(storeFault(victim)).toBe('contention')
    await Promise.all([one.unsafe('rollback'), other.unsafe('rollback')])
  })

  test('a table or a column that is not there is a bug', async () => {
    expect(storeFault(await failureOf(database.sql`select * from nowhere`))).toBe('bug')
    expect(storeFault(await failureOf(database.sql`select nothing from orders`))).toBe('bug')
  })

  test('a database that does not exist is unavailable: another may be there in a moment', async () => {
    const pool = database.open({}, { ...database.target, url: `${database.url}_gone` })
    expect(storeFault(await failureOf(pool.run((sql) => sql`select 1`)))).toBe('unavailable')
  })
})
