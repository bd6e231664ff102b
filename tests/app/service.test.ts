// Proves: the use cases together, over a real database: orders are placed, found, listed, canceled and filled in few
// transactions; without Postgres every call is refused or has an unknown outcome, and the service recovers by itself.

import { afterAll, beforeEach, describe, expect, test } from 'bun:test'
import type { ServiceLimits } from '../../src/app/batchers.ts'
import type { Call } from '../../src/app/caller.ts'
import { applyTrades } from '../../src/app/fill.ts'
import { createService, type Service } from '../../src/app/service.ts'
import type { Order } from '../../src/domain/order.ts'
import type { OrderTerms } from '../../src/domain/terms.ts'
import type { OrderFilter } from '../../src/store/orderPage.ts'
import type { Database } from '../../src/store/sql.ts'
import { aCall, amount, aTrade, newId, someTerms } from '../support/builders.ts'
import { allPools, targetOf } from '../support/database.ts'
import { ownDatabase, ownProxy } from '../support/ownDatabase.ts'

const { database, sql, db } = await ownDatabase()
const { proxy } = await ownProxy(database)
let accepting = true
let commits = 0
const bugs: unknown[] = []
const services: Service[] = []

afterAll(() => {
  for (const service of services) service.close()
})
beforeEach(() => {
  accepting = true
  commits = 0
  bugs.length = 0
})

const limits: ServiceLimits = { batchMax: 256, lanes: 2, queueMax: 10_000, deadlineMs: 30_000 }
const create = (changes: Partial<ServiceLimits> = {}, pool: Database = db): Service => {
  const service = createService({
    pools: allPools(pool),
    limits: { ...limits, ...changes },
    accepting: () => accepting,
    onCommitted: () => commits++,
    onBug: (error) => bugs.push(error),
    log: { info: () => undefined },
    now: () => new Date(),
    newId,
    expiresAt: () => null,
  })
  services.push(service)
  return service
}
const call = aCall()
const place = (service: Service, terms: OrderTerms, by: Call = call) => service.place(by, { terms, formerKey: null })
const orderOf = (result: Awaited<ReturnType<Service['place' | 'cancel']>>): Order => {
  if (!result.ok) throw new Error(`refused: ${result.code}`)
  return result.order
}

