// Proves: whatever path, method or failure a client meets, the answer is a problem in one shape that says what to do and nothing
// about the inside; each refusal has its own status.

import { afterAll, afterEach, beforeAll, describe, expect, test } from 'bun:test'
import type { ServicePools } from '../../src/app/batchers.ts'
import { createService, type Service } from '../../src/app/service.ts'
import { createApp } from '../../src/http/server.ts'
import type { Database } from '../../src/store/sql.ts'
import { allPools } from '../support/database.ts'
import {
  bodyOf,
  callerOf,
  createTestLog,
  openHarness,
  orderBody,
  refusal,
  serverOptions,
  type Answer,
  type Harness,
  startServer,
} from './harness.ts'
import { openSocket, parseRaw } from './socket.ts'

const id = '0197a9b0-0000-7000-8000-000000000001'
const overloaded = { status: 503, code: 'OVERLOADED', pointers: [] }
const outcomeUnknown = { status: 504, code: 'OUTCOME_UNKNOWN', pointers: [] }
const internal = { status: 500, code: 'INTERNAL', pointers: [] }

const call = callerOf(createApp(serverOptions()))

describe('a path', () => {
  const paths = [
    ['/orders', 'DELETE, GET, HEAD, OPTIONS, POST'],
    ['/orders/', 'DELETE, GET, HEAD, OPTIONS, POST'],
    ['/orders/cancel-after', 'OPTIONS, POST'],
    [`/orders/${id}`, 'DELETE, GET, HEAD, OPTIONS'],
    ['/orders/anything', 'DELETE, GET, HEAD, OPTIONS'],
    ['/orders/stream', 'GET, HEAD, OPTIONS'],
    ['/orders/stream/', 'GET, HEAD, OPTIONS'],
    [`/orders/${id}/fills`, 'GET, HEAD, OPTIONS'],
    [`/orders/${id}/events`, 'GET, HEAD, OPTIONS'],
    [`/orders/${id}/cancel`, 'OPTIONS, POST'],
    ['/exceptions', 'GET, HEAD, OPTIONS'],
    [`/exceptions/${id}/resolve`, 'OPTIONS, POST'],
    ['/actuator', 'GET, HEAD, OPTIONS'],
    ['/actuator/health', 'GET, HEAD, OPTIONS'],
    ['/actuator/health/liveness', 'GET, HEAD, OPTIONS'],
    ['/actuator/health/readiness', 'GET, HEAD, OPTIONS'],
    ['/actuator/info', 'GET, HEAD, OPTIONS'],
    ['/actuator/prometheus', 'GET, HEAD, OPTIONS'],
    ['/metrics', 'GET, HEAD, OPTIONS'],
  ] as const

  test.each(paths)('%s takes %s, and answers 405 to every other method', async (path, allow) => {
    const others = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'].filter(
      (each) => !allow.split(', ').includes(each),
    )
    for (const method of others) {
      const answer = await call(method, `${path}?a=/b`)
      expect(refusal(answer)).toEqual({ status: 405, code: 'METHOD_NOT_ALLOWED', pointers: [] })
      expect(answer.headers.get('allow')).toBe(allow)
      expect(bodyOf(answer)['message']).toBe(`this path takes ${allow}`)
    }
    const asked = await call('OPTIONS', `${path}?a=/b`)
    expect([asked.status, asked.text, asked.headers.get('allow')]).toEqual([204, '', allow])
  })

  test.each([
    '/order',
    '/ORDERS',
    '/orders/a/b',
    '/orders/a/fills/b',
    '/orders//fills',
    '/orders//cancel',
    '/actuator/env',
    '/actuator/health/db',
    '/favicon.ico',
    '/%2e%2e/etc/passwd',
    '/orders%2f',
    '/__proto__',
  ])('%s is nowhere: 404 for any method', async (path) => {
    for (const method of ['GET', 'POST', 'DELETE']) {
      const answer = await call(method, path)
      expect(refusal(answer)).toEqual({ status: 404, code: 'NOT_FOUND', pointers: [] })
      expect(bodyOf(answer)['message']).toBe('there is nothing at this path')
    }
  })
})

