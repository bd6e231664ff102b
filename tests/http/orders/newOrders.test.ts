// Proves: orders with every term of their whole life are placed, read and listed as they were asked for; what the type or the time in
// force forbids is a fault of its member; the end of a GTD order is judged by the clock, for new keys only; an order that the engine cannot
// do is stored as REJECTED, uses its key, is told to nobody, and answers its refusal again.

import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { createService, type Service } from '../../../src/app/service.ts'
import { usualRules } from '../../../src/app/submit.ts'
import { engineFeatures } from '../../../src/domain/engine.ts'
import { createApp } from '../../../src/http/server.ts'
import { newId } from '../../support/builders.ts'
import { servicePools } from '../../support/database.ts'
import { until } from '../../support/until.ts'
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
} from '../harness.ts'

/** Two services over one database: one whose engine can do everything, and one with an engine of the old kind. */
let harness: Harness
let old: Harness
/** A service over the database of `old`, after its engine has learned everything. */
let learned: Service
let clockMs = 0
beforeAll(async () => {
  harness = await openHarness({
    service: () => ({ rules: { ...usualRules, features: new Set(engineFeatures), gtdMaxDays: 30 } }),
  })
  old = await openHarness({
    service: () => ({ rules: { ...usualRules, rejectedPerMinuteMax: 3, nowMs: () => clockMs } }),
  })
  learned = createService({
    pools: servicePools(old.database),
    limits: { batchMax: 256, lanes: 2, queueMax: 100, deadlineMs: 30_000 },
    accepting: () => true,
    onCommitted: () => undefined,
    onBug: (error) => old.bugs.push(error),
    log: old.log.log,
    now: () => new Date(),
    newId,
    expiresAt: () => null,
    rules: { ...usualRules, features: new Set(engineFeatures) },
  })
})
afterAll(async () => {
  learned.close()
  await harness.close()
  await old.close()
})

const post = (body: object, on = harness) => on.call('POST', '/orders', { body: { ...orderBody, ...body } })
const stop = { type: 'STOP', price: undefined, stopPrice: 151 }
const detailsOf = (answer: Answer): string[] =>
  (bodyOf(answer) as { errors: { pointer: string; detail: string }[] }).errors.map(
    ({ pointer, detail }) => `${pointer} ${detail}`,
  )
const at = new Date('2026-03-01T12:00:00.000Z')
const ahead = (ms: number): string => new Date(at.getTime() + ms).toISOString()
const dayMs = 86_400_000
const newKey = (): string => crypto.randomUUID()