describe('a service', () => {
  test('places, finds, lists, cancels and shows fills', async () => {
    const service = create()
    const terms = someTerms()
    const order = orderOf(await place(service, terms))
    expect(order).toMatchObject({ ...terms, status: 'NEW', version: 0 })
    expect(commits).toBe(1)
    expect(await service.find(call, order.id)).toEqual({ ok: true, order })

    await applyTrades(db, [aTrade({ buy: order.id, tradeId: 't' })], {
      now: () => new Date(),
      newId,
      signal: new AbortController().signal,
      onRetry: () => undefined,
    })
    expect(await service.fills(call, { orderId: order.id, before: 100, limit: 10 })).toMatchObject({
      ok: true,
      items: [{ tradeId: 't', quantity: amount('10') }],
    })
    expect(await service.cancel(call, order.id)).toMatchObject({
      ok: false,
      code: 'NOT_CANCELABLE',
      status: 'PARTIALLY_FILLED',
    })
    const other = orderOf(await place(service, { ...terms, ticker: 'MSFT' }))
    expect(orderOf(await service.cancel(call, other.id))).toMatchObject({ id: other.id, status: 'CANCELED' })

    const filter: OrderFilter = {
      userId: terms.userId,
      ticker: undefined,
      side: undefined,
      clientOrderId: undefined,
      statuses: [],
      open: undefined,
      before: undefined,
      from: undefined,
    }
    expect(await service.list(call, filter, 10)).toMatchObject({
      ok: true,
      items: [{ id: other.id }, { id: order.id }],
      next: null,
    })
  })

  test('says what does not exist', async () => {
    const service = create()
    expect(await service.find(call, newId())).toEqual({ ok: false, code: 'NOT_FOUND' })
    expect(await service.cancel(call, newId())).toEqual({ ok: false, code: 'NOT_FOUND' })
    expect(await service.fills(call, { orderId: newId(), before: 1, limit: 1 })).toEqual({
      ok: false,
      code: 'NOT_FOUND',
    })
  })

  test('keeps the traceparent of a request with its event', async () => {
    const service = create()
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    const order = orderOf(await place(service, someTerms(), aCall({ traceparent })))
    await service.cancel(aCall({ traceparent }), order.id)
    const rows = await sql<{ traceparent: string }[]>`select traceparent from outbox where order_id = ${order.id}`
    expect(rows.map((row) => row.traceparent)).toEqual([traceparent, traceparent])
  })

  test('past the bound of the outbox refuses to place, and goes on canceling and reading', async () => {
    const service = create()
    const order = orderOf(await place(service, someTerms()))
    accepting = false
    const overloaded = { ok: false, code: 'OVERLOADED' } as const
    for (const clientOrderId of [null, newId()])
      expect(await place(service, someTerms({ clientOrderId }))).toEqual(overloaded)
    expect((await service.find(call, order.id)).ok).toBe(true)
    expect((await service.cancel(call, order.id)).ok).toBe(true)
  })

  test('past that bound answers a known key as ever: whoever asks because an answer was lost learns of the order', async () => {
    const service = create()
    const terms = someTerms({ clientOrderId: newId() })
    const order = orderOf(await place(service, terms))
    accepting = false
    const known = { ok: true, order, replayed: true } as const
    expect(await place(service, terms)).toEqual(known)
    expect(await service.validate(call, { terms, formerKey: null })).toEqual(known)
    const overloaded = { ok: false, code: 'OVERLOADED' } as const
    expect(await service.placeMany(call, [someTerms({ clientOrderId: newId() }), terms, someTerms()])).toEqual([
      overloaded,
      known,
      overloaded,
    ])
  })

  test('stores a thousand orders that come at once in a few transactions', async () => {
    const service = create()
    const ticker = 'FLOOD'
    const results = await Promise.all(Array.from({ length: 1_000 }, () => place(service, someTerms({ ticker }))))
    const ids = results.map((result) => orderOf(result).id)
    expect(new Set(ids).size).toBe(1_000)
    const rows = await sql<{ id: string; transactions: string }[]>`
      select order_id as id, (select count(distinct xmin::text) from orders where ticker = ${ticker}) as transactions
      from outbox where ticker = ${ticker} order by position`
    expect(rows.map(({ id }) => id).toSorted()).toEqual(ids.toSorted())
    expect(Number(rows[0]!.transactions)).toBeLessThanOrEqual(8)
  })

  test('with one lane gives positions in order of arrival', async () => {
    const service = create({ lanes: 1, batchMax: 7 })
    const results = await Promise.all(Array.from({ length: 100 }, () => place(service, someTerms({ ticker: 'QUEUE' }))))
    const rows = await sql<{ id: string }[]>`select order_id as id from outbox where ticker = 'QUEUE' order by position`
    expect(rows.map(({ id }) => id)).toEqual(results.map((result) => orderOf(result).id))
  })

  test('refuses the one order that Postgres does not take, tells of it, and stores its neighbours', async () => {
    const service = create()
    const all = Array.from({ length: 20 }, () => someTerms())
    // What no text of Postgres can hold.
    const calls = all.map((terms, i) => place(service, terms, aCall(i === 11 ? { traceparent: 'nul \0' } : {})))
    const results = await Promise.all(calls)
    expect(results.map(({ ok }) => ok)).toEqual(all.map((_, i) => i !== 11))
    expect(results[11]).toEqual({ ok: false, code: 'INTERNAL' })
    expect(bugs).toHaveLength(1)
  })

  test('answers equal GETs from one statement', async () => {
    const through = database.open({}, targetOf(proxy.url))
    const service = create({}, through)
    const order = orderOf(await place(service, someTerms()))
    let statements = 0
    proxy.before(() => {
      statements++
    })
    const results = await Promise.all(Array.from({ length: 100 }, () => service.find(call, order.id)))
    proxy.before(() => undefined)
    for (const result of results) expect(result).toEqual({ ok: true, order })
    expect(statements).toBe(1)
  })

  test('is drained when every answer is out', async () => {
    const service = create()
    let answers = 0
    const calls = Array.from({ length: 50 }, async (_, i) => {
      await (i % 2 === 0 ? place(service, someTerms()) : service.find(call, newId()))
      answers++
    })
    await service.drained()
    await Promise.resolve()
    expect(answers).toBe(50)
    await Promise.all(calls)
  })
})

describe('while Postgres is away', () => {
  test('every call is OVERLOADED at once, for nothing was stored; it goes on by itself', async () => {
    const service = create({}, database.open({}, targetOf(proxy.url)))
    await proxy.refuse()
    const calls = [place(service, someTerms()), service.cancel(call, newId()), service.find(call, newId())]
    for (const result of await Promise.all(calls)) expect(result).toEqual({ ok: false, code: 'OVERLOADED' })
    await proxy.accept()
    const order = orderOf(await place(service, someTerms()))
    expect(await service.find(call, order.id)).toEqual({ ok: true, order })
    expect(bugs).toEqual([])
  })

  test('a write whose answer is lost is answered as done, and done once', async () => {
    const service = create({}, database.open({}, targetOf(proxy.url)))
    const terms = someTerms({ clientOrderId: 'k' })
    proxy.loseAnswer('insert into orders')
    const order = orderOf(await place(service, terms))
    proxy.loseAnswer('held.status = any')
    expect(orderOf(await service.cancel(call, order.id))).toMatchObject({ status: 'CANCELED', version: 1 })
    const rows = await sql`select 1 from outbox where order_id = ${order.id}`
    expect(rows).toHaveLength(2)
  })

  test('a write whose answer never comes has an unknown outcome; asked again with its key it tells', async () => {
    const service = create({ deadlineMs: 4_000 }, database.open({ statementTimeoutMs: 5_000 }, targetOf(proxy.url)))
    orderOf(await place(service, someTerms()))
    const terms = someTerms({ clientOrderId: 'k' })
    proxy.before((statement) => {
      if (statement.includes('insert into orders')) proxy.stall()
    })
    expect(await place(service, terms)).toEqual({ ok: false, code: 'OUTCOME_UNKNOWN' })
    proxy.before(() => undefined)
    const healthy = create()
    const again = await place(healthy, terms)
    expect(again.ok).toBe(true)
    await service.drained()
    const rows = await sql`select 1 from orders where user_id = ${terms.userId}`
    expect(rows).toHaveLength(1)
  })
})
