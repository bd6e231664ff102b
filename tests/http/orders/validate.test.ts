// Proves: POST /orders/validate answers what POST /orders would answer at that moment, whatever is sent and whatever the state, and stores
// nothing: no order, no key, no event, nothing of anybody's bound. Rules are judged as they are in the database, not as this process knows them.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test'
import type { RuleBook } from '../../../src/app/rules.ts'
import { createService, type Service } from '../../../src/app/service.ts'
import { usualRules } from '../../../src/app/submit.ts'
import { engineFeatures } from '../../../src/domain/engine.ts'
import { noLimits, type Rules } from '../../../src/domain/rules.ts'
import { createApp } from '../../../src/http/server.ts'
import { newId } from '../../support/builders.ts'
import { servicePools } from '../../support/database.ts'
import { randomStream } from '../../support/random.ts'
import {
  bodyOf,
  callerOf,
  openHarness,
  orderBody,
  refusal,
  serverOptions,
  type Answer,
  type Call,
  type Harness,
} from '../harness.ts'
import { randomOrders, timeless } from './batchCalls.ts'

let harness: Harness
/** Another replica over the same database: what it changes, this one has to find out. */
let other: Service
let elsewhere: ReturnType<typeof callerOf>
let accepting = true
let mayPlaceStops = true
let clockMs = 0
const rejectedPerMinuteMax = 5
beforeAll(async () => {
  harness = await openHarness({
    service: () => ({
      accepting: () => accepting,
      rules: {
        ...usualRules,
        features: new Set(['display']),
        rejectedPerMinuteMax,
        mayPlaceStops: () => Promise.resolve(mayPlaceStops),
        nowMs: () => clockMs,
      },
    }),
  })
})
beforeAll(() => {
  other = createService({
    pools: servicePools(harness.database),
    limits: { batchMax: 256, lanes: 2, queueMax: 100, deadlineMs: 30_000 },
    accepting: () => true,
    onCommitted: () => undefined,
    onBug: (error) => harness.bugs.push(error),
    log: harness.log.log,
    now: () => new Date(),
    newId,
    expiresAt: () => null,
  })
  elsewhere = callerOf(createApp(serverOptions({ service: other })))
})
afterAll(async () => {
  other.close()
  await harness.close()
})
beforeEach(() => {
  clockMs += 60_000
})

const who = { by: 'ops@desk', note: 'a test' }
const newKey = (): string => crypto.randomUUID()
const order = (changed: object = {}) => ({ ...orderBody, ...changed })
const validate = (call: Call, on = harness) => on.call('POST', '/orders/validate', call)
const place = (call: Call, on = harness) => on.call('POST', '/orders', call)
const stop = { type: 'STOP', price: undefined, stopPrice: 151 }

/** Everything that a request may leave behind. */
const state = async (): Promise<unknown> => {
  const { sql } = harness.database
  const rows = await sql`
    select (select count(*) from orders) as orders, (select count(*) from outbox) as events,
           (select coalesce(jsonb_agg(k order by user_id, client_order_id), '[]') from order_keys k)::text as keys`
  return { ...rows[0] }
}

/** Whether the answer of `validate` is that of `place`: the same refusal; a fresh order that would be refused is none yet. */
const agrees = (tried: Answer, placed: Answer): void => {
  if (placed.status === 202) {
    expect([tried.status, tried.text]).toEqual([200, '{"valid":true}'])
    return
  }
  const [one, other] = [timeless(bodyOf(tried)), timeless(bodyOf(placed))]
  expect(tried.status).toBe(placed.status)
  const isFresh = other['code'] === 'ORDER_REJECTED' && placed.headers.get('idempotent-replayed') === null
  if (isFresh) delete other['order']
  expect(one).toEqual(other)
  for (const name of ['location', 'idempotent-replayed', 'retry-after'])
    expect([name, tried.headers.get(name)]).toEqual([name, isFresh ? null : placed.headers.get(name)])
}

/** Validates, sees that nothing changed, and places. Returns the status of placing. */
const tryThenPlace = async (call: Call): Promise<number> => {
  const before = await state()
  const tried = await validate(call)
  expect(await state()).toEqual(before)
  const placed = await place(call)
  agrees(tried, placed)
  return placed.status
}

