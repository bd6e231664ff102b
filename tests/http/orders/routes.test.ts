// Proves: orders are placed, read and canceled through the API, against a real database: the shapes are those of the contract to
// the letter, and each call refuses what it must.

import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { amount } from '../../support/builders.ts'
import { badRequest, bodyOf, openHarness, orderBody, orderText, refusal, type Harness } from '../harness.ts'

let harness: Harness
beforeAll(async () => {
  harness = await openHarness()
})
afterAll(() => harness.close())

const at = new Date('2026-01-02T03:04:05.678Z')
const unknownId = '0197a9b0-0000-7000-8000-000000000001'
const uuidV7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

const bought = (orderId: string) => [{ side: 'BUY', orderId }] as const
const get = (path: string) => harness.call('GET', path)
const cancel = (id: string) => harness.call('POST', `/orders/${id}/cancel`)

describe('POST /orders', () => {
  test('answers 202, where the order is, and the order to the letter', async () => {
    harness.setClock(at)
    const answer = await harness.call('POST', '/orders', { body: orderText() })
    harness.setClock(undefined)
    const { id } = bodyOf(answer) as { id: string }
    expect(id).toMatch(uuidV7)
    expect(answer.status).toBe(202)
    expect(answer.headers.get('location')).toBe(`/orders/${id}`)
    expect(answer.headers.get('content-type')).toBe('application/json')
    expect(answer.headers.get('idempotent-replayed')).toBeNull()
    expect(answer.text).toBe(
      `{"id":"${id}","userId":"6f1c2f52-3a39-4c3e-9d44-0d7a0a6a7c11","clientOrderId":null,"ticker":"AAPL","side":"BUY",` +
        `"type":"LIMIT","timeInForce":"GTC","quantity":100,"price":150.5,"stopPrice":null,"displayQuantity":null,` +
        `"postOnly":false,"expiresAt":null,"status":"NEW","filledQuantity":0,"remainingQuantity":100,"lastFillPrice":null,` +
        `"averageFillPrice":null,"triggeredAt":null,"reason":null,"createdAt":"2026-01-02T03:04:05.678Z",` +
        `"updatedAt":"2026-01-02T03:04:05.678Z","version":0}`,
    )
  })

  test('stores the order and its event before it answers', async () => {
    const { id } = await harness.place()
    const [row] = await harness.database.sql`
      select o.status, x.kind, x.ticker from orders o join outbox x on x.order_id = o.id where o.id = ${id}::uuid`
    expect(row).toMatchObject({ status: 'NEW', kind: 'PLACED', ticker: 'AAPL' })
  })

  test('takes a MARKET order without a price', async () => {
    expect(await harness.place({ type: 'MARKET', price: undefined })).toMatchObject({ type: 'MARKET', price: null })
  })

  test('takes content types that are JSON with parameters, in any case', async () => {
    for (const type of ['application/json; charset=utf-8', 'Application/JSON', 'application/json ;x=1']) {
      const answer = await harness.call('POST', '/orders', { body: orderBody, headers: { 'content-type': type } })
      expect(answer.status).toBe(202)
    }
  })

  test('places 200 different orders at once, each of them once', async () => {
    const before = await harness.count('orders')
    const orders = await Promise.all(Array.from({ length: 200 }, (_, i) => harness.place({ quantity: i + 1 })))
    expect(new Set(orders.map(({ id }) => id)).size).toBe(200)
    expect(orders.map((order) => order['quantity'])).toEqual(orders.map((_, i) => i + 1))
    expect((await harness.count('orders')) - before).toBe(200)
  })
})

describe('a traceparent', () => {
  const traceOf = async (traceparent: string): Promise<unknown> => {
    const answer = await harness.call('POST', '/orders', { body: orderBody, headers: { traceparent } })
    expect(answer.status).toBe(202)
    const { id } = bodyOf(answer) as { id: string }
    const [row] = await harness.database.sql`select traceparent from outbox where order_id = ${id}::uuid`
    return row!['traceparent']
  }
  const valid = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'

  test('goes along with the event of a placement and of a cancellation', async () => {
    expect(await traceOf(valid)).toBe(valid)
    const { id } = await harness.place()
    await harness.call('POST', `/orders/${id}/cancel`, { headers: { traceparent: valid } })
    const [row] = await harness.database
      .sql`select traceparent from outbox where order_id = ${id}::uuid and kind = 'CANCELLED'`
    expect(row!['traceparent']).toBe(valid)
  })

  test.each([
    '',
    'nonsense',
    '00-00000000000000000000000000000000-00f067aa0ba902b7-01',
    '00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01',
    '00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01',
    'ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
    `${valid}-more`,
  ])('%p is ignored, the order is taken', async (traceparent) => {
    expect(await traceOf(traceparent)).toBeNull()
  })
})