describe('an order with the terms of its whole life', () => {
  const gtd = { timeInForce: 'GTD', expiresAt: '2999-01-02T03:04:05.678Z' }
  test.each<[string, object, object]>([
    ['STOP', stop, { type: 'STOP', price: null, stopPrice: 151 }],
    ['STOP_LIMIT', { type: 'STOP_LIMIT', stopPrice: '151.00000001' }, { price: 150.5, stopPrice: 151.00000001 }],
    ['an iceberg', { displayQuantity: '99.5' }, { quantity: 100, displayQuantity: 99.5 }],
    [
      'a stop that becomes an iceberg',
      { type: 'STOP_LIMIT', stopPrice: 1, displayQuantity: 1 },
      { displayQuantity: 1 },
    ],
    ['post-only', { postOnly: true }, { postOnly: true }],
    ['post-only that is not', { postOnly: false }, { postOnly: false }],
    [
      'terms that are null',
      { stopPrice: null, displayQuantity: null, postOnly: null, expiresAt: null },
      { postOnly: false },
    ],
    ['DAY with a stop', { ...stop, timeInForce: 'DAY' }, { timeInForce: 'DAY' }],
  ])('%s is taken, and comes back as it was asked for', async (_, body, expected) => {
    const answer = await post(body)
    expect(answer.status).toBe(202)
    const order = bodyOf(answer)
    expect(order).toMatchObject({ status: 'NEW', triggeredAt: null, reason: null, ...expected })
    expect((await harness.call('GET', `/orders/${order['id'] as string}`)).text).toBe(answer.text)
  })

  test('GTD says its end, cut to the millisecond and in UTC', async () => {
    harness.setClock(at)
    const end = '2026-03-05T18:00:00.1239+05:00'
    const answer = await post({ ...gtd, expiresAt: end })
    harness.setClock(undefined)
    expect(answer.status).toBe(202)
    expect(bodyOf(answer)).toMatchObject({ timeInForce: 'GTD', expiresAt: '2026-03-05T13:00:00.123Z' })
  })

  test('a stop is told to no engine, and every other order is', async () => {
    const [waiting, plain] = [bodyOf(await post(stop)), bodyOf(await post({}))]
    const rows = await harness.database.sql<{ id: string }[]>`
      select order_id as id from outbox where order_id = any (${[waiting['id'], plain['id']] as string[]}::uuid[])`
    expect(rows.map(({ id }) => id)).toEqual([plain['id'] as string])
  })

  test.each<[string, object, string[]]>([
    ['LIMIT with a stopPrice', { stopPrice: 1 }, ['/stopPrice is forbidden for LIMIT']],
    ['STOP without one', { type: 'STOP', price: undefined }, ['/stopPrice is required for STOP']],
    ['STOP with a price', { type: 'STOP', stopPrice: 1 }, ['/price is forbidden for STOP']],
    [
      'STOP_LIMIT without both',
      { type: 'STOP_LIMIT', price: null },
      ['/price is required for STOP_LIMIT', '/stopPrice is required for STOP_LIMIT'],
    ],
    [
      'MARKET that shows a part',
      { type: 'MARKET', price: null, displayQuantity: 1 },
      ['/displayQuantity is forbidden for MARKET'],
    ],
    ['STOP that shows a part', { ...stop, displayQuantity: 1 }, ['/displayQuantity is forbidden for STOP']],
    ['an iceberg that shows all', { displayQuantity: 100 }, ['/displayQuantity must be less than quantity']],
    [
      'a stop that is post-only',
      { type: 'STOP_LIMIT', stopPrice: 1, postOnly: true },
      ['/postOnly is forbidden for STOP_LIMIT'],
    ],
    ['post-only by another name', { postOnly: 'yes' }, ['/postOnly must be true or false']],
    ['an end without GTD', { expiresAt: '2999-01-01T00:00:00Z' }, ['/expiresAt is forbidden for GTC']],
    ['GTD without an end', { timeInForce: 'GTD' }, ['/expiresAt is required for GTD']],
    [
      'an end without a zone',
      { ...gtd, expiresAt: '2999-01-01T00:00:00' },
      ['/expiresAt must be an instant with its zone, such as 2026-01-31T21:00:00Z'],
    ],
    [
      'an end that is no day',
      { ...gtd, expiresAt: '2999-02-30T00:00:00Z' },
      ['/expiresAt must be an instant with its zone, such as 2026-01-31T21:00:00Z'],
    ],
    [
      'an end at an hour that is none',
      { ...gtd, expiresAt: '2999-02-28T24:00:00Z' },
      ['/expiresAt must be an instant with its zone, such as 2026-01-31T21:00:00Z'],
    ],
    [
      'an end as a number',
      { ...gtd, expiresAt: 1 },
      ['/expiresAt must be an instant with its zone, such as 2026-01-31T21:00:00Z'],
    ],
  ])('%s is refused', async (_, body, details) => {
    expect(detailsOf(await post(body))).toEqual(details)
  })

  test.each(['IOC', 'FOK'])('%s goes with no stop, no iceberg and not post-only', async (timeInForce) => {
    expect(refusal(await post({ timeInForce, type: 'STOP_LIMIT', stopPrice: 1 }))).toEqual(badRequest('/stopPrice'))
    expect(refusal(await post({ timeInForce, displayQuantity: 1 }))).toEqual(badRequest('/displayQuantity'))
    expect(refusal(await post({ timeInForce, postOnly: true }))).toEqual(badRequest('/postOnly'))
    expect((await post({ timeInForce, postOnly: false })).status).toBe(202)
  })
})

