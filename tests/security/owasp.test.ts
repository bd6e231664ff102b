// Proves: the service withstands the OWASP API Security Top 10 of 2023, row by row: each with attacks on the real server over a
// real database, and what becomes of them.

import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { createHmac } from 'node:crypto'
import { exportSPKI, SignJWT } from 'jose'
import { operations } from '../../src/http/contract/operations.ts'
import { createApp } from '../../src/http/server.ts'
import { bodyOf, orderBody, refusal, serverOptions, type Answer } from '../http/harness.ts'
import { openSocket, parseRaw } from '../http/socket.ts'
import { audience, createKey, issuerName, jwksOf, tokenOf } from '../support/issuer.ts'
import { alice, bob, issuerKey, openSecured, type Secured } from './securedWorld.ts'

let world: Secured
beforeAll(async () => {
  world = await openSecured()
})
afterAll(() => world.close())

const { userId: _, ...terms } = orderBody
const idOf = (answer: Answer): string => {
  expect(answer.status).toBe(202)
  return bodyOf(answer)['id'] as string
}
const placeAs = async (as: string, changed: object = {}): Promise<string> =>
  idOf(await world.call('POST', '/orders', { as, body: { ...terms, ...changed } }))
const unknownId = '0197a9b0-0000-7000-8000-000000000001'
const codeOf = (answer: Answer) => `${answer.status} ${String(bodyOf(answer)['code'])}`
const challengeOf = ({ headers }: Answer): string | null => headers.get('www-authenticate')

