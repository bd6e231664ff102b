// Proves: the fuzzer's own judgement is right: the oracle decides by the contract, and each check finds what it is there to find.

import { describe, expect, test } from 'bun:test'
import { answerFault, problemFault, rawAnswerFault } from './checkAnswer.ts'
import { batchFault, promisedBy } from './checkBatch.ts'
import { expectAnswer } from './expectedAnswer.ts'
import { canceledIn, expectSwitch, isScope } from './expectedMany.ts'
import { canonicalAmount, expectBatch, expectOrder, expectResolution } from './expectedOrder.ts'
import { bytesOf } from './httpCall.ts'
import { caseOf, type HttpRequest } from './requests.ts'
import { shrink } from './shrink.ts'
import { differing } from './storedOrders.ts'
import { parseStrict } from './strictJson.ts'
import { messageOf } from './tradeMessages.ts'
import type { Answer } from './wire.ts'

const pool = {
  orderIds: ['00000000-0000-4000-8000-0000000000aa'],
  exceptionIds: ['00000000-0000-4000-8000-0000000000bb'],
}
const user = '00000000-0000-4000-8000-000000000001'
const lawful = {
  userId: user,
  ticker: 'aapl',
  side: 'BUY',
  type: 'LIMIT',
  timeInForce: 'GTC',
  quantity: 100,
  price: 150.5,
}
const terms = {
  ...lawful,
  clientOrderId: null,
  ticker: 'AAPL',
  quantity: '100',
  price: '150.5',
  stopPrice: null,
  displayQuantity: null,
  postOnly: false,
  expiresAt: null,
}
const judge = (body: string, key: string | null = null) =>
  expectOrder({ contentType: 'application/json', key, body: Buffer.from(body) })
const withMember = (name: string, source: string): string =>
  JSON.stringify({ ...lawful, [name]: '@' }).replace('"@"', source)

