// Proves: one event an accepted order and one a cancellation leave through Kafka, in the form that other systems already read.

import { positiveHash } from '../engine/murmur2.ts'
import { expect, test } from '../support/explained.ts'
import type { Received } from '../support/kafka.ts'
import { orderBody, userId } from '../support/orderBody.ts'
import { ownWorld } from '../support/world.ts'

const partitions = 7
const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

const { world, service } = await ownWorld({ partitions })

const ofOrder = (id: string) => (message: Received) => message.value!.includes(id)

const eventsOf = async (topic: string, id: string): Promise<Received[]> =>
  (await world.kafka.readUntil(topic, (found) => found.some(ofOrder(id)))).filter(ofOrder(id))

const place = async (members: Record<string, unknown> = {}, headers: Record<string, string> = {}) => {
  const reply = await service.post(orderBody(members), headers)
  expect(reply.status).toBe(202)
  return { id: String(reply.json['id']), order: reply.json }
}

test('an accepted order is one event: key, headers and every byte of the body', async () => {
  const { id, order } = await place({ ticker: 'brk.b', quantity: '100.50' }, { traceparent })
  const [event, ...more] = await eventsOf(world.topics.placed, id)
  expect(more).toEqual([])
  expect(event!.key).toBe('BRK.B')
  expect(event!.value).toBe(
    `{"orderId":"${id}","userId":"${userId}","ticker":"BRK.B","side":"BUY","type":"LIMIT","timeInForce":"GTC",` +
      `"quantity":100.5,"price":150.5,"timestamp":"${String(order['createdAt'])}"}`,
  )
  const eventId = event!.headers['eventId']!
  expect(eventId).toMatch(uuid)
  expect(event!.headers).toEqual({
    eventId,
    ce_id: eventId,
    ce_type: 'order.placed.v1',
    ce_source: '/orders',
    ce_specversion: '1.0',
    ce_time: String(order['createdAt']),
    'content-type': 'application/json',
    traceparent,
  })
})

test('amounts leave exactly, a market order has no price, a broken traceparent is left out', async () => {
  const tiny = await place({ quantity: '0.00000001', price: '999999999999.99999999' })
  const market = await place({ type: 'MARKET', price: undefined, timeInForce: 'IOC' }, { traceparent: 'nonsense' })
  const [tinyEvent] = await eventsOf(world.topics.placed, tiny.id)
  const [marketEvent] = await eventsOf(world.topics.placed, market.id)
  expect(tinyEvent!.value).toContain('"quantity":0.00000001,"price":999999999999.99999999,')
  expect(marketEvent!.value).toContain('"type":"MARKET","timeInForce":"IOC","quantity":100,"price":null,')
  expect(marketEvent!.headers).not.toHaveProperty('traceparent')
})

test("a ticker's partition is the one that the Java client chooses", async () => {
  // From Apache Kafka's own UtilsTest: murmur2("21") = -973932308, made positive 1173551340, which is 3 modulo 7.
  const vector = await place({ ticker: '21' })
  expect((await eventsOf(world.topics.placed, vector.id))[0]!.partition).toBe(3)
  for (const ticker of ['A', 'BRK.B', 'TSLA', 'GOOGL', 'ABCDEFGHIJKLMNOP', '0-1.2']) {
    const { id } = await place({ ticker })
    const [event] = await eventsOf(world.topics.placed, id)
    expect({ ticker, partition: event!.partition }).toEqual({
      ticker,
      partition: positiveHash(Buffer.from(ticker)) % partitions,
    })
  }
})