describe('API1 broken object level authorization', () => {
  test('an order of somebody else is not there: not to read, not its fills or history, not to cancel', async () => {
    const id = await placeAs(world.keys.bob)
    await world.harness.trade({ sides: [{ side: 'BUY', orderId: id }] })
    const attempts = (target: string) =>
      Promise.all([
        world.call('GET', `/orders/${target}`, { as: world.keys.alice }),
        world.call('GET', `/orders/${target}/fills`, { as: world.keys.alice }),
        world.call('GET', `/orders/${target}/events`, { as: world.keys.alice }),
        world.call('POST', `/orders/${target}/cancel`, { as: world.keys.alice }),
        world.call('DELETE', `/orders/${target}`, { as: world.keys.alice }),
        world.call('DELETE', `/orders/${target}`, { as: world.keys.alice, headers: { 'if-match': '"9"' } }),
      ])
    const [foreign, missing] = [await attempts(id), await attempts(unknownId)]
    expect(foreign.map(codeOf)).toEqual(Array.from({ length: 6 }, () => '404 NOT_FOUND'))
    // Beside the id that was asked for and the time, not a byte tells an order of somebody else from none.
    const withoutOccasion = (answers: Answer[], asked: string): string[] =>
      answers.map(({ text }) => text.replace(asked, '').replace(/"timestamp":"[^"]*"/, ''))
    expect(withoutOccasion(foreign, id)).toEqual(withoutOccasion(missing, unknownId))
    const own = await world.call('GET', `/orders/${id}`, { as: world.keys.bob })
    expect(bodyOf(own)).toMatchObject({ status: 'PARTIALLY_FILLED', userId: bob })
    for (const list of ['fills', 'events'])
      expect((await world.call('GET', `/orders/${id}/${list}`, { as: world.keys.bob })).status).toBe(200)
  })

  test('a cancel in somebody else’s name moves nothing, however often and however concurrent', async () => {
    const id = await placeAs(world.keys.bob)
    const attacks = Array.from({ length: 20 }, () =>
      world.call('POST', `/orders/${id}/cancel`, { as: world.keys.alice }),
    )
    const [theirs] = await Promise.all([world.call('POST', `/orders/${id}/cancel`, { as: world.keys.bob }), ...attacks])
    expect(theirs.status).toBe(200)
    expect(new Set((await Promise.all(attacks)).map(codeOf))).toEqual(new Set(['404 NOT_FOUND']))
  })

  test('a list has the caller’s own orders; of another user it is empty, whether there are any or not', async () => {
    await placeAs(world.keys.bob)
    await placeAs(world.keys.alice)
    const list = async (query: string) =>
      bodyOf(await world.call('GET', `/orders${query}`, { as: world.keys.alice })) as { orders: { userId: string }[] }
    const own = await list('?limit=500')
    expect(own.orders.length).toBeGreaterThan(0)
    expect(new Set(own.orders.map(({ userId }) => userId))).toEqual(new Set([alice]))
    const nobody = await list(`?userId=${unknownId}`)
    expect(nobody).toEqual({ orders: [], nextCursor: null } as never)
    expect(await list(`?userId=${bob}`)).toEqual(nobody)
    expect(await list(`?userId=${bob.toUpperCase()}&status=open&ticker=AAPL`)).toEqual(nobody)
    expect((await list(`?userId=${alice.toUpperCase()}`)).orders.length).toBe(own.orders.length)
    const twice = await world.call('GET', `/orders?userId=${alice}&userId=${bob}`, { as: world.keys.alice })
    expect(codeOf(twice)).toBe('400 BAD_REQUEST')
  })

  test('a cursor of somebody else’s list opens nothing of it', async () => {
    for (let i = 0; i < 3; i++) await placeAs(world.keys.bob)
    const theirs = bodyOf(await world.call('GET', '/orders?limit=1', { as: world.keys.bob }))
    const page = await world.call('GET', `/orders?cursor=${String(theirs['nextCursor'])}`, { as: world.keys.alice })
    const { orders } = bodyOf(page) as { orders: { userId: string }[] }
    expect(orders.every(({ userId }) => userId === alice)).toBeTrue()
  })

  test('an order in somebody else’s name is refused and stores nothing; an idempotency key is the caller’s own', async () => {
    const before = await world.harness.count('orders')
    const forged = await world.call('POST', '/orders', { as: world.keys.alice, body: { ...terms, userId: bob } })
    expect(refusal(forged)).toEqual({ status: 403, code: 'FORBIDDEN', pointers: ['/userId'] })
    expect(await world.harness.count('orders')).toBe(before)
    const keyed = { headers: { 'idempotency-key': 'shared-key' }, body: { ...terms, quantity: 7 } }
    const [first, second] = [
      await world.call('POST', '/orders', { as: world.keys.bob, ...keyed }),
      await world.call('POST', '/orders', { as: world.keys.alice, ...keyed, body: { ...terms, quantity: 8 } }),
    ]
    expect(idOf(first)).not.toBe(idOf(second))
    expect(second.headers.get('idempotent-replayed')).toBeNull()
    expect(bodyOf(second)).toMatchObject({ userId: alice, clientOrderId: 'shared-key', quantity: 8 })
  })

  test('a key of somebody else is not made void, nor does the answer tell whether it was used', async () => {
    const keyed = { headers: { 'idempotency-key': 'void-target' }, body: terms }
    const placed = idOf(await world.call('POST', '/orders', { as: world.keys.bob, ...keyed }))
    for (const clientOrderId of ['void-target', 'void-unused']) {
      const attack = await world.call('POST', '/orders/void', {
        as: world.keys.alice,
        body: { userId: bob, clientOrderId },
      })
      expect(refusal(attack)).toEqual({ status: 403, code: 'FORBIDDEN', pointers: ['/userId'] })
      expect(
        await world.harness.database
          .sql`select from order_keys where client_order_id = ${clientOrderId} and order_id is null`,
      ).toHaveLength(0)
    }
    const own = await world.call('POST', '/orders/void', {
      as: world.keys.alice,
      body: { clientOrderId: 'void-target' },
    })
    expect(bodyOf(own)).toEqual({ voided: true })
    expect(idOf(await world.call('POST', '/orders', { as: world.keys.bob, ...keyed }))).toBe(placed)
  })

  test('among orders of the caller’s own one in somebody else’s name is refused at its place; asking first reveals nothing', async () => {
    const key = { clientOrderId: 'batched-key' }
    await placeAs(world.keys.bob, key)
    const before = await world.harness.count('orders')
    const orders = [{ ...terms, ...key }, { ...terms, userId: bob, ...key }, { ...terms, userId: bob }, terms]
    const answer = await world.call('POST', '/orders/batch', { as: world.keys.alice, body: { orders } })
    const { results } = bodyOf(answer) as {
      results: { status: number; order?: { userId: string }; problem?: { code: string } }[]
    }
    expect(results.map(({ status, order, problem }) => [status, order?.userId ?? problem?.code])).toEqual([
      [202, alice],
      [403, 'FORBIDDEN'],
      [403, 'FORBIDDEN'],
      [202, alice],
    ])
    expect(await world.harness.count('orders')).toBe(before + 2)
    const tried = (body: object) => world.call('POST', '/orders/validate', { as: world.keys.alice, body })
    // Whether bob has an order with this key, or one like it, makes no difference.
    for (const clientOrderId of ['batched-key', 'free-key'])
      expect(refusal(await tried({ ...terms, userId: bob, clientOrderId }))).toEqual({
        status: 403,
        code: 'FORBIDDEN',
        pointers: ['/userId'],
      })
    expect((await tried({ ...terms, ...key })).status).toBe(200)
    expect(await world.harness.count('orders')).toBe(before + 2)
  })

  test('a cancel of many reaches the caller’s own orders only, named or not; a switch is the caller’s own', async () => {
    const as = world.keys.alice
    const [own, elsewhere] = [await placeAs(as, { ticker: 'MANY' }), await placeAs(as, { ticker: 'MANY.B' })]
    const theirs = await placeAs(world.keys.bob, { ticker: 'MANY' })
    const cancel = (query: string) => world.call('DELETE', `/orders?${query}`, { as })
    for (const query of [`userId=${bob}`, `userId=${bob.toUpperCase()}&ticker=MANY`, `userId=${unknownId}`])
      expect(refusal(await cancel(query))).toEqual({ status: 403, code: 'FORBIDDEN', pointers: ['?userId'] })
    expect(codeOf(await cancel(`userId=${alice}&userId=${bob}`))).toBe('400 BAD_REQUEST')
    expect(codeOf(await cancel('side=BUY'))).toBe('400 BAD_REQUEST')
    expect(bodyOf(await cancel('ticker=MANY'))).toEqual({ canceled: [own], notCanceled: [], remaining: false })
    expect(bodyOf(await cancel(`userId=${alice}&ticker=MANY.B`))).toMatchObject({ canceled: [elsewhere] })

    const arm = (body: object, who = as) => world.call('POST', '/orders/cancel-after', { as: who, body })
    const forged = await arm({ userId: bob, timeoutMs: 1_000 })
    expect(refusal(forged)).toEqual({ status: 403, code: 'FORBIDDEN', pointers: ['/userId'] })
    expect(bodyOf(await arm({ timeoutMs: 0 }))).toEqual({ userId: alice, firesAt: null })
    const { sql } = world.harness.database
    expect(await sql`select from cancel_after where user_id = ${bob}`).toHaveLength(0)
    expect(codeOf(await arm({ timeoutMs: 1_000 }, world.keys.reader))).toBe('403 FORBIDDEN')
    expect(codeOf(await world.call('DELETE', '/orders?ticker=MANY', { as: world.keys.reader }))).toBe('403 FORBIDDEN')
    const left = await world.call('GET', `/orders/${theirs}`, { as: world.keys.bob })
    expect(bodyOf(left)).toMatchObject({ status: 'NEW' })
    const desk = await world.call('DELETE', '/orders?ticker=MANY', { as: world.keys.admin })
    expect(bodyOf(desk)).toMatchObject({ canceled: [theirs] })
    expect((await arm({ userId: bob, timeoutMs: 0 }, world.keys.admin)).status).toBe(200)
  })

  test('an administrator sees and touches everything, and says for whom it orders', async () => {
    const as = world.keys.admin
    const id = await placeAs(world.keys.bob)
    expect((await world.call('GET', `/orders/${id}`, { as })).status).toBe(200)
    const list = bodyOf(await world.call('GET', `/orders?userId=${bob}`, { as })) as { orders: unknown[] }
    expect(list.orders.length).toBeGreaterThan(0)
    expect((await world.call('POST', `/orders/${id}/cancel`, { as })).status).toBe(200)
    expect((await world.call('POST', '/orders', { as, body: { ...terms, userId: alice } })).status).toBe(202)
    expect(refusal(await world.call('POST', '/orders', { as, body: terms })).pointers).toEqual(['/userId'])
  })
})

describe('API2 broken authentication', () => {
  const refusedAs = async (as: string): Promise<string> => {
    const answer = await world.call('GET', '/orders', { as })
    expect(codeOf(answer)).toBe('401 UNAUTHORIZED')
    return /error="(\w+)"/.exec(challengeOf(answer)!)?.[1] ?? 'none'
  }
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  const claims = { iss: issuerName, aud: audience, sub: alice, scope: 'orders:admin', exp: 9_999_999_999 }

  test('a good token and a good key open the door', async () => {
    const token = await world.token(alice, 'orders:read')
    expect((await world.call('GET', '/orders', { as: token })).status).toBe(200)
    expect((await world.call('GET', '/orders', { as: world.keys.alice })).status).toBe(200)
    expect((await world.call('GET', '/orders', { headers: { 'x-api-key': world.keys.alice } })).status).toBe(200)
    expect((await world.call('GET', '/orders', { headers: { authorization: `bearer ${token}` } })).status).toBe(200)
    expect((await world.call('HEAD', '/orders', { as: token })).status).toBe(200)
  })

  test('without a credential every route but the open ones asks for one, HEAD as well, and says how', async () => {
    for (const { method, path, access } of Object.values(operations)) {
      const filled = path.replace('{id}', unknownId).replace('{asset}', 'page.js').replace('{page}', 'api')
      const answer = await world.call(method, filled, method === 'POST' ? { body: '{}' } : {})
      expect([path, answer.status]).toEqual([path, access === 'open' ? 200 : 401])
      expect(challengeOf(answer)).toBe(access === 'open' ? null : 'Bearer realm="orders"')
      if (method === 'GET') expect((await world.call('HEAD', filled)).status).toBe(answer.status)
    }
  })

  test.each<[string, () => string | Promise<string>]>([
    ['no signature: alg none', () => `${part({ alg: 'none', typ: 'JWT' })}.${part(claims)}.`],
    ['no signature: alg None, with one', () => `${part({ alg: 'None', kid: 'k1' })}.${part(claims)}.AAAA`],
    [
      'the public key as a shared secret: HS256',
      async () => {
        const text = `${part({ alg: 'HS256', kid: 'k1' })}.${part(claims)}`
        return `${text}.${createHmac('sha256', await exportSPKI(issuerKey.publicKey))
          .update(text)
          .digest('base64url')}`
      },
    ],
    ['another algorithm of the same key', () => `${part({ alg: 'PS256', kid: 'k1' })}.${part(claims)}.AAAA`],
    ['another key under the same kid', async () => tokenOf(await createKey('k1', 'RS256'), alice, 'orders:admin')],
    ['another issuer', () => world.token(alice, 'orders:admin', { claims: { iss: 'https://evil.example' } })],
    ['another audience', () => world.token(alice, 'orders:admin', { claims: { aud: 'billing' } })],
    ['an end in the past', () => world.token(alice, 'orders:admin', { expiresIn: -60 })],
    ['no end', () => world.token(alice, 'orders:admin', { expiresIn: null })],
    [
      'a beginning in the future',
      () => world.token(alice, 'orders:admin', { claims: { nbf: Date.now() / 1000 + 600 } }),
    ],
    [
      'claims that were changed',
      async () => (await world.token(alice, 'orders:read')).replace(/\.[^.]+\./, `.${part(claims)}.`),
    ],
    ['a signature cut short', async () => (await world.token(alice, 'orders:read')).slice(0, -20)],
    ['two parts', async () => (await world.token(alice, 'orders:read')).split('.').slice(0, 2).join('.')],
    ['five parts', async () => `${await world.token(alice, 'orders:read')}.a.b`],
    ['no subject that is a user', () => world.token('alice', 'orders:read orders:write')],
    ['a kid that is a path', () => `${part({ alg: 'RS256', kid: '../../../../dev/null' })}.${part(claims)}.AAAA`],
    ['a kid that is SQL', () => `${part({ alg: 'RS256', kid: "k1' or '1'='1" })}.${part(claims)}.AAAA`],
    ['a kid that is no text', () => `${part({ alg: 'RS256', kid: { $ne: 1 } })}.${part(claims)}.AAAA`],
    [
      'an extension nobody knows, well signed',
      () =>
        new SignJWT(claims)
          .setProtectedHeader({ alg: 'RS256', kid: 'k1', crit: ['urn:more'], 'urn:more': 1 })
          .sign(issuerKey.privateKey, { crit: { 'urn:more': true } }),
    ],
    ['nonsense', () => 'nonsense'],
    ['a key nobody has', () => `ok_alice_${'A'.repeat(43)}`],
    ['a key cut short', () => world.keys.alice.slice(0, -1)],
    ['somebody else’s id before the secret', () => world.keys.alice.replace('ok_alice_', 'ok_admin_')],
  ])('a credential with %s is refused', async (_, make) => {
    expect(await refusedAs(await make())).toBe('invalid_token')
  })

  test('a key that the token brings along (jwk, jku, x5u, x5c) is never used, and nobody is asked for it', async () => {
    const evil = await createKey('k1', 'RS256')
    let asked = 0
    const server = Bun.serve({
      port: 0,
      hostname: '127.0.0.1',
      fetch: () => (asked++, Response.json({ keys: [evil.jwk] })),
    })
    const url = `http://127.0.0.1:${server.port}/`
    for (const header of [{ jwk: evil.jwk }, { jku: url }, { x5u: url }, { x5c: ['AAAA'] }])
      expect(await refusedAs(await tokenOf(evil, alice, 'orders:admin', { header }))).toBe('invalid_token')
    expect(asked).toBe(0)
    await server.stop(true)
  })

  test('a flood of unknown keys does not become a flood on the issuer', async () => {
    const evil = await createKey('x', 'ES256')
    const before = world.keyServer.requests()
    const flood = Array.from({ length: 60 }, async (_, n) =>
      refusedAs(await tokenOf({ ...evil, kid: `x${n}` }, alice, 'x')),
    )
    expect(new Set(await Promise.all(flood))).toEqual(new Set(['invalid_token']))
    expect(world.keyServer.requests() - before).toBeLessThanOrEqual(1)
  })

  test('a token that is too long is not even read', async () => {
    expect(await refusedAs(await world.token(alice, 'orders:admin', { claims: { more: 'x'.repeat(9_000) } }))).toBe(
      'invalid_token',
    )
  })

  test.each<[string, (token: string) => Record<string, string>]>([
    ['another scheme', (token) => ({ authorization: `Basic ${token}` })],
    ['no scheme', (token) => ({ authorization: token })],
    ['two tokens in one', (token) => ({ authorization: `Bearer ${token}, Bearer ${token}` })],
    ['a key beside a token', (token) => ({ authorization: `Bearer ${token}`, 'x-api-key': world.keys.alice })],
    ['a token where a key belongs', (token) => ({ 'x-api-key': token })],
    ['nothing behind the scheme', () => ({ authorization: 'Bearer ' })],
  ])('a credential that can be read in two ways or none is refused: %s', async (_, headers) => {
    const answer = await world.call('GET', '/orders', { headers: headers(await world.token(alice, 'orders:read')) })
    expect(codeOf(answer)).toBe('401 UNAUTHORIZED')
    expect(challengeOf(answer)).toContain('error="invalid_request"')
  })

  test('two Authorization headers never let one of them in', async () => {
    const token = await world.token(alice, 'orders:read')
    for (const pair of [
      [token, 'bad'],
      ['bad', token],
      [token, token],
      [token, world.keys.admin],
    ]) {
      const lines = pair.map((one) => `Authorization: Bearer ${one}\r\n`).join('')
      const socket = openSocket(world.port, `GET /exceptions HTTP/1.1\r\nHost: localhost\r\n${lines}\r\n`)
      const { status } = await parseRaw(await socket.answer())
      expect(status).toBe(401)
    }
  })

  test('a token in the address opens nothing', async () => {
    const token = await world.token(alice, 'orders:read')
    expect((await world.call('GET', `/orders/${unknownId}?access_token=${token}`)).status).toBe(401)
  })

  test('guessing is slowed down, and takes nobody’s access who shares the address', async () => {
    const slow = await openSecured({ failures: { perSecond: 1, burst: 5 } })
    const known = await slow.token(alice, 'orders:read')
    expect((await slow.call('GET', '/orders', { as: known })).status).toBe(200)
    const guesses: Answer[] = []
    for (let i = 0; i < 30; i++) guesses.push(await slow.call('GET', '/orders', { as: `ok_alice_${'A'.repeat(43)}` }))
    const statuses = guesses.map(({ status }) => status)
    expect(statuses.slice(0, 5)).toEqual([401, 401, 401, 401, 401])
    expect(statuses.filter((status) => status === 429)).toHaveLength(25)
    // Nobody works on a signature meanwhile; callers that are known go on.
    expect((await slow.call('GET', '/orders', { as: await slow.token(bob, 'orders:read') })).status).toBe(429)
    expect((await slow.call('GET', '/orders', { as: known })).status).toBe(200)
    expect((await slow.call('GET', '/orders', { as: slow.keys.alice })).status).toBe(200)
    await slow.close()
  })

  test('a guess that names no key counts for every key that it was tried with', async () => {
    const slow = await openSecured({ failures: { perSecond: 10, burst: 10 } })
    const others = await Promise.all(['k2', 'k3', 'k4'].map((kid) => createKey(kid, 'RS256')))
    slow.keyServer.answer(() => new Response(jwksOf(issuerKey, ...others)))
    const stranger = await createKey('k5', 'RS256')
    const statuses: number[] = []
    for (let n = 0; n < 6; n++) {
      const guess = await tokenOf(stranger, alice, 'orders:read', { header: { kid: undefined }, claims: { n } })
      statuses.push((await slow.call('GET', '/orders', { as: guess })).status)
    }
    // Four keys each: 10, 6, 2, and nothing is left.
    expect(statuses).toEqual([401, 401, 401, 429, 429, 429])
    const good = await tokenOf(others[2]!, alice, 'orders:read', { header: { kid: undefined } })
    expect((await slow.call('GET', '/orders', { as: good })).status).toBe(429)
    expect((await slow.call('GET', '/orders', { as: slow.keys.alice })).status).toBe(200)
    await slow.close()
  })

  test('no credential is ever in the log, nor in an answer', async () => {
    const secrets = [
      await world.token(alice, 'orders:read'),
      await world.token(alice, 'orders:read', { expiresIn: -60 }),
      ...Object.values(world.keys),
    ]
    for (const as of secrets) {
      const answers = [
        await world.call('GET', '/orders', { as }),
        await world.call('GET', `/orders/${unknownId}?access_token=${as}`, { as }),
        await world.call('POST', '/orders', { as, body: '{' }),
      ]
      for (const { text, headers } of answers) expect(text + JSON.stringify([...headers])).not.toContain(as.slice(-20))
    }
    const said = JSON.stringify(world.log.lines)
    expect(said).toContain('a credential was refused')
    for (const secret of secrets) expect(said).not.toContain(secret.slice(-20))
  })
})

describe('API3 broken object property level authorization', () => {
  test('members that only the service sets are refused, not taken over', async () => {
    for (const member of [
      { status: 'FILLED' },
      { filledQuantity: 100 },
      { id: unknownId },
      { version: 9 },
      { createdAt: '2020-01-01T00:00:00Z' },
      { __proto__x: 1 },
      { isAdmin: true },
      { scopes: ['orders:admin'] },
    ]) {
      const answer = await world.call('POST', '/orders', { as: world.keys.alice, body: { ...terms, ...member } })
      expect(codeOf(answer)).toBe('400 BAD_REQUEST')
    }
    const polluted = `{"__proto__":{"userId":"${bob}"},${JSON.stringify(terms).slice(1)}`
    expect((await world.call('POST', '/orders', { as: world.keys.alice, body: polluted })).status).toBe(400)
  })

  test('an order without a user is the caller’s, never anybody else’s', async () => {
    const answer = await world.call('POST', '/orders', {
      as: await world.token(alice.toUpperCase(), 'orders:write'),
      body: terms,
    })
    expect(bodyOf(answer)).toMatchObject({ userId: alice })
  })
})

describe('API4 unrestricted resource consumption', () => {
  test('a caller over its limit is refused before its body is read; others go on', async () => {
    const limits = { perSubject: { perSecond: 1, burst: 3 }, total: null, byAddress: false, nowMs: () => 0 }
    const limited = await openSecured({ guard: { limits } })
    const place = (as: string) => limited.call('POST', '/orders', { as, body: terms })
    const answers = []
    for (let i = 0; i < 6; i++) answers.push(await place(limited.keys.alice))
    expect(answers.slice(0, 3).map(({ status }) => status)).toEqual([202, 202, 202])
    expect(codeOf(answers.at(-1)!)).toBe('429 RATE_LIMITED')
    expect(answers.at(-1)!.headers.get('ratelimit')).toBe('"subject";r=0;t=1')
    // Another credential of the same subject shares its limit; another subject has its own.
    expect((await limited.call('GET', '/orders', { as: limited.keys.reader })).status).toBe(429)
    expect((await place(limited.keys.bob)).status).toBe(202)
    expect(await limited.harness.count('orders')).toBe(4)
    await limited.close()
  })

  test('orders that come together count one by one, against the caller and against all', async () => {
    const rate = { perSecond: 1, burst: 3 }
    for (const [perSubject, total] of [
      [rate, null],
      [null, rate],
    ]) {
      const limits = { perSubject: perSubject!, total: total!, byAddress: false, nowMs: () => 0 }
      const limited = await openSecured({ guard: { limits } })
      const batch = { as: limited.keys.alice, body: { orders: Array.from({ length: 256 }, () => terms) } }
      const { results } = bodyOf(await limited.call('POST', '/orders/batch', batch)) as {
        results: { status: number }[]
      }
      expect(results.map(({ status }) => status)).toEqual([202, 202, 202, ...Array.from({ length: 253 }, () => 429)])
      expect((await limited.call('POST', '/orders/batch', batch)).status).toBe(429)
      expect((await limited.call('POST', '/orders/validate', { as: limited.keys.alice, body: terms })).status).toBe(429)
      expect(await limited.harness.count('orders')).toBe(3)
      await limited.close()
    }
  })

  test('a body, a page and an identifier have bounds', async () => {
    const as = world.keys.alice
    expect((await world.call('POST', '/orders', { as, body: ' '.repeat(70_000) })).status).toBe(413)
    expect((await world.call('POST', '/orders/batch', { as, body: ' '.repeat(1_100_000) })).status).toBe(413)
    const many = { orders: Array.from({ length: 257 }, () => terms) }
    expect((await world.call('POST', '/orders/batch', { as, body: many })).status).toBe(400)
    expect((await world.call('GET', '/orders?limit=501', { as })).status).toBe(400)
    expect((await world.call('GET', `/orders/${'a'.repeat(5_000)}`, { as })).status).toBe(400)
  })
})

describe('API5 broken function level authorization', () => {
  const needs = Object.values(operations).filter(({ access }) => access !== 'open')
  test.each(['orders:read', 'orders:write', ''] as const)(
    'the scope %j opens its own routes and no other',
    async (scope) => {
      const as = await world.token(alice, scope)
      for (const { method, path, access } of needs) {
        const answer = await world.call(method, path.replace('{id}', unknownId), {
          as,
          ...(method === 'POST' ? { body: '{}' } : {}),
        })
        if (access === scope) expect([path, answer.status === 403]).toEqual([path, false])
        else {
          expect([path, codeOf(answer)]).toEqual([path, '403 FORBIDDEN'])
          expect(challengeOf(answer)).toBe(`Bearer realm="orders", error="insufficient_scope", scope="${access}"`)
        }
      }
    },
  )

  test('exceptions are an administrator’s: nobody else lists or resolves them; who did is in the log', async () => {
    const orderId = await placeAs(world.keys.bob, { quantity: 1 })
    await world.harness.trade({ tradeId: 'over', quantity: 9_00000000n, sides: [{ side: 'BUY', orderId }] })
    const list = (as: string) => world.call('GET', `/exceptions?orderId=${orderId}`, { as })
    expect((await list(world.keys.bob)).status).toBe(403)
    const { exceptions } = bodyOf(await list(world.keys.admin)) as { exceptions: { id: string }[] }
    const resolve = (as: string) =>
      world.call('POST', `/exceptions/${exceptions[0]!.id}/resolve`, {
        as,
        body: { resolvedBy: 'ops', note: 'told them' },
      })
    expect((await resolve(world.keys.bob)).status).toBe(403)
    expect((await resolve(world.keys.admin)).status).toBe(200)
    expect(world.log.lines.at(-2)).toMatchObject({
      message: 'an administrator changes something',
      fields: { subject: 'ops', credential: 'key:admin' },
    })
  })

  test('another method, another case or a slash more leads nowhere past the gate', async () => {
    for (const [method, path] of [
      ['PUT', '/orders'],
      ['PATCH', `/orders/${unknownId}`],
      ['PATCH', '/exceptions'],
      ['POST', '/actuator/health'],
    ] as const)
      expect((await world.call(method, path)).status).toBe(405)
    for (const path of [
      '/EXCEPTIONS',
      '//exceptions',
      '/exceptions/../orders',
      '/orders/',
      '/exceptions%2f',
      '/./exceptions',
      '/exceptions;x=1',
    ])
      expect([path, [401, 404].includes((await fetch(`http://127.0.0.1:${world.port}${path}`)).status)]).toEqual([
        path,
        true,
      ])
    const override = await world.call('GET', '/orders', {
      as: world.keys.reader,
      headers: { 'x-http-method-override': 'POST' },
    })
    expect(override.status).toBe(200)
  })
})

describe('API6 unrestricted access to sensitive business flows', () => {
  test('orders by a machine are held to the total as well, whoever sends them', async () => {
    const limits = { perSubject: null, total: { perSecond: 1, burst: 4 }, byAddress: false, nowMs: () => 0 }
    const limited = await openSecured({ guard: { limits } })
    const places = Array.from({ length: 12 }, (_, i) =>
      limited.call('POST', '/orders', { as: i % 2 === 0 ? limited.keys.alice : limited.keys.bob, body: terms }),
    )
    const statuses = (await Promise.all(places)).map(({ status }) => status)
    expect(statuses.filter((status) => status === 202).length).toBe(4)
    expect(await limited.harness.count('orders')).toBe(statuses.filter((status) => status === 202).length)
    await limited.close()
  })

  test('who is refused its credential takes nothing from the total', async () => {
    const limits = { perSubject: null, total: { perSecond: 1, burst: 2 }, byAddress: false, nowMs: () => 0 }
    const limited = await openSecured({ guard: { limits } })
    for (let i = 0; i < 10; i++) await limited.call('POST', '/orders', { body: terms })
    expect((await limited.call('POST', '/orders', { as: limited.keys.alice, body: terms })).status).toBe(202)
    await limited.close()
  })
})

describe('API7 server side request forgery', () => {
  test('no address in a request is ever asked', async () => {
    let asked = 0
    const server = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: () => (asked++, new Response('')) })
    const url = `http://127.0.0.1:${server.port}/`
    const as = await tokenOf(issuerKey, alice, 'orders:read orders:write', {
      claims: { iss: issuerName, jku: url },
      header: { jku: url, x5u: url },
    })
    await world.call('POST', '/orders', { as, body: { ...terms, clientOrderId: url } })
    await world.call('GET', '/orders', {
      as,
      headers: { 'x-forwarded-host': url, forwarded: `host=${url}`, referer: url, origin: url },
    })
    await world.call('GET', `/orders?cursor=${encodeURIComponent(url)}`, { as })
    expect(asked).toBe(0)
    await server.stop(true)
  })
})

