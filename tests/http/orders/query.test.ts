// Proves: a list gives exactly the orders that its filter names, newest first, each once however the pages are cut, and refuses
// every parameter that is wrong.

import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { createApp } from '../../../src/http/server.ts'
import {
  badRequest,
  bodyOf,
  callerOf,
  openHarness,
  refusal,
  serverOptions,
  type Harness,
  type OrderJson,
} from '../harness.ts'

let harness: Harness
/** All orders, newest first. */
const orders: OrderJson[] = []
const ann = '00000000-0000-4000-8000-00000000000a'
const bob = '00000000-0000-4000-8000-00000000000b'
const start = Date.parse('2024-03-01T00:00:00.000Z')

type Place = Record<string, unknown> & { becomes?: 'CANCELED' | 'FILLED' | 'PARTIALLY_FILLED' | 'REJECTED' | 'EXPIRED' }

/** Orders of two users in three tickers, of every status, one a second. */
const plan: Place[] = Array.from({ length: 36 }, (_, i) => {
  const becomes = [undefined, 'PARTIALLY_FILLED', 'FILLED', 'CANCELED', 'REJECTED', 'EXPIRED'][
    i % 6
  ] as Place['becomes']
  return {
    userId: i % 2 === 0 ? ann : bob,
    ticker: ['AAPL', 'MSFT', 'BRK.B'][Math.floor(i / 2) % 3],
    side: i % 4 < 2 ? 'BUY' : 'SELL',
    quantity: 2,
    clientOrderId: `plan ${i}`,
    ...(becomes === undefined ? {} : { becomes }),
  }
})

const bringTo = async (order: OrderJson, status: NonNullable<Place['becomes']>): Promise<void> => {
  const quantity = status === 'FILLED' ? 2_00000000n : 1_00000000n
  const trade = { ticker: order['ticker'] as string, quantity, sides: [{ side: null, orderId: order.id }] }
  if (status === 'FILLED' || status === 'PARTIALLY_FILLED') expect(await harness.trade(trade)).toEqual(['APPLIED'])
  else if (status === 'CANCELED') expect((await harness.call('POST', `/orders/${order.id}/cancel`)).status).toBe(200)
  else await harness.database.sql`update orders set status = ${status}, version = 1 where id = ${order.id}::uuid`
}

beforeAll(async () => {
  harness = await openHarness()
  for (const [i, { becomes, ...body }] of plan.entries()) {
    harness.setClock(new Date(start + i * 1_000))
    const order = await harness.place(body)
    if (becomes !== undefined) await bringTo(order, becomes)
    orders.unshift(JSON.parse((await harness.call('GET', `/orders/${order.id}`)).text) as OrderJson)
  }
  harness.setClock(undefined)
})
afterAll(() => harness.close())

type Page = { orders: OrderJson[]; nextCursor: string | null }
const list = (query = '') => harness.call('GET', `/orders${query === '' ? '' : `?${query}`}`)
const pageOf = async (query = ''): Promise<Page> => {
  const answer = await list(query)
  expect(answer.status).toBe(200)
  return bodyOf(answer) as Page
}
const open = (order: OrderJson) => order.status === 'NEW' || order.status === 'PARTIALLY_FILLED'

describe('a list', () => {
  test('answers the orders as GET answers each of them, newest first', async () => {
    const answer = await list('limit=3')
    const texts = await Promise.all(
      orders.slice(0, 3).map(async ({ id }) => (await harness.call('GET', `/orders/${id}`)).text),
    )
    const { nextCursor } = bodyOf(answer) as Page
    expect(answer.text).toBe(`{"orders":[${texts.join(',')}],"nextCursor":${JSON.stringify(nextCursor)}}`)
    expect(answer.headers.get('content-type')).toBe('application/json')
    expect(nextCursor).toMatch(/^[A-Za-z0-9_-]+$/)
  })

  test('says null where nothing follows', async () => {
    expect(await pageOf()).toEqual({ orders, nextCursor: null })
    expect((await list(`userId=${crypto.randomUUID()}`)).text).toBe('{"orders":[],"nextCursor":null}')
  })

  test('has a default limit of 50 and takes up to 500', async () => {
    const userId = crypto.randomUUID()
    await Promise.all(Array.from({ length: 60 }, () => harness.place({ userId })))
    const first = await pageOf(`userId=${userId}`)
    expect([first.orders.length, first.nextCursor === null]).toEqual([50, false])
    expect((await pageOf(`userId=${userId}&cursor=${first.nextCursor}`)).orders).toHaveLength(10)
    expect((await pageOf(`userId=${userId}&limit=500`)).orders).toHaveLength(60)
  })
})

