// Proves: each order of a batch gets at its place what it would get alone; what is taken is accepted in the order of the array, in one
// statement; of two orders with one key the second repeats the first; every bound holds for each order; and a body that is no list of
// orders is refused whole.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test'
import type { BatchReport } from '../../../src/app/batcher.ts'
import { usualRules } from '../../../src/app/submit.ts'
import { createApp } from '../../../src/http/server.ts'
import { randomStream } from '../../support/random.ts'
import {
  badRequest,
  bodyOf,
  callerOf,
  openHarness,
  orderBody,
  orderText,
  refusal,
  serverOptions,
  type Answer,
  type Harness,
} from '../harness.ts'
import { outcomeOf, placeBatch, randomOrders, resultsOf, timeless } from './batchCalls.ts'

let harness: Harness
const batches: BatchReport[] = []
let accepting = true
let clockMs = 0
beforeAll(async () => {
  harness = await openHarness({
    service: () => ({
      onBatch: (kind, batch) => void (kind === 'place' && batches.push(batch)),
      accepting: () => accepting,
      rules: { ...usualRules, rejectedPerMinuteMax: 5, nowMs: () => clockMs },
    }),
  })
})
afterAll(() => harness.close())
beforeEach(() => {
  batches.length = 0
  // Room for as many orders that are refused.
  clockMs += 60_000
})

const newKey = (): string => crypto.randomUUID()
const order = (changed: object = {}) => ({ ...orderBody, ...changed })
const place = async (...orders: object[]) => resultsOf(await placeBatch(harness, orders))
const outcomes = async (...orders: object[]): Promise<string[]> => (await place(...orders)).map(outcomeOf)

describe('each order gets what it would get alone', () => {
  test('a hundred kinds of faults among good ones, each at its place', async () => {
    const faulty = new Map<string, { text: string; problem: Record<string, unknown> }>()
    for (const text of randomOrders('faults')) {
      if (faulty.size === 100) break
      const answer = await harness.call('POST', '/orders', { body: text })
      const problem = bodyOf(answer)
      const kind = JSON.stringify(problem['errors'])
      if (answer.status === 400 && !faulty.has(kind)) faulty.set(kind, { text, problem: timeless(problem) })
    }
    const good = Array.from({ length: 156 }, (_, i) =>
      JSON.stringify(order({ clientOrderId: newKey(), quantity: i + 1 })),
    )
    const sent = randomStream('places').shuffle([...good, ...[...faulty.values()].map(({ text }) => text)])
    const before = await harness.count('orders')
    const results = resultsOf(await placeBatch(harness, sent))
    const problems = new Map([...faulty.values()].map(({ text, problem }) => [text, problem]))
    expect([results.length, problems.size]).toEqual([256, 100])
    for (const [i, { status, order: placed, problem }] of results.entries()) {
      const expected = problems.get(sent[i]!)
      if (expected === undefined)
        expect([status, placed]).toMatchObject([202, JSON.parse(sent[i]!) as Record<string, unknown>])
      else expect([status, timeless(problem!), problem!['path']]).toEqual([400, expected, '/orders/batch'])
    }
    expect(await harness.count('orders')).toBe(before + 156)
    expect(batches.at(-1)!.items).toBe(156)
  })

  test('whatever may become of an order: taken, repeated, refused by a rule, by the clock, by its key', async () => {
    const [held, refused] = [newKey(), newKey()]
    const iceberg = { displayQuantity: 1 }
    await harness.place({ clientOrderId: held })
    await placeBatch(harness, [order({ ...iceberg, clientOrderId: refused })])
    const orders = [
      order(),
      order({ clientOrderId: held }),
      order({ clientOrderId: held, price: 1 }),
      order({ ...iceberg, clientOrderId: refused }),
      order({ timeInForce: 'GTD', expiresAt: '2020-01-01T00:00:00Z' }),
      order({ timeInForce: 'GTD', expiresAt: '2020-01-01T00:00:00Z', clientOrderId: held }),
      order(iceberg),
    ]
    const results = await place(...orders)
    expect(results.map(outcomeOf)).toEqual([
      '202',
      '202 replayed',
      '422 IDEMPOTENCY_MISMATCH',
      '422 ORDER_REJECTED replayed',
      '400 BAD_REQUEST',
      '422 IDEMPOTENCY_MISMATCH',
      '422 ORDER_REJECTED',
    ])
    // The first and the last are new ones when they come alone.
    for (const i of [1, 2, 3, 4, 5]) {
      const alone = await harness.call('POST', '/orders', { body: orders[i]! })
      const { status, order: placed, problem, replayed } = results[i]!
      expect(status).toBe(alone.status)
      expect(replayed === true ? 'true' : null).toBe(alone.headers.get('idempotent-replayed'))
      expect(placed ?? timeless(problem!)).toEqual(alone.status === 202 ? bodyOf(alone) : timeless(bodyOf(alone)))
    }
    const { reason, order: stored } = results[6]!.problem as unknown as { reason: object; order: { id: string } }
    expect(reason).toMatchObject({ code: 'NOT_SUPPORTED_BY_ENGINE' })
    expect(bodyOf(await harness.call('GET', `/orders/${stored.id}`))).toEqual(stored)
  })

  test('amounts are read from their own text and leave exactly', async () => {
    const answer = await placeBatch(harness, [
      orderText({ quantity: '123456789012.12345678', price: '"0.00000001"' }),
      orderText({ quantity: '1.505e2', price: '9007199254740.993' }),
      orderText({ quantity: '0.123456789' }),
    ])
    expect(resultsOf(answer).map(outcomeOf)).toEqual(['202', '400 BAD_REQUEST', '400 BAD_REQUEST'])
    expect(answer.text).toContain('"quantity":123456789012.12345678,"price":0.00000001,')
  })

  test('a member given twice is a fault of its own order alone', async () => {
    const twice = `{"side":"SELL",${orderText().slice(1)}`
    const quiet = orderText({ ticker: '"A"' })
    const results = resultsOf(
      await placeBatch(harness, [quiet, twice, '[{"a":1,"a":2}]', `${quiet.slice(0, -1)} }`, '{"a":{},"a":{}}']),
    )
    expect(results.map(({ status, problem }) => [status, problem?.errors])).toEqual([
      [202, undefined],
      [400, [{ pointer: '/side', detail: 'is given more than once' }]],
      [400, [{ pointer: '', detail: 'the body must be a JSON object' }]],
      [202, undefined],
      [400, [{ pointer: '/a', detail: 'is given more than once' }]],
    ] as never)
  })

  test('what is no object is refused at its place', async () => {
    const nothings = ['null', '1', '"order"', '[]', '12345678901234567890', `[${orderText()}]`]
    const results = resultsOf(await placeBatch(harness, [...nothings, orderText()]))
    expect(results.map(({ status }) => status)).toEqual([400, 400, 400, 400, 400, 400, 202])
  })
})

