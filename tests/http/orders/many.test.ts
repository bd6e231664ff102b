// Proves: DELETE /orders and POST /orders/cancel-after do what the contract says for every form of request, refuse whatever they do not know, and
// are mistaken for no other route.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test'
import { createApp } from '../../../src/http/server.ts'
import { badRequest, bodyOf, callerOf, openHarness, refusal, serverOptions, type Harness } from '../harness.ts'

let harness: Harness
let userId = ''
beforeAll(async () => {
  harness = await openHarness()
})
afterAll(() => harness.close())
beforeEach(() => {
  userId = crypto.randomUUID()
})

const cancel = (query: string) => harness.call('DELETE', `/orders${query}`)
const arm = (body: string | object) => harness.call('POST', '/orders/cancel-after', { body })
const place = async (changed: object = {}): Promise<string> => (await harness.place({ userId, ...changed })).id
const statusOf = async (id: string): Promise<unknown> => bodyOf(await harness.call('GET', `/orders/${id}`))['status']

describe('DELETE /orders', () => {
  test('cancels the open orders of a user, in a ticker, of a side, and says which', async () => {
    const [buy, sell, other] = [await place(), await place({ side: 'SELL' }), await place({ ticker: 'BTC/USD' })]
    const answer = await cancel(`?userId=${userId.toUpperCase()}&ticker=aapl&side=SELL`)
    expect(answer.status).toBe(200)
    expect(bodyOf(answer)).toEqual({ canceled: [sell], notCanceled: [], remaining: false })
    expect(bodyOf(await cancel(`?ticker=BTC/USD&userId=${userId}`))).toMatchObject({ canceled: [other] })
    expect(bodyOf(await cancel(`?userId=${userId}`))).toMatchObject({ canceled: [buy] })
    expect(bodyOf(await cancel(`?userId=${userId}`))).toEqual({ canceled: [], notCanceled: [], remaining: false })
    const canceled = bodyOf(await harness.call('GET', `/orders/${buy}`))
    expect(canceled).toMatchObject({ status: 'CANCELED', reason: { code: 'MASS_CANCELED', text: null } })
    const { events } = bodyOf(await harness.call('GET', `/orders/${buy}/events`)) as { events: { cause: object }[] }
    expect(events.at(-1)).toMatchObject({
      kind: 'CANCELED',
      cause: { kind: 'mass-cancel', requestId: expect.any(String) },
    })
  })

  test('of a ticker alone it means everybody’s, where callers need not identify themselves', async () => {
    const ids = [await place({ ticker: 'ALL1' }), (await harness.place({ ticker: 'ALL1' })).id]
    const { canceled } = bodyOf(await cancel('?ticker=ALL1')) as { canceled: string[] }
    expect(canceled.toSorted()).toEqual(ids.toSorted())
  })

  test('needs a user or a ticker, and refuses what is unknown, empty, repeated or wrong, also where unknown is to be ignored', async () => {
    const id = await place()
    const lenient = callerOf(createApp(serverOptions({ service: harness.service, unknownFields: 'ignore' })))
    for (const call of [harness.call, lenient])
      for (const [query, ...pointers] of [
        ['', '?userId'],
        ['?', '?userId'],
        ['?side=BUY', '?userId'],
        ['?userId=', '?userId'],
        ['?ticker=', '?ticker'],
        [`?userId=${userId}&ticker=`, '?ticker'],
        [`?userId=${userId}&side=`, '?side'],
        [`?userId=${userId}&side=buy`, '?side'],
        [`?userId=${userId}&userId=${userId}`, '?userId'],
        [`?userId=${userId}&ticker=AAPL&ticker=MSFT`, '?ticker'],
        [`?userId=${userId}&status=open`, '?status'],
        [`?userId=${userId}&tickr=AAPL`, '?tickr'],
        [`?userId=${userId}&=`, '?'],
        ['?userId=me', '?userId'],
        ['?ticker=BTC+USD', '?ticker'],
      ] as const)
        expect([query, refusal(await call('DELETE', `/orders${query}`))]).toEqual([query, badRequest(...pointers)])
    expect(await statusOf(id)).toBe('NEW')
  })

  test('is not what an id that is empty or none asks for', async () => {
    const id = await place()
    expect(refusal(await harness.call('DELETE', '/orders/')).status).toBe(400)
    expect(refusal(await harness.call('DELETE', `/orders/?id=${id}`)).status).toBe(400)
    expect(refusal(await harness.call('DELETE', `/orders/undefined?userId=${userId}`)).status).toBe(400)
    for (const path of ['/orders/cancel-after', '/orders/batch', '/orders/stream'])
      expect(refusal(await harness.call('DELETE', `${path}?userId=${userId}`)).status).toBe(405)
    expect(await statusOf(id)).toBe('NEW')
    expect(refusal(await harness.call('DELETE', `/orders/${id}?userId=${userId}`)).status).toBe(400)
    expect((await harness.call('DELETE', `/orders/${id}`)).status).toBe(200)
  })
})