describe('through a socket', () => {
  const { log, lines } = createTestLog()
  const server = startServer(serverOptions({ log }))
  afterAll(() => server.stop())
  const send = async (...lines: string[]) =>
    parseRaw(await openSocket(server.port, `${lines.join('\r\n')}\r\n\r\n`).answer())

  test.each(['Host: a b c', 'Host:', 'Host: [', 'Host: ä'])(
    'a header that is no host (%p) changes nothing',
    async (host) => {
      expect(refusal(await send('GET /nowhere HTTP/1.1', host)).status).toBe(404)
      expect(refusal(await send('PUT /orders?x=1 HTTP/1.1', host)).status).toBe(405)
      expect((await send('GET /actuator/info HTTP/1.1', host)).status).toBe(200)
    },
  )

  test.each([
    '/x/../actuator/info',
    '/x/%2e%2e/actuator/info',
    '/./actuator/info',
    '/x\\..\\actuator\\info',
    '/x/../actuator/info/',
    '//actuator/info',
  ])('a path that only leads to a route (%s) is none, and is not told to take another method', async (path) => {
    for (const host of ['a', 'orders.example'])
      expect(refusal(await send(`GET ${path} HTTP/1.1`, `Host: ${host}`)).status).toBe(404)
  })

  test('a path is what was sent, however long the host is', async () => {
    for (const host of ['a', 'api', 'orders.example']) {
      expect(refusal(await send('GET /xy/actuator/info HTTP/1.1', `Host: ${host}`)).status).toBe(404)
      expect(refusal(await send('GET /aaaaaaaaaaa/actuator/info HTTP/1.0')).status).toBe(404)
      expect((await send('GET /actuator/info HTTP/1.1', `Host: ${host}`)).status).toBe(200)
      expect((await send('GET /actuator/info/ HTTP/1.1', `Host: ${host}`)).status).toBe(200)
      expect((await send('GET /actuator/info/?x=1 HTTP/1.1', `Host: ${host}`)).status).toBe(200)
      expect((await send('GET /docs/handbook/runbook/ HTTP/1.1', `Host: ${host}`)).status).toBe(200)
      expect(refusal(await send('PUT /orders/ HTTP/1.1', `Host: ${host}`)).status).toBe(405)
    }
  })

  test('a path with its origin before it, as proxies are asked for it, is that path', async () => {
    expect((await send('GET http://orders.example/actuator/info HTTP/1.1', 'Host: orders.example')).status).toBe(200)
    expect(refusal(await send('GET http://orders.example/x/../actuator/info HTTP/1.1', 'Host: a')).status).toBe(404)
  })

  test('a request of HTTP/1.0 without a host is answered', async () => {
    expect(refusal(await send('GET /nowhere HTTP/1.0')).code).toBe('NOT_FOUND')
  })

  test('HEAD answers what GET would, without the body', async () => {
    const url = `http://127.0.0.1:${server.port}/actuator/info`
    const [get, head] = await Promise.all([fetch(url), fetch(url, { method: 'HEAD' })])
    expect([head.status, await head.text()]).toEqual([200, ''])
    expect(head.headers.get('content-type')).toBe(get.headers.get('content-type'))
    expect(head.headers.get('content-length')).toBe(String((await get.text()).length))
  })

  test('none of this is an error of the service', () => {
    expect(lines).toEqual([])
  })

  test('a port that is taken is an exception', () => {
    expect(() => startServer(serverOptions(), { port: server.port })).toThrow()
  })
})

describe('a bug', () => {
  const secret = 'password=hunter2 select * from orders'
  const fail = (): never => {
    throw new TypeError(secret)
  }
  const rejecting = () => Promise.reject(new TypeError(secret))

  test.each(['throws', 'rejects'])(
    'that %s is a 500 that hides the details, and a line of the log that has them',
    async (how) => {
      const broken = how === 'throws' ? fail : rejecting
      const { log, lines } = createTestLog()
      const turnAway = () => null
      const service = {
        turnAway,
        place: broken,
        cancel: broken,
        cancelMany: broken,
        cancelAfter: broken,
        find: broken,
        list: broken,
        fills: broken,
        history: broken,
      } as unknown as Service
      const failing = callerOf(createApp(serverOptions({ service, log })))
      for (const answer of [
        await failing('POST', '/orders', { body: orderBody }),
        await failing('GET', '/orders?limit=1'),
        await failing('GET', `/orders/${id}`),
        await failing('GET', `/orders/${id}/fills`),
        await failing('GET', `/orders/${id}/events`),
        await failing('POST', `/orders/${id}/cancel`),
        await failing('DELETE', '/orders?ticker=AAPL'),
        await failing('POST', '/orders/cancel-after', { body: { userId: id, timeoutMs: 0 } }),
      ]) {
        expect(refusal(answer)).toEqual(internal)
        expect(answer.text).not.toMatch(/hunter2|select|TypeError|\.ts/)
        expect(bodyOf(answer)['detail']).toBe('the service failed on this request')
      }
      expect(lines).toHaveLength(8)
      expect(lines[1]).toEqual({
        level: 'error',
        message: 'a request failed',
        fields: { requestId: expect.any(String), method: 'GET', path: '/orders', error: secret },
      })
    },
  )

  test('in a health source is a 500 too', async () => {
    const health = { ...serverOptions().health, components: fail }
    const answer = await callerOf(createApp(serverOptions({ health })))('GET', '/actuator/health')
    expect(refusal(answer)).toEqual(internal)
  })
})