describe('the order of the array', () => {
  test('is that of acceptance, in one statement: 256 at once, in the log, in the outbox and in lists', async () => {
    const ticker = `B${newKey().slice(0, 8)}`
    const orders = Array.from({ length: 256 }, (_, i) =>
      order({ ticker, quantity: i + 1, clientOrderId: i % 2 === 0 ? newKey() : null }),
    )
    const ids = (await place(...orders)).map((result) => result.order!.id)
    expect(batches).toMatchObject([{ items: 256 }])
    const { sql } = harness.database
    const idsBy = async (rows: Promise<{ id: string }[]>): Promise<string[]> => (await rows).map(({ id }) => id)
    const upper = ticker.toUpperCase()
    expect(await idsBy(sql`select id from orders where ticker = ${upper} order by position`)).toEqual(ids)
    expect(await idsBy(sql`select order_id as id from outbox where ticker = ${upper} order by position`)).toEqual(ids)
    expect(await idsBy(sql`select id from orders where ticker = ${upper} order by id`)).toEqual(ids)
    const [times] = await sql<
      { n: number }[]
    >`select count(distinct created_at)::integer as n from orders where ticker = ${upper}`
    expect(times!.n).toBe(1)
  })

  test('holds for the causes too: each order is of this request', async () => {
    const answer = await placeBatch(harness, [order(), order()])
    for (const { order: placed } of resultsOf(answer)) {
      const { events } = bodyOf(await harness.call('GET', `/orders/${placed!.id}/events`)) as { events: object[] }
      expect(events).toMatchObject([{ kind: 'ACCEPTED', cause: { requestId: answer.headers.get('x-request-id') } }])
    }
  })
})

