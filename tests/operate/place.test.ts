// Proves: `orders place` sends exactly the terms that were typed, refuses what may be a slip, asks again with one key where that is safe,
// and says whether the order exists.

import { describe, expect, test } from 'bun:test'
import { json, lines, problem, runAt, runWith } from './desk.ts'

const user = 'a11ce000-0000-4000-8000-000000000001'
const order = (members: object = {}) => ({ id: 'o-1', status: 'NEW', quantity: 100, version: 0, ...members })
const accepted = (headers: Record<string, string> = {}) => json(202, order(), headers)
const limit = ['place', '--user', user, 'BUY', '100', 'AAPL', '--limit', '187.50']

describe('the terms', () => {
  const bodies = [
    [
      ['BUY', '100', 'aapl', '--limit', '187.50'],
      { type: 'LIMIT', timeInForce: 'DAY', quantity: '100', price: '187.5' },
    ],
    [['buy', '100', 'AAPL', '@', '187.50'], { type: 'LIMIT', timeInForce: 'DAY', quantity: '100', price: '187.5' }],
    [['BUY', '100', 'AAPL', '--market'], { type: 'MARKET', timeInForce: 'DAY', quantity: '100' }],
    [
      ['BUY', '100', 'AAPL', '--market', '--stop', '190'],
      { type: 'STOP', timeInForce: 'DAY', quantity: '100', stopPrice: '190' },
    ],
    [
      ['BUY', '100', 'AAPL', '@', '191', '--stop', '190', '--tif', 'gtc', '--display', '10'],
      {
        type: 'STOP_LIMIT',
        timeInForce: 'GTC',
        quantity: '100',
        price: '191',
        stopPrice: '190',
        displayQuantity: '10',
      },
    ],
    [
      ['BUY', '100', 'AAPL', '@', '1', '--expires-at', '2027-01-31T21:00:00+01:00', '--post-only'],
      {
        type: 'LIMIT',
        timeInForce: 'GTD',
        quantity: '100',
        price: '1',
        postOnly: true,
        expiresAt: '2027-01-31T20:00:00.000Z',
      },
    ],
    [
      ['BUY', '999999999999.12345678', 'AAPL', '@', '0.00000001'],
      { type: 'LIMIT', timeInForce: 'DAY', quantity: '999999999999.12345678', price: '0.00000001' },
    ],
  ] as const
  test.each(bodies)('%j', async (words, terms) => {
    const { code, requests, err } = await runWith(() => accepted(), ['place', '--user', user, ...words])
    expect({ code, err }).toEqual({ code: 0, err: 'orders place: the key is made-key\n' })
    expect(requests.map(({ method, path, json: body }) => ({ method, path, body }))).toEqual([
      {
        method: 'POST',
        path: '/orders',
        body: { userId: user, clientOrderId: 'made-key', ticker: 'AAPL', side: 'BUY', ...terms },
      },
    ])
  })

  const slips = [
    [['BUY', '100', 'AAPL'], 'either --limit <price> (or @ <price>) or --market'],
    [['BUY', '100', 'AAPL', '--limit', '1', '--market'], 'either --limit <price> (or @ <price>) or --market'],
    [['BUY', '100', 'AAPL', '@', '1', '--limit', '1'], 'either --limit <price> (or @ <price>) or --market'],
    [['BUY', '100', 'AAPL', '187.50'], 'behind the ticker may stand @ and a price, not "187.50"'],
    [['BUY', '100', 'AAPL', '@'], 'behind the ticker may stand @ and a price'],
    [['BUY', 'AAPL', '100', '--market'], 'the quantity must be a plain decimal such as 1000 or 187.50'],
    [['BUY', '1,000', 'AAPL', '--market'], 'the quantity must be a plain decimal'],
    [['BUY', '1e3', 'AAPL', '--market'], 'the quantity must be a plain decimal'],
    [['BUY', '0', 'AAPL', '--market'], 'the quantity must be greater than 0'],
    [['BUY', '1', 'AAPL', '@', '1.123456789'], '--limit has more than 8 fraction digits'],
    [['BYE', '100', 'AAPL', '--market'], 'the side must be one of BUY, SELL'],
    [['BUY', '100', 'AA PL', '--market'], 'the ticker must be 1 to 16'],
    [['BUY', '100'], 'BUY or SELL, a quantity and a ticker are required, in this order'],
    [['BUY', '1', 'A', '--market', '--tif', 'GTD'], '--expires-at is required for GTD'],
    [
      ['BUY', '1', 'A', '--market', '--tif', 'DAY', '--expires-at', '2027-01-01T00:00:00Z'],
      '--expires-at is forbidden for DAY',
    ],
    [['BUY', '1', 'A', '@', '1', '--tif', 'IOC', '--post-only'], '--post-only is forbidden for IOC'],
    [['BUY', '1', 'A', '@', '1', '--display', '1'], '--display must be less than quantity'],
    [['BUY', '1', 'A', '@', '1', '--limt', '2'], 'there is no --limt here: did you mean --limit?'],
    [['BUY', '1', 'A', '--limit', '1', '--limit', '2'], '--limit is given twice'],
    [['BUY', '1', 'A', '@', '1', '--user', 'me'], '--user must be a UUID'],
  ] as const
  test.each(slips)('%j is refused: %s', async (words, fault) => {
    const { code, requests, err, out } = await runWith(() => accepted(), ['place', ...words])
    expect({ code, out, sent: requests.length }).toEqual({ code: 2, out: '', sent: 0 })
    expect(err).toContain(`orders place: ${fault}`)
    expect(err).toEndWith('orders place --help says more\n')
  })

  test('every fault is said at once', async () => {
    const { err } = await runWith(() => accepted(), ['place', 'BYE', 'x', '', '--tif', 'never'])
    expect(err.split('\n').filter((line) => line.startsWith('orders place: '))).toHaveLength(5)
  })
})

