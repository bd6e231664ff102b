// Proves: DELETE cancels what remains of an order and keeps its fills, however often it is asked; If-Match lets a cancel through only where
// the order has that version; each refusal comes in the order of the contract: 404, the status, the version.

import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { amount } from '../../support/builders.ts'
import { badRequest, bodyOf, openHarness, refusal, type Answer, type Harness, type OrderJson } from '../harness.ts'

let harness: Harness
beforeAll(async () => {
  harness = await openHarness()
})
afterAll(() => harness.close())

const unknownId = '0197a9b0-0000-7000-8000-000000000001'
const ifMatch = (tags: string | undefined) => ({ headers: tags === undefined ? {} : { 'If-Match': tags } })
const remove = (id: string, tags?: string) => harness.call('DELETE', `/orders/${id}`, ifMatch(tags))
const cancel = (id: string, tags?: string) => harness.call('POST', `/orders/${id}/cancel`, ifMatch(tags))
const get = async (id: string) => bodyOf(await harness.call('GET', `/orders/${id}`))
const fill = (id: string, quantity = '1') =>
  harness.trade({ sides: [{ side: 'BUY', orderId: id }], quantity: amount(quantity) })
const expire = (id: string) =>
  harness.database.sql`update orders set status = 'EXPIRED', version = version + 1 where id = ${id}::uuid`
const outboxOf = async (id: string) =>
  await harness.database.sql<{ kind: string; filled: string | null; reason: string | null }[]>`
    select kind, filled_quantity::text as filled, reason_code as reason from outbox where order_id = ${id}::uuid order by position`

const partly = async (): Promise<OrderJson> => {
  const order = await harness.place({ quantity: 3 })
  await fill(order.id)
  return order
}
const filled = async (): Promise<OrderJson> => {
  const order = await harness.place({ quantity: 1 })
  await fill(order.id)
  return order
}
const canceled = async (): Promise<OrderJson> => {
  const order = await harness.place()
  await cancel(order.id)
  return order
}
const conflict = (answer: Answer) => ({ ...refusal(answer), orderStatus: bodyOf(answer)['orderStatus'] })

describe('DELETE /orders/{id}', () => {
  test('cancels an order that is NEW', async () => {
    const order = await harness.place()
    const answer = await remove(order.id)
    expect([answer.status, answer.headers.get('etag')]).toEqual([200, '"1"'])
    expect(bodyOf(answer)).toMatchObject({ id: order.id, status: 'CANCELED', remainingQuantity: 0, version: 1 })
    expect(answer.text).toBe((await harness.call('GET', `/orders/${order.id}`)).text)
  })

  test('cancels what remains of an order that was filled in part, and its fills are kept', async () => {
    const { id } = await partly()
    expect(bodyOf(await remove(id))).toMatchObject({
      status: 'CANCELED',
      filledQuantity: 1,
      remainingQuantity: 0,
      averageFillPrice: 150,
      reason: { code: 'USER_CANCELED', text: null },
      version: 2,
    })
    const { fills } = bodyOf(await harness.call('GET', `/orders/${id}/fills`)) as { fills: object[] }
    expect(fills).toHaveLength(1)
    const { events } = bodyOf(await harness.call('GET', `/orders/${id}/events`)) as { events: object[] }
    expect(events).toMatchObject([
      { kind: 'ACCEPTED', version: 0 },
      { kind: 'FILLED', version: 1 },
      {
        kind: 'CANCELED',
        version: 2,
        filledQuantity: 1,
        reason: { code: 'USER_CANCELED' },
        cause: { kind: 'request' },
      },
    ])
    expect(await outboxOf(id)).toMatchObject([
      { kind: 'PLACED' },
      { kind: 'CANCELLED', filled: '1.00000000', reason: 'USER_CANCELED' },
    ])
  })

  test('again answers the order again, and nothing is published twice', async () => {
    const { id } = await partly()
    const first = await remove(id)
    for (const again of [await remove(id), await remove(id, '"99"')]) {
      expect([again.status, again.headers.get('etag')]).toEqual([200, '"2"'])
      expect(again.text).toBe(first.text)
    }
    expect(await outboxOf(id)).toHaveLength(2)
  })

  test('of an order with a late fill answers it with that fill', async () => {
    const { id } = await canceled()
    await fill(id)
    expect(bodyOf(await remove(id))).toMatchObject({ status: 'CANCELED', filledQuantity: 1, version: 2 })
  })

  test('tells no engine of a stop that waits', async () => {
    const { id } = await harness.place({ type: 'STOP', price: undefined, stopPrice: 151 })
    expect(bodyOf(await remove(id))).toMatchObject({ status: 'CANCELED', triggeredAt: null, version: 1 })
    expect(await outboxOf(id)).toHaveLength(0)
  })

  test('409 for an order that ended otherwise, with its status', async () => {
    const full = await filled()
    const late = await harness.place()
    await expire(late.id)
    for (const [id, orderStatus] of [
      [full.id, 'FILLED'],
      [late.id, 'EXPIRED'],
    ] as const) {
      const answer = await remove(id)
      expect(conflict(answer)).toEqual({ status: 409, code: 'CONFLICT', pointers: [], orderStatus })
      expect(bodyOf(answer)).toMatchObject({
        title: 'Order cannot be canceled',
        detail: `nothing remains of this order to be canceled, it is ${orderStatus}`,
      })
    }
  })

  test('twenty at once all get the order, and one event goes out', async () => {
    const { id } = await partly()
    const answers = await Promise.all(Array.from({ length: 20 }, () => remove(id)))
    expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1)
    expect(answers[0]!.status).toBe(200)
    expect(await outboxOf(id)).toHaveLength(2)
  })

  test('takes no parameter: a filter of the other DELETE would be passed over', async () => {
    const order = await harness.place()
    for (const query of ['?x=1', '?userId=', `?userId=${order.userId}&ticker=${String(order.ticker)}`]) {
      const answer = await harness.call('DELETE', `/orders/${order.id}${query}`)
      expect(refusal(answer)).toMatchObject({ status: 400, code: 'BAD_REQUEST' })
    }
    expect(await get(order.id)).toMatchObject({ status: 'NEW' })
    // As ever, and as the Java service did.
    expect((await harness.call('POST', `/orders/${order.id}/cancel?x=1`)).status).toBe(200)
  })

  test('of another path is none', async () => {
    for (const path of [
      '/orders/batch',
      '/orders/validate',
      `/orders/${unknownId}/cancel`,
      `/orders/${unknownId}/fills`,
    ])
      expect((await harness.call('DELETE', path)).status).toBe(405)
  })
})

