// Proves: a body with more than it should hold, or in a form that the service does not read, is refused.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '../support/explained.ts'
import { orderBody, userId } from '../support/orderBody.ts'
import { temporaryDir } from '../support/servers.ts'
import { runBinary, type RunningService } from '../support/service.ts'
import { until } from '../support/until.ts'
import { createWorld, tradeOf, type World } from '../support/world.ts'

type ExceptionJson = { id: string; resolution: { note: string } | null }

const listExceptions = async (service: RunningService, headers: Record<string, string> = {}) =>
  (await service.http('/exceptions', { headers })).json['exceptions'] as ExceptionJson[]

/** Two exceptions: an order that is filled twice over, twice. */
const twoExceptions = async (world: World, service: RunningService, headers: Record<string, string> = {}) => {
  const order = await service.http('/orders', { body: orderBody({ quantity: 1 }), headers })
  const buyOrderId = String(order.json['id'])
  await world.publishTrades(tradeOf({ buyOrderId, quantity: 2 }), tradeOf({ buyOrderId, quantity: 3 }))
  const [newer, older] = await until(
    async () => {
      const found = await listExceptions(service, headers)
      return found.length === 2 ? found : null
    },
    { what: 'two exceptions' },
  )
  return { orderId: buyOrderId, newer: newer!.id, older: older!.id }
}

test('nothing of a body but the members it has by name reaches a resolution', async () => {
  await using world = await createWorld({ env: { ORDERS_UNKNOWN_FIELDS: 'ignore' } })
  const service = await world.start()
  const { newer, older } = await twoExceptions(world, service)
  const resolve = (id: string, body: unknown) => service.http(`/exceptions/${id}/resolve`, { body })
  const members = '"resolvedBy":"ops","note":"mine"'
  const hostile = `{${members},"id":"${older}","now":"1999-01-01","__proto__":{"id":"${older}"},"constructor":{"id":1}}`
  const answer = await resolve(newer, hostile)
  expect(answer).toMatchObject({ status: 200, json: { id: newer, resolution: { note: 'mine' } } })
  expect((await listExceptions(service)).find(({ id }) => id === older)!.resolution).toBeNull()
  expect((await resolve(older, `{${members},"id":"no uuid"}`)).json).toMatchObject({ id: older })
})

test('nor an order', async () => {
  await using world = await createWorld({ env: { ORDERS_UNKNOWN_FIELDS: 'ignore' } })
  const service = await world.start()
  const more = {
    id: '0193e5a0-0000-7000-8000-00000000000b',
    status: 'FILLED',
    filledQuantity: 5,
    version: 7,
    createdAt: '1999-01-01T00:00:00Z',
    traceparent: 'x',
    eventId: 'x',
    constructor: { name: 'x' },
  }
  const text = `${JSON.stringify({ ...orderBody(), ...more }).slice(0, -1)},"__proto__":{"clientOrderId":"p"}}`
  const { json } = await service.http('/orders', { body: text })
  expect(json).toMatchObject({ ...orderBody(), status: 'NEW', filledQuantity: 0, version: 0, clientOrderId: null })
  expect(json['id']).not.toBe(more.id)
  expect(String(json['createdAt'])).not.toStartWith('1999')
})

test('an id that is none is a 400, however it is written', async () => {
  await using world = await createWorld()
  const service = await world.start()
  const body = { resolvedBy: 'ops', note: 'n' }
  for (const id of ['x', '%00', '%ff', '%', '..%2f..', '__proto__', "'--", 'x'.repeat(8_000)]) {
    expect([id, (await service.http(`/exceptions/${id}/resolve`, { body })).status]).toEqual([id, 400])
    expect([id, (await service.http(`/orders/${id}/cancel`, { method: 'POST' })).status]).toEqual([id, 400])
    expect([id, (await service.http(`/orders/${id}`)).status]).toEqual([id, 400])
  }
  expect(service.log.filter(({ level }) => level === 'error')).toEqual([])
})

test('what an administrator changes is in the log with what it changed', async () => {
  const { out } = await runBinary(['api-key', '--subject', userId, '--scopes', 'orders:admin', '--id', 'desk'])
  const [key, line] = out.split('\n')
  const path = join(temporaryDir('audit'), 'keys.jsonl')
  writeFileSync(path, `${line}\n`)
  await using world = await createWorld({ env: { AUTH_API_KEYS_FILE: path } })
  const service = await world.start()
  const headers = { authorization: `Bearer ${key}` }
  const { newer, orderId } = await twoExceptions(world, service, headers)
  const body = { resolvedBy: 'ops', note: 'seen' }
  expect((await service.http(`/exceptions/${newer.toUpperCase()}/resolve`, { body, headers })).status).toBe(200)
  await service.http(`/orders/${orderId}/cancel`, { method: 'POST', headers })
  const audit = () => service.log.filter(({ message }) => message === 'an administrator changes something')
  await until(() => audit().length === 2, { what: 'two lines' })
  const who = { subject: userId, credential: 'key:desk' }
  expect(audit()).toMatchObject([
    { ...who, operation: 'resolveException', exceptionId: newer },
    { ...who, operation: 'cancelOrder', orderId },
  ])
})

test('a body in a coding is a 415 that names the one that is read', async () => {
  await using world = await createWorld()
  const service = await world.start()
  const body = Bun.gzipSync(JSON.stringify(orderBody()))
  const send = (route: string, coding: string) => {
    const headers = { 'content-type': 'application/json', 'content-encoding': coding }
    return fetch(`${service.url}${route}`, { method: 'POST', headers, body })
  }
  for (const coding of ['gzip', 'deflate', 'br', 'zstd', 'x-gzip', 'GZIP', 'identity, gzip'])
    for (const route of ['/orders', '/exceptions/0193e5a0-0000-7000-8000-00000000000b/resolve']) {
      const response = await send(route, coding)
      expect([coding, route, response.status]).toEqual([coding, route, 415])
      expect(response.headers.get('accept-encoding')).toBe('identity')
      expect(await response.json()).toMatchObject({
        code: 'UNSUPPORTED_MEDIA_TYPE',
        detail: 'send the body as it is: no content-encoding but identity is read here',
      })
    }
  const wrongType = await service.http('/orders', { body: '{}', headers: { 'content-type': 'text/plain' } })
  expect([wrongType.status, wrongType.headers.get('accept-encoding')]).toEqual([415, null])
  expect((await service.post(orderBody(), { 'content-encoding': 'Identity' })).status).toBe(202)
})

test('a conflict has the title of what it is about', async () => {
  await using world = await createWorld()
  const service = await world.start()
  const { newer, orderId } = await twoExceptions(world, service)
  await service.http(`/orders/${orderId}/cancel`, { method: 'POST' })
  const canceledTwice = await service.http(`/orders/${orderId}/cancel`, { method: 'POST' })
  expect(canceledTwice).toMatchObject({
    status: 409,
    json: { title: 'Order cannot be canceled', orderStatus: 'CANCELED' },
  })
  const resolve = (note: string) => service.http(`/exceptions/${newer}/resolve`, { body: { resolvedBy: 'ops', note } })
  await resolve('one')
  expect(await resolve('two')).toMatchObject({ status: 409, json: { title: 'Already resolved' } })
})
