// Proves: a void makes certain: whoever has its answer knows that no order with this key can be accepted any more, or has the order that
// holds the key. It waits for an order that is being stored, an order waits for it, and both go on after a crash of either.

import { afterAll, beforeAll, expect, test } from 'bun:test'
import { usualRules } from '../../../src/app/submit.ts'
import { untilBlocked } from '../../support/waiting.ts'
import { bodyOf, openHarness, orderBody, refusal, type Answer, type Harness } from '../harness.ts'

let harness: Harness
/** Its engine is of the old kind: it refuses an iceberg. */
const rules = { ...usualRules, rejectedPerMinuteMax: 1, nowMs: () => 0 }
beforeAll(async () => {
  harness = await openHarness({ service: () => ({ rules }) })
})
afterAll(() => harness.close())

const { userId } = orderBody
const newKey = (): string => crypto.randomUUID()
const voidKey = (clientOrderId: string) => harness.call('POST', '/orders/void', { body: { userId, clientOrderId } })
const post = (clientOrderId: string, changed: object = {}) =>
  harness.call('POST', '/orders', { body: { ...orderBody, clientOrderId, ...changed } })
const codeOf = (answer: Answer) => `${answer.status} ${String(bodyOf(answer)['code'])}`
const count = async (clientOrderId: string): Promise<number> =>
  (await harness.database.sql`select from orders where client_order_id = ${clientOrderId}`).length

test('a void of an unused key holds for ever, is said again, and is no order in any list', async () => {
  const key = newKey()
  for (let times = 0; times < 2; times++) {
    const answer = await voidKey(key)
    expect([answer.status, answer.text]).toEqual([200, '{"voided":true}'])
  }
  for (const changed of [{}, { price: 1 }]) expect(codeOf(await post(key, changed))).toBe('409 VOIDED')
  expect(await count(key)).toBe(0)
  const list = await harness.call('GET', `/orders?userId=${userId}&clientOrderId=${key}`)
  expect(bodyOf(list)).toEqual({ orders: [], nextCursor: null })
  const [row] = await harness.database.sql`select * from order_keys where client_order_id = ${key}`
  expect(row).toMatchObject({
    user_id: userId,
    order_id: null,
    voided_at: expect.any(Date),
    request_id: expect.any(String),
  })
})

test('a void of a used key has the order as it is now, and leaves it alone', async () => {
  const key = newKey()
  const placed = bodyOf(await post(key))
  expect(bodyOf(await voidKey(key))).toEqual({ voided: false, order: placed })
  const canceled = await harness.call('DELETE', `/orders/${placed['id'] as string}`)
  expect(bodyOf(await voidKey(key))).toEqual({ voided: false, order: bodyOf(canceled) })
  expect(codeOf(await post(key))).toBe('202 undefined')
})

test('an order that a rule refused has its key too', async () => {
  const key = newKey()
  const refused = await post(key, { displayQuantity: 1 })
  expect(codeOf(refused)).toBe('422 ORDER_REJECTED')
  expect(bodyOf(await voidKey(key))).toEqual({ voided: false, order: bodyOf(refused)['order'] })
})

test('an order that was not stored, for its caller had too many refused, leaves its key to be void', async () => {
  const key = newKey()
  expect(codeOf(await post(key, { displayQuantity: 1 }))).toBe('429 RATE_LIMITED')
  expect((await voidKey(key)).text).toBe('{"voided":true}')
  expect(codeOf(await post(key, { displayQuantity: 1 }))).toBe('409 VOIDED')
})

test('what depends on the clock is not said of a void key', async () => {
  const key = newKey()
  await voidKey(key)
  const late = { timeInForce: 'GTD', expiresAt: '2020-01-01T00:00:00Z' }
  expect(codeOf(await post(key, late))).toBe('409 VOIDED')
  expect(codeOf(await post(newKey(), late))).toBe('400 BAD_REQUEST')
})

test('keys are those of one user', async () => {
  const key = newKey()
  await voidKey(key)
  expect((await post(key, { userId: crypto.randomUUID() })).status).toBe(202)
})

