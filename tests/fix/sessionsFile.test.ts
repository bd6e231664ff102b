// Proves: a line of the sessions file says who may log on, from where, for whom; a faulty file is refused with one sentence that quotes nothing,
// and changes nothing while the service runs; `orders fix-session` makes a line that works.

import { describe, expect, test } from 'bun:test'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isIn } from '../../src/fix/networks.ts'
import { createSessionsParser, dayOf, isPasswordOf, parseSessions } from '../../src/fix/sessionsFile.ts'
import { watchFile } from '../../src/http/gates/auth/watchedFile.ts'
import { hashOf, newSecret } from '../../src/wire/secret.ts'
import { createTestLog } from '../http/harness.ts'
import { userId } from '../support/orderBody.ts'
import { quietLog } from '../support/quietLog.ts'
import { temporaryDir } from '../support/servers.ts'

const password = newSecret()
const other = 'b0b00000-0000-4000-8000-000000000002'
const plain = {
  id: 'desk',
  sender: 'BROKER1',
  target: 'ORDERS',
  password: hashOf(password),
  user: userId,
  scopes: ['orders:read', 'orders:write'],
}
const line = (changed: object = {}): string => JSON.stringify({ ...plain, ...changed })
const one = (changed: object = {}) => parseSessions(line(changed)).all[0]!

test('a line with nothing optional', () => {
  for (const text of [line(), `\n${line()}\n\n`, `[${line()}]`]) {
    const sessions = parseSessions(text)
    expect(sessions.find('BROKER1', 'ORDERS')).toBe(sessions.all[0]!)
    expect([sessions.find('ORDERS', 'BROKER1'), sessions.find('BROKER1', ''), sessions.find('toString', 'x')]).toEqual([
      null,
      null,
      null,
    ])
    expect(sessions.all[0]).toMatchObject({
      id: 'desk',
      senderCompId: 'BROKER1',
      targetCompId: 'ORDERS',
      certificate: null,
      networks: null,
      user: userId,
      accounts: new Map(),
      scopes: new Set(['orders:read', 'orders:write'] as const),
      reports: 'own',
      idsPerDay: false,
      resetOnLogon: false,
      heartbeat: { minSeconds: 5, maxSeconds: 120 },
      dayStart: '00:00',
    })
  }
  expect(parseSessions('').all).toEqual([])
})

test('a line with everything', () => {
  const session = one({
    password: null,
    certificate: 'broker1.example',
    user: null,
    accounts: { ACC1: userId.toUpperCase(), 'ACC 2': other },
    addresses: ['10.1.0.0/16', '2001:db8::/32', '192.0.2.7'],
    reports: 'all',
    idsPerDay: true,
    resetOnLogon: true,
    heartbeatMinSeconds: 10,
    heartbeatMaxSeconds: 30,
    dayStart: '17:00',
  })
  expect(session).toMatchObject({
    passwordHash: null,
    certificate: 'broker1.example',
    user: null,
    accounts: new Map([
      ['ACC1', userId],
      ['ACC 2', other],
    ]),
    reports: 'all',
    idsPerDay: true,
    resetOnLogon: true,
    heartbeat: { minSeconds: 10, maxSeconds: 30 },
    dayStart: '17:00',
  })
  const within = (peer: string): boolean => isIn(session.networks!, peer)
  for (const peer of ['10.1.255.255', '::ffff:10.1.0.1', '2001:db8:1::9', '192.0.2.7']) expect(within(peer)).toBeTrue()
  for (const peer of ['10.2.0.0', '::ffff:10.2.0.0', '2001:db9::', '192.0.2.8', '::1', '', 'x'])
    expect(within(peer)).toBeFalse()
})