describe('GET /orders/{id}', () => {
  test('answers the order as POST answered it', async () => {
    const posted = await harness.call('POST', '/orders', { body: orderText({ clientOrderId: '"get \\"1\\" \\\\"' }) })
    const { id } = bodyOf(posted) as { id: string }
    const answer = await get(`/orders/${id}`)
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'application/json'])
    expect(answer.text).toBe(posted.text)
    expect((await get(`/orders/${id.toUpperCase()}`)).text).toBe(posted.text)
    expect((await get(`/orders/${id}/`)).text).toBe(posted.text)
  })

  test('says its version in the ETag', async () => {
    const { id } = await harness.place()
    expect((await get(`/orders/${id}`)).headers.get('etag')).toBe('"0"')
    await harness.trade({ sides: bought(id) })
    expect((await get(`/orders/${id}`)).headers.get('etag')).toBe('"1"')
    expect((await harness.call('HEAD', `/orders/${id}`)).headers.get('etag')).toBe('"1"')
  })

  test('shows fills exactly: amounts in plain notation, the average half-even to eight places', async () => {
    const { id } = await harness.place({ quantity: '3.00000001', price: '150.5' })
    const fills = [
      ['1', '1'],
      ['2', '2'],
    ] as const
    for (const [quantity, price] of fills)
      expect(await harness.trade({ sides: bought(id), quantity: amount(quantity), price: amount(price) })).toEqual([
        'APPLIED',
      ])
    const partly = await get(`/orders/${id}`)
    expect(partly.text).toContain('"quantity":3.00000001,"price":150.5,"stopPrice":null,')
    expect(partly.text).toContain(
      `"status":"PARTIALLY_FILLED","filledQuantity":3,"remainingQuantity":0.00000001,` +
        `"lastFillPrice":2,"averageFillPrice":1.66666667,`,
    )
    await harness.trade({ sides: bought(id), quantity: 1n, price: amount('999999999999.99999999') })
    // (1 + 4 + 9999.9999999999999999) ÷ 3.00000001 = 3334.99998888…
    const filled = await get(`/orders/${id}`)
    expect(filled.text).toContain('"status":"FILLED","filledQuantity":3.00000001,"remainingQuantity":0,')
    expect(filled.text).toContain('"lastFillPrice":999999999999.99999999,"averageFillPrice":3334.99998888,')
    expect(bodyOf(filled)).toMatchObject({ version: 3 })
  })

  test('shows amounts that no double can carry', async () => {
    const { id } = await harness.place({ quantity: '999999999999.99999999', price: '123456789012.12345678' })
    const [quantity, price] = [amount('999999999999.99999998'), amount('123456789012.12345679')]
    await harness.trade({ tradeId: 'exact', sides: bought(id), quantity, price })
    const shown = await get(`/orders/${id}`)
    expect(shown.text).toContain('"quantity":999999999999.99999999,"price":123456789012.12345678,"stopPrice":null,')
    expect(shown.text).toContain(
      `"status":"PARTIALLY_FILLED","filledQuantity":999999999999.99999998,"remainingQuantity":0.00000001,` +
        `"lastFillPrice":123456789012.12345679,"averageFillPrice":123456789012.12345679,`,
    )
    expect((await get(`/orders/${id}/fills`)).text).toContain(
      '"quantity":999999999999.99999998,"price":123456789012.12345679,',
    )
    expect((await get(`/orders?ticker=AAPL&limit=1`)).text).toContain('"filledQuantity":999999999999.99999998,')
  })

  test('404 for an order that is not here, on every path that names one', async () => {
    for (const [method, path] of [
      ['GET', `/orders/${unknownId}`],
      ['GET', `/orders/${unknownId}/fills`],
      ['GET', `/orders/${unknownId}/events`],
      ['POST', `/orders/${unknownId}/cancel`],
      ['DELETE', `/orders/${unknownId}`],
    ] as const) {
      const answer = await harness.call(method, path)
      expect(refusal(answer)).toEqual({ status: 404, code: 'NOT_FOUND', pointers: [] })
      expect(bodyOf(answer)['message']).toBe('there is no such order')
    }
  })

  test.each(['x', '123', `${unknownId}0`, '%00', '%zz', "';drop", unknownId.replaceAll('-', '')])(
    '400 for the id %s, on every path that names one',
    async (id) => {
      for (const [method, path] of [
        ['GET', `/orders/${id}`],
        ['GET', `/orders/${id}/fills`],
        ['GET', `/orders/${id}/events`],
        ['POST', `/orders/${id}/cancel`],
        ['DELETE', `/orders/${id}`],
      ] as const) {
        const answer = await harness.call(method, path)
        expect(refusal(answer)).toEqual(badRequest(''))
        expect(bodyOf(answer)).toMatchObject({ title: 'Invalid id', detail: 'the order id in the path must be a UUID' })
      }
    },
  )

  test('many at once, the known and the unknown, each get their own answer', async () => {
    const orders = await Promise.all(Array.from({ length: 20 }, () => harness.place()))
    const ids = orders.flatMap(({ id }) => [id, unknownId, id])
    const answers = await Promise.all(ids.map((id) => get(`/orders/${id}`)))
    expect(answers.map((answer) => bodyOf(answer)['id'] ?? unknownId)).toEqual(ids)
  })
})

