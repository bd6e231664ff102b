// Proves: `orders get` and `orders list` show orders to people and to programs, to the last digit, page by page, and fit the terminal.

import { describe, expect, test } from 'bun:test'
import { json, lines, problem, runWith } from './desk.ts'

const user = 'a11ce000-0000-4000-8000-000000000001'
const id = '01a21972-22c8-7629-9c2b-3d0639827f49'
const order = (members: object = {}) => ({
  id,
  userId: user,
  clientOrderId: null,
  ticker: 'AAPL',
  side: 'BUY',
  type: 'LIMIT',
  timeInForce: 'DAY',
  quantity: 100,
  price: 187.5,
  stopPrice: null,
  postOnly: false,
  status: 'PARTIALLY_FILLED',
  filledQuantity: 40,
  remainingQuantity: 60,
  reason: null,
  createdAt: '2026-11-26T20:00:40.136Z',
  version: 1,
  ...members,
})

describe('list', () => {
  test('each filter is one of the service', async () => {
    const words = `--user ${user.toUpperCase()} --ticker btc/usd --side buy --status open --status FILLED --type stop --tif gtc --triggered false`
    const instants =
      '--created-after 2026-01-01T00:00:00+01:00 --created-before 2026-01-02T00:00:00Z --expires-before 2026-01-03T00:00:00Z'
    const { code, err, requests } = await runWith(
      () => json(200, { orders: [], nextCursor: null }),
      ['list', ...`${words} ${instants} --limit 7 --cursor c1`.split(' '), '--key', 'my key'],
    )
    expect({ code, err }).toEqual({ code: 0, err: 'orders list: no orders\n' })
    expect([...new URL(requests[0]!.path, 'http://x').searchParams]).toEqual([
      ['userId', user],
      ['ticker', 'BTC/USD'],
      ['side', 'BUY'],
      ['status', 'open'],
      ['status', 'FILLED'],
      ['type', 'STOP'],
      ['timeInForce', 'GTC'],
      ['triggered', 'false'],
      ['clientOrderId', 'my key'],
      ['createdAfter', '2025-12-31T23:00:00.000Z'],
      ['createdBefore', '2026-01-02T00:00:00.000Z'],
      ['expiresBefore', '2026-01-03T00:00:00.000Z'],
      ['limit', '7'],
      ['cursor', 'c1'],
    ])
  })

  test('pages are followed to the limit, empty ones too; where more remain it says how to go on', async () => {
    const rows = (count: number) => Array.from({ length: count }, () => order())
    const pages = [
      json(200, { orders: rows(500), nextCursor: 'c1' }),
      json(200, { orders: [], nextCursor: 'c2' }),
      json(200, { orders: rows(200), nextCursor: 'c3' }),
    ]
    const { code, out, err, requests } = await runWith((_, n) => pages[n]!, ['list', '--limit', '700', '--json'])
    expect(code).toBe(0)
    expect(lines(out)).toHaveLength(700)
    expect(requests.map(({ path }) => path)).toEqual([
      '/orders?limit=500',
      '/orders?limit=200&cursor=c1',
      '/orders?limit=200&cursor=c2',
    ])
    expect(err).toBe('orders list: there may be more: --limit, or --cursor c3\n')
  })

  test('a table: whole ids, right-aligned amounts in plain notation, no empty columns', async () => {
    const body = JSON.stringify({ orders: [order(), order({ ticker: 'BTC/USD', side: 'SELL' })], nextCursor: null })
    const text = body
      .replace('"price":187.5', '"price":1e-8')
      .replace('"quantity":100', '"quantity":999999999999.12345678')
    const { out } = await runWith(() => json(200, text), ['list'])
    expect(out.split('\n').slice(0, 3)).toEqual([
      'ORDER                                 USER                                  SIDE               QUANTITY  TICKER        PRICE  TYPE   TIF  FILLED  REMAINING  STATUS            CREATED',
      `${id}  ${user}  BUY   999999999999.12345678  AAPL     0.00000001  LIMIT  DAY      40         60  PARTIALLY_FILLED  2026-11-26 20:00:40Z`,
      `${id}  ${user}  SELL                    100  BTC/USD       187.5  LIMIT  DAY      40         60  PARTIALLY_FILLED  2026-11-26 20:00:40Z`,
    ])
  })

  test.each([60, 80, 100, 120, 160, 200])('on a terminal of %d columns, with colours', async (width) => {
    const { out } = await runWith(
      () => json(200, { orders: [order({ clientOrderId: 'k', reason: { code: 'X', text: null } })], nextCursor: null }),
      ['list'],
      {
        width,
        colours: true,
      },
    )
    const shown = Bun.stripANSI(out).split('\n')
    expect(out).toContain('\u001b[33mPARTIALLY_FILLED')
    expect(shown[1]).toContain(id)
    expect(shown[1]).toContain('AAPL')
    // Below that not even what tells one order from another fits: lines are longer rather than wrong.
    if (width >= 80) for (const line of shown) expect(line.length).toBeLessThanOrEqual(width)
  })

  test('what the service refuses', async () => {
    const { code, out, err } = await runWith(() => problem(403, 'FORBIDDEN', 'not yours'), ['list'])
    expect({ code, out }).toEqual({ code: 1, out: '' })
    expect(err).toBe('orders list: this credential may not list these orders: not yours\n')
  })

  const slips = [
    [['AAPL'], '"AAPL" is too much'],
    [['--limit', '0'], '--limit must be a whole number from 1 to 10000'],
    [['--status', 'alive'], '--status must be one of open, closed, NEW'],
    [['--created-after', 'yesterday'], '--created-after must be an instant with its zone'],
  ] as const
  test.each(slips)('%j is refused: %s', async (words, fault) => {
    const { code, err, requests } = await runWith(() => json(200, {}), ['list', ...words])
    expect({ code, sent: requests.length }).toEqual({ code: 2, sent: 0 })
    expect(err).toContain(`orders list: ${fault}`)
  })
})