describe('a fault', () => {
  test.each<[string, object]>([
    ['has only id', { pasword: 'x' }],
    ['id must be', { id: 'Desk' }],
    ['id must be', { id: undefined }],
    ['sender must be', { sender: 'A B' }],
    ['sender must be', { sender: '' }],
    ['target must be', { target: 7 }],
    ['password must be', { password: 'secret' }],
    ['needs a password, or a certificate', { password: null }],
    ['certificate must be', { certificate: '' }],
    ['user must be a UUID', { user: 'me' }],
    ['needs a user, or accounts', { user: null }],
    ['needs a user, or accounts', { user: null, accounts: {} }],
    ['accounts must be an object', { accounts: [userId] }],
    ['accounts must have names', { accounts: { '': userId } }],
    ['accounts must have names', { accounts: { A: 'me' } }],
    ['accounts must have a user each', { accounts: { A: userId, B: userId } }],
    ['scopes must be', { scopes: [] }],
    ['scopes must be', { scopes: ['orders:admin'] }],
    ['scopes must be', { scopes: 'orders:read' }],
    ['reports must be', { reports: 'some' }],
    ['idsPerDay must be', { idsPerDay: 'true' }],
    ['resetOnLogon must be', { resetOnLogon: 1 }],
    ['heartbeatMinSeconds must be a whole', { heartbeatMinSeconds: 0 }],
    ['heartbeatMaxSeconds must be a whole', { heartbeatMaxSeconds: 3_601 }],
    ['heartbeatMinSeconds must be at most', { heartbeatMinSeconds: 30, heartbeatMaxSeconds: 10 }],
    ['dayStart must be HH:MM', { dayStart: '24:00' }],
    ...[
      '10.1.0.0/16',
      [],
      ['10.1.0.0/33'],
      ['::/129'],
      ['10.1.0.0/'],
      ['host'],
      ['10.1.0.0/8/8'],
      [7],
      ['fe80::1%eth0'],
    ].map((addresses): [string, object] => ['addresses must be', { addresses }]),
  ])('%s: %j', (fault, changed) => {
    expect(() => parseSessions(`${line({ id: 'first', sender: 'FIRST' })}\n${line(changed)}`)).toThrow(
      `session 2: ${fault}`,
    )
  })

  test('between two lines, or of the text', () => {
    expect(() => parseSessions(`${line()}\n${line({ sender: 'B' })}`)).toThrow('two sessions have one id')
    expect(() => parseSessions(`${line()}\n${line({ id: 'b' })}`)).toThrow('two sessions have one sender and target')
    expect(() => parseSessions(`${line()}\n{`)).toThrow('session 2: is not valid JSON')
    for (const text of ['7', '"x"', 'null', '[[]]']) expect(() => parseSessions(text)).toThrow('session 1: must be')
    const many = Array.from({ length: 1_001 }, (_, n) => line({ id: `s${n}`, sender: `S${n}` })).join('\n')
    expect(() => parseSessions(many)).toThrow('there are more than 1000 sessions')
  })

  test('quotes nothing', () => {
    let message = ''
    try {
      parseSessions(line({ password: password }))
    } catch (error) {
      message = String(error)
    }
    expect(message).toContain('session 1: password must be')
    expect(message).not.toContain(password)
  })
})

test('a password opens its own session alone', () => {
  expect(isPasswordOf(one(), password)).toBeTrue()
  for (const wrong of [null, '', `${password} `, newSecret(), plain.password])
    expect(isPasswordOf(one(), wrong)).toBeFalse()
  expect(isPasswordOf(null, password)).toBeFalse()
  expect(isPasswordOf(one({ password: null, certificate: 'x' }), null)).toBeTrue()
})

