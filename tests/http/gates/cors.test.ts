// Proves: a page of another origin may call only where its origin is listed, and never with the browser's credentials.

import { describe, expect, test } from 'bun:test'
import { createApp } from '../../../src/http/server.ts'
import { openSecured } from '../../security/securedWorld.ts'
import { callerOf, serverOptions } from '../harness.ts'

const desk = 'https://desk.example.com'
const off = createApp(serverOptions())
const on = createApp(serverOptions({ corsOrigins: [desk, 'http://localhost:3000'] }))
const corsHeaders = (headers: Headers): string[] =>
  [...headers.keys()].filter((name) => name.startsWith('access-control-'))

const ask = async (app: typeof on, path: string, headers: Record<string, string>) =>
  app.handle(new Request(`http://localhost${path}`, { method: 'OPTIONS', headers }))

describe('where no origin is listed', () => {
  test('nothing says that a page may read an answer', async () => {
    const { headers } = await callerOf(off)('GET', '/actuator/info', { headers: { origin: desk } })
    expect([corsHeaders(headers), headers.get('vary')]).toEqual([[], null])
  })

  test('asking before tells the methods of the path, and allows nothing', async () => {
    const headers = { origin: desk, 'access-control-request-method': 'POST' }
    const answer = await callerOf(off)('OPTIONS', '/orders', { headers })
    expect([answer.status, answer.headers.get('allow')]).toEqual([204, 'DELETE, GET, HEAD, OPTIONS, POST'])
    expect(corsHeaders(answer.headers)).toEqual([])
  })
})

describe('where some are listed', () => {
  test('a page of one of them may read answers and problems, without credentials', async () => {
    for (const path of ['/actuator/info', '/nowhere', '/orders?limit=0']) {
      const { headers } = await callerOf(on)('GET', path, { headers: { origin: desk } })
      expect(headers.get('access-control-allow-origin')).toBe(desk)
      expect(headers.get('access-control-expose-headers')).toContain('X-Request-Id')
      expect(headers.get('access-control-allow-credentials')).toBeNull()
      expect(headers.get('vary')).toBe('Origin')
    }
  })

  test.each([
    'https://evil.example.com',
    `${desk}.evil.com`,
    `${desk}:8443`,
    'http://desk.example.com',
    'null',
    `${desk}/`,
    desk.toUpperCase(),
    '*',
  ])('a page of %s may not', async (origin) => {
    const answer = await callerOf(on)('GET', '/actuator/info', { headers: { origin } })
    expect(corsHeaders(answer.headers)).toEqual([])
    expect(answer.headers.get('vary')).toBe('Origin')
    const asked = await ask(on, '/orders', { origin, 'access-control-request-method': 'POST' })
    expect([asked.status, corsHeaders(asked.headers)]).toEqual([204, []])
  })

  test('asking before tells the methods of the path and the headers that may be sent', async () => {
    const asked = await ask(on, '/orders', { origin: desk, 'access-control-request-method': 'POST' })
    expect([asked.status, await asked.text()]).toEqual([204, ''])
    expect(asked.headers.get('access-control-allow-origin')).toBe(desk)
    expect(asked.headers.get('access-control-allow-methods')).toBe('DELETE, GET, HEAD, POST')
    for (const name of ['Authorization', 'Content-Type', 'Idempotency-Key', 'traceparent', 'tracestate', 'baggage'])
      expect(asked.headers.get('access-control-allow-headers')).toContain(name)
    expect(asked.headers.get('access-control-max-age')).toBe('600')
  })

  test('a path that is nowhere stays nowhere, and OPTIONS without a question tells the methods alone', async () => {
    const nowhere = await ask(on, '/nowhere', { origin: desk, 'access-control-request-method': 'POST' })
    expect(nowhere.status).toBe(404)
    const { status, headers } = await ask(on, '/orders', { origin: desk })
    expect([status, headers.get('allow')]).toEqual([204, 'DELETE, GET, HEAD, OPTIONS, POST'])
    expect(headers.get('access-control-allow-methods')).toBeNull()
  })
})

test('a browser asks before it has a credential, and the answer that refuses one may be read', async () => {
  const world = await openSecured({ server: { corsOrigins: [desk] } })
  const url = `http://127.0.0.1:${world.port}/orders`
  const asked = await fetch(url, {
    method: 'OPTIONS',
    headers: {
      origin: desk,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization',
    },
  })
  expect(asked.status).toBe(204)
  const refused = await fetch(url, { headers: { origin: desk } })
  expect([refused.status, refused.headers.get('access-control-allow-origin')]).toEqual([401, desk])
  await world.close()
})