describe('the oracle of orders', () => {
  test('takes a lawful order, in canonical form', () => {
    expect(judge(JSON.stringify(lawful))).toEqual({ taken: terms })
    expect(judge(JSON.stringify({ ...lawful, clientOrderId: 'k' }))).toEqual({
      taken: { ...terms, clientOrderId: 'k' },
    })
    expect(judge(JSON.stringify(lawful), 'k')).toEqual({ taken: { ...terms, clientOrderId: 'k' } })
    expect(judge(withMember('price', '123456789012.12345678'))).toEqual({
      taken: { ...terms, price: '123456789012.12345678' },
    })
  })

  test.each([
    ['1e-7', '0.0000001'],
    ['15.05E1', '150.5'],
    ['0.00000001', '0.00000001'],
    ['1.000000000000000000', '1'],
    ['999999999999.99999999', '999999999999.99999999'],
    ['0', null],
    ['0e999999999', null],
    ['1e12', null],
    ['1e-9', null],
    ['1e999999999999999999999', null],
    ['-1', null],
  ])('reads %s as %s', (source, amount) => expect(canonicalAmount(source)).toBe(amount))

  test.each([
    ['a member that nobody knows', withMember('x', '1')],
    ['__proto__', withMember('x', '1').replace('"x"', '"__proto__"')],
    ['a member twice', JSON.stringify(lawful).replace('{', '{"side":"BUY",')],
    ['NUL in the ticker', withMember('ticker', '"A\\u0000"')],
    ['half a surrogate pair', withMember('ticker', '"\\ud800"')],
    ['a price for MARKET', withMember('type', '"MARKET"')],
    ['an exponent in text', withMember('quantity', '"1e2"')],
    ['a ninth fraction digit', withMember('quantity', '0.123456789')],
    ['a comma too many', JSON.stringify(lawful).replace('}', ',}')],
    ['nothing', ''],
    ['deep nesting', '['.repeat(30_000)],
  ])('refuses %s', (_, body) => expect(judge(body)).toEqual({ refused: 400 }))

  const inHours = (hours: number): string => new Date(Date.now() + hours * 3_600_000).toISOString()
  const withTerms = (changed: object): string => JSON.stringify({ ...lawful, ...changed })

  test.each<[object, object]>([
    [
      { type: 'STOP', price: null, stopPrice: 1 },
      { type: 'STOP', price: null, stopPrice: '1' },
    ],
    [
      { type: 'STOP_LIMIT', stopPrice: '1.50' },
      { type: 'STOP_LIMIT', stopPrice: '1.5' },
    ],
    [{ displayQuantity: 99.5 }, { displayQuantity: '99.5' }],
    [{ postOnly: true }, { postOnly: true }],
    [{ postOnly: false, timeInForce: 'IOC' }, { timeInForce: 'IOC' }],
  ])('takes %j', (changed, expected) => expect(judge(withTerms(changed))).toEqual({ taken: { ...terms, ...expected } }))

  test('takes an end that is ahead, in UTC to the millisecond', () => {
    const end = inHours(1)
    const sent = end.replace('Z', '999+00:00')
    expect(judge(withTerms({ timeInForce: 'GTD', expiresAt: sent }))).toEqual({
      taken: { ...terms, timeInForce: 'GTD', expiresAt: end },
    })
  })

  test.each<object>([
    { stopPrice: 1 },
    { type: 'STOP', stopPrice: 1 },
    { type: 'STOP', price: null },
    { type: 'STOP_LIMIT' },
    { type: 'STOP_LIMIT', stopPrice: 1, postOnly: true },
    { type: 'STOP_LIMIT', stopPrice: 1, timeInForce: 'FOK' },
    { displayQuantity: 100 },
    { displayQuantity: 1, timeInForce: 'IOC' },
    { type: 'MARKET', price: null, displayQuantity: 1 },
    { postOnly: 'true' },
    { postOnly: true, timeInForce: 'IOC' },
    { timeInForce: 'GTD' },
    { expiresAt: inHours(1) },
    { timeInForce: 'GTD', expiresAt: inHours(-1) },
    { timeInForce: 'GTD', expiresAt: inHours(367 * 24) },
    { timeInForce: 'GTD', expiresAt: inHours(1).replace('Z', '') },
    { timeInForce: 'GTD', expiresAt: '2027-02-29T00:00:00Z' },
  ])('refuses %j', (changed) => expect(judge(withTerms(changed))).toEqual({ refused: 400 }))

  test('knows of type, size and keys', () => {
    const body = Buffer.from(JSON.stringify(lawful))
    expect(expectOrder({ contentType: 'text/plain', key: null, body })).toEqual({ refused: 415 })
    expect(expectOrder({ contentType: 'application/json', key: null, body: Buffer.alloc(65_537, 32) })).toEqual({
      refused: 413,
    })
    expect(expectOrder({ contentType: 'application/json', coding: 'gzip', key: null, body })).toEqual({ refused: 415 })
    expect(judge(JSON.stringify({ ...lawful, clientOrderId: 'a' }), 'b')).toEqual({ refused: 400 })
    for (const [header, clientOrderId] of [
      ['"k"', 'k'],
      [String.raw`"\"\\"`, '"\\'],
      ['"k', '"k'],
      ['"a, b"', 'a, b'],
    ] as const)
      expect(judge(JSON.stringify(lawful), header)).toEqual({ taken: { ...terms, clientOrderId } })
    for (const header of ['a, b', '""', ', ']) expect(judge(JSON.stringify(lawful), header)).toEqual({ refused: 400 })
    const resolve = (text: string) =>
      expectResolution({ contentType: 'application/json', key: null, body: Buffer.from(text) })
    expect(resolve('{"resolvedBy":"a","note":"b"}')).toEqual({ taken: { resolvedBy: 'a', note: 'b' } })
    expect(resolve('{"resolvedBy":"a","note":"b","toString":1}')).toEqual({ refused: 400 })
  })

  test('judges each order of a batch by itself, and what is no list as a whole', () => {
    const judgeBatch = (body: string, key: string | null = null) =>
      expectBatch({ contentType: 'application/json', key, body: Buffer.from(body) })
    const good = JSON.stringify(lawful)
    expect(judgeBatch(`{"orders":[${good},null,${good.replace('"BUY"', '"UP"')}]}`)).toEqual({
      taken: [{ taken: terms }, { refused: 400 }, { refused: 400 }],
    })
    const twice = good.replace('{', '{"side":"BUY",')
    expect(judgeBatch(`{"orders":[${twice}]}`)).toEqual({ taken: [{ refused: 400 }] })
    for (const body of ['', '[]', good, '{"orders":[]}', `{"orders":[${good}],"x":1}`, `{"orders":[${good},]}`])
      expect(judgeBatch(body)).toEqual({ refused: 400 })
    expect(judgeBatch(`{"orders":[${Array.from({ length: 257 }, () => '1').join(',')}]}`)).toEqual({ refused: 400 })
    expect(judgeBatch(`{"orders":[${good}]}`, 'k')).toEqual({ refused: 400 })
    expect(judgeBatch(`{"orders":[${good}]}${' '.repeat(70_000)}`)).toEqual({ taken: [{ taken: terms }] })
    expect(judgeBatch(' '.repeat(1_048_577))).toEqual({ refused: 413 })
    expect(judgeBatch(`{"orders":[${'['.repeat(600)}${']'.repeat(600)}]}`)).toBe('any')
  })

  test('agrees with the runtime on what is JSON', () => {
    const isJson = (text: string): boolean => {
      try {
        JSON.parse(text)
        return true
      } catch {
        return false
      }
    }
    for (let number = 0; number < 5_000; number++) {
      const found = caseOf('agree', number, pool)
      const text = found.kind === 'request' && found.body !== null ? new TextDecoder().decode(found.body) : ''
      const ours = parseStrict(text)
      if (ours !== 'TOO_DEEP')
        expect({ text: text.slice(0, 999), json: ours !== null }).toEqual({
          text: text.slice(0, 999),
          json: isJson(text),
        })
    }
  })
})

