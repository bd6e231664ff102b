// Proves: the compiled binary places, reads, cancels and streams orders over gRPC, and judges bodies as HTTP does.

import type { ServiceError } from '@grpc/grpc-js'
import { freePort } from '../stack/ports.ts'
import { afterAll, beforeAll, describe, expect, test } from '../support/explained.ts'
import type { RunningService } from '../support/service.ts'
import { createWorld, type World } from '../support/world.ts'
import { openGrpcClient, type GrpcClient, type Json } from './client.ts'

const userId = '7d8c2f7e-3a0f-4b55-9f5e-1a2b3c4d5e6f'
const good = { userId, ticker: 'aapl', side: 'BUY', type: 'LIMIT', timeInForce: 'GTC', quantity: '10', price: '187.25' }

let world: World
let service: RunningService
let client: GrpcClient

beforeAll(async () => {
  world = await createWorld()
  const port = await freePort()
  service = await world.start({ env: { GRPC_PORT: String(port) } })
  client = openGrpcClient(port)
}, 180_000)
afterAll(() => client?.close())

const place = async (changes: Json = {}): Promise<Json> => {
  const { value } = await client.call('Place', { ...good, ...changes })
  return value!['order'] as Json
}

test('an order is placed, read and canceled; a repetition says so', async () => {
  const first = await client.call('Place', { ...good, clientOrderId: 'grpc-1' })
  expect(first.value).toMatchObject({ order: { ticker: 'AAPL', quantity: '10', price: '187.25', status: 'NEW' } })
  const { id } = first.value!['order'] as { id: string }
  expect((await client.call('Place', { ...good, clientOrderId: 'grpc-1' })).value).toMatchObject({
    replayed: true,
    order: { id },
  })
  expect((await client.call('Get', { id })).value).toMatchObject({ id, status: 'NEW' })
  expect(await client.call('Cancel', { id, version: 7 })).toMatchObject({ code: 9 })
  expect((await client.call('Cancel', { id, version: 0 })).value).toMatchObject({
    status: 'CANCELED',
    reason: { code: 'USER_CANCELED' },
  })
  const { json } = await service.http(`/orders/${id}/events`)
  expect((json['events'] as Json[]).at(-1)).toMatchObject({ kind: 'CANCELED', cause: { kind: 'grpc' } })
})

test('many are placed in their order, each with a result of its own', async () => {
  const { value } = await client.call('PlaceMany', {
    orders: [good, { ...good, quantity: '-1' }, { ...good, side: 'SELL' }],
  })
  expect(value!['results']).toMatchObject([
    { order: { side: 'BUY' } },
    { refusal: { status: 3, code: 'BAD_REQUEST', errors: [{ pointer: '/quantity' }] } },
    { order: { side: 'SELL' } },
  ])
})

test('a list is paged', async () => {
  await place({ ticker: 'PAGED' })
  const second = await place({ ticker: 'PAGED' })
  const page = await client.call('List', { ticker: 'PAGED', limit: 1, status: ['open'] })
  expect(page.value!['orders']).toMatchObject([{ id: second['id'] }])
  const rest = await client.call('List', { ticker: 'PAGED', limit: 1, cursor: page.value!['nextCursor'] })
  expect(rest.value!['orders']).toHaveLength(1)
})

test('a stream begins with the open orders, and goes on with events', async () => {
  const open = await place({ ticker: 'WATCH' })
  const stream = client.watch({ ticker: 'WATCH' })
  stream.on('error', () => undefined)
  const seen: Json[] = []
  for await (const message of stream) {
    seen.push(message as Json)
    if ('live' in (message as Json)) await client.call('Cancel', { id: open['id'] })
    if ('order' in (message as Json)) break
  }
  stream.cancel()
  expect(seen[0]).toMatchObject({ snapshot: { orders: [{ id: open['id'] }] } })
  expect(seen.at(-1)).toMatchObject({
    order: { event: { kind: 'CANCELED', cause: { kind: 'grpc' } }, order: { id: open['id'], status: 'CANCELED' } },
  })
})

const grpcCodes: Readonly<Record<number, number>> = { 202: 0, 400: 3, 422: 6, 404: 5 }
const bodies: readonly Json[] = [
  good,
  { ...good, quantity: '0' },
  { ...good, quantity: '1.000000001' },
  { ...good, quantity: '1e2' },
  { ...good, quantity: '' },
  { ...good, price: 'NaN' },
  { ...good, ticker: 'A B' },
  { ...good, side: 'buy' },
  { ...good, userId: 'nobody' },
  { ...good, type: 'MARKET' },
  { ...good, type: 'STOP', stopPrice: '1' },
  { ...good, timeInForce: 'GTD' },
  { ...good, clientOrderId: 'é' },
  { ...good, postOnly: false },
  {},
]
describe('both doors judge alike', () => {
  test.each(bodies.map((body) => [JSON.stringify(body), body] as const))('%s', async (_text, body) => {
    const [http, grpc] = [await service.post(body), await client.call('Place', body)]
    expect(grpc.code).toBe(grpcCodes[http.status]!)
    if (grpc.code !== 0) expect(grpc.detail).toBe(http.json['detail'] as string)
  })
})

test('SIGTERM moves streams on with their cursor, and the service ends', async () => {
  const stream = client.watch({ ticker: 'WATCH' })
  const { promise, resolve } = Promise.withResolvers<{ code: number }>()
  const live = Promise.withResolvers<void>()
  stream.on('data', (message: Json) => ('live' in message ? live.resolve() : undefined))
  stream.on('error', (error) => resolve(error as ServiceError))
  await live.promise
  expect(await service.stop()).toBe(0)
  expect((await promise).code).toBe(14)
})