describe('the end of a GTD order', () => {
  const gtd = (aheadMs: number, key?: string) => ({
    timeInForce: 'GTD',
    expiresAt: ahead(aheadMs),
    ...(key === undefined ? {} : { clientOrderId: key }),
  })
  const postAt = async (now: Date, body: object): Promise<Answer> => {
    harness.setClock(now)
    try {
      return await post(body)
    } finally {
      harness.setClock(undefined)
    }
  }

  test.each<[number, string | null]>([
    [1_000, null],
    [999, 'must be at least 1 s ahead'],
    [0, 'must be at least 1 s ahead'],
    [-dayMs, 'must be at least 1 s ahead'],
    [30 * dayMs, null],
    [30 * dayMs + 1, 'must be at most 30 days ahead'],
  ])('%p ms ahead: %p', async (aheadMs, detail) => {
    const answer = await postAt(at, gtd(aheadMs))
    if (detail === null) expect(answer.status).toBe(202)
    else expect([refusal(answer), ...detailsOf(answer)]).toEqual([badRequest('/expiresAt'), `/expiresAt ${detail}`])
  })

  test('is judged of a new key only: a retry gets its order, whenever it comes', async () => {
    const key = newKey()
    const first = await postAt(at, gtd(2_000, key))
    for (const later of [1_500, 5_000, 90 * dayMs]) {
      const again = await postAt(new Date(at.getTime() + later), gtd(2_000, key))
      expect([again.status, again.headers.get('idempotent-replayed')]).toEqual([202, 'true'])
      expect(again.text).toBe(first.text)
    }
    const other = await postAt(new Date(at.getTime() + dayMs), { ...gtd(2_000, key), quantity: 1 })
    expect(refusal(other)).toEqual({ status: 422, code: 'IDEMPOTENCY_MISMATCH', pointers: ['/quantity'] })
  })

  test('a key whose order was refused by the clock is free', async () => {
    const key = newKey()
    expect((await postAt(at, gtd(0, key))).status).toBe(400)
    const taken = await postAt(at, gtd(5_000, key))
    expect([taken.status, taken.headers.get('idempotent-replayed')]).toEqual([202, null])
    const rows = await harness.database.sql`select id from orders where client_order_id = ${key}`
    expect(rows).toHaveLength(1)
  })

  test('a retry waits for a first attempt that is still being committed', async () => {
    const key = newKey()
    await postAt(at, gtd(2_000, key))
    // A twin of that row, as a statement that is under way would have it.
    const open = await harness.database.sql.reserve()
    await open`begin`
    const user = crypto.randomUUID()
    await open`with key as (
        insert into order_keys (user_id, client_order_id, order_id) values (${user}::uuid, ${key}, gen_random_uuid()) returning order_id
      )
      insert into orders (rules_epoch, id, user_id, client_order_id, ticker, side, type, time_in_force, quantity, price, status, created_at, updated_at, expires_at)
      select 1, (select order_id from key), ${user}::uuid, client_order_id, ticker, side, type, time_in_force, quantity, price, status, created_at, updated_at, expires_at
      from orders where client_order_id = ${key}`
    let answered = false
    const retry = postAt(new Date(at.getTime() + 60_000), { ...gtd(2_000, key), userId: user }).then((answer) => {
      answered = true
      return answer
    })
    const isWaiting = async (): Promise<boolean> => {
      const rows = await harness.database.sql`
        select 1 from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`
      return rows.length > 0
    }
    await until(isWaiting, { what: 'the retry waits for the lock' })
    expect(answered).toBeFalse()
    await open`commit`
    open.release()
    const answer = await retry
    expect([answer.status, answer.headers.get('idempotent-replayed')]).toEqual([202, 'true'])
    expect(bodyOf(answer)).toMatchObject({ userId: user, clientOrderId: key })
  })
})