const answer = (status: number, body: string, headers: Record<string, string> = {}): Answer => ({
  status,
  body,
  head: `HTTP/1.1 ${status} X`,
  headers: new Map(
    Object.entries({ 'content-type': status >= 400 ? 'application/problem+json' : 'application/json', ...headers }),
  ),
})
const problem = (changes: Record<string, unknown> = {}): string =>
  JSON.stringify({
    type: 'urn:x',
    title: 'X',
    status: 400,
    detail: 'd',
    code: 'BAD_REQUEST',
    message: 'd',
    errors: [],
    timestamp: '2026-01-02T03:04:05.678Z',
    error: 'Bad Request',
    path: '/orders',
    ...changes,
  })

describe('the checks of answers find', () => {
  test('nothing in a good problem', () => expect(problemFault(answer(400, problem()), '/orders')).toBeNull())

  test.each([
    ['an echo', answer(400, problem({ errors: [{ pointer: '/ticker', detail: 's3cr3t<w0rd> is no ticker' }] }))],
    ['a stack', answer(400, problem({ detail: 'x\n    at decode (src/http/orders/decode.ts:12:3)', message: 'x' }))],
    ['a path', answer(400, problem({ type: '/$bunfs/root/orders' }))],
    ['SQL', answer(400, problem({ title: 'insert into orders' }))],
    ['a library', answer(400, problem({ title: 'PostgresError' }))],
    ['a member too many', answer(400, problem({ stack: '' }))],
    ['a member too few', answer(400, problem({ errors: undefined }))],
    ['another code', answer(400, problem({ code: 'INTERNAL' }))],
    ['another status', answer(404, problem({ code: 'NOT_FOUND' }))],
    ['another type', answer(400, problem(), { 'content-type': 'text/html' })],
    [
      'a 405 without Allow',
      answer(405, problem({ status: 405, code: 'METHOD_NOT_ALLOWED', error: 'Method Not Allowed' })),
    ],
    ['another reason', answer(400, problem({ error: 'Not Found' }))],
    ['no instant', answer(400, problem({ timestamp: 'now' }))],
    ['another path', answer(400, problem({ path: '/exceptions' }))],
    ['a raw path', answer(400, problem({ path: '/<b>' }))],
  ])('%s', (_, bad) => expect(problemFault(bad, '/orders')).not.toBeNull())

  const asked: HttpRequest = {
    kind: 'request',
    method: 'POST',
    target: '/orders',
    headers: [
      ['Host', 'orders'],
      ['Content-Type', 'application/json'],
    ],
    body: Buffer.from(JSON.stringify(lawful)),
    framing: 'length',
  }
  const order = {
    ...terms,
    id: user,
    status: 'NEW',
    filledQuantity: 0,
    remainingQuantity: 100,
    lastFillPrice: null,
    averageFillPrice: null,
    triggeredAt: null,
    reason: null,
    quantity: 100,
    price: 150.5,
    createdAt: '',
    updatedAt: '',
    version: 0,
  }
  const taken = (changes: Record<string, unknown> = {}): Answer =>
    answer(202, JSON.stringify({ ...order, ...changes }), { location: `/orders/${user}` })

  test('a 202 that is not the order', () => {
    const expected = expectAnswer(asked)
    expect(expected.statuses).toEqual([202])
    expect(answerFault(taken(), expected, false)).toBeNull()
    expect(answerFault(taken({ price: 150.50000001 }), expected, false)).toContain('price')
    expect(answerFault(taken({ ticker: 'aapl' }), expected, false)).toContain('ticker')
    expect(answerFault(taken({ extra: 1 }), expected, false)).toContain('members')
    expect(answerFault(answer(400, problem()), expected, false)).toContain('instead of 202')
    expect(answerFault(answer(500, problem({ status: 500, code: 'INTERNAL' })), expected, false)).toContain('500')
    expect(differing({ ...terms, quantity: '101' }, terms)).toEqual(['quantity is 101, not 100'])
  })

  test('a 304 that nobody asked for', () => {
    const page = { ...asked, method: 'GET', target: '/', body: null }
    const unchanged = answer(304, '', { 'content-type': '' })
    expect(answerFault(unchanged, expectAnswer(page), false)).toContain('304')
    expect(answerFault(unchanged, expectAnswer({ ...page, headers: [['If-None-Match', '*']] }), false)).toBeNull()
  })

  test('an answer to a void that is neither void nor the order with that key', () => {
    const voiding = (text: string) => expectAnswer({ ...asked, target: '/orders/void', body: Buffer.from(text) })
    const expected = voiding(JSON.stringify({ userId: user.toUpperCase(), clientOrderId: 'k' }))
    expect(expected).toMatchObject({ statuses: [200], voiding: { userId: user, clientOrderId: 'k' } })
    const said = (body: object): string | null => answerFault(answer(200, JSON.stringify(body)), expected, false)
    const held = { ...order, clientOrderId: 'k' }
    expect([said({ voided: true }), said({ voided: false, order: held })]).toEqual([null, null])
    for (const wrong of [
      {},
      { voided: false },
      { voided: true, order: held },
      { voided: false, order },
      { voided: false, order: { ...held, extra: 1 } },
    ])
      expect(said(wrong)).not.toBeNull()
    for (const bad of ['[]', '{}', `{"userId":"${user}"}`, `{"userId":"${user}","clientOrderId":"k","x":1}`])
      expect(voiding(bad).statuses).toEqual([400])
  })

  test('a 409 of an order that does not say that its key is void', () => {
    const keyed = expectAnswer({ ...asked, body: Buffer.from(withMember('clientOrderId', '"k"')) })
    const conflict = (code: string): string | null =>
      answerFault(answer(409, problem({ status: 409, code, error: 'Conflict', title: 'x' })), keyed, false)
    expect([conflict('VOIDED'), conflict('CONFLICT')]).toEqual([null, expect.stringContaining('CONFLICT')])
  })

  test('a 202 for what has to be refused, and a 5xx for broken HTTP', () => {
    const expected = expectAnswer({ ...asked, body: Buffer.from(withMember('x', '1')) })
    expect(answerFault(taken(), expected, false)).toContain('instead of 400')
    expect(rawAnswerFault(answer(431, ''))).toBeNull()
    expect(rawAnswerFault(answer(500, ''))).not.toBeNull()
    expect(rawAnswerFault(answer(400, 'Error: at parse (x.ts:1)'))).not.toBeNull()
  })
})