describe('while the service starts', () => {
  const starting = callerOf(createApp(serverOptions({ started: () => false })))

  test.each([
    ['POST', '/orders'],
    ['GET', '/orders'],
    ['GET', `/orders/${id}`],
    ['GET', `/orders/${id}/fills`],
    ['GET', `/orders/${id}/events`],
    ['POST', `/orders/${id}/cancel`],
    ['DELETE', '/orders?ticker=AAPL'],
    ['POST', '/orders/cancel-after'],
  ])('%s %s is 503, to be tried again', async (method, path) => {
    const answer = await starting(method, path, method === 'POST' ? { body: orderBody } : {})
    expect(refusal(answer)).toEqual(overloaded)
    expect(answer.headers.get('retry-after')).toBe('1')
  })

  test('health, info, metrics and unknown paths are answered', async () => {
    for (const path of ['/actuator/health/liveness', '/actuator/info', '/metrics'])
      expect((await starting('GET', path)).status).toBe(200)
    expect((await starting('GET', '/nowhere')).status).toBe(404)
  })
})

describe('a service over a database', () => {
  let harness: Harness
  /** The same database behind a service that gives up after a moment. */
  let hasty: Service
  let callHasty: Harness['call']
  let accepting = true
  /** What happens to the next writes: each is asked before its statement, and told after it. */
  let fault: { before?: () => Promise<void>; after?: () => Promise<void> } = {}
  const lost = (code = 'CONNECTION_CLOSED') =>
    Promise.reject(Object.assign(new Error('secret of the driver'), { code }))
  const times = (count: number, happens: () => Promise<void>) => {
    let left = count
    return () => (left-- > 0 ? happens() : Promise.resolve())
  }

  /** Reads go well. */
  const faultyWrites = (pool: Database): ServicePools => ({
    ...allPools(pool),
    places: faulty(pool),
    changes: faulty(pool),
  })
  const faulty = (pool: Database): Database => ({
    ...pool,
    async run(statement) {
      await fault.before?.()
      const result = await pool.run(statement)
      await fault.after?.()
      return result
    },
  })

  beforeAll(async () => {
    harness = await openHarness({
      service: (database) => ({
        pools: faultyWrites(database.open()),
        limits: { batchMax: 2, lanes: 1, queueMax: 3, deadlineMs: 40_000 },
        accepting: () => accepting,
      }),
    })
    const pool = harness.database.open()
    hasty = createService({
      pools: faultyWrites(pool),
      limits: { batchMax: 2, lanes: 1, queueMax: 3, deadlineMs: 500 },
      now: () => new Date(),
      newId: (at) => Bun.randomUUIDv7('hex', at.getTime()),
      expiresAt: () => null,
      accepting: () => true,
      onCommitted: () => undefined,
      onBug: (error) => harness.bugs.push(error),
      log: harness.log.log,
    })
    callHasty = callerOf(createApp(serverOptions({ service: hasty })))
  })
  afterEach(() => {
    accepting = true
    fault = {}
  })
  afterAll(async () => {
    hasty.close()
    await harness.close()
  })

  const post = (clientOrderId: string | null = null, call = harness.call) =>
    call('POST', '/orders', { body: { ...orderBody, clientOrderId } })
  const postHasty = (clientOrderId: string | null = null) => post(clientOrderId, callHasty)

  /** Holds every write back until it is opened; `entered` is the first one that waits. */
  const closeGate = () => {
    const gate = Promise.withResolvers<void>()
    const { promise: entered, resolve } = Promise.withResolvers<void>()
    fault.before = () => {
      resolve()
      return gate.promise
    }
    return { entered, open: gate.resolve }
  }
  const codes = (answers: Answer[]) => answers.map((answer) => (answer.status === 202 ? '202' : refusal(answer).code))

  test('past the outbox bound only POST /orders is refused, before anything is stored', async () => {
    const { id: held } = await harness.place()
    const before = await harness.count('orders')
    accepting = false
    const answer = await post()
    expect(refusal(answer)).toEqual(overloaded)
    expect(bodyOf(answer)['message']).toBe('nothing was stored: try again after the time in Retry-After')
    expect((await harness.call('GET', `/orders/${held}`)).status).toBe(200)
    expect((await harness.call('GET', '/orders')).status).toBe(200)
    expect((await harness.call('GET', `/orders/${held}/fills`)).status).toBe(200)
    expect((await harness.call('POST', `/orders/${held}/cancel`)).status).toBe(200)
    expect((await harness.call('POST', '/orders', { body: {} })).status).toBe(400)
    expect(await harness.count('orders')).toBe(before)
  })

  test('a full queue refuses at once, unread; what it took is stored, what it refused is not', async () => {
    const gate = closeGate()
    const before = await harness.count('orders')
    const first = post()
    await gate.entered
    const more = Array.from({ length: 8 }, () => post())
    const { promise: full, resolve } = Promise.withResolvers<void>()
    let refusedCount = 0
    for (const posting of more) void posting.then(() => ++refusedCount === 5 && resolve())
    await full
    expect(refusal(await harness.call('POST', '/orders', { body: '{ not read' }))).toEqual(overloaded)
    gate.open()
    const answers = await Promise.all([first, ...more])
    expect(codes(answers).toSorted()).toEqual([
      ...Array.from({ length: 4 }, () => '202'),
      ...Array.from({ length: 5 }, () => 'OVERLOADED'),
    ])
    expect((await harness.count('orders')) - before).toBe(4)
  })

  test('Postgres away is 503 at once: nothing was stored', async () => {
    fault.before = () => lost('ECONNREFUSED')
    expect(refusal(await post())).toEqual(overloaded)
    expect(refusal(await harness.call('POST', `/orders/${id}/cancel`))).toEqual(overloaded)
  })

  test('a write whose answer stays lost is 504, and says so', async () => {
    fault.before = () => lost()
    const answer = await postHasty()
    expect(refusal(answer)).toEqual(outcomeUnknown)
    expect(bodyOf(answer)['message']).toBe(
      'the answer of the database was lost or late, the request may have taken effect: ask again with the same key',
    )
    expect(answer.text).not.toContain('driver')
    expect(refusal(await callHasty('POST', `/orders/${id}/cancel`))).toEqual(outcomeUnknown)
  })

  test('a write that Postgres never answers is 504 at the deadline; who still waits behind it is 503', async () => {
    const gate = closeGate()
    const first = postHasty()
    await gate.entered
    const behind = postHasty()
    expect(refusal(await first)).toEqual(outcomeUnknown)
    expect(refusal(await behind)).toEqual(overloaded)
    gate.open()
    await hasty.drained()
  })

  test('after a 504 the same key finds the order that was stored', async () => {
    fault.after = () => lost()
    expect(refusal(await postHasty('lost-1'))).toEqual(outcomeUnknown)
    await hasty.drained()
    fault = {}
    const again = await post('lost-1')
    expect([again.status, again.headers.get('idempotent-replayed')]).toEqual([202, 'true'])
    const { id: stored } = bodyOf(again)
    const [row] = await harness.database
      .sql`select count(*)::integer as n from outbox where order_id = ${String(stored)}::uuid`
    expect(row!['n']).toBe(1)
  })

  test('a lost answer that is found again is a plain 202: one order, one event', async () => {
    const before = await harness.count('outbox')
    fault.after = times(1, () => lost())
    const answer = await post('lost-2')
    expect([answer.status, answer.headers.get('idempotent-replayed')]).toEqual([202, null])
    expect((await harness.count('outbox')) - before).toBe(1)
  })

  test('a cancel whose answer was lost is a 200', async () => {
    const { id: held } = await harness.place()
    fault.after = times(1, () => lost())
    const answer = await harness.call('POST', `/orders/${held}/cancel`)
    expect([answer.status, bodyOf(answer)['status']]).toEqual([200, 'CANCELED'])
  })

  test('a row that Postgres refuses is a 500 for its request alone', async () => {
    fault.before = () => lost('22000')
    const answers = await Promise.all([post(), post()])
    expect(codes(answers)).toEqual(['INTERNAL', 'INTERNAL'])
    expect(answers[0].text).not.toContain('driver')
    expect(bodyOf(answers[0])['message']).toBe('the service failed on this request; nothing was stored')
    expect(harness.bugs.splice(0)).toHaveLength(2)
    fault = {}
    expect((await post()).status).toBe(202)
  })
})

describe('a database that cannot be reached', () => {
  test('is 503 on every call of the API', async () => {
    const harness = await openHarness({
      service: (database) => {
        const nowhere = database.open({}, { ...database.target, url: 'postgres://nobody:nothing@127.0.0.1:1/none' })
        return { pools: allPools(nowhere) }
      },
    })
    const answers = await Promise.all([
      harness.call('POST', '/orders', { body: orderBody }),
      harness.call('GET', '/orders'),
      harness.call('GET', `/orders/${id}`),
      harness.call('GET', `/orders/${id}/fills`),
      harness.call('GET', `/orders/${id}/events`),
      harness.call('POST', `/orders/${id}/cancel`),
      harness.call('DELETE', '/orders?ticker=AAPL'),
      harness.call('POST', '/orders/cancel-after', { body: { userId: id, timeoutMs: 0 } }),
    ])
    for (const answer of answers) {
      expect(refusal(answer)).toEqual(overloaded)
      expect(answer.text).not.toMatch(/nobody|127\.0\.0\.1|ECONN/)
    }
    await harness.close()
  })
})