const filters: [string, (order: OrderJson) => boolean][] = [
  [`userId=${ann}`, (order) => order.userId === ann],
  [`userId=${ann.toUpperCase()}`, (order) => order.userId === ann],
  ['ticker=MSFT', (order) => order['ticker'] === 'MSFT'],
  ['ticker=brk.b', (order) => order['ticker'] === 'BRK.B'],
  ['side=SELL', (order) => order['side'] === 'SELL'],
  ['status=NEW', (order) => order.status === 'NEW'],
  ['status=NEW&status=EXPIRED', (order) => ['NEW', 'EXPIRED'].includes(order.status)],
  ['status=open', open],
  ['status=closed', (order) => !open(order)],
  ['status=open&status=CANCELED', (order) => open(order) || order.status === 'CANCELED'],
  ['status=open&status=closed', () => true],
  ['status=open&status=NEW', open],
  ['status=FILLED&status=REJECTED&status=EXPIRED&status=CANCELED', (order) => !open(order)],
  ['clientOrderId=plan%207', (order) => order['clientOrderId'] === 'plan 7'],
  ['clientOrderId=plan+7', (order) => order['clientOrderId'] === 'plan 7'],
  [`userId=${bob}&clientOrderId=plan%207`, (order) => order['clientOrderId'] === 'plan 7'],
  [`userId=${ann}&clientOrderId=plan%207`, () => false],
  [`userId=${ann}&status=open`, (order) => order.userId === ann && open(order)],
  ['ticker=AAPL&status=open', (order) => order['ticker'] === 'AAPL' && open(order)],
  [
    `userId=${bob}&ticker=AAPL&side=BUY`,
    (order) => order.userId === bob && order['ticker'] === 'AAPL' && order['side'] === 'BUY',
  ],
  ['createdAfter=2024-03-01T00:00:10Z', (order) => order.createdAt >= '2024-03-01T00:00:10.000Z'],
  ['createdBefore=2024-03-01T00:00:10Z', (order) => order.createdAt < '2024-03-01T00:00:10.000Z'],
  ['createdAfter=2024-03-01T00:00:10.0000001Z', (order) => order.createdAt > '2024-03-01T00:00:10.000Z'],
  ['createdBefore=2024-03-01T00:00:10.000000001Z', (order) => order.createdAt <= '2024-03-01T00:00:10.000Z'],
  ['createdAfter=2024-03-01T01:00:10%2B01:00', (order) => order.createdAt >= '2024-03-01T00:00:10.000Z'],
  [
    `userId=${ann}&createdAfter=2024-03-01T00:00:04Z&createdBefore=2024-03-01T00:00:20Z&status=closed`,
    (order) =>
      order.userId === ann &&
      order.createdAt >= '2024-03-01T00:00:04.000Z' &&
      order.createdAt < '2024-03-01T00:00:20.000Z' &&
      !open(order),
  ],
  ['createdAfter=2024-03-01T00:00:20Z&createdBefore=2024-03-01T00:00:10Z', () => false],
  ['createdAfter=1960-01-01T00:00Z', () => true],
  ['createdBefore=1960-01-01T00:00Z', () => false],
]

describe('a filter', () => {
  const within = 'createdBefore=2024-03-02T00:00:00Z'
  const asked = (query: string) => (query.includes('createdBefore') ? query : `${query}&${within}`)

  test.each(filters)('%s', async (query, isAsked) => {
    const expected = orders.filter(isAsked)
    expect(await pageOf(asked(query))).toEqual({ orders: expected, nextCursor: null })
  })

  test.each(filters)('%s, in pages of every size', async (query, isAsked) => {
    const expected = orders.filter(isAsked).map(({ id }) => id)
    for (const limit of [1, 2, 5]) {
      const seen: string[] = []
      let next = ''
      for (;;) {
        const page = await pageOf(`${asked(query)}&limit=${limit}${next}`)
        expect(page.orders.length <= limit).toBeTrue()
        seen.push(...page.orders.map(({ id }) => id))
        if (page.nextCursor === null) break
        next = `&cursor=${page.nextCursor}`
      }
      expect(seen).toEqual(expected)
    }
  })

  test('a page that was asked for stays the same while new orders come in', async () => {
    const first = await pageOf('limit=5&ticker=AAPL&createdBefore=2024-03-02T00:00:00Z')
    await harness.place({ ticker: 'AAPL' })
    const second = await pageOf(`limit=5&ticker=AAPL&cursor=${first.nextCursor}`)
    const aapl = orders.filter((order) => order['ticker'] === 'AAPL')
    expect([...first.orders, ...second.orders]).toEqual(aapl.slice(0, 10))
  })
})

