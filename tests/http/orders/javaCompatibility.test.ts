// Proves: with JAVA_COMPATIBILITY the three calls of the Java service answer as that did where its clients may lean on it, an order has one
// form in every answer that carries it, what is younger keeps its statuses, events and gRPC are left alone; and the document of such a
// service is true and whole.

import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { Validator } from '@seriousme/openapi-schema-validator'
import { readSettings } from '../../../src/config/config.ts'
import { amountDigits } from '../../../src/domain/decimal.ts'
import { createOpenApi } from '../../../src/http/contract/openapi.ts'
import { createServer } from '../../../src/http/server.ts'
import { closed, createAjv, pathsOf, type Operation } from '../../contracts/judge.ts'
import { amount } from '../../support/builders.ts'
import {
  badRequest,
  bodyOf,
  callerOf,
  openHarness,
  orderBody,
  refusal,
  serverOptions,
  type Answer,
  type Harness,
  type OrderJson,
} from '../harness.ts'

const document = JSON.parse(
  JSON.stringify(
    createOpenApi({
      version: 'test',
      unknownFields: 'ignore',
      javaCompatibility: true,
      bodyMaxBytes: 65_536,
      batchBodyMaxBytes: 1_048_576,
      amountDigits,
    }),
  ),
) as Record<string, unknown>
const paths = pathsOf(document)

let harness: Harness
let server: ReturnType<typeof createServer>
/** Every answer is held against the document of the service with the switch. */
let call: ReturnType<typeof callerOf>
beforeAll(async () => {
  harness = await openHarness()
  server = createServer(serverOptions({ service: harness.service, javaCompatibility: true, unknownFields: 'ignore' }))
  call = callerOf(server.app, paths)
})
afterAll(() => harness.close())

const unknownId = '0197a9b0-0000-7000-8000-000000000001'
const place = async (changed: object = {}): Promise<OrderJson> =>
  bodyOf(await call('POST', '/orders', { body: { ...orderBody, ...changed } })) as OrderJson
const get = (id: string) => call('GET', `/orders/${id}`)
const cancel = (id: string, tags?: string) =>
  call('POST', `/orders/${id}/cancel`, tags === undefined ? {} : { headers: { 'If-Match': tags } })
const fill = (id: string, quantity: string) =>
  harness.trade({ sides: [{ side: 'BUY', orderId: id }], quantity: amount(quantity) })
const remaining = (answer: Answer) => bodyOf(answer)['remainingQuantity']
const eventsOf = async (id: string) =>
  (
    await harness.database.sql<
      { kind: string }[]
    >`select kind from outbox where order_id = ${id}::uuid order by position`
  ).map(({ kind }) => kind)

/** An order of three of which one was filled before what remained was canceled. */
const canceledInPart = async (changed: object = {}): Promise<string> => {
  const { id } = await place({ quantity: 3, ...changed })
  await fill(id, '1')
  await call('DELETE', `/orders/${id}`)
  return id
}

describe('a repeated cancel', () => {
  test('answers the order again, and nothing is published twice', async () => {
    const { id } = await place()
    const first = await cancel(id)
    const again = await cancel(id)
    expect([first.status, again.status, again.text]).toEqual([200, 200, first.text])
    expect(bodyOf(again)).toMatchObject({ status: 'CANCELED', version: 1 })
    expect(await eventsOf(id)).toEqual(['PLACED', 'CANCELLED'])
  })

  test('is answered whatever If-Match says', async () => {
    const { id } = await place()
    expect((await cancel(id, '"7"')).status).toBe(412)
    await cancel(id, '"0"')
    expect((await cancel(id, '"7"')).status).toBe(200)
  })

  test('of many at once: each has its 200, and one of them has canceled', async () => {
    const { id } = await place()
    const answers = await Promise.all(Array.from({ length: 8 }, () => cancel(id)))
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 200))
    expect(await eventsOf(id)).toEqual(['PLACED', 'CANCELLED'])
  })

  test.each([
    ['PARTIALLY_FILLED', '1'],
    ['FILLED', '3'],
  ])('of an order that is %s stays a 409', async (orderStatus, quantity) => {
    const { id } = await place({ quantity: 3 })
    await fill(id, quantity)
    const answer = await cancel(id)
    expect([answer.status, bodyOf(answer)['orderStatus']]).toEqual([409, orderStatus])
  })
})

describe('an unknown id', () => {
  test('is a bad request to the calls that the Java service had', async () => {
    for (const answer of [await get(unknownId), await cancel(unknownId)]) {
      expect(refusal(answer)).toEqual(badRequest())
      expect(bodyOf(answer)['message']).toBe('order not found')
    }
  })

  test.each([
    ['DELETE', ''],
    ['GET', '/fills'],
    ['GET', '/events'],
  ])('stays a 404 to what is younger: %s %s', async (method, end) => {
    expect((await call(method, `/orders/${unknownId}${end}`)).status).toBe(404)
  })
})

