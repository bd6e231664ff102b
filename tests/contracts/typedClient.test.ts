// Proves: the typed client sends what the document asks for and gives back every answer with its exact amounts; an answer that
// the document does not know is an error.

import { afterAll, beforeAll, expect, test } from 'bun:test'
import { createApp } from '../../src/http/server.ts'
import { openHarness, orderBody, serverOptions, type Harness } from '../http/harness.ts'
import { createClient, UnexpectedAnswer, type Client } from './typedClient.ts'

let harness: Harness
let client: Client
const requests: Request[] = []

beforeAll(async () => {
  harness = await openHarness()
  const app = createApp(serverOptions({ service: harness.service }))
  client = createClient('http://localhost/', {
    headers: { 'x-from': 'test' },
    fetch: (url, init) => {
      const request = new Request(url, init)
      requests.push(request.clone() as Request)
      return app.handle(request)
    },
  })
})
afterAll(() => harness.close())

const order = {
  ...orderBody,
  side: 'BUY' as const,
  type: 'LIMIT' as const,
  timeInForce: 'GTC' as const,
}

const placed = async (changed: Partial<Parameters<Client['placeOrder']>[0]['body']> = {}) => {
  const answer = await client.placeOrder({ body: { ...order, ...changed } })
  if (answer.status !== 202) throw new Error(answer.body.detail)
  return answer.body
}

test('amounts come back as text, with every digit', async () => {
  const most = '999999999999.99999999'
  const { id, quantity, price, filledQuantity, lastFillPrice, version } = await placed({
    quantity: most,
    price: '0.00000001',
  })
  expect({ quantity, price, filledQuantity, lastFillPrice, version }).toEqual({
    quantity: most,
    price: '0.00000001',
    filledQuantity: '0',
    lastFillPrice: null,
    version: 0,
  })
  await harness.trade({
    tradeId: 'c-1',
    sides: [{ side: 'BUY', orderId: id }],
    quantity: 10n ** 20n - 2n,
    price: 123456789012_12345678n,
  })
  const read = await client.getOrder({ params: { id } })
  expect(read).toMatchObject({
    status: 200,
    body: {
      filledQuantity: '999999999999.99999998',
      remainingQuantity: '0.00000001',
      averageFillPrice: '123456789012.12345678',
    },
  })
  const fills = await client.listFills({ params: { id }, query: { limit: 1 } })
  expect(fills).toMatchObject({ status: 200, body: { fills: [{ quantity: '999999999999.99999998', late: false }] } })
  const events = await client.listEvents({ params: { id }, query: { limit: 2 } })
  expect(events).toMatchObject({
    status: 200,
    body: {
      events: [
        { version: 0, kind: 'ACCEPTED' },
        { version: 1, kind: 'FILLED', fill: { quantity: '999999999999.99999998' }, remainingQuantity: '0.00000001' },
      ],
      nextCursor: null,
    },
  })
})

test('a key is a header, a status of a list is repeated, the id is in the path', async () => {
  const body = { ...order, clientOrderId: null }
  const first = await client.placeOrder({ body, headers: { 'Idempotency-Key': 'c-2' } })
  const again = await client.placeOrder({ body, headers: { 'Idempotency-Key': 'c-2' } })
  expect([first.headers.get('idempotent-replayed'), again.headers.get('idempotent-replayed')]).toEqual([null, 'true'])
  const page = await client.listOrders({ query: { status: ['NEW', 'closed'], limit: 2, clientOrderId: 'c-2' } })
  expect(page).toMatchObject({ status: 200, body: { orders: [{ clientOrderId: 'c-2' }], nextCursor: null } })
  expect(requests.at(-1)!.url).toEndWith('/orders?status=NEW&status=closed&limit=2&clientOrderId=c-2')
  expect(requests.at(-1)!.headers.get('x-from')).toBe('test')
})

test('a refusal is a value with its code, and with the members of its own', async () => {
  const { id } = await placed()
  expect(await client.cancelOrder({ params: { id } })).toMatchObject({ status: 200, body: { status: 'CANCELED' } })
  const again = await client.cancelOrder({ params: { id } })
  if (again.status !== 409) throw new Error('it was canceled')
  expect(again.body.orderStatus).toBe('CANCELED')
  const refused = await client.placeOrder({ body: { ...order, price: null } })
  expect(refused).toMatchObject({ status: 400, body: { code: 'BAD_REQUEST', errors: [{ pointer: '/price' }] } })
})

test('a batch has a result for each order, told apart by its status', async () => {
  const keyed = { ...order, clientOrderId: 'c-batch' }
  const answer = await client.placeBatch({ body: { orders: [keyed, { ...keyed, price: null }, keyed] } })
  if (answer.status !== 200) throw new Error(answer.body.code)
  const [placed, refused, again] = answer.body.results
  if (placed === undefined || !('order' in placed) || refused === undefined || 'order' in refused)
    throw new Error('other results')
  expect([placed.status, placed.order.quantity, placed.replayed]).toEqual([202, '100', undefined])
  expect(refused.problem).toMatchObject({ code: 'BAD_REQUEST', errors: [{ pointer: '/price' }] })
  expect(again).toEqual({ ...placed, replayed: true })
})

test('an order is judged without being placed', async () => {
  expect(await client.validateOrder({ body: order })).toMatchObject({ status: 200, body: { valid: true } })
  expect(await client.validateOrder({ body: { ...order, price: null } })).toMatchObject({ status: 400 })
})

test('many orders are canceled at once, or unless that is put off', async () => {
  const userId = crypto.randomUUID()
  const { id } = await placed({ userId })
  expect(await client.cancelOrders({ query: { userId, side: 'BUY' } })).toMatchObject({
    status: 200,
    body: { canceled: [id], notCanceled: [], remaining: false },
  })
  expect(requests.at(-1)!.url).toEndWith(`/orders?userId=${userId}&side=BUY`)
  expect(await client.cancelOrders({ query: {} })).toMatchObject({ status: 400 })
  const armed = await client.cancelAfter({ body: { userId, timeoutMs: 5_000 } })
  expect(armed).toMatchObject({ status: 200, body: { userId, firesAt: expect.any(String) } })
  expect(await client.cancelAfter({ body: { userId, timeoutMs: 0 } })).toMatchObject({
    body: { userId, firesAt: null },
  })
})

test('other answers than JSON are text', async () => {
  const page = await client.metrics()
  expect(page).toMatchObject({ status: 200, body: 'orders_outbox_rows 1\n' })
  expect(await client.liveness()).toMatchObject({ status: 200, body: { status: 'UP' } })
})

test('an answer that the document does not know is an error', async () => {
  const answering = (response: Response): Client =>
    createClient('http://localhost', { fetch: () => Promise.resolve(response) })
  const page = new Response('<h1>Bad gateway</h1>', { status: 502, headers: { 'content-type': 'text/html' } })
  const error = await answering(page)
    .liveness()
    .catch((caught: unknown) => caught)
  expect(error).toBeInstanceOf(UnexpectedAnswer)
  expect(error).toMatchObject({ status: 502, text: '<h1>Bad gateway</h1>' })
  const problem = new Response('{}', { status: 422, headers: { 'content-type': 'application/problem+json' } })
  expect(answering(problem).liveness()).rejects.toBeInstanceOf(UnexpectedAnswer)
})
