// Proves: a bucket lets through what it contains and what refills it, and no more; there are only so many buckets; a limited
// route says in each answer how much is left, and a route without a limit is never refused.

import { describe, expect, test } from 'bun:test'
import { networkInterfaces } from 'node:os'
import * as fc from 'fast-check'
import { createBuckets } from '../../../../src/app/rateLimit.ts'
import type { Service } from '../../../../src/app/service.ts'
import { amountDigits } from '../../../../src/domain/decimal.ts'
import { createOpenApi } from '../../../../src/http/contract/openapi.ts'
import { publishedAccess } from '../../../../src/http/contract/openapiAccess.ts'
import { networkOf, type LimitOptions } from '../../../../src/http/gates/limits/limits.ts'
import { createApp } from '../../../../src/http/server.ts'
import { pathsOf } from '../../../contracts/judge.ts'
import { createAuthority } from '../../../support/certificates.ts'
import { bodyOf, callerOf, orderBody, serverOptions, startServer } from '../../harness.ts'

describe('a bucket', () => {
  test('lets a burst through, then what it refills', () => {
    let now = 0
    const buckets = createBuckets({ perSecond: 2, burst: 3, keysMax: 10, nowMs: () => now })
    const takes = (n: number) => Array.from({ length: n }, () => buckets.take('a').allowed)
    expect(takes(4)).toEqual([true, true, true, false])
    expect(buckets.take('b')).toEqual({ allowed: true, remaining: 2, waitSeconds: 0 })
    now = 499
    expect(buckets.take('a').allowed).toBeFalse()
    now = 500
    expect(takes(2)).toEqual([true, false])
    expect(buckets.look('a')).toEqual({ allowed: false, remaining: 0, waitSeconds: 0.5 })
    now = 60_000
    expect(takes(4)).toEqual([true, true, true, false])
  })

  test('gives back what was taken for nothing, and never more than it holds', () => {
    const buckets = createBuckets({ perSecond: 1, burst: 2, keysMax: 10, nowMs: () => 0 })
    buckets.putBack('nobody')
    buckets.take('a')
    buckets.putBack('a')
    buckets.putBack('a')
    expect([1, 2, 3].map(() => buckets.take('a').allowed)).toEqual([true, true, false])
  })

  test('owes what one request took beyond it, and refills that first', () => {
    let now = 0
    const buckets = createBuckets({ perSecond: 2, burst: 3, keysMax: 10, nowMs: () => now })
    expect(buckets.take('a', 8)).toEqual({ allowed: true, remaining: 0, waitSeconds: 3 })
    expect(buckets.take('a', 8)).toEqual({ allowed: false, remaining: 0, waitSeconds: 3 })
    now = 2_900
    expect(buckets.look('a').allowed).toBeFalse()
    now = 3_000
    expect(buckets.look('a').allowed).toBeTrue()
  })

  test('over any time lets through at most its burst and its rate', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 50 }),
        fc.integer({ min: 1, max: 50 }),
        fc.array(fc.integer({ min: 0, max: 2_000 }), { maxLength: 200 }),
        (perSecond, burst, pauses) => {
          let now = 0
          const buckets = createBuckets({ perSecond, burst, keysMax: 1, nowMs: () => now })
          let allowed = 0
          for (const pause of pauses) {
            now += pause
            if (buckets.take('a').allowed) allowed++
            if (allowed > burst + (now * perSecond) / 1000 + 1e-6) return false
          }
          return true
        },
      ),
    )
  })

  test('is forgotten when it was not used for longest, so that there are only so many', () => {
    const buckets = createBuckets({ perSecond: 1, burst: 1, keysMax: 3, nowMs: () => 0 })
    for (const key of ['a', 'b', 'c', 'b', 'd', 'e']) buckets.take(key)
    expect(buckets.size).toBe(3)
    // `b` was used after `c`: it is still empty, while `c` would be new again.
    expect(['a', 'b', 'c', 'd', 'e'].map((key) => buckets.look(key).allowed)).toEqual([true, false, true, false, false])
    for (let i = 0; i < 10_000; i++) buckets.take(String(i))
    expect(buckets.size).toBe(3)
  })
})