describe('POST /orders/cancel-after', () => {
  test('arms, arms anew and disarms', async () => {
    const before = Date.now()
    const first = bodyOf(await arm({ userId, timeoutMs: 60_000 }))
    expect(first).toEqual({ userId, firesAt: expect.stringMatching(/^\d{4}-.*Z$/) })
    expect(Date.parse(first['firesAt'] as string) - before).toBeGreaterThan(50_000)
    expect(bodyOf(await arm({ userId: userId.toUpperCase(), timeoutMs: 86_400_000 }))).toMatchObject({ userId })
    expect(bodyOf(await arm({ userId, timeoutMs: 0 }))).toEqual({ userId, firesAt: null })
  })

  test('past the deadline says that it has fired', async () => {
    await arm({ userId, timeoutMs: 1_000 })
    await harness.database.sql`update cancel_after set fires_at = now() - interval '1 second' where user_id = ${userId}`
    expect(bodyOf(await arm({ userId, timeoutMs: 1_000 }))).toMatchObject({ fired: true, firesAt: expect.any(String) })
    const { sql } = harness.database
    expect([
      ...(await sql`select reason_code, cause ->> 'kind' as kind from cancel_sweeps where user_id = ${userId}`),
    ]).toEqual([{ reason_code: 'CANCEL_AFTER', kind: 'cancel-after' }])
    expect(bodyOf(await arm({ userId, timeoutMs: 0 }))).not.toHaveProperty('fired')
  })

  test('refuses every other body, and arms nothing', async () => {
    const good = { userId, timeoutMs: 5_000 }
    for (const [body, ...pointers] of [
      [{ ...good, timeoutMs: 999 }, '/timeoutMs'],
      [{ ...good, timeoutMs: 1 }, '/timeoutMs'],
      [{ ...good, timeoutMs: -1 }, '/timeoutMs'],
      [{ ...good, timeoutMs: 86_400_001 }, '/timeoutMs'],
      [{ ...good, timeoutMs: 1_000.5 }, '/timeoutMs'],
      [{ ...good, timeoutMs: '5000' }, '/timeoutMs'],
      [{ ...good, timeoutMs: null }, '/timeoutMs'],
      [{ userId }, '/timeoutMs'],
      [{ timeoutMs: 5_000 }, '/userId'],
      [{ ...good, userId: 'me' }, '/userId'],
      [{ ...good, userId: null }, '/userId'],
      [{ ...good, ticker: 'AAPL' }, '/ticker'],
      ['[]', ''],
      ['{', ''],
      [`{"userId":"${userId}","timeoutMs":5000,"timeoutMs":0}`, '/timeoutMs'],
      [`{"userId":"${userId}","timeoutMs":5000.00000000000000000001}`, '/timeoutMs'],
    ] as [string | object, string][])
      expect([body, refusal(await arm(body))]).toEqual([body, badRequest(...pointers)])
    const lenient = callerOf(createApp(serverOptions({ service: harness.service, unknownFields: 'ignore' })))
    const unknown = await lenient('POST', '/orders/cancel-after', { body: { ...good, more: 1 } })
    expect(refusal(unknown)).toEqual(badRequest('/more'))
    expect(refusal(await harness.call('POST', '/orders/cancel-after?timeoutMs=0', { body: good }))).toEqual(
      badRequest('?timeoutMs'),
    )
    expect(refusal(await harness.call('POST', '/orders/cancel-after', { body: 'x'.repeat(70_000) })).status).toBe(413)
    expect(await harness.database.sql`select from cancel_after where user_id = ${userId}`).toHaveLength(0)
  })
})

test('while all that may run at a time are at work, another mass cancel is 503 with Retry-After', async () => {
  const { promise: go, resolve } = Promise.withResolvers<void>()
  const full = await openHarness({
    service: (database) => {
      const pages = database.open({ plans: 'pages' })
      const slow = { ...pages, run: ((statement) => go.then(() => pages.run(statement))) as typeof pages.run }
      return { pools: { places: database.open(), changes: database.open(), gets: database.open(), pages: slow } }
    },
  })
  const running = [1, 2].map(() => full.call('DELETE', '/orders?ticker=AAPL'))
  const refused = await full.call('DELETE', '/orders?ticker=AAPL')
  expect(refusal(refused)).toEqual({ status: 503, code: 'OVERLOADED', pointers: [] })
  expect(refused.headers.get('retry-after')).toBe('1')
  resolve()
  for (const answer of await Promise.all(running)) expect(answer.status).toBe(200)
  await full.close()
})