describe('a key twice in a batch', () => {
  test('the second repeats the first, whatever it asks for', async () => {
    const [a, b] = [newKey(), newKey()]
    const results = await place(
      order({ clientOrderId: a }),
      order({ clientOrderId: b }),
      order({ clientOrderId: a }),
      order({ clientOrderId: a, side: 'SELL' }),
      order({ clientOrderId: a, userId: newKey() }),
    )
    expect(results.map(outcomeOf)).toEqual(['202', '202', '202 replayed', '422 IDEMPOTENCY_MISMATCH', '202'])
    expect(results[2]!.order).toEqual(results[0]!.order)
    expect(results[3]!.problem!.errors).toMatchObject([{ pointer: '/side' }])
  })

  test('the first has it, in fifty drawn batches', async () => {
    const rng = randomStream('twice')
    for (let round = 0; round < 50; round++) {
      const keys = Array.from({ length: 3 }, newKey)
      const orders = Array.from({ length: 20 }, () => order({ clientOrderId: rng.pick(keys), quantity: rng.int(1, 2) }))
      const results = await place(...orders)
      for (const [i, { clientOrderId, quantity }] of (
        orders as unknown as { clientOrderId: string; quantity: number }[]
      ).entries()) {
        const first = orders.findIndex(
          (one) => (one as unknown as { clientOrderId: string }).clientOrderId === clientOrderId,
        )
        const same = orders[first]!.quantity === quantity
        expect(outcomeOf(results[i]!)).toBe(i === first ? '202' : same ? '202 replayed' : '422 IDEMPOTENCY_MISMATCH')
      }
    }
  })

  test('of an order that a rule refuses, repeats that refusal', async () => {
    const key = newKey()
    const iceberg = order({ displayQuantity: 1, clientOrderId: key })
    const results = await place(iceberg, iceberg, order({ clientOrderId: key }))
    expect(results.map(outcomeOf)).toEqual([
      '422 ORDER_REJECTED',
      '422 ORDER_REJECTED replayed',
      '422 IDEMPOTENCY_MISMATCH',
    ])
    expect(results[1]!.problem!['order']).toEqual(results[0]!.problem!['order'])
  })

  test('one that the clock refuses uses none; one after it that has the key is new, one before it is repeated', async () => {
    const [a, b] = [newKey(), newKey()]
    const over = { timeInForce: 'GTD', expiresAt: '2020-01-01T00:00:00Z' }
    expect(
      await outcomes(
        order({ ...over, clientOrderId: a }),
        order({ clientOrderId: a }),
        order({ clientOrderId: b }),
        order({ ...over, clientOrderId: b }),
      ),
    ).toEqual(['400 BAD_REQUEST', '202', '202', '422 IDEMPOTENCY_MISMATCH'])
  })

  test('sent again whole, a batch is answered as before and stores nothing', async () => {
    const orders = Array.from({ length: 30 }, () => order({ clientOrderId: newKey() }))
    const first = await place(...orders)
    const before = await harness.count('orders')
    const again = await place(...orders)
    expect(again.map(outcomeOf)).toEqual(orders.map(() => '202 replayed'))
    expect(again.map((one) => one.order!)).toEqual(first.map((one) => one.order!))
    expect(await harness.count('orders')).toBe(before)
  })
})

describe('bounds', () => {
  test('orders that a rule refuses count each: what is too much is a 429 at its place, and its key stays free', async () => {
    const keys = Array.from({ length: 7 }, newKey)
    const answer = await placeBatch(
      harness,
      keys.map((clientOrderId) => order({ clientOrderId, displayQuantity: 1 })),
    )
    const results = resultsOf(answer)
    expect(results.map(({ status }) => status)).toEqual([422, 422, 422, 422, 422, 429, 429])
    expect(answer.headers.get('retry-after')).toMatch(/^[1-9]\d*$/)
    expect(await outcomes(...keys.map((clientOrderId) => order({ clientOrderId })))).toEqual([
      ...Array.from({ length: 5 }, () => '422 IDEMPOTENCY_MISMATCH'),
      '202',
      '202',
    ])
  })

  test('without room for what waits to be published each order is a 503, and says when to come again', async () => {
    accepting = false
    const answer = await placeBatch(harness, [order(), order({ quantity: 0 })]).finally(() => (accepting = true))
    expect(resultsOf(answer).map(outcomeOf)).toEqual(['503 OVERLOADED', '400 BAD_REQUEST'])
    expect(answer.headers.get('retry-after')).toBe('1')
    expect((await placeBatch(harness, [order(), order({ quantity: 0 })])).headers.get('retry-after')).toBeNull()
  })

  test('a batch that finds no room in the queue is refused for each of its orders, and stores none', async () => {
    const small = await openHarness({
      service: () => ({ limits: { batchMax: 1, lanes: 1, queueMax: 2, deadlineMs: 40_000 } }),
    })
    const three = [order(), order({ side: 'UP' }), order(), order()]
    expect(resultsOf(await placeBatch(small, three)).map(outcomeOf)).toEqual([
      '503 OVERLOADED',
      '400 BAD_REQUEST',
      '503 OVERLOADED',
      '503 OVERLOADED',
    ])
    expect(await small.count('orders')).toBe(0)
    expect(resultsOf(await placeBatch(small, [order(), order()])).map(outcomeOf)).toEqual(['202', '202'])
    await small.close()
  })

  test('while the queue is full a batch is turned away unread', async () => {
    const turning = { ...harness.service, turnAway: () => ({ ok: false, code: 'OVERLOADED' }) as const }
    const call = callerOf(createApp(serverOptions({ service: turning })))
    for (const path of ['/orders/batch', '/orders/validate']) {
      const answer = await call('POST', path, { body: '{ not even JSON' })
      expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1'])
    }
  })

  test('the body has a bound of its own', async () => {
    const call = callerOf(
      createApp(serverOptions({ service: harness.service, bodyMaxBytes: 1_024, batchBodyMaxBytes: 100_000 })),
    )
    const padded = (bytes: number): string => {
      const text = `{"orders":[${Array.from({ length: 9 }, () => orderText()).join(',')}]}`
      return text + ' '.repeat(bytes - text.length)
    }
    expect((await call('POST', '/orders/batch', { body: padded(100_000) })).status).toBe(200)
    expect((await call('POST', '/orders/batch', { body: padded(100_001) })).status).toBe(413)
    expect((await call('POST', '/orders/validate', { body: orderText() + ' '.repeat(1_024) })).status).toBe(413)
  })
})