test.each([
  ['203.0.113.9', '203.0.113.9'],
  ['::ffff:203.0.113.9', '203.0.113.9'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
  ['2001:db8:1:2::6', '2001:db8:1:2'],
  ['2001:db8::6', '2001:db8:0:0'],
  ['::1', '0:0:0:0'],
  ['', ''],
])('the network of %j is %j', (address, network) => {
  expect(networkOf(address)).toBe(network)
})

const hasIpv6 = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === '::1'))

describe('a limited service', () => {
  const id = '0197a9b0-0000-7000-8000-000000000001'
  const service = {
    turnAway: () => null,
    place: () => Promise.resolve({ ok: false, code: 'OVERLOADED' }),
    placeMany: (_: unknown, orders: readonly unknown[]) =>
      Promise.resolve(orders.map(() => ({ ok: false, code: 'OVERLOADED' }))),
    validate: () => Promise.resolve({ ok: false, code: 'OVERLOADED' }),
    find: () => Promise.resolve({ ok: false, code: 'NOT_FOUND' }),
    list: () => Promise.resolve({ ok: true, items: [], next: null }),
  } as unknown as Service
  const open = async (limits: Partial<LimitOptions>) => {
    let now = 0
    const all = { perSubject: null, total: null, byAddress: false, nowMs: () => now, ...limits }
    const guard = { authentication: null, limits: all }
    const access = publishedAccess(guard)
    const document = createOpenApi({
      version: 'test',
      unknownFields: 'refuse',
      bodyMaxBytes: 65_536,
      batchBodyMaxBytes: 1_048_576,
      amountDigits,
      access,
    })
    const paths = pathsOf(JSON.parse(JSON.stringify(document)) as Record<string, unknown>)
    return { call: callerOf(createApp(serverOptions({ service, guard })), paths), wait: (ms: number) => (now += ms) }
  }

  test('refuses what is too much in all, before the body is read, and says when to come again', async () => {
    const { call, wait } = await open({ total: { perSecond: 2, burst: 2 } })
    const fields = async () => {
      const { status, headers } = await call('GET', '/orders')
      return [status, headers.get('ratelimit-policy'), headers.get('ratelimit'), headers.get('retry-after')]
    }
    const policy = '"total";q=2;w=1'
    // What is left of the total would say how busy the others are.
    expect(await fields()).toEqual([200, policy, null, null])
    expect((await call('GET', `/orders/${id}`)).status).toBe(404)
    expect(await fields()).toEqual([429, policy, '"total";r=0;t=1', '1'])
    const refused = await call('POST', '/orders', { body: '{ not even JSON' })
    expect([refused.status, bodyOf(refused)['code']]).toEqual([429, 'RATE_LIMITED'])
    wait(500)
    expect((await call('POST', '/orders', { body: orderBody })).status).toBe(503)
  })

  test('counts each order of a batch: one that finds no turn is a 429 at its place, whatever it is', async () => {
    const order = { ...orderBody, clientOrderId: null }
    const placed = async (call: Awaited<ReturnType<typeof open>>['call'], ...orders: unknown[]) => {
      const answer = await call('POST', '/orders/batch', { body: { orders } })
      const { results } = bodyOf(answer) as { results: { status: number; problem: { code: string; detail: string } }[] }
      return { answer, results, statuses: results.map(({ status }) => status) }
    }
    const perSubject = { perSecond: 1, burst: 3 }
    const by = await open({ perSubject, byAddress: true })
    const first = await placed(by.call, order, null, order, order, null)
    expect(first.statuses).toEqual([503, 400, 503, 429, 429])
    expect(first.results[4]!.problem).toMatchObject({
      code: 'RATE_LIMITED',
      detail: expect.stringContaining('of yours'),
    })
    expect([first.answer.headers.get('ratelimit'), first.answer.headers.get('retry-after')]).toEqual([
      '"subject";r=0;t=1',
      '1',
    ])
    expect((await by.call('POST', '/orders', { body: order })).status).toBe(429)
    by.wait(2_000)
    expect((await placed(by.call, null, null, null)).statuses).toEqual([400, 400, 429])
    by.wait(1_000)
    expect((await by.call('POST', '/orders/validate', { body: order })).status).toBe(503)
    expect((await by.call('POST', '/orders/batch', { body: { orders: [order] } })).status).toBe(429)

    const inAll = await open({
      perSubject: { perSecond: 1, burst: 9 },
      total: { perSecond: 1, burst: 2 },
      byAddress: true,
    })
    const second = await placed(inAll.call, order, order, order, order)
    expect(second.statuses).toEqual([503, 503, 429, 429])
    expect(second.results[3]!.problem.detail).toContain('in all')
    // What the total refused costs its sender nothing.
    inAll.wait(1_000)
    expect((await inAll.call('GET', '/orders')).headers.get('ratelimit')).toBe('"subject";r=7;t=1')

    const unlimited = await open({})
    expect(
      (await placed(unlimited.call, ...Array.from({ length: 256 }, () => null))).statuses.every((one) => one === 400),
    ).toBeTrue()
  })

  test('never refuses probes, metrics and documents', async () => {
    const { call } = await open({ total: { perSecond: 1, burst: 1 } })
    await call('GET', '/orders')
    const paths = ['/health/liveness', '/health/readiness', '/health', '/info', '/prometheus'].map(
      (p) => `/actuator${p}`,
    )
    for (const path of [...paths, '/metrics', '/openapi.json', '/asyncapi.json', '/docs']) {
      const { status, headers } = await call('GET', path)
      expect([path, status, headers.get('ratelimit-policy')]).toEqual([path, 200, null])
    }
    expect((await call('GET', '/orders')).status).toBe(429)
  })

  test('counts by address where it is asked to', async () => {
    const perSubject = { perSecond: 1, burst: 1 }
    const by = await open({ perSubject, byAddress: true })
    expect((await by.call('GET', '/orders')).headers.get('ratelimit')).toBe('"subject";r=0;t=1')
    const refused = await by.call('GET', '/orders')
    expect([refused.status, refused.headers.get('ratelimit-policy')]).toEqual([429, '"subject";q=1;w=1'])
    const without = await open({ perSubject })
    for (let i = 0; i < 3; i++) expect((await without.call('GET', '/orders')).status).toBe(200)
  })

  test.skipIf(!hasIpv6).each(['http', 'https'] as const)(
    'tells addresses apart on a real port: %s, renewed',
    async (scheme) => {
      const authority = createAuthority('limits')
      const tls = scheme === 'https' ? authority.issue('limits') : undefined
      const limits = { perSubject: { perSecond: 1, burst: 2 }, total: null, byAddress: true, nowMs: () => 0 }
      const options = serverOptions({ service, guard: { authentication: null, limits } })
      const server = startServer(options, { hostname: '::', tls })
      const statusOf = async (host: string): Promise<number> =>
        (await fetch(`${scheme}://${host}:${server.port}/orders`, { tls: { rejectUnauthorized: false } })).status
      expect([await statusOf('[::1]'), await statusOf('[::1]'), await statusOf('[::1]')]).toEqual([200, 200, 429])
      if (tls !== undefined) server.renew(tls)
      expect([await statusOf('127.0.0.1'), await statusOf('[::1]'), await statusOf('127.0.0.1')]).toEqual([
        200, 429, 200,
      ])
      expect(await statusOf('127.0.0.1')).toBe(429)
      await server.stop()
    },
  )

  test('takes nothing from a caller for what was refused to all', async () => {
    const { call, wait } = await open({
      perSubject: { perSecond: 1, burst: 5 },
      total: { perSecond: 1, burst: 1 },
      byAddress: true,
    })
    expect((await call('GET', '/orders')).headers.get('ratelimit')).toBe('"subject";r=4;t=1')
    for (let i = 0; i < 10; i++) expect((await call('GET', '/orders')).status).toBe(429)
    wait(1_000)
    expect((await call('GET', '/orders')).headers.get('ratelimit')).toBe('"subject";r=4;t=1')
  })
})
