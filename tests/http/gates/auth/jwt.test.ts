// Proves: a token is good only if every part of it is; a good one is verified once as long as the keys are the same; whatever is
// sent, the issuer is asked within bounds, and its absence takes nobody's access away.

import { afterAll, beforeEach, describe, expect, test } from 'bun:test'
import { renameSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { JWTPayload } from 'jose'
import type { Scope } from '../../../../src/app/caller.ts'
import type { Algorithm } from '../../../../src/http/gates/auth/algorithms.ts'
import { createTokenCheck, type JwtOptions, type TokenCheck } from '../../../../src/http/gates/auth/jwt.ts'
import { parseKeySet } from '../../../../src/http/gates/auth/keySet.ts'
import { keysFromFile, keysFromUrl, type KeySource } from '../../../../src/http/gates/auth/keySource.ts'
import { keysTriedMax } from '../../../../src/http/gates/auth/signature.ts'
import {
  audience,
  createKey,
  issuerName,
  jwksOf,
  startKeyServer,
  tokenOf,
  type IssuerKey,
} from '../../../support/issuer.ts'
import { temporaryDir } from '../../../support/servers.ts'
import { createTestLog } from '../../harness.ts'

const user = '6f1c2f52-3a39-4c3e-9d44-0d7a0a6a7c11'
const [key, other] = [await createKey('k1'), await createKey('k2')]
const server = startKeyServer(jwksOf(key))
afterAll(() => server.stop())

let clockMs = 0
let { log, lines } = createTestLog()
beforeEach(() => {
  clockMs = 0
  ;({ log, lines } = createTestLog())
  server.answer(() => new Response(jwksOf(key)))
})

const wholeLog = () => ({
  ...log,
  rarely: (level: 'error' | 'warn' | 'info' | 'debug', _: string, message: string) => log[level](message),
})
const urlSource = (timeoutMs = 30_000, { url }: { url: string } = server): KeySource =>
  keysFromUrl({
    url,
    ageMaxMs: 600_000,
    cooldownMs: 30_000,
    timeoutMs,
    log: wholeLog(),
    nowMs: () => clockMs,
  })
const fixed = (text = jwksOf(key)): KeySource => {
  const set = parseKeySet(text)
  return { current: () => Promise.resolve({ set, generation: 0 }), renew: () => Promise.resolve(), generation: () => 0 }
}
const checkOf = (changed: Partial<JwtOptions> = {}): TokenCheck =>
  createTokenCheck({
    keys: fixed(),
    algorithms: ['ES256'],
    issuer: issuerName,
    audience,
    audienceClaim: ['aud'],
    scopeClaims: [['scope'], ['scp'], ['scopes']],
    subjectClaim: 'sub',
    clockToleranceSeconds: 5,
    cacheTokensMax: 100,
    cacheAgeMaxMs: 300_000,
    nowMs: Date.now,
    ...changed,
  })
const outcome = async (check: TokenCheck, token: string): Promise<string> => {
  const verdict = await check.check(token)
  return verdict.ok ? 'ok' : verdict.refusal
}

describe('a token', () => {
  test('that is good names its caller', async () => {
    const exp = Math.floor(Date.now() / 1000) + 60
    const token = await tokenOf(key, user.toUpperCase(), 'orders:read other orders:write', { claims: { exp } })
    const check = checkOf()
    const verdict = await check.check(token)
    expect(check.cached(token)).toEqual(verdict)
    expect(verdict).toEqual({
      ok: true,
      caller: { subject: user, userId: user, scopes: new Set(['orders:read', 'orders:write']), credential: 'jwt' },
      // Its `exp`, and the tolerance for clocks that differ.
      expiresAtMs: (exp + 5) * 1000,
    })
  })

  test.each<[string, JWTPayload]>([
    ['scope', { scope: 'orders:read' }],
    ['scp as a list', { scope: undefined, scp: ['orders:read'] }],
    ['scp as text', { scope: undefined, scp: 'orders:read openid' }],
    ['scopes', { scope: undefined, scopes: ['orders:read', 7] }],
  ])('has its scopes in %s', async (_, claims) => {
    const verdict = await checkOf().check(await tokenOf(key, user, '', { claims }))
    expect(verdict.ok && [...verdict.caller.scopes]).toEqual(['orders:read'])
  })

  test.each<Algorithm>(['RS256', 'PS256', 'ES256', 'EdDSA', 'Ed25519', 'ES384'])('may be signed by %s', async (alg) => {
    const own = await createKey('own', alg)
    const check = checkOf({ keys: fixed(jwksOf(own)), algorithms: [alg] })
    expect(await outcome(check, await tokenOf(own, user, 'orders:read'))).toBe('ok')
    const narrow = checkOf({ keys: fixed(jwksOf(own)), algorithms: ['RS512'] })
    expect(await outcome(narrow, await tokenOf(own, user, 'orders:read'))).toBe('invalid')
  })

  test.each<[string, string, Parameters<typeof tokenOf>[3]]>([
    ['of another issuer', 'invalid', { claims: { iss: 'https://evil.example' } }],
    ['without an issuer', 'invalid', { claims: { iss: undefined } as never }],
    ['for another service', 'invalid', { claims: { aud: 'billing' } }],
    ['without an audience', 'invalid', { claims: { aud: undefined } as never }],
    ['that ended', 'expired', { expiresIn: -60 }],
    ['that never ends', 'invalid', { expiresIn: null }],
    ['that does not begin yet', 'invalid', { claims: { nbf: Math.floor(Date.now() / 1000) + 60 } }],
    ['whose end is no number', 'invalid', { claims: { exp: 'never' } as never }],
  ])('%s is refused', async (_, refusal, wanted) => {
    expect(await outcome(checkOf(), await tokenOf(key, user, 'orders:read', wanted))).toBe(refusal)
  })

  test('may be off by the tolerance of clocks, and no more', async () => {
    const ended = (seconds: number) => tokenOf(key, user, 'orders:read', { expiresIn: -seconds })
    expect(await outcome(checkOf(), await ended(3))).toBe('ok')
    expect(await outcome(checkOf(), await ended(8))).toBe('expired')
    expect(await outcome(checkOf({ clockToleranceSeconds: 0 }), await ended(3))).toBe('expired')
  })

  test('names a user, unless it is an administrator’s', async () => {
    expect(await outcome(checkOf(), await tokenOf(key, 'alice', 'orders:read'))).toBe('subject')
    expect(await outcome(checkOf(), await tokenOf(key, null, 'orders:admin'))).toBe('subject')
    const admin = await checkOf().check(await tokenOf(key, 'alice', 'orders:admin'))
    expect(admin).toMatchObject({ ok: true, caller: { subject: 'alice', userId: null } })
    const claimed = checkOf({ subjectClaim: 'uid' })
    expect(await outcome(claimed, await tokenOf(key, 'alice', 'orders:read', { claims: { uid: user } }))).toBe('ok')
  })
})

/** What the verdict cost; 0 for a token that is good. */
const costOf = async (check: TokenCheck, token: string): Promise<number> => {
  const verdict = await check.check(token)
  return verdict.ok ? 0 : verdict.cost
}

describe('a token that names no key', () => {
  const many = Promise.all(Array.from({ length: keysTriedMax + 1 }, (_, n) => createKey(`m${n}`)))
  const unnamed = (by: IssuerKey, wanted: Parameters<typeof tokenOf>[3] = {}) =>
    tokenOf(by, user, 'orders:read', { ...wanted, header: { kid: undefined } })

  test('is good where any of several keys of its type signed it', async () => {
    const check = checkOf({ keys: fixed(jwksOf(key, other, await createKey('rsa', 'RS256'))) })
    for (const by of [key, other]) expect(await outcome(check, await unnamed(by))).toBe('ok')
    // The same where the issuer gave two keys one name.
    const twins = checkOf({ keys: fixed(jwksOf(key, { ...other, jwk: { ...other.jwk, kid: key.kid } })) })
    expect(await outcome(twins, await tokenOf({ ...other, kid: key.kid }, user, 'orders:read'))).toBe('ok')
  })

  test('and one that names a key, where the set gives its keys no names', async () => {
    const bare = (own: IssuerKey): IssuerKey => ({ ...own, jwk: { ...own.jwk, kid: undefined } as never })
    const check = checkOf({ keys: fixed(jwksOf(bare(key), bare(other))) })
    for (const by of [key, other]) expect(await outcome(check, await tokenOf(by, user, 'orders:read'))).toBe('ok')
    expect(await costOf(check, await tokenOf(await createKey('k1'), user, 'orders:read'))).toBe(2)
    // A key that has the name is the one; the others are not tried instead.
    const mixed = checkOf({ keys: fixed(jwksOf(key, bare(other))) })
    expect(await outcome(mixed, await tokenOf({ ...other, kid: 'k9' }, user, 'orders:read'))).toBe('ok')
    expect(await costOf(mixed, await tokenOf({ ...other, kid: key.kid }, user, 'orders:read'))).toBe(1)
    // Nor is a key of another type.
    const rsa = checkOf({ keys: fixed(jwksOf(bare(await createKey('rsa', 'RS256')))) })
    expect(await outcome(rsa, await tokenOf(key, user, 'orders:read'))).toBe('invalid')
  })

  test('is held to everything else as any', async () => {
    const check = checkOf({ keys: fixed(jwksOf(key, other)) })
    expect(await outcome(check, await unnamed(other, { expiresIn: -60 }))).toBe('expired')
    expect(await outcome(check, await unnamed(other, { claims: { aud: 'billing' } }))).toBe('invalid')
    expect(await outcome(check, await unnamed(other, { claims: { iss: 'https://evil.example' } }))).toBe('invalid')
    expect(await outcome(check, await unnamed(await createKey('k1')))).toBe('invalid')
  })

  test('is tried with a few keys and no more, and says what it cost', async () => {
    const keys = await many
    const check = checkOf({ keys: fixed(jwksOf(...keys)) })
    expect(await outcome(check, await unnamed(keys[keysTriedMax - 1]!))).toBe('ok')
    expect(await costOf(check, await unnamed(keys[keysTriedMax]!))).toBe(keysTriedMax)
    expect(await costOf(check, await unnamed(await createKey('x')))).toBe(keysTriedMax)
    // One that names its key is tried with that alone, and one that is found stops the search.
    expect(await costOf(check, await tokenOf({ ...other, kid: 'm3' }, user, 'orders:read'))).toBe(1)
    expect(await costOf(check, await unnamed(keys[1]!, { expiresIn: -60 }))).toBe(2)
  })

  test('finds a key that was added since, and a flood of them asks at most once a cooldown', async () => {
    const check = checkOf({ keys: urlSource() })
    expect(await outcome(check, await tokenOf(key, user, 'orders:read'))).toBe('ok')
    server.answer(() => new Response(jwksOf(key, other)))
    const token = await unnamed(other)
    expect(await outcome(check, token)).toBe('invalid')
    clockMs += 30_001
    const before = server.requests()
    expect(await outcome(check, token)).toBe('ok')
    const stranger = await createKey('x')
    for (let n = 0; n < 20; n++)
      expect(await outcome(check, await unnamed(stranger, { claims: { n } }))).toBe('invalid')
    expect(server.requests() - before).toBe(1)
  })

  test('is known without work afterwards, while the keys are the same', async () => {
    const check = checkOf({ keys: urlSource() })
    server.answer(() => new Response(jwksOf(key, other)))
    const token = await unnamed(other)
    expect(await outcome(check, token)).toBe('ok')
    expect(check.cached(token)).toMatchObject({ ok: true })
    server.answer(() => new Response(jwksOf(key)))
    clockMs += 600_001
    await check.check(await tokenOf(key, user, 'orders:read'))
    expect(check.cached(token)).toBeNull()
    expect(await outcome(check, token)).toBe('invalid')
  })
})

describe('the claims of other issuers', () => {
  const claimed = (claims: Record<string, unknown>) =>
    tokenOf(key, user, '', { claims: { aud: undefined, scope: undefined, ...claims } as never })

  test.each<[string, Record<string, unknown>, string]>([
    ['text', { client_id: audience }, 'ok'],
    ['a list', { client_id: ['billing', audience] }, 'ok'],
    ['nothing', {}, 'invalid'],
    ['another', { client_id: 'billing' }, 'invalid'],
    ['null', { client_id: null }, 'invalid'],
    ['a number', { client_id: 7 }, 'invalid'],
    ['an object', { client_id: { 0: audience, length: 1 } }, 'invalid'],
    ['a list of objects', { client_id: [{ id: audience }] }, 'invalid'],
    ['the claim aud instead', { aud: audience }, 'invalid'],
    ['a claim of no own', { __proto__: { client_id: audience } }, 'invalid'],
  ])('an audience in client_id: %s', async (_, claims, expected) => {
    const check = checkOf({ audienceClaim: ['client_id'] })
    expect(await outcome(check, await claimed({ scope: 'orders:read', ...claims }))).toBe(expected)
  })

  test.each<[string, Record<string, unknown>, Scope[]]>([
    ['a list', { realm_access: { roles: ['orders:read', 'x'] } }, ['orders:read']],
    ['text', { realm_access: { roles: 'x orders:read' } }, ['orders:read']],
    ['nothing', {}, []],
    ['the claim scope instead', { scope: 'orders:read' }, []],
    ['text where the object should be', { realm_access: 'orders:read' }, []],
    ['a list where the object should be', { realm_access: [{ roles: ['orders:read'] }] }, []],
    ['objects', { realm_access: { roles: [{ name: 'orders:read' }] } }, []],
    ['an object', { realm_access: { roles: { 'orders:read': true } } }, []],
    ['one text for several', { realm_access: { roles: ['orders:read orders:admin'] } }, []],
  ])('scopes in realm_access.roles: %s', async (_, claims, expected) => {
    const check = checkOf({ scopeClaims: [['realm_access', 'roles']] })
    const verdict = await check.check(await claimed({ aud: audience, ...claims }))
    expect(verdict.ok && [...verdict.caller.scopes]).toEqual(expected)
  })
})

describe('a token that was found good', () => {
  test('is known without work, until it ends', async () => {
    let now = Date.now()
    const check = checkOf({ nowMs: () => now, cacheAgeMaxMs: 3_600_000 })
    const token = await tokenOf(key, user, 'orders:read', { expiresIn: 60 })
    expect(check.cached(token)).toBeNull()
    await check.check(token)
    expect(check.cached(token)).toMatchObject({ ok: true, caller: { userId: user } })
    expect(check.cached(`${token}x`)).toBeNull()
    now += 61_000
    expect(check.cached(token)).toBeNull()
    now += 10_000
    expect(await outcome(check, token)).toBe('expired')
  })

  test('is worked on again after a while, and when others came in its place', async () => {
    let now = Date.now()
    const check = checkOf({ nowMs: () => now, cacheAgeMaxMs: 10_000, cacheTokensMax: 2 })
    const tokens = await Promise.all([1, 2, 3].map((n) => tokenOf(key, user, 'orders:read', { expiresIn: 60 + n })))
    for (const token of tokens) await check.check(token)
    expect(tokens.map((token) => check.cached(token) !== null)).toEqual([false, true, true])
    now += 10_001
    expect(tokens.map((token) => check.cached(token) !== null)).toEqual([false, false, false])
  })

  test('counts no more once its key is gone', async () => {
    const path = join(temporaryDir('jwks'), 'jwks.json')
    writeFileSync(path, jwksOf(key))
    const check = checkOf({ keys: keysFromFile(path, log) })
    const token = await tokenOf(key, user, 'orders:read')
    await check.check(token)
    expect(check.cached(token)).not.toBeNull()
    writeFileSync(`${path}.new`, jwksOf(other))
    renameSync(`${path}.new`, path)
    await Bun.sleep(1_050)
    expect(check.cached(token)).toBeNull()
    expect(await outcome(check, token)).toBe('invalid')
    expect(await outcome(check, await tokenOf(other, user, 'orders:read'))).toBe('ok')
  })

  test('is never another one: a refused token is not remembered as good', async () => {
    const check = checkOf()
    const token = await tokenOf(key, user, 'orders:read')
    const [head, , signature] = token.split('.')
    const body = Buffer.from(JSON.stringify({ sub: user, scope: 'orders:admin', exp: 9e9 })).toString('base64url')
    const forged = `${head}.${body}.${signature}`
    expect(await outcome(check, forged)).toBe('invalid')
    expect(check.cached(forged)).toBeNull()
  })
})

describe('the keys of a URL', () => {
  test('are asked for once, however many tokens come at a time', async () => {
    const before = server.requests()
    const check = checkOf({ keys: urlSource() })
    const tokens = await Promise.all(Array.from({ length: 20 }, (_, n) => tokenOf(key, user, `orders:read ${n}`)))
    expect(new Set(await Promise.all(tokens.map((token) => outcome(check, token))))).toEqual(new Set(['ok']))
    expect(server.requests() - before).toBe(1)
  })

  test('a flood of unknown keys asks at most once a cooldown; a new key is found after it', async () => {
    const check = checkOf({ keys: urlSource() })
    expect(await outcome(check, await tokenOf(key, user, 'orders:read'))).toBe('ok')
    const before = server.requests()
    const flood = await Promise.all(
      Array.from({ length: 50 }, (_, n) => tokenOf({ ...other, kid: `x${n}` }, user, 'orders:read')),
    )
    for (const token of flood) expect(await outcome(check, token)).toBe('invalid')
    expect(server.requests() - before).toBe(0)
    server.answer(() => new Response(jwksOf(key, other)))
    clockMs += 30_001
    expect(await outcome(check, flood[0]!)).toBe('invalid')
    for (const token of flood) expect(await outcome(check, token)).toBe('invalid')
    expect(server.requests() - before).toBe(1)
    expect(await outcome(check, await tokenOf(other, user, 'orders:read'))).toBe('ok')
    expect(server.requests() - before).toBe(1)
  })

  test('are asked for again where a name seems to have another key by now', async () => {
    const check = checkOf({ keys: urlSource() })
    expect(await outcome(check, await tokenOf(key, user, 'orders:read'))).toBe('ok')
    const renewed: IssuerKey = { ...other, kid: key.kid, jwk: { ...other.jwk, kid: key.kid } }
    server.answer(() => new Response(jwksOf(renewed)))
    clockMs += 30_001
    expect(await outcome(check, await tokenOf(renewed, user, 'orders:read'))).toBe('ok')
    expect(await outcome(check, await tokenOf(key, user, 'orders:read openid'))).toBe('invalid')
  })

  test('stay in force while the URL is away, whatever it answers then', async () => {
    const check = checkOf({ keys: urlSource() })
    const fresh = () => tokenOf(key, user, `orders:read ${Math.random()}`)
    expect(await outcome(check, await fresh())).toBe('ok')
    const elsewhere = startKeyServer(jwksOf(other))
    const answers: (() => Response)[] = [
      () => new Response('busy', { status: 503 }),
      () => new Response('<html>'),
      () => new Response('{"keys":[]}'),
      () => new Response(JSON.stringify({ keys: [{ kty: 'oct', k: 'c2VjcmV0' }] })),
      () => new Response(jwksOf(other) + ' '.repeat(2_000_000)),
      () => Response.redirect(elsewhere.url),
    ]
    for (const make of answers) {
      server.answer(make)
      clockMs += 600_001
      const before = server.requests()
      expect(await outcome(check, await fresh())).toBe('ok')
      expect(await outcome(check, await fresh())).toBe('ok')
      expect(server.requests() - before).toBe(1)
    }
    expect(elsewhere.requests()).toBe(0)
    expect(lines.filter(({ message }) => message.includes('the last good keys stay in force'))).toHaveLength(6)
    elsewhere.stop()
  })

  test('that never came leave a token undecided, which is no refusal', async () => {
    server.answer(() => new Response('', { status: 500 }))
    const check = checkOf({ keys: urlSource() })
    expect(await outcome(check, await tokenOf(key, user, 'orders:read'))).toBe('keys')
    server.answer(() => new Response(jwksOf(key)))
    clockMs += 30_001
    expect(await outcome(check, await tokenOf(key, user, 'orders:read'))).toBe('ok')
  })

  test('are given up where they do not come in time', async () => {
    server.answer(() => new Response(new ReadableStream({ start: (stream) => stream.enqueue('{') })))
    expect(await outcome(checkOf({ keys: urlSource(500) }), await tokenOf(key, user, 'orders:read'))).toBe('keys')
  })

  test('come over a new connection each time, since one that was silent may be dead without either end knowing', async () => {
    // It answers the first request of a connection, and what else comes on it goes into the void.
    const bodies = [jwksOf(key), jwksOf(key, other)]
    const issuer = createServer((socket) =>
      socket.once('data', () => {
        const body = bodies.shift() ?? ''
        socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`)
      }),
    )
    await new Promise<void>((resolve) => issuer.listen(0, '127.0.0.1', resolve))
    const { port } = issuer.address() as AddressInfo
    const check = checkOf({ keys: urlSource(1_000, { url: `http://127.0.0.1:${port}/jwks.json` }) })
    expect(await outcome(check, await tokenOf(key, user, 'orders:read'))).toBe('ok')
    clockMs += 30_001
    expect(await outcome(check, await tokenOf(other, user, 'orders:read'))).toBe('ok')
    issuer.close()
  })

  test('that went away take what was known with them', async () => {
    const check = checkOf({ keys: urlSource() })
    const token = await tokenOf(key, user, 'orders:read')
    await check.check(token)
    server.answer(() => new Response(jwksOf(other)))
    clockMs += 600_001
    // Any token that needs work brings the new keys in.
    await check.check(await tokenOf(other, user, 'orders:read'))
    expect(check.cached(token)).toBeNull()
    expect(await outcome(check, token)).toBe('invalid')
  })
})

describe('a set of keys', () => {
  test.each<[string, string, RegExp]>([
    ['no JSON', '{', /no JSON Web Key Set/],
    ['no set', '[]', /no JSON Web Key Set/],
    ['null', 'null', /no JSON Web Key Set/],
    ['none', '{"keys":[]}', /no public key/],
    ['a shared secret', '{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}', /no public key/],
    ['a private key', '{"keys":[{"kty":"EC","crv":"P-256","x":"a","y":"b","d":"c"}]}', /no public key/],
    ['too many', JSON.stringify({ keys: Array.from({ length: 101 }, () => key.jwk) }), /more than 100/],
  ])('is none: %s', (_, text, fault) => {
    expect(() => parseKeySet(text)).toThrow(fault)
  })
})