describe('a body that is no list of orders is refused whole', () => {
  const send = (body: string): Promise<Answer> => harness.call('POST', '/orders/batch', { body })
  const list = (count: number): string => `[${Array.from({ length: count }, () => '{}').join(',')}]`

  test.each<[string, string[]]>([
    ['', ['']],
    ['{"orders":[', ['']],
    ['null', ['']],
    [`[${orderText()}]`, ['']],
    [orderText(), ['/userId', '/ticker', '/side', '/type', '/timeInForce', '/quantity', '/price', '/orders']],
    ['{}', ['/orders']],
    ['{"orders":null}', ['/orders']],
    ['{"orders":{}}', ['/orders']],
    ['{"orders":{"0":{},"length":1}}', ['/orders']],
    ['{"orders":"[]"}', ['/orders']],
    ['{"orders":[]}', ['/orders']],
    [`{"orders":${list(257)}}`, ['/orders']],
    [`{"orders":[{}],"orders":[{}]}`, ['/orders']],
    [`{"orders":[{}],"orders":[{"orders":[{}]}]}`, ['/orders']],
    ['{"orders":[{}],"atomic":true}', ['/atomic']],
    ['{"orders":[{}],"__proto__":[{}]}', ['/__proto__']],
    ['{"orders":[{}],"<b>":1}', ['']],
    ['{"Orders":[{}]}', ['/Orders', '/orders']],
  ])('%s', async (body, pointers) => {
    const answer = await send(body)
    expect(refusal(answer)).toEqual(badRequest(...pointers))
    expect(answer.text).not.toContain('<b>')
  })

  test('256 are a list', async () => {
    const results = resultsOf(await send(`{"orders":${list(256)}}`))
    expect(results.map(outcomeOf)).toEqual(Array.from({ length: 256 }, () => '400 BAD_REQUEST'))
  })

  test('nested as deep as a body can be, or with a text as long, is answered at once', async () => {
    const deep = '['.repeat(400_000) + ']'.repeat(400_000)
    const long = 'x'.repeat(900_000)
    for (const [inner, status] of [
      [deep, 200],
      [`${deep},1234567890123456789`, 400],
      [`{"a":${deep}}`, 200],
      ['['.repeat(900_000), 400],
      [`"${long}"`, 200],
      [`{"ticker":"${long}","ticker":"\\\\"}`, 200],
      [`${'{},'.repeat(250_000)}{}`, 400],
    ] as const) {
      const startedAt = performance.now()
      expect((await send(`{"orders":[${inner}]}`)).status).toBe(status)
      expect(performance.now() - startedAt).toBeLessThan(3_000)
    }
  })

  test('keys belong into the orders, and there are no parameters', async () => {
    const body = `{"orders":[${orderText()}]}`
    const keyed = await harness.call('POST', '/orders/batch', { body, headers: { 'Idempotency-Key': 'k' } })
    expect(refusal(keyed)).toEqual(badRequest('header:Idempotency-Key'))
    for (const path of ['/orders/batch?dry=1', '/orders/validate?dry=1'])
      expect(refusal(await harness.call('POST', path, { body }))).toEqual(badRequest('?dry'))
    expect((await harness.call('GET', '/orders/batch')).status).toBe(405)
  })

  test('unknown members are refused, also where POST /orders takes them', async () => {
    const lenient = callerOf(createApp(serverOptions({ service: harness.service, unknownFields: 'ignore' })))
    const body = orderText({ note: '1' })
    expect((await lenient('POST', '/orders', { body })).status).toBe(202)
    expect(refusal(await lenient('POST', '/orders/validate', { body }))).toEqual(badRequest('/note'))
    const answer = await lenient('POST', '/orders/batch', { body: `{"orders":[${body}]}` })
    expect(resultsOf(answer)[0]!.problem!.errors).toMatchObject([{ pointer: '/note' }])
    expect(refusal(await lenient('POST', '/orders/batch', { body: `{"orders":[${body}],"note":1}` }))).toEqual(
      badRequest('/note'),
    )
  })
})