describe('If-Match', () => {
  test.each(['DELETE', 'cancel'])('%s cancels the version that was meant', async (by) => {
    const call = by === 'DELETE' ? remove : cancel
    for (const tags of ['"0"', '*', '"7", "0"', 'W/"0", "0"', '"a,b" , "0",']) {
      const { id } = await harness.place()
      const answer = await call(id, tags)
      expect([tags, answer.status, answer.headers.get('etag')]).toEqual([tags, 200, '"1"'])
    }
  })

  test.each(['DELETE', 'cancel'])('%s of another version is a 412, and the order stays as it is', async (by) => {
    const call = by === 'DELETE' ? remove : cancel
    for (const tags of ['"1"', 'W/"0"', '"00"', '""', '', '"1", "2"']) {
      const { id } = await harness.place()
      const answer = await call(id, tags)
      expect(refusal(answer)).toEqual({ status: 412, code: 'PRECONDITION_FAILED', pointers: [] })
      expect(bodyOf(answer)['detail']).toBe('the order has another version than If-Match asks for: it is "0" now')
      expect(await get(id)).toMatchObject({ status: 'NEW', version: 0 })
      expect(await outboxOf(id)).toHaveLength(1)
    }
  })

  test('a fill that came in between is seen', async () => {
    const { id } = await partly()
    expect((await remove(id, '"0"')).status).toBe(412)
    expect((await remove(id, '"0", "1"')).status).toBe(200)
  })

  test('is judged after the order is there and may be canceled', async () => {
    expect((await remove(unknownId, '"9"')).status).toBe(404)
    expect((await cancel(unknownId, '"9"')).status).toBe(404)
    const [full, part, gone] = [await filled(), await partly(), await canceled()]
    expect(conflict(await remove(full.id, '"9"'))).toMatchObject({ status: 409, orderStatus: 'FILLED' })
    expect(conflict(await cancel(full.id, '"9"'))).toMatchObject({ status: 409, orderStatus: 'FILLED' })
    expect(conflict(await cancel(part.id, '"9"'))).toMatchObject({ status: 409, orderStatus: 'PARTIALLY_FILLED' })
    expect(conflict(await cancel(gone.id, '"9"'))).toMatchObject({ status: 409, orderStatus: 'CANCELED' })
    expect((await remove(gone.id, '"9"')).status).toBe(200)
    expect((await remove(part.id, '"9"')).status).toBe(412)
  })

  test.each(['0', '"0', 'nonsense', '*, "0"'])('of %s is refused, whatever the order is', async (tags) => {
    const { id } = await harness.place()
    for (const call of [remove, cancel]) expect(refusal(await call(id, tags))).toEqual(badRequest('header:If-Match'))
    expect(await get(id)).toMatchObject({ status: 'NEW' })
  })

  test('of the version that GET answered: of twenty at once one cancels', async () => {
    const { id } = await harness.place()
    const tag = (await harness.call('GET', `/orders/${id}`)).headers.get('etag')!
    const answers = await Promise.all(Array.from({ length: 20 }, () => cancel(id, tag)))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    expect(answers.filter(({ status }) => status === 409)).toHaveLength(19)
  })
})