describe('validating answers as placing does', () => {
  test('of five hundred drawn bodies, lawful and hostile, new keys and old ones', async () => {
    const counts: Record<number, number> = {}
    const texts = randomOrders('validate')
    for (let i = 0; i < 500; i++) {
      clockMs += 60_000
      const status = await tryThenPlace({ body: texts.next().value as string })
      counts[status] = (counts[status] ?? 0) + 1
    }
    expect(Object.keys(counts)).toEqual(['202', '400', '422'])
    for (const count of Object.values(counts)) expect(count).toBeGreaterThan(2)
  })

  test('of few keys again and again, with every kind of order, over bounds, voids, halts and limits', async () => {
    const rng = randomStream('validate keys')
    const keys = Array.from({ length: 12 }, newKey)
    for (const key of keys.slice(0, 2))
      await harness.database.sql`
        insert into order_keys (user_id, client_order_id, voided_at) values (${orderBody.userId}::uuid, ${key}, now())`
    const seen = new Set<string>()
    for (let i = 0; i < 250; i++) {
      accepting = !rng.chance(0.05)
      mayPlaceStops = !rng.chance(0.3)
      if (rng.chance(0.05)) clockMs += 6_000
      if (rng.chance(0.08))
        await elsewhere('PUT', rng.pick(['/trading', '/trading?ticker=AAPL']), {
          body: { ...who, state: rng.pick(['ACTIVE', 'ACTIVE', 'HALTED']) },
        })
      if (rng.chance(0.08))
        await elsewhere('PUT', '/instruments?ticker=AAPL', {
          body: { ...who, ...rng.pick([{}, { tickSize: '0.4' }, { lotSize: 7 }, { quantityMax: 50 }]) },
        })
      const body = order({
        clientOrderId: rng.weighted<string | null>([
          [4, rng.pick(keys)],
          [3, null],
          [1, newKey()],
        ]),
        ...rng.pick([
          {},
          {},
          stop,
          { displayQuantity: 1 },
          { postOnly: true },
          { postOnly: true, quantity: 2 },
          { timeInForce: 'GTD', expiresAt: '2020-01-01T00:00:00Z' },
          { userId: newKey() },
          { quantity: 0 },
        ]),
      })
      seen.add(String(await tryThenPlace({ body })))
    }
    accepting = mayPlaceStops = true
    for (const path of ['/trading', '/trading?ticker=AAPL'])
      await elsewhere('PUT', path, { body: { ...who, state: 'ACTIVE' } })
    await elsewhere('PUT', '/instruments?ticker=AAPL', { body: who })
    expect([...seen].toSorted()).toEqual(['202', '400', '409', '422', '429', '503'])
  })

  test('with the key in a header, in quotes too, and where 1.0 stored it with its quotes', async () => {
    const key = newKey()
    await harness.place({ clientOrderId: `"${key}"` })
    for (const header of [`"${key}"`, key, `"${newKey()}"`, 'a, b', ''])
      for (const body of [order(), order({ quantity: 7 }), order({ clientOrderId: key })])
        await tryThenPlace({ body, headers: { 'Idempotency-Key': header } })
  })
})

describe('an order that a rule refuses', () => {
  const postOnly = order({ postOnly: true })

  test('has its reason and no order, however often it is asked for; placing it has both', async () => {
    for (let i = 0; i < 2 * rejectedPerMinuteMax; i++) {
      const { reason, order: none, ...problem } = bodyOf(await validate({ body: postOnly }))
      expect(problem).toMatchObject({ status: 422, code: 'ORDER_REJECTED', errors: [] })
      expect([reason, none]).toEqual([{ code: 'NOT_SUPPORTED_BY_ENGINE', text: problem['detail'] }, undefined])
    }
    expect((await place({ body: postOnly })).status).toBe(422)
  })

  test('once too many were refused is a 429, as it is when it is placed', async () => {
    for (let i = 0; i < rejectedPerMinuteMax; i++) expect(await tryThenPlace({ body: postOnly })).toBe(422)
    const answer = await validate({ body: postOnly })
    expect(refusal(answer)).toEqual({ status: 429, code: 'RATE_LIMITED', pointers: [] })
    expect(answer.headers.get('retry-after')).toMatch(/^[1-9]\d*$/)
    expect((await validate({ body: order() })).status).toBe(200)
    expect(await tryThenPlace({ body: postOnly })).toBe(429)
  })

  test('and whose key is known answers that refusal, with its order', async () => {
    const body = { ...postOnly, clientOrderId: newKey() }
    const placed = await place({ body })
    const tried = await validate({ body })
    expect(timeless(bodyOf(tried))).toEqual(timeless(bodyOf(placed)))
    expect(tried.headers.get('idempotent-replayed')).toBe('true')
  })
})

test('rules that changed since this process read them are those that count', async () => {
  const features = new Set(engineFeatures)
  const known: Rules = { epoch: '1', mode: 'open', state: 'ACTIVE', limits: noLimits, tickers: new Map(), features }
  const reads: string[] = []
  const ruleBook: RuleBook = {
    current: () => Promise.resolve(known),
    refresh() {
      reads.push('read')
      return Promise.resolve({ ...known, state: 'HALTED' })
    },
  }
  const stale = await openHarness({ service: () => ({ ruleBook }) })
  const { reason } = bodyOf(await validate({ body: order() }, stale)) as { reason: { code: string } }
  expect(reason.code).toBe('HALTED')
  expect(reads).toEqual(['read'])
  await stale.close()
})

test('while the rules cannot be read nothing is promised', async () => {
  const away = Object.assign(new Error('away'), { code: 'ECONNREFUSED' })
  const ruleBook: RuleBook = { current: () => Promise.reject(away), refresh: () => Promise.reject(away) }
  const broken = await openHarness({ service: () => ({ ruleBook }) })
  expect(refusal(await validate({ body: order() }, broken))).toMatchObject({ status: 503, code: 'OVERLOADED' })
  expect(await broken.count('orders')).toBe(0)
  await broken.close()
})