describe('the checks of a batch', () => {
  const order = {
    ...terms,
    id: user,
    status: 'NEW',
    filledQuantity: 0,
    remainingQuantity: 100,
    lastFillPrice: null,
    averageFillPrice: null,
    triggeredAt: null,
    reason: null,
    quantity: 100,
    price: 150.5,
    createdAt: '',
    updatedAt: '',
    version: 0,
  }
  const keyed = { ...terms, clientOrderId: 'k' }
  const mismatch = { status: 422, code: 'IDEMPOTENCY_MISMATCH', error: 'Unprocessable Entity', path: '/orders/batch' }
  const bad = JSON.parse(problem({ path: '/orders/batch' })) as object
  const results = (second: object = { status: 400, problem: bad }): Answer =>
    answer(
      200,
      JSON.stringify({
        results: [{ status: 202, order }, second, { status: 422, problem: JSON.parse(problem(mismatch)) as object }],
      }),
    )
  const expected = [{ taken: terms }, { refused: 400 }, { taken: keyed }]

  test('find nothing in good results, and know what was promised', () => {
    expect(batchFault(results(), expected, '/orders/batch')).toBeNull()
    expect(promisedBy(results(), expected)).toEqual({
      placed: [{ id: user, replayed: false, terms }],
      mismatched: [keyed],
      voided: [],
    })
  })

  test.each<[string, object]>([
    ['a 202 for what has to be refused', { status: 202, order }],
    ['another status in the problem', { status: 422, problem: bad }],
    ['an echo', { status: 400, problem: { ...bad, detail: 's3cr3t<w0rd>', message: 's3cr3t<w0rd>' } }],
    ['a member too many', { status: 400, problem: bad, order }],
    ['replayed that is false', { status: 400, problem: bad, replayed: false }],
    [
      'a 503 without Retry-After',
      { status: 503, problem: { ...bad, status: 503, code: 'OVERLOADED', error: 'Service Unavailable' } },
    ],
  ])('find %s', (_, second) => {
    expect(batchFault(results(second), expected, '/orders/batch')).not.toBeNull()
  })

  test('find a result that is missing, in another place, or of another order', () => {
    expect(batchFault(results(), [...expected, { refused: 400 }], '/orders/batch')).not.toBeNull()
    expect(batchFault(results(), expected.toReversed(), '/orders/batch')).not.toBeNull()
    expect(batchFault(results(), expected.with(0, { taken: { ...terms, side: 'SELL' } }), null)).toContain('side')
  })
})