describe('a filter by how an order lives', () => {
  const userId = '00000000-0000-4000-8000-00000000000c'
  const gtd = (expiresAt: string) => ({ timeInForce: 'GTD', expiresAt })
  const shapes = {
    limit: {},
    market: { type: 'MARKET', price: undefined, timeInForce: 'IOC' },
    waiting: { type: 'STOP', price: undefined, stopPrice: 151 },
    triggered: { type: 'STOP', price: undefined, stopPrice: 151 },
    canceled: { type: 'STOP', price: undefined, stopPrice: 151 },
    stopLimit: { type: 'STOP_LIMIT', stopPrice: 151, ...gtd('2024-05-02T00:00:00.500Z') },
    soon: gtd('2024-05-01T00:00:00Z'),
    later: gtd('2024-05-03T00:00:00Z'),
  }
  type Name = keyof typeof shapes
  const names = new Map<string, Name>()
  beforeAll(async () => {
    harness.setClock(new Date('2024-04-01T00:00:00Z'))
    for (const [name, body] of Object.entries(shapes)) {
      const { id } = await harness.place({ ...body, userId, ticker: 'LIFE' })
      names.set(id, name as Name)
      if (name === 'canceled') await harness.call('DELETE', `/orders/${id}`)
      if (name === 'triggered')
        await harness.database.sql`update orders set triggered_at = created_at, version = 1 where id = ${id}::uuid`
    }
    harness.setClock(undefined)
  })

  test.each<[string, Name[]]>([
    ['type=STOP', ['waiting', 'triggered', 'canceled']],
    ['type=STOP_LIMIT', ['stopLimit']],
    ['type=MARKET', ['market']],
    ['type=LIMIT', ['limit', 'soon', 'later']],
    ['timeInForce=GTD', ['stopLimit', 'soon', 'later']],
    ['timeInForce=IOC', ['market']],
    ['triggered=true', ['triggered']],
    ['triggered=false', ['waiting', 'canceled', 'stopLimit']],
    ['triggered=false&status=open', ['waiting', 'stopLimit']],
    ['triggered=false&type=STOP&status=open', ['waiting']],
    ['expiresBefore=2024-05-02T00:00:00Z', ['soon']],
    ['expiresBefore=2024-05-01T00:00:00Z', []],
    ['expiresBefore=2024-05-02T00:00:00.501Z', ['soon', 'stopLimit']],
    ['expiresBefore=2024-05-02T00:00:00.5001Z', ['soon', 'stopLimit']],
    ['expiresBefore=2024-05-02T00:00:00.5Z', ['soon']],
    ['expiresBefore=2999-01-01T00:00:00Z&type=LIMIT', ['soon', 'later']],
    // Beyond the years that Postgres reads: by its zone, by rounding, and year 0.
    ['expiresBefore=9999-12-31T23:59:59-23:59', ['stopLimit', 'soon', 'later']],
    ['expiresBefore=9999-12-31T23:59:59.9999Z', ['stopLimit', 'soon', 'later']],
    ['expiresBefore=0000-01-01T00:00:00Z', []],
    ['expiresBefore=0000-01-01T00:00:00%2B23:59', []],
  ])('%s', async (query, expected) => {
    for (const whose of [
      `userId=${userId}`,
      'ticker=LIFE',
      `userId=${userId}&ticker=life`,
      'createdAfter=2024-03-31T00:00:00Z',
    ]) {
      const { orders: found } = await pageOf(`${query}&${whose}&createdBefore=2024-04-02T00:00:00Z`)
      expect([whose, found.map(({ id }) => names.get(id)!).toSorted()]).toEqual([whose, expected.toSorted()])
    }
  })
})

