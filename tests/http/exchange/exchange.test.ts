// Proves: every answer, whatever it says, carries the id of its request and what keeps it out of caches and frames; the log and
// the metrics observe each answer once.

import { describe, expect, test } from 'bun:test'
import type { Service } from '../../../src/app/service.ts'
import { operations } from '../../../src/http/contract/operations.ts'
import { answering, type Exchange, type Handler } from '../../../src/http/exchange/exchange.ts'
import { problem } from '../../../src/http/exchange/problem.ts'
import { json } from '../../../src/http/exchange/reply.ts'
import { createApp } from '../../../src/http/server.ts'
import type { Log } from '../../../src/telemetry/log.ts'
import { noTracing } from '../../../src/telemetry/tracing.ts'
import { bodyOf, callerOf, createTestLog, orderBody, refusal, serverOptions } from '../harness.ts'

const id = '0197a9b0-0000-7000-8000-000000000001'
const uuid7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
const refusing = (code: string): Service =>
  ({ turnAway: () => null, place: () => Promise.resolve({ ok: false, code }) }) as unknown as Service

/** A log that keeps everything, also what comes in floods. */
const createWholeLog = ({ debugging }: { debugging: boolean }) => {
  const { log, lines } = createTestLog()
  const rarely: Log['rarely'] = (level, _, message, fields) => log[level](message, fields)
  return { log: { ...log, rarely, debugging }, lines }
}

const everyKindOfAnswer = [
  ['GET', '/actuator/info', {}],
  ['GET', '/docs', {}],
  ['GET', '/docs/page.js', {}],
  ['GET', '/nowhere', {}],
  ['PUT', '/orders', {}],
  ['POST', '/orders', { body: orderBody }],
  ['POST', '/orders', { body: '{' }],
  ['GET', `/orders/${id}`, {}],
] as const

const call = callerOf(createApp(serverOptions({ service: refusing('OVERLOADED') })))

describe('the id of a request', () => {
  test.each(everyKindOfAnswer)('%s %s answers with the one that was sent', async (method, path, sent) => {
    const answer = await call(method, path, { ...sent, headers: { 'x-request-id': 'desk-7:1.2_3' } })
    expect(answer.headers.get('x-request-id')).toBe('desk-7:1.2_3')
  })

  test.each(everyKindOfAnswer)('%s %s answers with a new one where none was sent', async (method, path, sent) => {
    const [first, second] = [await call(method, path, sent), await call(method, path, sent)]
    expect(first.headers.get('x-request-id')).toMatch(uuid7)
    expect(second.headers.get('x-request-id')).not.toBe(first.headers.get('x-request-id'))
  })

  test.each(['', 'a b', 'x'.repeat(129), '"quoted"', 'a;b', '{}'])(
    'that cannot be passed on is not: %j',
    async (sent) => {
      const answer = await call('GET', '/actuator/info', { headers: { 'x-request-id': sent } })
      expect(answer.headers.get('x-request-id')).toMatch(uuid7)
    },
  )
})

describe('what a browser or a cache may do with it', () => {
  test.each(everyKindOfAnswer)('%s %s says', async (method, path, sent) => {
    const { headers } = await call(method, path, sent)
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'")
    expect(headers.get('cache-control')).toBe(path === '/docs/page.js' ? 'max-age=3600' : 'no-store')
  })
})

describe('the log', () => {
  test.each([
    ['OVERLOADED', 503],
    ['OUTCOME_UNKNOWN', 504],
  ])('says which request was refused: %s', async (code, status) => {
    const { log, lines } = createWholeLog({ debugging: false })
    const refused = callerOf(createApp(serverOptions({ service: refusing(code), log })))
    await refused('POST', '/orders', { body: orderBody, headers: { 'x-request-id': 'r-1', traceparent } })
    expect(lines).toEqual([
      {
        level: 'warn',
        message: 'a request was refused',
        fields: { requestId: 'r-1', method: 'POST', path: '/orders', traceparent, status, ms: expect.any(Number) },
      },
    ])
  })

  test('says of a bug which request met it, and holds no parameter of its URL', async () => {
    const { log, lines } = createTestLog()
    const failing = callerOf(createApp(serverOptions({ service: {} as Service, log })))
    const answer = await failing('GET', `/orders/${id}?secret=1`, { headers: { 'x-request-id': 'r-2', traceparent } })
    expect(refusal(answer).status).toBe(500)
    expect(lines).toEqual([
      {
        level: 'error',
        message: 'a request failed',
        fields: { requestId: 'r-2', method: 'GET', path: `/orders/${id}`, traceparent, error: expect.any(String) },
      },
    ])
  })

  test('has a line for every request at the level debug, and else none', async () => {
    const { log, lines } = createWholeLog({ debugging: true })
    await callerOf(createApp(serverOptions({ log })))('GET', '/actuator/info?a=b', {
      headers: { 'x-request-id': 'r-3' },
    })
    const fields = { requestId: 'r-3', method: 'GET', path: '/actuator/info', status: 200, ms: expect.any(Number) }
    expect(lines).toEqual([{ level: 'debug', message: 'a request was answered', fields }])
    const quiet = createTestLog()
    await callerOf(createApp(serverOptions({ log: quiet.log })))('GET', '/actuator/info')
    expect(quiet.lines).toEqual([])
  })
})