test('a cancellation is one event on its own topic, in the partition of its ticker', async () => {
  const { id } = await place({ ticker: 'TSLA', quantity: '12.25' })
  const reply = await service.http(`/orders/${id}/cancel`, { method: 'POST', headers: { traceparent } })
  expect(reply).toMatchObject({ status: 200, json: { id, status: 'CANCELED', remainingQuantity: 0 } })
  const [event, ...more] = await eventsOf(world.topics.cancelled, id)
  const [placed] = await eventsOf(world.topics.placed, id)
  expect(more).toEqual([])
  expect(event).toMatchObject({ key: 'TSLA', partition: placed!.partition })
  expect(event!.value).toBe(
    `{"orderId":"${id}","userId":"${userId}","ticker":"TSLA","quantity":12.25,"price":150.5,` +
      `"timestamp":"${String(reply.json['updatedAt'])}","filledQuantity":0,"reason":{"code":"USER_CANCELED","text":null}}`,
  )
  const eventId = event!.headers['eventId']!
  expect(eventId).not.toBe(placed!.headers['eventId'])
  expect(event!.headers).toEqual({
    eventId,
    ce_id: eventId,
    ce_type: 'order.cancelled.v1',
    ce_source: '/orders',
    ce_specversion: '1.0',
    ce_time: String(reply.json['updatedAt']),
    'content-type': 'application/json',
    traceparent,
  })
  const second = await service.http(`/orders/${id}/cancel`, { method: 'POST' })
  expect(second).toMatchObject({ status: 409, json: { code: 'CONFLICT', orderStatus: 'CANCELED' } })
})

test('the broker has every placement before it gets the cancellation, however fast the cancel follows', async () => {
  for (const topic of [world.topics.placed, world.topics.cancelled])
    await world.kafka.alterTopic(topic, { 'message.timestamp.type': 'LogAppendTime' })
  const ids = await Promise.all(
    Array.from({ length: 100 }, async (_, n) => {
      const { id } = await place({ ticker: `C${n % 9}` })
      expect((await service.http(`/orders/${id}/cancel`, { method: 'POST' })).status).toBe(200)
      return id
    }),
  )
  const cancelled = await world.kafka.readUntil(world.topics.cancelled, (found) =>
    ids.every((id) => found.some(ofOrder(id))),
  )
  const placed = await world.kafka.read(world.topics.placed)
  for (const id of ids) {
    const [cancel, place] = [cancelled.find(ofOrder(id))!, placed.find(ofOrder(id))]
    expect(place).toBeDefined()
    expect(cancel.appendedAt).toBeGreaterThanOrEqual(place!.appendedAt)
  }
})

test('200 requests at once with one key are one order and one event', async () => {
  const body = orderBody({ ticker: 'IDEM', clientOrderId: 'one-key' })
  const replies = await Promise.all(Array.from({ length: 200 }, () => service.post(body)))
  expect(new Set(replies.map((reply) => reply.status))).toEqual(new Set([202]))
  expect(new Set(replies.map((reply) => reply.json['id'])).size).toBe(1)
  expect(replies.filter((reply) => reply.headers.get('idempotent-replayed') === null)).toHaveLength(1)

  const after = await place({ ticker: 'IDEM' })
  const events = await world.kafka.readUntil(world.topics.placed, (found) => found.some(ofOrder(after.id)))
  expect(events.filter(({ key }) => key === 'IDEM').map(({ value }) => JSON.parse(value!).orderId)).toEqual([
    replies[0]!.json['id'],
    after.id,
  ])
  expect(await world.sql`select id from orders where ticker = 'IDEM'`).toHaveLength(2)
})

test('orders of one ticker, placed one after the other, stand on the topic in that order', async () => {
  const placed: string[] = []
  for (let n = 0; n < 100; n++) placed.push((await place({ ticker: 'ROW', quantity: n + 1 })).id)
  const events = await world.kafka.readUntil(world.topics.placed, (found) => found.some(ofOrder(placed.at(-1)!)))
  const ids = events.filter(({ key }) => key === 'ROW').map(({ value }) => String(JSON.parse(value!).orderId))
  expect(ids).toEqual(placed)
})

test('whatever was acknowledged has left the outbox', async () => {
  await place()
  await world.outboxEmpty()
})
