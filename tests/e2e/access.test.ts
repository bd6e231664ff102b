// Proves: the binary admits only callers that it can identify: by a key of its own command or by a token of keys in a file; its
// log names them, and the port for operators is apart.

import { appendFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { JWTPayload } from 'jose'
import { openSocket } from '../http/socket.ts'
import { freePort } from '../stack/ports.ts'
import { describe, expect, test } from '../support/explained.ts'
import { audience, createKey, issuerName, jwksOf, tokenOf, type IssuerKey } from '../support/issuer.ts'
import { orderBody, userId } from '../support/orderBody.ts'
import { temporaryDir } from '../support/servers.ts'
import { runBinary } from '../support/service.ts'
import { until } from '../support/until.ts'
import { createWorld } from '../support/world.ts'

const makeKey = async (...args: string[]): Promise<{ key: string; line: string }> => {
  const { exitCode, out } = await runBinary(['api-key', ...args])
  expect(exitCode).toBe(0)
  const [key, line, rest] = out.split('\n')
  expect(rest).toBe('')
  return { key: key!, line: line! }
}
const { userId: _, ...terms } = orderBody()

test('a key that the command makes opens the service; nobody else gets in, and no key is in the log', async () => {
  const path = join(temporaryDir('access'), 'keys.jsonl')
  const reader = await makeKey('--subject', userId, '--scopes', 'orders:read', '--id', 'reader')
  const admin = await makeKey('--subject', 'ops', '--scopes', 'orders:admin', '--expires', '2999-01-01T00:00:00Z')
  writeFileSync(path, `${reader.line}\n${admin.line}\n`)
  await using world = await createWorld()
  const service = await world.start({
    env: { AUTH_API_KEYS_FILE: path, LOG_LEVEL: 'debug', RATE_LIMIT_TOTAL_PER_SECOND: '10000' },
  })
  const as = (key: string) => ({ authorization: `Bearer ${key}` })
  expect((await service.post(terms)).status).toBe(401)
  expect((await service.post(terms, as(reader.key))).json).toMatchObject({ code: 'FORBIDDEN' })

  const writer = await makeKey('--subject', userId, '--scopes', 'orders:read,orders:write')
  appendFileSync(path, `${writer.line}\n`)
  await until(async () => (await service.post(terms, { 'x-api-key': writer.key })).status === 202, {
    what: 'the new key is in force',
  })
  const own = await service.http('/orders', { headers: as(reader.key) })
  expect(own.headers.get('ratelimit-policy')).toBe('"total";q=10000;w=1')
  expect(own.json).toMatchObject({ orders: [{ userId, status: 'NEW' }], nextCursor: null })

  expect((await service.http('/metrics')).status).toBe(401)
  expect((await service.http('/metrics', { headers: as(admin.key) })).status).toBe(200)
  // It serves before it has joined the consumer group.
  const health = async () => (await service.http('/actuator/health', { headers: as(admin.key) })).json['status']
  await until(async () => (await health()) === 'UP', { what: 'its health is UP' })
  const document = (await service.http('/openapi.json')).json as { components: Record<string, object> }
  expect(Object.keys(document.components['securitySchemes']!)).toEqual(['key', 'keyHeader'])
  const printed = await runBinary(['openapi'], { AUTH_API_KEYS_FILE: path })
  expect(Object.keys((JSON.parse(printed.out) as typeof document).components)).toContain('securitySchemes')

  expect(await service.stop()).toBe(0)
  const output = JSON.stringify(service.log) + service.noise()
  expect(output).toContain('AUTH_API_KEYS_FILE: the changed file is in force')
  expect(output).not.toContain('authentication is off')
  for (const { key } of [reader, admin, writer]) expect(output).not.toContain(key.slice(-43))
})

test('tokens by keys in a file', async () => {
  const path = join(temporaryDir('access'), 'jwks.json')
  const key = await createKey('k1', 'EdDSA')
  writeFileSync(path, jwksOf(key))
  await using world = await createWorld()
  const service = await world.start({
    env: { AUTH_JWKS_FILE: path, AUTH_JWT_ISSUER: issuerName, AUTH_JWT_AUDIENCE: audience },
  })
  const token = await tokenOf(key, userId, 'orders:write')
  const headers = { authorization: `Bearer ${token}` }
  expect((await service.post(terms, headers)).json).toMatchObject({ userId, status: 'NEW' })
  expect((await service.http('/orders', { headers })).status).toBe(403)
  const other = await createKey('k1', 'EdDSA')
  const forged = { authorization: `Bearer ${await tokenOf(other, userId, 'orders:write')}` }
  expect((await service.post(terms, forged)).status).toBe(401)
})

test('tokens without kid, by whichever of several keys; none of another issuer’s', async () => {
  const path = join(temporaryDir('access'), 'jwks.json')
  const [old, current, stranger] = await Promise.all(['k1', 'k2', 'k3'].map((kid) => createKey(kid, 'RS256')))
  writeFileSync(path, jwksOf(old!, current!))
  await using world = await createWorld()
  const service = await world.start({
    env: { AUTH_JWKS_FILE: path, AUTH_JWT_ISSUER: issuerName, AUTH_JWT_AUDIENCE: audience },
  })
  const statusFor = async (key: IssuerKey) => {
    const token = await tokenOf(key, userId, 'orders:write', { header: { kid: undefined } })
    return (await service.post(terms, { authorization: `Bearer ${token}` })).status
  }
  expect(await statusFor(old!)).toBe(202)
  expect(await statusFor(current!)).toBe(202)
  expect(await statusFor(stranger!)).toBe(401)
})

/** As these issuers write them: `client_id` and no `aud`; `permissions`; roles in an object; `roles`. */
const issuers: [string, { env: Record<string, string>; claims: JWTPayload; lacks: JWTPayload }][] = [
  [
    'Cognito',
    {
      env: { AUTH_JWT_AUDIENCE_CLAIM: 'client_id', AUTH_JWT_SCOPE_CLAIM: 'cognito:groups' },
      claims: { aud: undefined, client_id: audience, 'cognito:groups': ['orders:write'], scope: 'openid' } as never,
      lacks: { client_id: 'another' },
    },
  ],
  [
    'Auth0',
    {
      env: { AUTH_JWT_SCOPE_CLAIM: 'permissions', AUTH_SUBJECT_CLAIM: 'https://orders.example/user' },
      claims: { sub: 'auth0|1', 'https://orders.example/user': userId, permissions: ['orders:write'], scope: 'openid' },
      lacks: { permissions: [['orders:write']] },
    },
  ],
  [
    'Keycloak',
    {
      env: { AUTH_JWT_SCOPE_CLAIM: 'realm_access.roles' },
      claims: { realm_access: { roles: ['offline_access', 'orders:write'] }, scope: 'profile email' },
      lacks: { realm_access: [{ roles: ['orders:write'] }] },
    },
  ],
  [
    'Entra',
    {
      env: { AUTH_JWT_SCOPE_CLAIM: 'roles', AUTH_SUBJECT_CLAIM: 'oid' },
      claims: { sub: 'AAAA-pairwise', oid: userId, roles: ['orders:write'] },
      lacks: { roles: { 0: 'orders:write' } },
    },
  ],
]
test.each(issuers)('tokens as %s writes them', async (_, { env, claims, lacks }) => {
  const path = join(temporaryDir('access'), 'jwks.json')
  const key = await createKey('k1')
  writeFileSync(path, jwksOf(key))
  await using world = await createWorld()
  const service = await world.start({
    env: { AUTH_JWKS_FILE: path, AUTH_JWT_ISSUER: issuerName, AUTH_JWT_AUDIENCE: audience, ...env },
  })
  const post = async (payload: JWTPayload) => {
    const token = await tokenOf(key, userId, '', { claims: payload })
    return service.post(terms, { authorization: `Bearer ${token}` })
  }
  expect((await post(claims)).json).toMatchObject({ userId, status: 'NEW' })
  // What is not in the claims that were named is nowhere: an issuer's own `scope` opens nothing here.
  const lacking = await post({ ...claims, ...lacks, scope: 'orders:write orders:admin' })
  expect([401, 403]).toContain(lacking.status)
})

test.each([
  ['AUTH_JWT_AUDIENCE_CLAIM', 'client id'],
  ['AUTH_JWT_SCOPE_CLAIM', 'realm_access..roles'],
])('%s=%s ends the start with one sentence', async (key, value) => {
  const { exitCode, err } = await runBinary(['serve'], { DATABASE_URL: 'postgres://me@127.0.0.1:1/none', [key]: value })
  expect(exitCode).toBe(2)
  expect(err).toContain(`${key} must be`)
})

test('without any of it the service says at the start that it is open', async () => {
  await using world = await createWorld()
  const service = await world.start()
  expect((await service.logged('authentication is off')).level).toBe('warn')
  expect((await service.post(terms)).status).toBe(400)
  expect((await service.post(orderBody())).status).toBe(202)
})

describe('a file of keys that cannot be used ends the start with one sentence', () => {
  test.each([
    ['that is missing', null, 'no such file'],
    ['that is none', '{"id":', 'key 1: is not valid JSON'],
  ])('%s', async (_, text, fault) => {
    const path = join(temporaryDir('access'), `${crypto.randomUUID()}.jsonl`)
    if (text !== null) writeFileSync(path, text)
    const { exitCode, err } = await runBinary(['serve'], {
      DATABASE_URL: 'postgres://me@127.0.0.1:1/none',
      AUTH_API_KEYS_FILE: path,
    })
    expect(exitCode).toBe(2)
    expect(err).toContain('AUTH_API_KEYS_FILE: the file cannot be used')
    expect(err).toContain(fault)
  })

  test('and so does every other file that cannot be, each in its line', async () => {
    const { exitCode, err } = await runBinary(['serve'], {
      DATABASE_URL: 'postgres://me@127.0.0.1:1/none',
      AUTH_API_KEYS_FILE: '/nowhere/keys',
      SESSION_HOLIDAYS_FILE: '/nowhere/holidays',
      FIX_PORT: '9878',
      FIX_SESSIONS_FILE: '/nowhere/sessions',
    })
    expect(exitCode).toBe(2)
    expect(err).toStartWith('orders: the configuration has 3 faults:\n')
    for (const key of ['AUTH_API_KEYS_FILE', 'SESSION_HOLIDAYS_FILE', 'FIX_SESSIONS_FILE'])
      expect(err).toContain(`  - ${key}: the file cannot be used: `)
  })
})

test.each([
  [[], '--subject and --scopes are required'],
  [['--subject', userId, '--scopes', 'orders:all'], 'scopes must be'],
  [['--subject', 'alice', '--scopes', 'orders:read'], 'subject must be'],
  [['--subject', userId, '--scopes', 'orders:read', '--expires', 'soon'], 'expires must be'],
  [['--subject', userId, '--scopes', 'orders:read', '--id', 'A_b'], '--id must be'],
  [['--nonsense'], 'nonsense'],
])('api-key %j makes none', async (args, fault) => {
  const { exitCode, out, err } = await runBinary(['api-key', ...args])
  expect({ exitCode, out }).toEqual({ exitCode: 2, out: '' })
  expect(err).toContain(fault)
})

test('the port for operators has their routes alone, without credentials, until the very end', async () => {
  await using world = await createWorld()
  const [port, keys] = [await freePort(), join(temporaryDir('access'), 'one.jsonl')]
  const writer = await makeKey('--subject', userId, '--scopes', 'orders:write')
  writeFileSync(keys, `${writer.line}\n`)
  const env = { MANAGEMENT_PORT: String(port), AUTH_API_KEYS_FILE: keys }
  const service = await world.start({ wait: 'nothing', env })
  const health = (...args: string[]) => runBinary(['health', ...args], { ...env, SERVER_PORT: '1' })
  const ask = (path: string) => fetch(`http://127.0.0.1:${port}${path}`)
  await until(async () => (await health('--ready')).exitCode === 0, { what: 'it is ready' })
  for (const path of [
    '/actuator/health',
    '/actuator/info',
    '/metrics',
    '/actuator/prometheus',
    '/actuator/health/liveness',
  ]) {
    expect([path, (await ask(path)).status]).toEqual([path, 200])
    expect([path, (await service.http(path)).status]).toEqual([path, 404])
  }
  for (const path of ['/orders', '/exceptions', '/docs', '/openapi.json'])
    expect([path, (await ask(path)).status]).toEqual([path, 404])
  expect((await service.http('/orders')).status).toBe(401)
  expect(Object.keys((await service.http('/openapi.json')).json['paths'] as object).join()).not.toContain('actuator')

  // A request under way holds the drain up: the port of the others takes no more, this one still answers.
  const head = [
    'POST /orders HTTP/1.1',
    'Host: localhost',
    `X-Api-Key: ${writer.key}`,
    'Content-Type: application/json',
    'Expect: 100-continue',
  ]
  const slow = openSocket(service.port, `${head.join('\r\n')}\r\nContent-Length: 100\r\n\r\n{"ticker":`)
  await slow.heard('100 Continue')
  const stopped = service.stop()
  await until(
    () =>
      service.http('/orders').then(
        () => false,
        () => true,
      ),
    { what: 'the main port is shut' },
  )
  const readiness = await ask('/actuator/health/readiness').catch(() => null)
  expect(readiness === null ? 'gone' : readiness.status).toBe(503)
  await slow.close()
  expect(await stopped).toBe(0)
  expect((await health()).exitCode).toBe(1)
})

test('a port for operators that is taken ends the start with a sentence that names it', async () => {
  await using world = await createWorld()
  const first = await world.start()
  const second = await world.start({ wait: 'nothing', env: { MANAGEMENT_PORT: String(first.port) } })
  expect(await second.exited).toBe(1)
  expect(second.log.at(-1)!.message).toContain('MANAGEMENT_PORT')
})
