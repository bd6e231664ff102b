// Proves: a service that wants to know who calls, or how often, publishes exactly that: what each route needs and the refusals
// that it may answer, each of them real; a service that wants neither publishes nothing of it.

import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { Validator } from '@seriousme/openapi-schema-validator'
import { operations, type OperationId } from '../../src/http/contract/operations.ts'
import { openGuard, type Guard } from '../../src/http/gates/guard.ts'
import { createApp } from '../../src/http/server.ts'
import { orderBody, serverOptions, type Answer } from '../http/harness.ts'
import { alice, documentOf, openSecured, type Secured } from '../security/securedWorld.ts'
import { openApiDocument, type Json } from './documents.ts'
import { pathsOf, type Operation } from './judge.ts'
import { createClient } from './typedClient.ts'

type Security = { security?: Record<string, string[]>[] }

let world: Secured
let document: Json
beforeAll(async () => {
  world = await openSecured({ failures: { perSecond: 1, burst: 2 } })
  document = await documentOf(world.guard)
})
afterAll(() => world.close())

const unknownId = '0197a9b0-0000-7000-8000-000000000001'
const all = Object.entries(operations) as [OperationId, (typeof operations)[OperationId]][]
const guardedRoutes = all.filter(([, { access }]) => access !== 'open')
const described = (paths: ReturnType<typeof pathsOf>, id: OperationId): Operation & Security =>
  paths[operations[id].path]![operations[id].method.toLowerCase()]!
const filled = (path: string): string => path.replace('{id}', unknownId)

test('the document is valid OpenAPI 3.1, and names the ways to say who calls', async () => {
  const result = await new Validator().validate(structuredClone(document))
  expect(result.errors).toBeUndefined()
  const { securitySchemes } = document['components'] as { securitySchemes: Json }
  expect(Object.keys(securitySchemes)).toEqual(['token', 'key', 'keyHeader'])
})

test('a service that lets everybody in says nothing of it', async () => {
  expect(await documentOf(openGuard)).toEqual(openApiDocument)
  expect(JSON.stringify(openApiDocument)).not.toMatch(/"security\w*":/)
  expect(JSON.stringify(openApiDocument)).not.toContain('ratelimit')
})

test('every route says what it needs', () => {
  for (const [id, { access }] of all) {
    const needed = access === 'open' ? [] : ['token', 'key', 'keyHeader'].map((scheme) => ({ [scheme]: [access] }))
    expect([id, described(world.paths, id).security]).toEqual([id, needed])
  }
})

test('a user may be left out of an order, and no other member', () => {
  const required = (of: Json) =>
    (of['components'] as { schemas: Record<string, { required: string[] }> }).schemas['PlaceOrder']!.required
  expect(['userId', ...required(document)]).toEqual(required(openApiDocument))
})

