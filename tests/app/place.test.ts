// Proves: a batch is stored with one event an order; the same key is the same order, whoever repeats it and however often; and a
// repeat after a lost answer meets its own rows.

import { beforeEach, describe, expect, test } from 'bun:test'
import { runBatch } from '../../src/app/batcher.ts'
import type { KeyFill } from '../../src/app/keyFill.ts'
import { judgeHeldKeys, type Placement, type PlaceResult } from '../../src/app/place.ts'
import type { OrderTerms } from '../../src/domain/terms.ts'
import { storeFault } from '../../src/store/faults.ts'
import { insertVoids } from '../../src/store/keys.ts'
import type { Database } from '../../src/store/sql.ts'
import { amount, aPlacement, aPlacementOf, someTerms } from '../support/builders.ts'
import { ownDatabase, ownProxy } from '../support/ownDatabase.ts'
import { placeAll } from '../support/storeOrders.ts'
import { failureOf } from '../support/waiting.ts'

const { database, sql, db } = await ownDatabase()
const { proxy, through } = await ownProxy(database)

let commits = 0
beforeEach(() => {
  commits = 0
})
const place = (placements: readonly Placement[], on: Database = db): Promise<PlaceResult[]> =>
  placeAll(on, placements, () => {
    commits++
  })

/** As the service runs it: a lost answer is followed by another attempt. */
const placeSurely = (placements: readonly Placement[], on: Database) =>
  runBatch(placements, {
    run: (items) => place(items, on),
    kind: 'write',
    onBug: (error) => {
      throw error
    },
    giveUpAt: performance.now() + 30_000,
  })

const idOf = (result: PlaceResult | undefined): string => (result?.ok === true ? result.order.id : 'refused')

const countOf = async (userId: string): Promise<{ orders: number; events: number }> => {
  const [row] = await sql<{ orders: number; events: number }[]>`
    select count(*)::integer as orders, (select count(*)::integer from outbox where order_id in (select id from orders where user_id = ${userId})) as events
    from orders where user_id = ${userId}`
  return row!
}

test('a batch is stored with one event an order, and each is answered as it was accepted', async () => {
  const userId = crypto.randomUUID()
  const placements = Array.from({ length: 50 }, () => aPlacement({ userId }))
  expect(await place(placements)).toEqual(placements.map(({ order }) => ({ ok: true, order, replayed: false })))
  expect(await countOf(userId)).toEqual({ orders: 50, events: 50 })
  expect(commits).toBe(1)
})

describe('the same key', () => {
  const key = () => ({ userId: crypto.randomUUID(), clientOrderId: 'k-1' })

  test('again answers with the order as it is now, and stores nothing', async () => {
    const terms = someTerms(key())
    const [first] = await place([aPlacementOf(terms)])
    await sql`update orders set status = 'CANCELED', version = 1 where user_id = ${terms.userId}`
    commits = 0
    const [again] = await place([aPlacementOf(terms)])
    expect(again).toMatchObject({ ok: true, replayed: true, order: { status: 'CANCELED', version: 1 } })
    expect(idOf(again)).toBe(idOf(first))
    expect(await countOf(terms.userId)).toEqual({ orders: 1, events: 1 })
    expect(commits).toBe(0)
  })

  test('200 times at once is one order and one event, and all get it', async () => {
    const pools = Array.from({ length: 4 }, () => database.open())
    const terms = someTerms(key())
    const results = await Promise.all(
      Array.from({ length: 200 }, (_, i) => place([aPlacementOf(terms)], pools[i % pools.length])),
    )
    const answers = results.flat()
    expect(answers.every((result) => result.ok)).toBe(true)
    expect(new Set(answers.map(idOf)).size).toBe(1)
    expect(answers.filter((result) => result.ok && !result.replayed)).toHaveLength(1)
    expect(await countOf(terms.userId)).toEqual({ orders: 1, events: 1 })
    expect(commits).toBe(1)
  })

  test('200 times in one batch is the same', async () => {
    const terms = someTerms(key())
    const answers = await place(Array.from({ length: 200 }, () => aPlacementOf(terms)))
    expect(answers[0]).toMatchObject({ ok: true, replayed: false })
    expect(answers.slice(1).every((result) => result.ok && result.replayed)).toBe(true)
    expect(await countOf(terms.userId)).toEqual({ orders: 1, events: 1 })
  })

  test('waits for a rival that has not committed yet, and gets its order or takes its place', async () => {
    for (const end of ['commit', 'rollback'] as const) {
      const terms = someTerms(key())
      const rival = database.session()
      await rival.unsafe('begin')
      const [theirs] = await placeAll(
        { run: (statement) => statement(rival), close: async () => undefined },
        [aPlacementOf(terms)],
        () => undefined,
      )
      const ours = place([aPlacementOf(terms)])
      await rival.unsafe(end)
      const [result] = await ours
      expect(result).toMatchObject({ ok: true, replayed: end === 'commit' })
      expect(idOf(result) === idOf(theirs)).toBe(end === 'commit')
      expect(await countOf(terms.userId)).toEqual({ orders: 1, events: 1 })
    }
  })

  const differences: [string, Partial<OrderTerms>, (keyof OrderTerms)[]][] = [
    ['another ticker', { ticker: 'MSFT' }, ['ticker']],
    ['another side', { side: 'SELL' }, ['side']],
    ['another type', { type: 'MARKET', price: null }, ['type', 'price']],
    ['another time in force', { timeInForce: 'IOC' }, ['timeInForce']],
    ['another quantity', { quantity: amount('100.00000001') }, ['quantity']],
    ['another price', { price: amount('150.49') }, ['price']],
    [
      'everything else',
      { ticker: 'B', side: 'SELL', timeInForce: 'DAY', quantity: 1n, price: 1n },
      ['ticker', 'side', 'timeInForce', 'quantity', 'price'],
    ],
  ]
  test.each(differences)('for %s is a mismatch that names the terms', async (_what, changes, differing) => {
    const terms = someTerms(key())
    await place([aPlacementOf(terms)])
    expect(await place([aPlacementOf({ ...terms, ...changes })])).toEqual([
      { ok: false, code: 'IDEMPOTENCY_MISMATCH', differing },
    ])
    expect(await countOf(terms.userId)).toEqual({ orders: 1, events: 1 })
  })

  test('with other terms in one batch is a mismatch; the first order stands', async () => {
    const terms = someTerms(key())
    const [first, second] = await place([aPlacementOf(terms), aPlacementOf({ ...terms, quantity: amount('7') })])
    expect(first).toMatchObject({ ok: true, replayed: false })
    expect(second).toEqual({ ok: false, code: 'IDEMPOTENCY_MISMATCH', differing: ['quantity'] })
  })

  test('of another user is another order, and a key in other letters too', async () => {
    const terms = someTerms({ ...key(), clientOrderId: 'Null' })
    const results = await place([
      aPlacementOf(terms),
      aPlacementOf({ ...terms, userId: crypto.randomUUID() }),
      aPlacementOf({ ...terms, clientOrderId: 'null' }),
    ])
    expect(results.every((result) => result.ok && !result.replayed)).toBe(true)
    expect(await place([aPlacementOf(terms)])).toMatchObject([{ ok: true, replayed: true }])
  })
})