describe('POST /orders/{id}/cancel', () => {
  test('answers the order, now CANCELED, with nothing remaining', async () => {
    const order = await harness.place({ clientOrderId: 'cancel-1' })
    const answer = await cancel(order.id)
    expect(answer.status).toBe(200)
    const canceled = bodyOf(answer)
    expect(canceled).toEqual({
      ...order,
      status: 'CANCELED',
      remainingQuantity: 0,
      reason: { code: 'USER_CANCELED', text: null },
      updatedAt: canceled['updatedAt'],
      version: 1,
    })
    expect(Object.keys(canceled)).toEqual(Object.keys(order))
    expect(answer.text).toBe((await get(`/orders/${order.id}`)).text)
    const events = await harness.database
      .sql`select kind from outbox where order_id = ${order.id}::uuid order by position`
    expect(events.map((event) => event['kind'] as string)).toEqual(['PLACED', 'CANCELLED'])
  })

  test('takes a body of any type and ignores it', async () => {
    const { id } = await harness.place()
    const headers = { 'content-type': 'text/plain' }
    expect((await harness.call('POST', `/orders/${id}/cancel`, { body: 'please', headers })).status).toBe(200)
  })

  test('409 with the order’s status once it is not NEW', async () => {
    const partly = await harness.place({ quantity: 2 })
    await harness.trade({ sides: bought(partly.id) })
    const filled = await harness.place({ quantity: 1 })
    await harness.trade({ sides: bought(filled.id) })
    const canceled = await harness.place()
    await cancel(canceled.id)
    for (const [order, orderStatus] of [
      [partly, 'PARTIALLY_FILLED'],
      [filled, 'FILLED'],
      [canceled, 'CANCELED'],
    ] as const)
      expect(bodyOf(await cancel(order.id))).toEqual({
        type: 'urn:orders:problem:conflict',
        title: 'Order cannot be canceled',
        status: 409,
        detail: `only an order with status NEW can be canceled, this one is ${orderStatus}`,
        code: 'CONFLICT',
        message: `only an order with status NEW can be canceled, this one is ${orderStatus}`,
        errors: [],
        timestamp: expect.any(String),
        error: 'Conflict',
        path: `/orders/${order.id}/cancel`,
        orderStatus,
      })
  })

  test.each(['REJECTED', 'EXPIRED'])('409 for an order that is %s', async (status) => {
    const { id } = await harness.place()
    await harness.database.sql`update orders set status = ${status}, version = 1 where id = ${id}::uuid`
    expect(bodyOf(await cancel(id))).toMatchObject({ status: 409, orderStatus: status })
    expect(bodyOf(await get(`/orders/${id}`))).toMatchObject({ status, remainingQuantity: 0 })
  })

  test('twenty at once: one cancels, the others meet CANCELED, one event', async () => {
    const { id } = await harness.place()
    const answers = await Promise.all(Array.from({ length: 20 }, () => cancel(id)))
    expect(answers.map((answer) => answer.status).toSorted((a, b) => a - b)).toEqual([
      200,
      ...Array.from({ length: 19 }, () => 409),
    ])
    for (const answer of answers.filter((each) => each.status === 409))
      expect(bodyOf(answer)['orderStatus']).toBe('CANCELED')
    const [row] = await harness.database.sql`select count(*)::integer as n from outbox where order_id = ${id}::uuid`
    expect(row!['n']).toBe(2)
  })

  test('a late fill moves the amounts of a canceled order and leaves its status', async () => {
    const { id } = await harness.place({ quantity: 2 })
    await cancel(id)
    expect(await harness.trade({ sides: bought(id), quantity: amount('2') })).toEqual(['LATE'])
    expect(bodyOf(await get(`/orders/${id}`))).toMatchObject({
      status: 'CANCELED',
      filledQuantity: 2,
      remainingQuantity: 0,
      averageFillPrice: 150,
      version: 2,
    })
  })
})