describe('get', () => {
  const fill = {
    tradeId: 't-1',
    side: 'BUY',
    ticker: 'AAPL',
    quantity: 40,
    price: 187.5,
    tradedAt: '2026-11-26T20:00:40.164Z',
    appliedAt: '2026-11-26T20:00:40.206Z',
    late: true,
  }
  const events = [
    {
      orderId: id,
      version: 0,
      kind: 'ACCEPTED',
      at: '2026-11-26T20:00:40.136Z',
      status: 'NEW',
      filledQuantity: 0,
      remainingQuantity: 100,
      cause: { kind: 'request', requestId: 'r-1', subject: 'ops' },
    },
    {
      orderId: id,
      version: 1,
      kind: 'FILLED',
      at: '2026-11-26T20:00:40.206Z',
      status: 'PARTIALLY_FILLED',
      filledQuantity: 40,
      remainingQuantity: 60,
      fill,
      cause: { kind: 'trade', partition: 3, offset: '41' },
    },
    {
      orderId: id,
      version: 2,
      kind: 'CANCELED',
      at: null,
      status: 'CANCELED',
      filledQuantity: 40,
      remainingQuantity: 0,
      reason: { code: 'HALT', text: 'fat finger' },
      cause: { kind: 'halt' },
    },
  ]
  const script = ({ path }: { path: string }) => {
    if (path.startsWith(`/orders/${id}/fills`)) return json(200, { fills: [fill], nextCursor: null })
    if (path.startsWith(`/orders/${id}/events`)) return json(200, { events, nextCursor: null })
    return json(200, order({ status: 'CANCELED', reason: { code: 'HALT', text: 'fat finger' } }))
  }

  test('an order in full, its fills and its events with their causes', async () => {
    const { code, out, err } = await runWith(script, ['get', id, '--fills', '--events'])
    expect({ code, err }).toEqual({ code: 0, err: '' })
    const [details, fills, history] = out.split('\n\n')
    expect(details).toContain('price              187.5\n')
    expect(details).toContain('reason             HALT: fat finger\n')
    expect(details).not.toContain('stopPrice')
    expect(fills).toMatch(/^TRADE .*\nt-1 +40 +187\.5 .* late$/)
    expect(
      history!
        .trimEnd()
        .split('\n')
        .map((line) => line.replace(/ +/g, ' ').trim()),
    ).toEqual([
      'VERSION AT KIND STATUS FILLED REMAINING WHAT CAUSE',
      '0 2026-11-26T20:00:40.136Z ACCEPTED NEW 0 100 request requestId=r-1 subject=ops',
      '1 2026-11-26T20:00:40.206Z FILLED PARTIALLY_FILLED 40 60 40 at 187.5, trade t-1 trade partition=3 offset=41',
      '2 CANCELED CANCELED 40 0 HALT: fat finger halt',
    ])
  })

  test('--json: as the service answers; with its lists one object', async () => {
    const text = '{"id":"x","quantity":999999999999.12345678}'
    const alone = await runWith(() => json(200, text), ['get', id, '--json'])
    expect(alone.out).toBe(`${text}\n`)
    const all = await runWith(script, ['get', id, '--json', '--events'])
    expect(lines(all.out)).toEqual([{ order: expect.objectContaining({ id }), events }])
  })

  test('an order that is not there, and an id that is none', async () => {
    const none = await runWith(() => problem(404, 'NOT_FOUND', 'there is no such order'), ['get', id])
    expect(none).toMatchObject({ code: 1, out: '', err: 'orders get: there is no such order\n' })
    const bad = await runWith(script, ['get', 'me'])
    expect(bad.code).toBe(2)
    expect(bad.err).toContain('the id of the order must be a UUID')
  })
})
