// Proves: a key names one order of its user for ever; repeating a request is safe, reusing its key is refused.

import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { badRequest, bodyOf, openHarness, orderBody, refusal, type Answer, type Harness } from '../harness.ts'

let harness: Harness
let keys = 0
beforeAll(async () => {
  harness = await openHarness()
})
afterAll(() => harness.close())

const newKey = (): string => `key-${++keys}`
const post = (body: object, header?: string) =>
  harness.call('POST', '/orders', { body, headers: header === undefined ? {} : { 'Idempotency-Key': header } })
const replayed = (answer: Answer) => answer.headers.get('idempotent-replayed')
const idOf = (answer: Answer) => bodyOf(answer)['id'] as string
const eventsOf = async (id: string): Promise<number> => {
  const [row] = await harness.database.sql`select count(*)::integer as n from outbox where order_id = ${id}::uuid`
  return row!['n'] as number
}

describe('the key', () => {
  test('of the header is the clientOrderId', async () => {
    const key = newKey()
    expect(bodyOf(await post(orderBody, key))).toMatchObject({ clientOrderId: key })
  })

  test('of the header and of the body are one', async () => {
    const key = newKey()
    const first = await post({ ...orderBody, clientOrderId: key })
    for (const again of [await post(orderBody, key), await post({ ...orderBody, clientOrderId: key }, key)]) {
      expect([again.status, replayed(again)]).toEqual([202, 'true'])
      expect(again.text).toBe(first.text)
    }
    expect(await eventsOf(idOf(first))).toBe(1)
  })

  test('in quotes is the text inside; a body that says the same with its quotes means the quotes', async () => {
    const key = newKey()
    const first = await post(orderBody, `"${key}"`)
    expect(bodyOf(first)).toMatchObject({ clientOrderId: key })
    expect(idOf(await post({ ...orderBody, clientOrderId: key }, `"${key}"`))).toBe(idOf(first))
    const quoted = await post({ ...orderBody, clientOrderId: `"${key}"` }, `"${key}"`)
    expect(bodyOf(quoted)).toMatchObject({ clientOrderId: `"${key}"` })
    expect(idOf(quoted)).not.toBe(idOf(first))
  })

  test('given in both, and different, is refused', async () => {
    const answer = await post({ ...orderBody, clientOrderId: newKey() }, newKey())
    expect(refusal(answer)).toEqual(badRequest('header:Idempotency-Key'))
    expect(bodyOf(answer)['message']).toBe(
      'Idempotency-Key differs from clientOrderId: they are one key, give one of them',
    )
  })

  test('of the header counts where the body’s is null', async () => {
    const key = newKey()
    expect(bodyOf(await post({ ...orderBody, clientOrderId: null }, key))).toMatchObject({ clientOrderId: key })
  })

  test.each(['', 'x'.repeat(65), '\u00ff', 'a\tb'])('%j in the header is refused', async (key) => {
    expect(refusal(await post(orderBody, key))).toEqual(badRequest('header:Idempotency-Key'))
  })

  test('of one user is free for another', async () => {
    const key = newKey()
    const mine = await post(orderBody, key)
    const theirs = await post({ ...orderBody, userId: crypto.randomUUID(), quantity: 7 }, key)
    expect([mine.status, theirs.status, replayed(theirs)]).toEqual([202, 202, null])
    expect(idOf(theirs)).not.toBe(idOf(mine))
  })

  test('is told apart by case and by spaces', async () => {
    const ids = await Promise.all(
      ['same', 'Same', ' same', 'same '].map(async (clientOrderId) =>
        idOf(await post({ ...orderBody, clientOrderId })),
      ),
    )
    expect(new Set(ids).size).toBe(4)
  })

  test('two requests without one are two orders', async () => {
    expect(idOf(await post(orderBody))).not.toBe(idOf(await post(orderBody)))
  })
})