describe('an order that the engine cannot do', () => {
  const iceberg = { displayQuantity: 10 }
  /** Each test begins with room for all that it sends. */
  const nextMinute = (): void => {
    clockMs += 60_000
  }

  test('is refused with its reason and the order as it is stored', async () => {
    nextMinute()
    const answer = await post({ ...iceberg, clientOrderId: newKey() }, old)
    const { reason, order, ...problem } = bodyOf(answer) as { reason: object; order: { id: string } }
    const text = 'the matching engine does not know displayQuantity'
    expect(problem).toMatchObject({
      type: 'urn:orders:problem:order-rejected',
      title: 'Order rejected',
      status: 422,
      code: 'ORDER_REJECTED',
      detail: text,
      errors: [],
    })
    expect(reason).toEqual({ code: 'NOT_SUPPORTED_BY_ENGINE', text })
    expect(order).toMatchObject({ status: 'REJECTED', remainingQuantity: 0, reason, version: 0, displayQuantity: 10 })
    expect(answer.headers.get('location')).toBe(`/orders/${order.id}`)
    expect(bodyOf(await old.call('GET', `/orders/${order.id}`))).toEqual(order)
  })

  test('has one event in its history, and nobody is told of it', async () => {
    nextMinute()
    const { order } = bodyOf(await post(iceberg, old)) as { order: { id: string } }
    const { events } = bodyOf(await old.call('GET', `/orders/${order.id}/events`)) as { events: object[] }
    expect(events).toMatchObject([
      {
        version: 0,
        kind: 'REJECTED',
        status: 'REJECTED',
        reason: { code: 'NOT_SUPPORTED_BY_ENGINE' },
        cause: { kind: 'request' },
      },
    ])
    expect(await old.database.sql`select 1 from outbox where order_id = ${order.id}::uuid`).toHaveLength(0)
    for (const [method, path] of [
      ['POST', `/orders/${order.id}/cancel`],
      ['DELETE', `/orders/${order.id}`],
    ] as const)
      expect(bodyOf(await old.call(method, path))).toMatchObject({ status: 409, orderStatus: 'REJECTED' })
  })

  test('shows its amounts exactly in the problem', async () => {
    nextMinute()
    const answer = await post({ quantity: '123456789012.12345678', displayQuantity: '0.00000001' }, old)
    expect(answer.text).toContain('"quantity":123456789012.12345678,')
    expect(answer.text).toContain('"displayQuantity":0.00000001,')
  })

  test.each<[object, string]>([
    [{ displayQuantity: 1 }, 'displayQuantity'],
    [{ type: 'STOP_LIMIT', stopPrice: 1, displayQuantity: 1 }, 'displayQuantity'],
    [{ postOnly: true }, 'postOnly'],
  ])('%j is one', async (body, term) => {
    nextMinute()
    expect(bodyOf(await post(body, old))).toMatchObject({
      code: 'ORDER_REJECTED',
      detail: `the matching engine does not know ${term}`,
    })
  })

  test.each<object>([stop, { postOnly: false }, { timeInForce: 'DAY' }, { timeInForce: 'IOC' }])(
    '%j is none: the service does it',
    async (body) => {
      expect((await post(body, old)).status).toBe(202)
    },
  )

  test('uses its key: the refusal is answered again, also once the engine could do it', async () => {
    nextMinute()
    const clientOrderId = newKey()
    const first = await post({ ...iceberg, clientOrderId }, old)
    const { order } = bodyOf(first) as { order: { id: string } }
    const able = callerOf(createApp(serverOptions({ service: learned })))
    for (const answer of [
      await post({ ...iceberg, clientOrderId }, old),
      await able('POST', '/orders', { body: { ...orderBody, ...iceberg, clientOrderId } }),
    ]) {
      expect([answer.status, answer.headers.get('idempotent-replayed')]).toEqual([422, 'true'])
      expect(bodyOf(answer)).toMatchObject({ code: 'ORDER_REJECTED', order })
    }
    expect(first.headers.get('idempotent-replayed')).toBeNull()
    const other = await post({ clientOrderId }, old)
    expect(refusal(other)).toEqual({ status: 422, code: 'IDEMPOTENCY_MISMATCH', pointers: ['/displayQuantity'] })
  })

  test('twenty at once with one key are one order', async () => {
    nextMinute()
    const clientOrderId = newKey()
    const answers = await Promise.all(Array.from({ length: 20 }, () => post({ ...iceberg, clientOrderId }, old)))
    const ids = answers.map((answer) => (bodyOf(answer) as { order: { id: string } }).order.id)
    expect(new Set(ids).size).toBe(1)
    expect(answers.filter(({ headers }) => headers.get('idempotent-replayed') === null)).toHaveLength(1)
  })

  test('beyond so many a minute is a 429 that stores nothing and leaves the key free; a known key is still answered', async () => {
    nextMinute()
    const keys = Array.from({ length: 5 }, newKey)
    const sent = await Promise.all(keys.slice(0, 3).map((clientOrderId) => post({ ...iceberg, clientOrderId }, old)))
    expect(sent.map(({ status }) => status)).toEqual([422, 422, 422])
    const before = await old.count('orders')
    const refused = await post({ ...iceberg, clientOrderId: keys[3] }, old)
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '20'])
    expect(bodyOf(refused)['code']).toBe('RATE_LIMITED')
    expect((await post(iceberg, old)).status).toBe(429)
    expect(await old.count('orders')).toBe(before)
    expect(bodyOf(await post({ ...iceberg, clientOrderId: keys[0] }, old))).toMatchObject({ code: 'ORDER_REJECTED' })
    expect((await post({ clientOrderId: keys[3] }, old)).status).toBe(202)
    clockMs += 20_000
    expect((await post({ ...iceberg, clientOrderId: keys[4] }, old)).status).toBe(422)
    expect((await post(iceberg, old)).status).toBe(429)
  })

  test('repetitions count for nothing', async () => {
    nextMinute()
    const clientOrderId = newKey()
    for (let i = 0; i < 10; i++) expect((await post({ ...iceberg, clientOrderId }, old)).status).toBe(422)
    expect((await post(iceberg, old)).status).toBe(422)
    expect((await post(iceberg, old)).status).toBe(422)
    expect((await post(iceberg, old)).status).toBe(429)
  })
})