test('a seed makes the same cases again, another seed makes others', () => {
  const texts = (seed: string): string[] =>
    Array.from({ length: 200 }, (_, number) => {
      const found = caseOf(seed, number, pool)
      return (found.kind === 'raw' ? found.bytes : bytesOf(found)).toString('latin1')
    })
  expect(texts('a')).toEqual(texts('a'))
  expect(texts('a')).not.toEqual(texts('b'))
  const message = (seed: string) => messageOf(seed, 7, { groups: [[]], messages: 10 })
  expect(message('a')).toEqual(message('a'))
})

test('a failing case is shrunk as far as possible', async () => {
  const halves = (text: string): string[] => [
    text.slice(0, text.length >> 1),
    text.slice(text.length >> 1),
    text.slice(1),
    text.slice(0, -1),
  ]
  expect(await shrink('lorem ipsum ! dolor', halves, (text) => Promise.resolve(text.includes('!')))).toBe('!')
})

describe('the oracle of many orders', () => {
  test('takes a scope with a user or a ticker, and nothing that it does not know', () => {
    for (const query of [`userId=${user}`, 'ticker=aapl', `userId=${user}&ticker=BTC%2FUSD&side=BUY`])
      expect([query, isScope(query)]).toEqual([query, true])
    for (const query of [
      '',
      'side=BUY',
      `userId=${user}&userId=${user}`,
      'ticker=',
      'ticker=A&x=1',
      'ticker=A+B',
      '=&ticker=A',
    ])
      expect([query, isScope(query)]).toEqual([query, false])
  })

  test('takes 0 and whole milliseconds from a second to a day, in any notation', () => {
    const statusOf = (timeoutMs: string): number =>
      expectSwitch({
        contentType: 'application/json',
        key: null,
        body: Buffer.from(`{"userId":"${user}","timeoutMs":${timeoutMs}}`),
      })
    for (const source of ['0', '0.0', '-0', '1000', '1e3', '100000e-2', '86400000', '5000.000'])
      expect([source, statusOf(source)]).toEqual([source, 200])
    for (const source of ['1', '999', '86400001', '1000.5', '-1000', '1e400', '1e-400', '"1000"', 'null'])
      expect([source, statusOf(source)]).toEqual([source, 400])
  })

  test('knows what an answer says was canceled, and when it says nothing', () => {
    const answer = (body: object): Answer =>
      ({ status: 200, headers: new Headers(), body: JSON.stringify(body) }) as never
    expect(canceledIn(answer({ canceled: [user], notCanceled: [], remaining: false }))).toEqual([user])
    expect(canceledIn(answer({ canceled: [user], notCanceled: [] }))).toBeNull()
    expect(canceledIn(answer({ canceled: [1], notCanceled: [], remaining: false }))).toBeNull()
    expect(canceledIn(answer({ canceled: [], notCanceled: [], remaining: false, more: 1 }))).toBeNull()
  })
})