describe('the same order again', () => {
  test('is the same by canonical values, however they are written', async () => {
    const key = newKey()
    const first = await post({ ...orderBody, clientOrderId: key })
    const again = await post({
      ...orderBody,
      clientOrderId: key,
      ticker: 'aapl',
      quantity: '100.00',
      price: '150.50',
      userId: orderBody.userId.toUpperCase(),
    })
    expect([again.status, replayed(again), again.text]).toEqual([202, 'true', first.text])
    expect(again.headers.get('location')).toBe(`/orders/${idOf(first)}`)
  })

  test('answers with the order as it is now', async () => {
    const key = newKey()
    const id = idOf(await post(orderBody, key))
    await harness.trade({ sides: [{ side: 'BUY', orderId: id }] })
    expect(bodyOf(await post(orderBody, key))).toMatchObject({ id, status: 'PARTIALLY_FILLED', filledQuantity: 1 })

    const other = newKey()
    const canceled = idOf(await post(orderBody, other))
    await harness.call('POST', `/orders/${canceled}/cancel`)
    const again = await post(orderBody, other)
    expect([again.status, replayed(again)]).toEqual([202, 'true'])
    expect(bodyOf(again)).toMatchObject({ id: canceled, status: 'CANCELED', version: 1 })
    expect(await eventsOf(canceled)).toBe(2)
  })

  test('of a MARKET order compares its missing price', async () => {
    const key = newKey()
    const { price: _, ...rest } = orderBody
    const market = { ...rest, type: 'MARKET' }
    await post(market, key)
    expect(replayed(await post({ ...market, price: null }, key))).toBe('true')
    const limit = await post(orderBody, key)
    expect(refusal(limit).pointers).toEqual(['/type', '/price'])
  })
})

describe('another order with the same key', () => {
  test('422, naming what differs, and nothing is stored', async () => {
    const key = newKey()
    const first = await post(orderBody, key)
    const before = await harness.count('orders')
    expect(bodyOf(await post({ ...orderBody, quantity: 101, side: 'SELL' }, key))).toEqual({
      type: 'urn:orders:problem:idempotency-mismatch',
      title: 'Key was used for another order',
      status: 422,
      detail: 'this key already names another order: side, quantity differ; send the same order or a new key',
      code: 'IDEMPOTENCY_MISMATCH',
      message: 'this key already names another order: side, quantity differ; send the same order or a new key',
      errors: [
        { pointer: '/side', detail: 'differs from the order that holds the key' },
        { pointer: '/quantity', detail: 'differs from the order that holds the key' },
      ],
      timestamp: expect.any(String),
      error: 'Unprocessable Entity',
      path: '/orders',
    })
    expect(await harness.count('orders')).toBe(before)
    expect((await harness.call('GET', `/orders/${idOf(first)}`)).text).toBe(first.text)
  })

  test.each([
    ['ticker', { ticker: 'MSFT' }],
    ['side', { side: 'SELL' }],
    ['timeInForce', { timeInForce: 'IOC' }],
    ['quantity', { quantity: '100.00000001' }],
    ['price', { price: '150.50000001' }],
  ])('422 for another %s alone', async (name, changed) => {
    const key = newKey()
    await post(orderBody, key)
    const answer = await post({ ...orderBody, ...changed }, key)
    expect(refusal(answer)).toEqual({ status: 422, code: 'IDEMPOTENCY_MISMATCH', pointers: [`/${name}`] })
  })

  test('a fault comes before the key: 400, not 422', async () => {
    const key = newKey()
    await post(orderBody, key)
    expect(refusal(await post({ ...orderBody, quantity: -1 }, key))).toEqual(badRequest('/quantity'))
  })
})

describe('two hundred at once', () => {
  test('of one order with one key: one order, one event, everybody gets it', async () => {
    const key = newKey()
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, i) =>
        i % 2 === 0 ? post(orderBody, key) : post({ ...orderBody, clientOrderId: key, quantity: '100.0' }),
      ),
    )
    expect(new Set(answers.map((answer) => answer.status))).toEqual(new Set([202]))
    expect(new Set(answers.map((answer) => answer.text)).size).toBe(1)
    expect(answers.filter((answer) => replayed(answer) === null)).toHaveLength(1)
    expect(await eventsOf(idOf(answers[0]!))).toBe(1)
  })

  test('of two orders with one key: one of them wins, the other is a 422 every time', async () => {
    const key = newKey()
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, i) => post({ ...orderBody, quantity: i % 2 === 0 ? 1 : 2 }, key)),
    )
    const taken = answers.filter((answer) => answer.status === 202)
    const refusedOnes = answers.filter((answer) => answer.status === 422)
    expect([taken.length, refusedOnes.length]).toEqual([100, 100])
    expect(new Set(taken.map(idOf)).size).toBe(1)
    for (const answer of refusedOnes) expect(refusal(answer).pointers).toEqual(['/quantity'])
    expect(await eventsOf(idOf(taken[0]!))).toBe(1)
  })

  test('of two hundred users with one key: two hundred orders', async () => {
    const key = newKey()
    const answers = await Promise.all(
      Array.from({ length: 200 }, () => post({ ...orderBody, userId: crypto.randomUUID() }, key)),
    )
    expect(new Set(answers.map(idOf)).size).toBe(200)
    expect(answers.every((answer) => replayed(answer) === null)).toBeTrue()
  })
})