describe('API8 security misconfiguration', () => {
  test('figures, versions and details are for administrators; a probe says no more than yes or no', async () => {
    for (const path of ['/actuator/health', '/actuator/info', '/actuator/prometheus', '/metrics']) {
      expect((await world.call('GET', path)).status).toBe(401)
      expect((await world.call('GET', path, { as: world.keys.alice })).status).toBe(403)
      expect((await world.call('GET', path, { as: world.keys.admin })).status).toBe(200)
    }
    const { health } = serverOptions()
    const down = { status: 'DOWN' as const, details: { detail: 'password authentication failed for user "orders"' } }
    const away = { ...health, components: () => ({ ...health.components(), db: down }) }
    const ailing = await openSecured({ server: { health: away } })
    const probe = await ailing.call('GET', '/actuator/health/readiness')
    expect([probe.status, probe.text]).toEqual([503, '{"status":"DOWN"}'])
    await ailing.close()
  })

  test('every answer carries what keeps it out of caches and frames, refusals too; none names the software', async () => {
    for (const answer of [
      await world.call('GET', '/orders'),
      await world.call('GET', '/orders', { as: world.keys.alice }),
      await world.call('GET', '/metrics', { as: world.keys.alice }),
    ]) {
      expect(answer.headers.get('x-content-type-options')).toBe('nosniff')
      expect(answer.headers.get('cache-control')).toBe('no-store')
      expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'")
      for (const name of ['server', 'x-powered-by', 'access-control-allow-origin'])
        expect(answer.headers.get(name)).toBeNull()
    }
  })

  test('a page of another site gets no leave to read', async () => {
    const { headers } = await world.call('GET', '/orders', {
      as: world.keys.alice,
      headers: { origin: 'https://evil.example' },
    })
    expect(headers.get('access-control-allow-origin')).toBeNull()
  })

  test('a bug is a 500 without its words', async () => {
    const broken = await openSecured({
      server: {
        metrics: () => {
          throw new Error('secret words')
        },
      },
    })
    const answer = await broken.call('GET', '/metrics', { as: broken.keys.admin })
    expect(answer.status).toBe(500)
    expect(answer.text).not.toContain('secret words')
    await broken.close()
  })
})