describe('a parameter that is wrong', () => {
  const uuid = Buffer.from('not an id').toString('base64url')
  test.each([
    ['userId=me', '?userId'],
    ['userId=', '?userId'],
    [`userId=${ann}&userId=${bob}`, '?userId'],
    ['ticker=', '?ticker'],
    ['ticker=AA%20PL', '?ticker'],
    ['ticker=A%00', '?ticker'],
    ['ticker=AAAAAAAAAAAAAAAAA', '?ticker'],
    ['ticker=AAPL&ticker=MSFT', '?ticker'],
    ['side=buy', '?side'],
    ['side=BUY&side=SELL', '?side'],
    ['type=stop', '?type'],
    ['type=STOP&type=STOP_LIMIT', '?type'],
    ['timeInForce=', '?timeInForce'],
    ['triggered=1', '?triggered'],
    ['triggered=', '?triggered'],
    ['expiresBefore=2024-03-01', '?expiresBefore'],
    ['expiresBefore=2024-02-30T00:00:00Z', '?expiresBefore'],
    ['status=OPEN', '?status'],
    ['status=', '?status'],
    ['status=new', '?status'],
    ['status=NEW,FILLED', '?status'],
    ['createdAfter=yesterday', '?createdAfter'],
    ['createdAfter=2024-03-01', '?createdAfter'],
    ['createdAfter=2024-03-01T00:00:00', '?createdAfter'],
    ['createdAfter=2024-03-01T01:00:10+01:00', '?createdAfter'],
    ['createdAfter=2026-02-30T00:00:00Z', '?createdAfter'],
    ['createdAfter=2026-02-28T24:00:00Z', '?createdAfter'],
    ['createdAfter=2025-02-29T00:00:00Z', '?createdAfter'],
    ['createdAfter=2026-13-01T00:00:00Z', '?createdAfter'],
    ['createdAfter=2024-03-01T25:00:00Z', '?createdAfter'],
    ['createdBefore=1767323045', '?createdBefore'],
    ['createdBefore=2024-03-01T00:00:00%2B99:99', '?createdBefore'],
    ['clientOrderId=', '?clientOrderId'],
    [`clientOrderId=${'x'.repeat(65)}`, '?clientOrderId'],
    ['clientOrderId=%C3%A4', '?clientOrderId'],
    ['limit=0', '?limit'],
    ['limit=-1', '?limit'],
    ['limit=501', '?limit'],
    ['limit=1e2', '?limit'],
    ['limit=5.0', '?limit'],
    ['limit=', '?limit'],
    ['limit=007', '?limit'],
    ['limit=1&limit=1', '?limit'],
    ['cursor=', '?cursor'],
    ['cursor=x', '?cursor'],
    [`cursor=${uuid}`, '?cursor'],
    [`cursor=${Buffer.from('fill-1').toString('base64url')}`, '?cursor'],
    [`cursor=${Buffer.from('order-1').toString('base64url')}`, '?cursor'],
    ['offset=10', '?offset'],
    ['User=1', '?User'],
    ['%3Cb%3E=1', '?'],
    ['__proto__=1', '?__proto__'],
  ])('%s: 400', async (query, pointer) => {
    const answer = await list(query)
    expect(refusal(answer)).toEqual(badRequest(pointer))
    expect(bodyOf(answer)['title']).toBe('Invalid query')
  })

  test('a ticker with a bare + is told how a + is written', async () => {
    const detailOf = async (query: string) => (bodyOf(await list(query))['errors'] as { detail: string }[])[0]?.detail
    expect(await detailOf('ticker=BTC+USD')).toStartWith('has a space: write + as %2B')
    expect(await detailOf('ticker=BTC%20USD')).toStartWith('has a space: write + as %2B')
    expect(await detailOf('ticker=BTC%3FUSD')).toStartWith('must be 1 to 16 of')
    expect((await list('ticker=BTC%2BUSD')).status).toBe(200)
  })

  test('is listed with all the others', async () => {
    const answer = await list(
      'userId=1&ticker=%3F&side=1&status=1&status=2&createdAfter=1&createdBefore=1&limit=x&cursor=x&page=1',
    )
    expect(refusal(answer).pointers.toSorted()).toEqual([
      '?createdAfter',
      '?createdBefore',
      '?cursor',
      '?limit',
      '?page',
      '?side',
      '?status',
      '?status',
      '?ticker',
      '?userId',
    ])
  })

  test('does not come back in the answer', async () => {
    const names = ['userId', 'ticker', 'side', 'status', 'createdAfter', 'limit', 'cursor', 'clientOrderId']
    for (const name of names) expect((await list(`${name}=correct-horse-%C3%A9`)).text).not.toContain('horse')
    expect((await list('correct%20horse=1')).text).not.toContain('horse')
  })

  test('that is unknown is ignored with ORDERS_UNKNOWN_FIELDS=ignore', async () => {
    const ignoring = callerOf(createApp(serverOptions({ service: harness.service, unknownFields: 'ignore' })))
    expect((await ignoring('GET', '/orders?page=1&limit=1')).status).toBe(200)
    expect((await ignoring('GET', `/orders/${orders[0]!.id}/fills?page=1`)).status).toBe(200)
    // Nobody asked this route for more before the setting was made for old clients.
    expect((await ignoring('GET', `/orders/${orders[0]!.id}/events?page=1`)).status).toBe(400)
    expect((await ignoring('GET', '/orders?page=1&limit=0')).status).toBe(400)
  })
})