describe('who holds the keys of orders that are not to be stored', () => {
  const keyFill: KeyFill = { isDone: () => Promise.resolve(true) }
  const judge = (all: readonly OrderTerms[], on = db) => judgeHeldKeys(on, all, keyFill)

  test('is answered for each: the order, another one, a void, nobody', async () => {
    const userId = crypto.randomUUID()
    const of = (clientOrderId: string | null, more: Partial<OrderTerms> = {}) =>
      someTerms({ userId, clientOrderId, ...more })
    const [placed] = await place([aPlacementOf(of('held'))])
    const voidOf = { key: { userId, clientOrderId: 'void' }, at: new Date(), requestId: null, subject: null }
    await db.run((sql) => insertVoids(sql, [voidOf], true))
    const free = [of('free'), of('free too'), of('free'), of(null)]
    expect(await judge(free)).toEqual([null, null, null, null])
    expect(
      await judge([of('free'), of('held'), of('void'), of(null), of('held', { quantity: amount('7') }), of('free')]),
    ).toEqual([
      null,
      { ...placed!, replayed: true } as PlaceResult,
      { ok: false, code: 'VOIDED' },
      null,
      { ok: false, code: 'IDEMPOTENCY_MISMATCH', differing: ['quantity'] },
      null,
    ])
    expect(await judge(free)).toEqual([null, null, null, null])
  })

  test('takes one statement where all are free, however many they are', async () => {
    let statements = 0
    const counting: Database = {
      ...db,
      run: (use) => {
        statements++
        return db.run(use)
      },
    }
    const all = Array.from({ length: 256 }, () => someTerms({ clientOrderId: crypto.randomUUID() }))
    expect(await judge(all, counting)).toEqual(all.map(() => null))
    expect(statements).toBe(1)
  })
})

describe('if the answer is lost after the commit', () => {
  test('another attempt meets its own rows, and answers as if nothing had happened', async () => {
    const userId = crypto.randomUUID()
    const placements = [
      ...Array.from({ length: 20 }, () => aPlacement({ userId })),
      aPlacement({ userId, clientOrderId: 'with a key' }),
    ]
    proxy.loseAnswer('insert into orders')
    const results = await placeSurely(placements, through)
    expect(results).toEqual(placements.map(({ order }) => ({ ok: true, order, replayed: false })))
    expect(await countOf(userId)).toEqual({ orders: 21, events: 21 })
  })

  test('the failure itself says that the outcome is unknown', async () => {
    proxy.loseAnswer('insert into orders')
    expect(storeFault(await failureOf(place([aPlacement()], through)))).toBe('unknown')
  })

  test('the second statement may be lost too', async () => {
    const terms = someTerms({ clientOrderId: 'k' })
    await place([aPlacementOf(terms)])
    const fresh = aPlacement({ userId: terms.userId })
    proxy.loseAnswer('from orders o')
    const results = await placeSurely([aPlacementOf(terms), fresh], through)
    expect(results).toMatchObject([
      { ok: true, replayed: true },
      { ok: true, replayed: false, order: { id: fresh.order.id } },
    ])
    expect(await countOf(terms.userId)).toEqual({ orders: 2, events: 2 })
  })

  test('the positions are those of the first attempt', async () => {
    const placements = Array.from({ length: 5 }, () => aPlacement({ ticker: 'LOST' }))
    proxy.loseAnswer('insert into orders')
    await placeSurely(placements, through)
    const rows = await sql<{ event_id: string }[]>`select event_id from outbox where ticker = 'LOST' order by position`
    expect(rows.map((row) => row.event_id)).toEqual(placements.map(({ event }) => event.eventId))
  })
})