describe('API9 improper inventory management', () => {
  test('every route is in the document with what it needs; nothing else answers', async () => {
    const routes = createApp(serverOptions({ guard: world.guard })).routes
    expect(routes.length).toBe(Object.keys(operations).length)
    for (const { method, path } of routes) {
      const described = world.paths[path.replace(/:(\w+)/g, '{$1}')]?.[method.toLowerCase()]
      expect([path, (described as { security?: unknown[] } | undefined)?.security]).toEqual([path, expect.any(Array)])
    }
    for (const path of [
      '/admin',
      '/v1/orders',
      '/swagger',
      '/.env',
      '/actuator/env',
      '/actuator/heapdump',
      '/debug',
      '/graphql',
    ])
      expect([path, (await world.call('GET', path, { as: world.keys.admin })).status]).toEqual([path, 404])
  })
})

describe('API10 unsafe consumption of APIs', () => {
  test('what the issuer answers is bounded, never followed, and never takes access away', async () => {
    let asked = 0
    const elsewhere = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: () => (asked++, new Response('{}')) })
    for (const make of [
      () => Response.redirect(`http://127.0.0.1:${elsewhere.port}/`),
      () => new Response('x'.repeat(3_000_000)),
      () => Response.json({ keys: [{ kty: 'oct', k: 'AAAA', alg: 'HS256' }] }),
    ]) {
      const evil = await openSecured()
      evil.keyServer.answer(make)
      // No keys yet: nobody can say whether the token is good, and the service does not pretend to.
      const answer = await evil.call('GET', '/orders', { as: await evil.token(alice, 'orders:read') })
      expect(codeOf(answer)).toBe('503 OVERLOADED')
      expect((await evil.call('GET', '/orders', { as: evil.keys.alice })).status).toBe(200)
      await evil.close()
    }
    expect(asked).toBe(0)
    await elsewhere.stop(true)
  })

  test('trades that the engine sends are judged like anybody’s input: none over-fills an order', async () => {
    const orderId = await placeAs(world.keys.alice, { quantity: 5 })
    const outcomes = await world.harness.trade(
      { tradeId: 'much', quantity: 999_00000000n, sides: [{ side: 'BUY', orderId }] },
      { tradeId: 'other', ticker: 'MSFT', sides: [{ side: 'BUY', orderId }] },
      { tradeId: 'unknown', sides: [{ side: 'BUY', orderId: unknownId }] },
    )
    expect(outcomes).toEqual(['OVERFILL', 'MISMATCH', 'UNKNOWN_ORDER'])
    expect(bodyOf(await world.call('GET', `/orders/${orderId}`, { as: world.keys.alice }))).toMatchObject({
      filledQuantity: 0,
    })
  })
})
