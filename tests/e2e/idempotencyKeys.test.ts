// Proves: the binary takes the header Idempotency-Key in quotes, as the draft of the IETF writes it, and without, as clients of
// 1.0 wrote it.

import { openSocket, parseRaw } from '../http/socket.ts'
import { expect, test } from '../support/explained.ts'
import { orderBody, userId } from '../support/orderBody.ts'
import type { RunningService } from '../support/service.ts'
import { createWorld, type World } from '../support/world.ts'

const post = (service: RunningService, key: string, members: Record<string, unknown> = {}) =>
  service.post(orderBody(members), { 'idempotency-key': key })

/** An order with this key as 1.0 stored it. */
const storeAs10 = async (world: World, service: RunningService, key: string): Promise<string> => {
  const order = (await service.post(orderBody({ clientOrderId: key }))).json
  expect(order['clientOrderId']).toBe(key)
  await world.outboxEmpty()
  return String(order['id'])
}
const countOrders = async (world: World): Promise<number> => (await world.sql`select from orders`).length

test('a key in quotes is the text inside', async () => {
  await using world = await createWorld()
  const service = await world.start()
  const first = await post(service, 'k-1')
  const quoted = await post(service, '"k-1"')
  expect(quoted.status).toBe(202)
  expect(quoted.json).toMatchObject({ id: first.json['id'], clientOrderId: 'k-1' })
  expect(quoted.headers.get('idempotent-replayed')).toBe('true')
  expect((await service.post(orderBody({ clientOrderId: 'k-1' }), { 'idempotency-key': '"k-1"' })).status).toBe(202)
  expect(await post(service, '"k-1"', { quantity: 1 })).toMatchObject({
    status: 422,
    json: { code: 'IDEMPOTENCY_MISMATCH', errors: [{ pointer: '/quantity' }] },
  })
  expect(await countOrders(world)).toBe(1)

  const escaped = await post(service, String.raw`"say \"hi\" \\ there"`)
  expect(escaped.json).toMatchObject({ clientOrderId: String.raw`say "hi" \ there` })
  expect((await post(service, `"${'x'.repeat(64)}"`)).json).toMatchObject({ clientOrderId: 'x'.repeat(64) })
  for (const key of ['""', `"${'x'.repeat(65)}"`])
    expect(await post(service, key)).toMatchObject({
      status: 400,
      json: { errors: [{ pointer: 'header:Idempotency-Key' }] },
    })
  // What is no quoted string as a whole stands for itself, as ever.
  for (const key of ['"', '"k-1', 'k-1"', '"k"1"', String.raw`"k-1\"`, String.raw`"k\1"`])
    expect((await post(service, key)).json).toMatchObject({ clientOrderId: key })
})

test('a key that the user holds with its quotes from 1.0 still names that order', async () => {
  await using world = await createWorld()
  const service = await world.start()
  const old = await storeAs10(world, service, '"k-1"')
  const again = await post(service, '"k-1"')
  expect(again).toMatchObject({ status: 202, json: { id: old, clientOrderId: '"k-1"' } })
  expect(again.headers.get('idempotent-replayed')).toBe('true')
  expect(again.headers.get('location')).toBe(`/orders/${old}`)
  expect((await post(service, '"k-1"', { quantity: 1 })).status).toBe(422)
  expect(await countOrders(world)).toBe(1)
  // Another user holds nothing, and the text without quotes is free.
  const other = crypto.randomUUID()
  expect((await post(service, '"k-1"', { userId: other })).json).toMatchObject({ clientOrderId: 'k-1', userId: other })
  const bare = await post(service, 'k-1', { side: 'SELL' })
  expect(bare.json).toMatchObject({ clientOrderId: 'k-1', userId })
  // Whoever holds both is answered with the one that was asked for.
  expect((await post(service, '"k-1"')).json).toMatchObject({ id: old })
  expect((await post(service, '"k-1"', { side: 'SELL' })).json).toMatchObject({ id: bare.json['id'] })
  expect((await post(service, '"k-1"', { quantity: 1 })).status).toBe(422)
  expect(await countOrders(world)).toBe(3)
})

test('two hundred at once with a quoted key are one order', async () => {
  await using world = await createWorld()
  const [one, other] = await Promise.all([world.start(), world.start()])
  const answers = await Promise.all(
    Array.from({ length: 200 }, (_, i) => post(i % 2 === 0 ? one : other, i % 3 === 0 ? 'k-1' : '"k-1"')),
  )
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]))
  expect(new Set(answers.map(({ json }) => json['id'])).size).toBe(1)
  expect(await countOrders(world)).toBe(1)
})

test('the header given twice is refused, and so is what cannot be told from it', async () => {
  await using world = await createWorld()
  const service = await world.start()
  const body = JSON.stringify(orderBody())
  const send = async (...keys: string[]) => {
    const lines = ['POST /orders HTTP/1.1', 'Host: localhost', 'Content-Type: application/json']
    const headers = [...lines, ...keys.map((key) => `Idempotency-Key: ${key}`), `Content-Length: ${body.length}`]
    return parseRaw(await openSocket(service.port, `${headers.join('\r\n')}\r\n\r\n${body}`).answer())
  }
  for (const keys of [['d1', 'd2'], ['d1', 'd1'], ['"d1"', '"d2"'], ['d1', ''], ['', ''], ['d1, d2'], ['', 'd1']]) {
    const answer = await send(...keys)
    expect([keys, answer.status]).toEqual([keys, 400])
    expect(JSON.parse(answer.text)).toMatchObject({ errors: [{ pointer: 'header:Idempotency-Key' }] })
  }
  expect(await countOrders(world)).toBe(0)
  // One key with a comma is written in quotes, or as clientOrderId.
  expect(JSON.parse((await send('"d1, d2"')).text)).toMatchObject({ clientOrderId: 'd1, d2' })
  expect(JSON.parse((await send('d1,d2')).text)).toMatchObject({ clientOrderId: 'd1,d2' })
})