describe('asking again', () => {
  const overloaded = problem(503, 'OVERLOADED', 'nothing was stored')
  const replayed = accepted({ 'idempotent-replayed': 'true' })

  test('with one key, until there is an answer that decides', async () => {
    const script = [overloaded, 'lost', problem(504, 'OUTCOME_UNKNOWN', 'who knows'), json(502, ''), replayed] as const
    const { code, out, err, requests, pauses } = await runWith((_, n) => script[n]!, limit)
    expect(code).toBe(0)
    expect(new Set(requests.map(({ body }) => body)).size).toBe(1)
    expect(requests).toHaveLength(5)
    expect(pauses).toEqual([500, 1_000, 2_000, 4_000])
    expect(out).toStartWith('accepted: by an attempt before the last\nid')
    expect(err.split('\n')).toEqual([
      'orders place: the key is made-key',
      'orders place: the service answers 503 OVERLOADED: nothing was stored; asking again in 0.5 s',
      'orders place: the connection was lost; asking again in 1.0 s',
      'orders place: the service answers 504 OUTCOME_UNKNOWN: who knows; asking again in 2.0 s',
      'orders place: the service answers 502; asking again in 4.0 s',
      '',
    ])
  })

  test('as late as the service wishes, and not for longer than a minute', async () => {
    const wait = (seconds: number) => ({ ...overloaded, headers: { 'retry-after': String(seconds) } })
    const some = await runWith((_, n) => (n === 0 ? wait(7) : accepted()), limit)
    expect(some.pauses).toEqual([7_000])
    const long = await runWith(() => wait(40), limit)
    expect(long).toMatchObject({ code: 1, pauses: [40_000] })
    const never = await runWith(() => overloaded, limit)
    expect(never.requests).toHaveLength(6)
    expect(never.err).toEndWith('orders place: not placed: the service answers 503 OVERLOADED: nothing was stored\n')
  })

  test('a key that was used for this order before: repeated, not accepted', async () => {
    const { code, out, err } = await runWith(() => replayed, [...limit, '--key', 'mine'])
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out).toStartWith('repeated: this key was used before, for this order\n')
  })
})

describe('an order that may exist', () => {
  const unknown = problem(504, 'OUTCOME_UNKNOWN', 'who knows')
  const advice = "The order may exist. Give the same command again with --key 'made-key'"

  test('is said to be unknown, with its key', async () => {
    const { code, out, err } = await runWith(() => unknown, limit)
    expect({ code, out }).toEqual({ code: 1, out: '' })
    expect(err).toContain('orders place: unknown: the service answers 504 OUTCOME_UNKNOWN: who knows\n')
    expect(err).toContain(advice)
  })

  const afterwards = [
    ['a refused credential', problem(401, 'UNAUTHORIZED', 'expired')],
    ['too many requests', problem(429, 'RATE_LIMITED', 'slower')],
    ['a 503 of the service', problem(503, 'OVERLOADED', 'nothing was stored')],
    ['a form that another replica refuses', problem(400, 'BAD_REQUEST', 'no such type')],
  ] as const
  test.each(afterwards)('is not forgotten over %s', async (_, answer) => {
    const { code, err } = await runWith((_sent, n) => (n === 0 ? 'lost' : answer), limit)
    expect(code).toBe(1)
    expect(err).toContain('orders place: unknown: ')
    expect(err).toContain(advice)
  })

  test('a 503 that no service wrote says nothing certain', async () => {
    const { err } = await runWith(() => json(503, 'down'), limit)
    expect(err).toContain('orders place: unknown: the service answers 503\n')
  })

  const judged = [
    ['ORDER_REJECTED', 422],
    ['IDEMPOTENCY_MISMATCH', 422],
    ['VOIDED', 409],
  ] as const
  test.each(judged)('is decided by %s', async (name, status) => {
    const { code, err } = await runWith((_, n) => (n === 0 ? 'lost' : problem(status, name, 'because')), limit)
    expect(code).toBe(1)
    expect(err).toEndWith('orders place: refused: because\n')
  })

  test('nobody listens: nothing was placed, said at once', async () => {
    const { code, err, pauses } = await runAt('http://127.0.0.1:1', limit)
    expect({ code, pauses }).toEqual({ code: 1, pauses: [] })
    expect(err).toEndWith('orders place: not placed: nobody listens at this address: http://127.0.0.1:1 (see --url)\n')
  })
})