describe('every refusal that it lists is real, and its example the service’s own words', () => {
  const isExample = (id: OperationId, { status, text }: Answer): void => {
    const media = described(world.paths, id).responses[status]!.content!['application/problem+json'] as unknown as {
      example: Json
    }
    const { timestamp, path } = media.example
    const real: Json = { ...(JSON.parse(text) as Json), timestamp, path }
    expect({ id, status, real }).toEqual({ id, status, real: media.example })
  }
  const callOf = (to: Secured, id: OperationId, as?: string): Promise<Answer> => {
    const { method, path } = operations[id]
    return to.call(method, filled(path), {
      ...(as === undefined ? {} : { as }),
      ...(method === 'POST' ? { body: '{}' } : {}),
    })
  }

  test('401, and 403 where the scope is missing', async () => {
    for (const [id] of guardedRoutes) {
      isExample(id, await callOf(world, id))
      isExample(id, await callOf(world, id, await world.token(alice, 'nothing')))
    }
  })

  test('429, of too many requests and of too many bad credentials', async () => {
    const limits = { perSubject: { perSecond: 1, burst: 1 }, total: null, byAddress: false, nowMs: () => 0 }
    const limited = await openSecured({ guard: { limits }, failures: { perSecond: 1, burst: 1 } })
    for (const [id, { needs }] of guardedRoutes) {
      const isLimited = needs === 'store'
      const guess = `ok_x_${'A'.repeat(43)}`
      for (let i = 0; i < 3; i++) {
        const answer = await callOf(limited, id, isLimited ? limited.keys.admin : guess)
        // Of streams the example is that there are too many of them, of placing that too many orders were refused.
        const hasOwn = ['streamOrders', 'placeOrder', 'validateOrder'].includes(id)
        if (answer.status === 429 && !hasOwn) isExample(id, answer)
        else if (answer.status === 429) expect(answer.headers.has('retry-after')).toBeTrue()
        else expect(i).toBeLessThan(2)
      }
    }
    await limited.close()
  })

  test('503, while the keys cannot be had', async () => {
    const keyless = await openSecured()
    keyless.keyServer.answer(() => new Response('', { status: 500 }))
    for (const [id, { audience }] of guardedRoutes) {
      const answer = await callOf(keyless, id, await keyless.token(alice, 'orders:read'))
      expect([id, answer.status]).toEqual([id, 503])
      if (audience === 'operators') isExample(id, answer)
    }
    await keyless.close()
  })
})

test('a service with API keys alone offers no token, and none of what comes of tokens', async () => {
  const guard: Guard = { authentication: { ...world.guard.authentication!, tokens: null }, limits: null }
  const keyed = pathsOf(await documentOf(guard))
  expect(described(keyed, 'getOrder').security).toEqual([{ key: ['orders:read'] }, { keyHeader: ['orders:read'] }])
  expect(Object.keys(described(keyed, 'info').responses)).toEqual(['200', '401', '403', '405', '429', '500'])
  expect(Object.keys(described(world.paths, 'info').responses)).toEqual([
    '200',
    '401',
    '403',
    '405',
    '429',
    '500',
    '503',
  ])
})

test('the limits are in the document of whoever has some', async () => {
  const limits = { perSubject: null, total: { perSecond: 1, burst: 1 }, byAddress: false, nowMs: () => 0 }
  const paths = pathsOf(await documentOf({ authentication: null, limits }))
  expect(described(paths, 'placeOrder').responses['429']!.headers!['RateLimit-Policy']).toBeDefined()
  expect(described(paths, 'placeOrder').responses['202']!.headers!['RateLimit']).toBeDefined()
  expect(described(paths, 'info').responses['429']).toBeUndefined()
  expect(described(paths, 'placeOrder').responses['401']).toBeUndefined()
})

test('what is served on another port is in no document of this one', async () => {
  const paths = pathsOf(await documentOf(world.guard, 'elsewhere'))
  const served = (management: 'elsewhere' | 'only') =>
    createApp(serverOptions({ management })).routes.map(({ path }) => path.replace(/:(\w+)/g, '{$1}'))
  expect(Object.keys(paths).toSorted()).toEqual([...new Set(served('elsewhere'))].toSorted())
  const moved = all.filter(([, { audience }]) => audience === 'operators').map(([, { path }]) => path)
  expect(served('only').toSorted()).toEqual([...moved].toSorted())
})

test('the typed client takes every refusal as a value', async () => {
  const client = createClient(`http://127.0.0.1:${world.port}`)
  const orders = createClient(`http://127.0.0.1:${world.port}`, { headers: { 'x-api-key': world.keys.reader } })
  expect(await client.listOrders()).toMatchObject({ status: 401, body: { code: 'UNAUTHORIZED' } })
  expect(await orders.listOrders()).toMatchObject({ status: 200 })
  const body = { ...orderBody, side: 'BUY', type: 'LIMIT', timeInForce: 'GTC' } as const
  expect(await orders.placeOrder({ body })).toMatchObject({ status: 403, body: { code: 'FORBIDDEN' } })
})