describe('while a replica of an older version runs', () => {
  let upgrading: Harness
  let mayPlace = true
  beforeAll(async () => {
    upgrading = await openHarness({
      service: () => ({ rules: { ...usualRules, mayPlaceStops: () => Promise.resolve(mayPlace) } }),
    })
  })
  afterAll(() => upgrading.close())

  test('no stop is taken: 503, nothing is stored, its key stays free; other orders are taken as ever', async () => {
    const key = newKey()
    mayPlace = false
    const refused = await post({ ...stop, clientOrderId: key }, upgrading)
    expect(refused.status).toBe(503)
    expect(refused.headers.get('retry-after')).not.toBeNull()
    expect(bodyOf(refused)).toMatchObject({ code: 'OVERLOADED', detail: expect.stringContaining('no stop is taken') })
    expect((await post({}, upgrading)).status).toBe(202)
    expect(await upgrading.database.sql`select from orders where stop_price is not null`).toHaveLength(0)
    mayPlace = true
    expect((await post({ ...stop, clientOrderId: key }, upgrading)).status).toBe(202)
  })

  test('whoever repeats the key of a stop that was taken gets that order', async () => {
    const body = { ...stop, userId: crypto.randomUUID(), clientOrderId: newKey() }
    const first = await post(body, upgrading)
    mayPlace = false
    const again = await post(body, upgrading)
    mayPlace = true
    expect([first.status, again.status]).toEqual([202, 202])
    expect(bodyOf(again)).toMatchObject({ id: (bodyOf(first) as { id: string }).id })
  })
})