describe('GET /orders/{id}/fills', () => {
  test('answers a fill to the letter', async () => {
    harness.setClock(at)
    const { id } = await harness.place({ ticker: 'msft' })
    await harness.trade({
      tradeId: 'trade "1" \\ é',
      ticker: 'MSFT',
      sides: bought(id),
      quantity: 1n,
      price: amount('150.1'),
      tradedAt: '2026-01-02T03:04:05.123456Z',
    })
    harness.setClock(undefined)
    expect((await get(`/orders/${id}/fills`)).text).toBe(
      `{"fills":[{"tradeId":"trade \\"1\\" \\\\ é","side":"BUY","ticker":"MSFT","quantity":0.00000001,"price":150.1,` +
        `"tradedAt":"2026-01-02T03:04:05.123456Z","appliedAt":"2026-01-02T03:04:05.678Z","late":false}],"nextCursor":null}`,
    )
  })

  test('an order without fills has an empty page', async () => {
    const { id } = await harness.place()
    expect((await get(`/orders/${id}/fills`)).text).toBe('{"fills":[],"nextCursor":null}')
  })

  test('says which fills came late', async () => {
    const { id } = await harness.place()
    await cancel(id)
    await harness.trade({ sides: bought(id) })
    expect(bodyOf(await get(`/orders/${id}/fills`))['fills']).toMatchObject([{ late: true }])
  })

  test('newest first, page by page, each fill once', async () => {
    const { id } = await harness.place({ quantity: 25 })
    const tradeIds = Array.from({ length: 25 }, (_, i) => `P-${i}`)
    await harness.trade(...tradeIds.slice(0, 10).map((tradeId) => ({ tradeId, sides: bought(id) })))
    await harness.trade(...tradeIds.slice(10).map((tradeId) => ({ tradeId, sides: bought(id) })))
    for (const limit of [1, 7, 24, 25, 26, 500]) {
      const seen: string[] = []
      let cursor: string | null = ''
      let pages = 0
      while (cursor !== null) {
        const page = bodyOf(
          await get(`/orders/${id}/fills?limit=${limit}${cursor === '' ? '' : `&cursor=${cursor}`}`),
        ) as {
          fills: { tradeId: string }[]
          nextCursor: string | null
        }
        expect(page.fills.length <= limit).toBeTrue()
        seen.push(...page.fills.map((fill) => fill.tradeId))
        cursor = page.nextCursor
        pages++
      }
      expect(seen).toEqual(tradeIds.toReversed())
      expect(pages).toBe(Math.ceil(25 / limit))
    }
  })

  test.each([
    ['limit=0', '?limit'],
    ['limit=501', '?limit'],
    ['limit=ten', '?limit'],
    ['limit=1&limit=2', '?limit'],
    ['cursor=', '?cursor'],
    ['cursor=nonsense', '?cursor'],
    [`cursor=${Buffer.from('fill-99999999999').toString('base64url')}`, '?cursor'],
    [`cursor=${Buffer.from(unknownId).toString('base64url')}`, '?cursor'],
    ['userId=1', '?userId'],
  ])('400 for %s', async (query, pointer) => {
    expect(refusal(await get(`/orders/${unknownId}/fills?${query}`))).toEqual(badRequest(pointer))
  })
})