test('the day of a session begins at its own time, in the time zone of trading', () => {
  const day = (dayStart: string, at: string, timeZone = 'UTC') => dayOf({ dayStart }, new Date(at), timeZone)
  expect(day('00:00', '2026-01-02T00:00:00.000Z')).toBe('20260102')
  expect(day('00:00', '2026-01-01T23:59:59.999Z')).toBe('20260101')
  expect(day('17:00', '2026-01-02T16:59:59.999Z')).toBe('20260101')
  expect(day('17:00', '2026-01-02T17:00:00.000Z')).toBe('20260102')
  expect(day('17:00', '2026-01-02T21:59:59.999Z', 'America/New_York')).toBe('20260101')
  expect(day('17:00', '2026-01-02T22:00:00.000Z', 'America/New_York')).toBe('20260102')
  expect(day('17:00', '2026-07-02T21:00:00.000Z', 'America/New_York')).toBe('20260702')
})

test('a changed file is in force; a faulty one is not', () => {
  const path = join(temporaryDir('sessions'), 'sessions.jsonl')
  writeFileSync(path, line())
  let now = 0
  const { log } = createTestLog()
  const file = watchFile({ path, setting: 'FIX_SESSIONS_FILE', parse: parseSessions, log, nowMs: () => (now += 2_000) })
  expect(file.current().all.map(({ id }) => id)).toEqual(['desk'])
  writeFileSync(path, `${line()}\n${line({ id: 'second', sender: 'B' })}`)
  expect(file.current().all.map(({ id }) => id)).toEqual(['desk', 'second'])
  writeFileSync(path, '{ "id": 1 }')
  expect(file.current().all.map(({ id }) => id)).toEqual(['desk', 'second'])
})

test('a file that is emptied before it is written anew logs nobody out; a list without sessions does', () => {
  const path = join(temporaryDir('sessions'), 'sessions.jsonl')
  writeFileSync(path, '')
  let now = 0
  const { log, lines } = quietLog()
  const parse = createSessionsParser()
  const file = watchFile({ path, setting: 'FIX_SESSIONS_FILE', parse, log, nowMs: () => (now += 2_000) })
  const ids = () => file.current().all.map(({ id }) => id)
  expect(ids()).toEqual([])
  writeFileSync(path, line())
  expect(ids()).toEqual(['desk'])
  writeFileSync(path, '\n')
  expect(ids()).toEqual(['desk'])
  expect(lines.at(-1)).toMatchObject({
    level: 'error',
    error: 'it is empty: [] says that there is no session any more',
  })
  writeFileSync(path, `${line()}\n${line({ id: 'second', sender: 'B' })}`)
  expect(ids()).toEqual(['desk', 'second'])
  writeFileSync(path, '[]')
  expect(ids()).toEqual([])
})

const run = (...args: string[]) => {
  const { exitCode, stdout, stderr } = Bun.spawnSync([process.execPath, 'src/main.ts', 'fix-session', ...args], {
    cwd: join(import.meta.dir, '../..'),
  })
  return { exitCode, out: stdout.toString(), err: stderr.toString() }
}

describe('orders fix-session', () => {
  test('makes a password and the line that it opens', () => {
    const { exitCode, out } = run('--sender', 'BROKER1', '--user', userId, '--reports', 'all')
    expect(exitCode).toBe(0)
    const [made = '', written = ''] = out.trim().split('\n')
    const session = parseSessions(written).find('BROKER1', 'ORDERS')
    expect(session).toMatchObject({ id: 'broker1', user: userId, reports: 'all' })
    expect(isPasswordOf(session, made)).toBeTrue()
    expect(written).not.toContain(made)
  })
  test.each<[string[], string]>([
    [[], '--sender and --user are required'],
    [['--sender', 'B'], '--sender and --user are required'],
    [['--sender', 'B', '--user', 'me'], 'user must be a UUID'],
    [['--sender', 'A_B', '--user', userId], 'id must be 1 to 40'],
    [['--sender', 'B', '--user', userId, '--scopes', 'orders:admin'], 'scopes must be'],
    [['--sender', 'B', '--user', userId, '--nonsense'], 'nonsense'],
  ])('%j makes none', (args, fault) => {
    const { exitCode, out, err } = run(...args)
    expect({ exitCode, out }).toEqual({ exitCode: 2, out: '' })
    expect(err).toContain(fault)
  })
})