describe('what remains of a canceled order', () => {
  test('is what was not filled, in every answer that carries the order', async () => {
    const userId = crypto.randomUUID()
    const keyed = { userId, clientOrderId: 'java' }
    const id = await canceledInPart(keyed)
    expect(remaining(await get(id))).toBe(2)
    expect(remaining(await cancel(id))).toBe(2)
    expect(remaining(await call('DELETE', `/orders/${id}`))).toBe(2)
    expect(await place({ ...keyed, quantity: 3 })).toMatchObject({ id, remainingQuantity: 2 })
    const list = bodyOf(await call('GET', `/orders?userId=${userId}`))
    expect(list).toMatchObject({ orders: [{ id, remainingQuantity: 2 }] })
    const orders = [{ ...orderBody, ...keyed, quantity: 3 }]
    const batch = bodyOf(await call('POST', '/orders/batch', { body: { orders } }))
    expect(batch).toMatchObject({ results: [{ status: 202, replayed: true, order: { id, remainingQuantity: 2 } }] })
    const used = bodyOf(await call('POST', '/orders/void', { body: keyed }))
    expect(used).toMatchObject({ voided: false, order: { id, remainingQuantity: 2 } })
  })

  test('is 0 in its events, which all followers share', async () => {
    const id = await canceledInPart()
    const { events } = bodyOf(await call('GET', `/orders/${id}/events`)) as { events: object[] }
    expect(events.at(-1)).toMatchObject({ status: 'CANCELED', remainingQuantity: 0 })
  })

  test.each([
    ['EXPIRED', '1', 0],
    ['FILLED', '3', 0],
    ['NEW', null, 3],
    ['PARTIALLY_FILLED', '1', 2],
  ])('changes nothing of an order that is %s', async (status, quantity, left) => {
    const { id } = await place({ quantity: 3 })
    if (quantity !== null) await fill(id, quantity)
    if (status === 'EXPIRED')
      await harness.database.sql`update orders set status = 'EXPIRED', version = version + 1 where id = ${id}::uuid`
    expect(bodyOf(await get(id))).toMatchObject({ status, remainingQuantity: left })
  })
})

describe('unknown members and parameters', () => {
  const read = (env: Record<string, string>) => {
    const result = readSettings(env)
    return result.ok ? result.settings.ORDERS_UNKNOWN_FIELDS : result.faults
  }

  test('are ignored with the switch, unless their own setting says otherwise', () => {
    expect(read({})).toBe('refuse')
    expect(read({ JAVA_COMPATIBILITY: 'true' })).toBe('ignore')
    expect(read({ JAVA_COMPATIBILITY: 'true', ORDERS_UNKNOWN_FIELDS: 'refuse' })).toBe('refuse')
    expect(read({ JAVA_COMPATIBILITY: 'false', ORDERS_UNKNOWN_FIELDS: 'ignore' })).toBe('ignore')
    expect(read({ JAVA_COMPATIBILITY: 'yes' })).toEqual(['JAVA_COMPATIBILITY must be one of true, false'])
  })

  test('never widen a deletion', async () => {
    const { id, userId } = await place({ userId: crypto.randomUUID() })
    expect(refusal(await call('DELETE', `/orders?userId=${userId}&tickr=MSFT`))).toEqual(badRequest('?tickr'))
    expect(bodyOf(await get(id))['status']).toBe('NEW')
  })
})

describe('gRPC, which comes through the same routes', () => {
  const visit = {
    door: { kind: 'grpc' as const },
    name: 'orders.v1.Orders/Get',
    attributes: () => ({}),
    address: '127.0.0.1',
  }
  const visitGet = async (id: string) =>
    await server.call('getOrder', { request: new Request(`http://localhost/orders/${id}`), params: { id }, visit })

  test('keeps its own answers', async () => {
    expect((await visitGet(unknownId)).status).toBe(404)
    const id = await canceledInPart()
    expect(await (await visitGet(id)).json()).toMatchObject({ status: 'CANCELED', remainingQuantity: 0 })
  })
})

describe('the document', () => {
  const operation = (method: string, path: string): Operation => paths[path]![method]!

  test('is valid OpenAPI 3.1', async () => {
    expect((await new Validator().validate(structuredClone(document))).errors).toBeUndefined()
  })

  test('does not list the status that the calls of the Java service no longer have', () => {
    expect(Object.keys(operation('get', '/orders/{id}').responses)).not.toContain('404')
    expect(Object.keys(operation('post', '/orders/{id}/cancel').responses)).not.toContain('404')
    expect(Object.keys(operation('delete', '/orders/{id}').responses)).toContain('404')
  })

  test('has examples that its own schemas allow, and that are what the service answers', () => {
    const ajv = createAjv()
    for (const [path, method] of [
      ['/orders/{id}', 'get'],
      ['/orders/{id}', 'delete'],
      ['/orders/{id}/cancel', 'post'],
    ] as const)
      for (const { content = {} } of Object.values(operation(method, path).responses))
        for (const { schema, example } of Object.values(content) as { schema: object; example?: unknown }[])
          if (example !== undefined) {
            const isLawful = ajv.compile(closed(schema))
            isLawful(example)
            expect(isLawful.errors).toBeNull()
          }
    const answered = operation('post', '/orders/{id}/cancel').responses['200']!.content!['application/json'] as unknown
    expect(answered).toMatchObject({ example: { status: 'CANCELED', remainingQuantity: 40 } })
  })

  test('says in words what it changes', () => {
    const { info, components } = document as {
      info: { description: string }
      components: { schemas: Record<string, { description: string }> }
    }
    expect(info.description).toContain('JAVA_COMPATIBILITY')
    expect(components.schemas['Order']!.description).toContain('of a CANCELED order is what was not filled')
    expect((operation('post', '/orders/{id}/cancel') as { description?: string }).description).toContain(
      'answered again',
    )
  })
})