describe('GET /orders/{id}/events', () => {
  test('answers what happened, to the letter', async () => {
    harness.setClock(at)
    const placed = await harness.call('POST', '/orders', { body: orderText() })
    const { id } = bodyOf(placed) as { id: string }
    harness.setClock(new Date(at.getTime() + 1_000))
    await harness.trade({
      tradeId: 'trade "1" \\ é',
      sides: bought(id),
      quantity: amount('60.00000001'),
      price: amount('150.1'),
    })
    harness.setClock(undefined)
    const [source] = await harness.database
      .sql`select kafka_partition, kafka_offset from ingested_fills where order_id = ${id}`
    expect((await get(`/orders/${id}/events`)).text).toBe(
      `{"events":[{"orderId":"${id}","version":0,"kind":"ACCEPTED","at":"2026-01-02T03:04:05.678Z","status":"NEW","filledQuantity":0,` +
        `"remainingQuantity":100,"cause":{"kind":"request","requestId":"${placed.headers.get('x-request-id')}"}},` +
        `{"orderId":"${id}","version":1,"kind":"FILLED","at":"2026-01-02T03:04:06.678Z","status":"PARTIALLY_FILLED",` +
        `"filledQuantity":60.00000001,"remainingQuantity":39.99999999,"fill":{"tradeId":"trade \\"1\\" \\\\ é","side":"BUY",` +
        `"quantity":60.00000001,"price":150.1,"late":false},"cause":{"kind":"trade","partition":${source!['kafka_partition']},"offset":"${source!['kafka_offset']}"}}],` +
        `"nextCursor":null}`,
    )
  })

  test('a cancel has its reason and the request that asked for it, and what comes after it is late', async () => {
    const { id } = await harness.place()
    const canceled = await cancel(id)
    await harness.trade({ sides: bought(id), quantity: amount('2') })
    expect(bodyOf(await get(`/orders/${id}/events`))['events']).toMatchObject([
      { version: 0, kind: 'ACCEPTED', status: 'NEW' },
      {
        version: 1,
        kind: 'CANCELED',
        at: bodyOf(canceled)['updatedAt'],
        status: 'CANCELED',
        remainingQuantity: 0,
        reason: { code: 'USER_CANCELED', text: null },
        cause: { kind: 'request', requestId: canceled.headers.get('x-request-id') },
      },
      { version: 2, kind: 'FILLED', status: 'CANCELED', filledQuantity: 2, remainingQuantity: 0, fill: { late: true } },
    ])
  })

  test('oldest first, page by page, each event once', async () => {
    const { id } = await harness.place({ quantity: 25 })
    await harness.trade(...Array.from({ length: 25 }, (_, i) => ({ tradeId: `E-${i}`, sides: bought(id) })))
    for (const limit of [1, 7, 25, 26, 27, 500]) {
      const seen: number[] = []
      let cursor: string | null = ''
      while (cursor !== null) {
        const page = bodyOf(
          await get(`/orders/${id}/events?limit=${limit}${cursor === '' ? '' : `&cursor=${cursor}`}`),
        ) as { events: { version: number }[]; nextCursor: string | null }
        expect(page.events.length <= limit).toBeTrue()
        seen.push(...page.events.map(({ version }) => version))
        cursor = page.nextCursor
      }
      expect(seen).toEqual(Array.from({ length: 26 }, (_, version) => version))
    }
  })

  test.each([
    ['limit=0', '?limit'],
    ['limit=501', '?limit'],
    ['cursor=nonsense', '?cursor'],
    [`cursor=${Buffer.from('fill-1').toString('base64url')}`, '?cursor'],
    [`cursor=${Buffer.from('event-99999999999').toString('base64url')}`, '?cursor'],
    ['userId=1', '?userId'],
  ])('400 for %s', async (query, pointer) => {
    expect(refusal(await get(`/orders/${unknownId}/events?${query}`))).toEqual(badRequest(pointer))
  })
})