test.each<[string, object | string, string[]]>([
  ['without a key', { userId }, ['/clientOrderId']],
  ['without a user', { clientOrderId: 'k' }, ['/userId']],
  ['with a user that is none', { userId: 'x', clientOrderId: 'k' }, ['/userId']],
  ['with an empty key', { userId, clientOrderId: '' }, ['/clientOrderId']],
  ['with a key that is too long', { userId, clientOrderId: 'k'.repeat(65) }, ['/clientOrderId']],
  ['with a key that is no text', { userId, clientOrderId: 1 }, ['/clientOrderId']],
  ['with more than a key', { userId, clientOrderId: 'k', price: 1 }, ['/price']],
  ['that gives a member twice', `{"userId":"${userId}","clientOrderId":"a","clientOrderId":"b"}`, ['/clientOrderId']],
  ['that is a list', '[]', ['']],
])('a body %s is refused, and no key is used', async (_, body, pointers) => {
  const before = await harness.count('order_keys')
  const answer = await harness.call('POST', '/orders/void', { body })
  expect(refusal(answer)).toEqual({ status: 400, code: 'BAD_REQUEST', pointers })
  expect(await harness.count('order_keys')).toBe(before)
})

test('a parameter is refused, and no key is used', async () => {
  const before = await harness.count('order_keys')
  const answer = await harness.call('POST', '/orders/void?key=1', { body: { userId, clientOrderId: newKey() } })
  expect(refusal(answer)).toEqual({ status: 400, code: 'BAD_REQUEST', pointers: ['?key'] })
  expect(await harness.count('order_keys')).toBe(before)
})

test('a user in capitals is the same user', async () => {
  const key = newKey()
  await harness.call('POST', '/orders/void', { body: { userId: userId.toUpperCase(), clientOrderId: key } })
  expect(codeOf(await post(key))).toBe('409 VOIDED')
})

test.each(['GET', 'DELETE', 'PUT'])('%s names no order there', async (method) => {
  const answer = await harness.call(method, '/orders/void')
  expect([codeOf(answer), answer.headers.get('allow')]).toEqual(['405 METHOD_NOT_ALLOWED', 'OPTIONS, POST'])
})

/** An order with this key, as a statement that is under way would have it, on a connection of its own. */
const beingStored = async (key: string) => {
  const rival = await harness.database.sql.reserve()
  await rival`begin`
  await rival`
    with held as (
      insert into order_keys (user_id, client_order_id, order_id) values (${userId}, ${key}, gen_random_uuid()) returning order_id
    )
    insert into orders (rules_epoch, id, user_id, client_order_id, ticker, side, type, time_in_force, quantity, price, created_at, updated_at)
    select 1, order_id, ${userId}, ${key}, 'AAPL', 'BUY', 'LIMIT', 'GTC', 1, 1, now(), now() from held`
  return async (end: 'commit' | 'rollback'): Promise<void> => {
    await rival.unsafe(end)
    rival.release()
  }
}

test.each([
  ['commit', false],
  ['rollback', true],
] as const)('a void waits for an order that is being stored, and its %s decides', async (end, voided) => {
  const key = newKey()
  const finish = await beingStored(key)
  const asked = voidKey(key)
  await untilBlocked(harness.database.sql, 'insert into order_keys')
  await finish(end)
  expect(bodyOf(await asked)).toMatchObject({ voided })
  expect(await count(key)).toBe(voided ? 0 : 1)
})

test.each([
  ['commit', '409 VOIDED'],
  ['rollback', '202 undefined'],
] as const)('an order waits for a void that is being stored, and its %s decides', async (end, expected) => {
  const key = newKey()
  const rival = await harness.database.sql.reserve()
  await rival`begin`
  await rival`insert into order_keys (user_id, client_order_id, voided_at) values (${userId}, ${key}, now())`
  const asked = post(key)
  await untilBlocked(harness.database.sql, 'gate_lock')
  await rival.unsafe(end)
  rival.release()
  expect(codeOf(await asked)).toBe(expected)
})

test('a hundred voids of ten keys at once, among orders with them: each key has one answer', async () => {
  const keys = Array.from({ length: 10 }, newKey)
  const calls = Array.from({ length: 100 }, (_, i) => ({ key: keys[i % 10]!, isVoid: i % 3 !== 0 }))
  const answers = await Promise.all(
    calls.map(async ({ key, isVoid }) => ({ key, answer: await (isVoid ? voidKey(key) : post(key)) })),
  )
  for (const key of keys) {
    const codes = new Set(
      answers
        .filter((one) => one.key === key)
        .map(({ answer }) => answer.text === '{"voided":true}' || answer.status === 409),
    )
    expect(codes.size).toBe(1)
    expect(await count(key)).toBe(codes.has(true) ? 0 : 1)
  }
})
