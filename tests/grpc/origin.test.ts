// Proves: an order that came by gRPC says so wherever its history is read: in its row, over HTTP, on streams, and on the topic of the log.
// So does its cancel by gRPC, and neither says so of what came by HTTP in the same batch.

import { freePort } from '../stack/ports.ts'
import { openEventStream } from '../support/eventStream.ts'
import { afterAll, beforeAll, expect, test } from '../support/explained.ts'
import { orderBody, userId } from '../support/orderBody.ts'
import type { RunningService } from '../support/service.ts'
import { until } from '../support/until.ts'
import { createWorld, type World } from '../support/world.ts'
import { openGrpcClient, readUntil, type GrpcClient, type Json } from './client.ts'

const topic = `grpc-events-${crypto.randomUUID().slice(0, 8)}`
const order = { userId, ticker: 'ORIGIN', side: 'BUY', type: 'LIMIT', timeInForce: 'GTC', quantity: '10', price: '1.5' }

let world: World
let service: RunningService
let client: GrpcClient

beforeAll(async () => {
  world = await createWorld({ env: { KAFKA_TOPIC_ORDER_EVENT: topic } })
  const port = await freePort()
  service = await world.start({ env: { GRPC_PORT: String(port) } })
  client = openGrpcClient(port)
  await until(async () => (await world.sql`select from event_publication`).length > 0, {
    what: 'the publication has begun',
  })
}, 180_000)
afterAll(async () => {
  client.close()
  await world.kafka.deleteTopics([topic])
})

const idOf = (answer: Json | null): string => (answer!['order'] as { id: string }).id
const place = async (changes: Json = {}): Promise<string> =>
  idOf((await client.call('Place', { ...order, ...changes }, { 'x-request-id': 'by-grpc' })).value)
const originOf = async (id: string): Promise<string | null> =>
  (await world.sql<{ origin: string | null }[]>`select origin from orders where id = ${id}`)[0]!.origin

test('the acceptance and the cancel of an order are caused by gRPC, in its row, its history, both streams and the topic', async () => {
  const sse = await openEventStream(`${service.url}/orders/stream?ticker=ORIGIN`)
  const stream = client.watch({ ticker: 'ORIGIN' })
  stream.on('error', () => undefined)
  const live = Promise.withResolvers<void>()
  const both = readUntil(stream, (message) => {
    if ('live' in message) live.resolve()
    return ((message['order'] as Json | undefined)?.['event'] as Json | undefined)?.['kind'] === 'CANCELED'
  })
  await live.promise
  await sse.seen(({ event }) => event === 'live', 'the stream is live')
  const id = await place()
  expect((await client.call('Cancel', { id }, { 'x-request-id': 'by-grpc-too' })).code).toBe(0)
  expect(await originOf(id)).toBe('grpc')

  const causes = [
    { version: 0, kind: 'ACCEPTED', cause: { kind: 'grpc', requestId: 'by-grpc' } },
    { version: 1, kind: 'CANCELED', cause: { kind: 'grpc', requestId: 'by-grpc-too' } },
  ]
  const { json } = await service.http(`/orders/${id}/events`)
  expect(json['events']).toMatchObject(causes)

  // A number that is 0 is not on the wire.
  const streamed = (await both).flatMap(({ order: one }) =>
    one === undefined ? [] : [{ version: 0, ...((one as Json)['event'] as Json) }],
  )
  expect(streamed).toMatchObject(causes)
  stream.cancel()
  const kindOf = (data: unknown): unknown => ((data as Json)['event'] as Json)['kind']
  await sse.seen(({ event, data }) => event === 'order' && kindOf(data) === 'CANCELED', 'the cancel is streamed')
  sse.close()
  const sent = sse.events().filter(({ event }) => event === 'order')
  expect(sent.map(({ data }) => (data as Json)['event'])).toMatchObject(causes)

  const published = async () =>
    (await world.kafka.readAll(topic))
      .map(({ value }) => JSON.parse(value!) as { event: Json & { orderId: string } })
      .filter(({ event }) => event.orderId === id)
  await until(async () => (await published()).length >= 2, { what: 'both events are on the topic' })
  expect((await published()).map(({ event }) => event)).toMatchObject(causes)
})

test('orders of both doors that share a batch each keep their own', async () => {
  const placed = await Promise.all(
    Array.from({ length: 40 }, async (_, i) =>
      i % 2 === 0
        ? { id: await place(), origin: 'grpc' }
        : { id: String((await service.post(orderBody({ ticker: 'ORIGIN' }))).json['id']), origin: null },
    ),
  )
  for (const { id, origin } of placed) expect([id, await originOf(id)]).toEqual([id, origin])
  const overHttp = placed.find(({ origin }) => origin === null)!
  const { json } = await service.http(`/orders/${overHttp.id}/events`)
  expect(json['events']).toMatchObject([{ kind: 'ACCEPTED', cause: { kind: 'request' } }])
})

test('an order of many says so, and one that is canceled over HTTP says both', async () => {
  const { value } = await client.call('PlaceMany', { orders: [order, order] })
  const id = idOf((value!['results'] as Json[])[1]!)
  expect((await service.http(`/orders/${id}`, { method: 'DELETE' })).status).toBe(200)
  const { json } = await service.http(`/orders/${id}/events`)
  expect(json['events']).toMatchObject([{ cause: { kind: 'grpc' } }, { cause: { kind: 'request' } }])
})