describe('a refusal', () => {
  const reason = { code: 'HALTED', text: 'AAPL is halted' }
  const rejected = problem(422, 'ORDER_REJECTED', 'AAPL is halted', {
    reason,
    order: order({ status: 'REJECTED', reason }),
  })

  test('by a rule of business names the rule and the order that is kept', async () => {
    const { code, out, err } = await runWith(() => rejected, limit)
    expect({ code, out }).toEqual({ code: 1, out: '' })
    expect(err).toEndWith('orders place: refused: HALTED: AAPL is halted (kept as order o-1; its key is used)\n')
  })

  test('names every fault of the request', async () => {
    const errors = [
      { pointer: '/price', detail: 'has more than 2 fraction digits' },
      { pointer: '/userId', detail: 'is required' },
    ]
    const { err } = await runWith(() => problem(400, 'BAD_REQUEST', 'userId is required', { errors }), limit)
    expect(err).toEndWith('orders place: refused: userId is required\n  /price has more than 2 fraction digits\n')
  })

  test('of a credential, and of an address that is no order service', async () => {
    const none = await runWith(() => problem(401, 'UNAUTHORIZED', ''), limit)
    expect(none.err).toContain('asks for a credential: set ORDERS_API_KEY or ORDERS_TOKEN')
    const wrong = await runWith(() => problem(401, 'UNAUTHORIZED', ''), limit, { env: { ORDERS_API_KEY: 'k' } })
    expect(wrong.err).toContain('does not accept this credential')
    expect(wrong.requests[0]!.headers['x-api-key']).toBe('k')
    const other = await runWith(() => json(404, '<html>'), limit)
    expect(other.err).toContain('the service answers 404, which is no answer of the order service: look at --url')
  })

  test('cannot move the cursor of the terminal', async () => {
    const { err } = await runWith(() => problem(400, 'BAD_REQUEST', 'bad \u001b[2J thing'), limit)
    expect(err).toContain('refused: bad ?[2J thing')
  })
})

test('--dry-run asks for the judgement alone, and makes no key', async () => {
  const good = await runWith(() => json(200, { valid: true }), [...limit, '--dry-run'])
  expect(good).toMatchObject({ code: 0, out: 'valid: the service would accept it\n', err: '' })
  expect(good.requests[0]).toMatchObject({ method: 'POST', path: '/orders/validate' })
  expect(good.requests[0]!.json).not.toHaveProperty('clientOrderId')
  const bad = await runWith(
    () => problem(422, 'ORDER_REJECTED', 'halted', { reason: { code: 'HALTED', text: 'halted' } }),
    [...limit, '--dry-run'],
  )
  expect(bad).toMatchObject({ code: 1, err: 'orders place: refused: HALTED: halted\n' })
})

test('--json: one object with every digit as it came', async () => {
  const text = '{"id":"o-1","quantity":999999999999.12345678,"price":0.00000001}'
  const good = await runWith(() => json(202, text), [...limit, '--json'])
  expect(good.out).toBe(`{"outcome":"accepted","key":"made-key","order":${text}}\n`)
  const bad = await runWith(() => problem(400, 'BAD_REQUEST', 'no'), [...limit, '--json'])
  expect(bad.code).toBe(1)
  expect(lines(bad.out)).toEqual([
    { outcome: 'refused', key: 'made-key', problem: { status: 400, code: 'BAD_REQUEST', detail: 'no' } },
  ])
  const unknown = await runWith(() => 'lost', [...limit, '--json', '--key', 'mine'])
  expect(lines(unknown.out)).toEqual([{ outcome: 'unknown', key: 'mine', reason: 'the connection was lost' }])
})