describe('whoever counts', () => {
  test('learns of every answer once, with its operation', async () => {
    const seen: [string | null, number, boolean][] = []
    const app = createApp(
      serverOptions({
        service: refusing('OVERLOADED'),
        observe: ({ operation }, { status, seconds }) =>
          seen.push([operation?.id ?? null, status, seconds > 0 && seconds < 60]),
      }),
    )
    for (const [method, path, sent] of everyKindOfAnswer) await callerOf(app)(method, path, sent)
    expect(seen).toEqual([
      ['info', 200, true],
      ['docs', 200, true],
      ['docsAsset', 200, true],
      [null, 404, true],
      [null, 405, true],
      ['placeOrder', 503, true],
      ['placeOrder', 400, true],
      ['getOrder', 500, true],
    ])
  })
})

type Options = Parameters<typeof answering>[2]

const answerOf = (handler: Handler, changed: Partial<Options> = {}) =>
  answering(operations.info, handler, {
    log: createTestLog().log,
    observe: () => undefined,
    tracing: noTracing,
    draining: () => false,
    now: () => new Date(),
    gates: [],
    ...changed,
  })(new Request('http://localhost/', { headers: { 'x-request-id': 'r-1' } }))

describe('the headers of an answer', () => {
  const own = { 'cache-control': 'max-age=1', 'x-request-id': 'no', 'content-type': 'text/x' }
  const kinds: [string, Handler][] = [
    ['a reply', () => json(200, '{}', own)],
    ['a response', () => new Response('{}', { headers: own })],
  ]
  test.each(kinds)('of %s: what its handler sets, unless all answers have to say it', async (_, handler) => {
    const { headers } = await answerOf(handler)
    expect(Object.fromEntries(headers.entries())).toEqual({
      'cache-control': 'max-age=1',
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
      'content-type': 'text/x',
      'x-content-type-options': 'nosniff',
      'x-request-id': 'r-1',
    })
  })

  test.each([...kinds, ['a problem', () => problem('NOT_FOUND', 'x')] as [string, Handler]])(
    'of %s: what a gate adds, and the end of the connection once the port is about to close',
    async (_, handler) => {
      const gate = ({ headers }: Exchange) => {
        headers['vary'] = 'Origin'
        return null
      }
      const open = (await answerOf(handler, { gates: [gate] })).headers
      expect([open.get('vary'), open.get('connection')]).toEqual(['Origin', null])
      const draining = (await answerOf(handler, { gates: [gate], draining: () => true })).headers
      expect([draining.get('vary'), draining.get('connection')]).toEqual(['Origin', 'close'])
    },
  )
})

describe('gates', () => {
  const run = (gates: Options['gates'], handler: Handler) => answerOf(handler, { gates })
  const answers = (text: string) => () => new Response(text)

  test('are asked in their order; the first answer counts, and what they add stands in it', async () => {
    const asked: string[] = []
    const gate = (name: string, answer: string | null) => async (exchange: Exchange) => {
      asked.push(name)
      exchange.headers[`x-${name}`] = 'seen'
      return Promise.resolve(answer === null ? null : new Response(answer))
    }
    const stopped = await run([gate('a', null), gate('b', 'stop'), gate('c', 'late')], answers('handled'))
    expect([await stopped.text(), asked]).toEqual(['stop', ['a', 'b']])
    expect([stopped.headers.get('x-a'), stopped.headers.get('x-b')]).toEqual(['seen', 'seen'])
    expect(await (await run([gate('a', null)], answers('handled'))).text()).toBe('handled')
  })

  test('that fail let nobody through', async () => {
    const failing = () => {
      throw new Error('a bug of a gate')
    }
    const response = await run([failing], answers('handled'))
    expect(response.status).toBe(500)
    expect(bodyOf({ status: 500, headers: response.headers, text: await response.text() })['code']).toBe('INTERNAL')
  })
})
