// Proves: orders are inserted, read and canceled exactly, in sets; positions follow the order of arrival; rivals neither deadlock
// nor store anything twice.

import { beforeEach, describe, expect, test } from 'bun:test'
import { storeFault } from '../../src/store/faults.ts'
import { areKeysFree } from '../../src/store/keys.ts'
import { readKeyHolders, readOrders } from '../../src/store/orders.ts'
import { amount, anOrder, aPlacement, newId } from '../support/builders.ts'
import { ownDatabase } from '../support/ownDatabase.ts'
import { storeOrders } from '../support/storeOrders.ts'
import { failureOf, untilBlocked } from '../support/waiting.ts'

const { database, sql, db } = await ownDatabase()

beforeEach(async () => {
  await sql`delete from outbox`
})

const insert = (...placed: Parameters<typeof storeOrders>[1]) => db.run((sql) => storeOrders(sql, placed))
const events = async () => [
  ...(await sql<{ kind: string; order_id: string; event_id: string }[]>`
    select kind, order_id, event_id from outbox order by position`),
]

describe('insertOrders', () => {
  test('stores the orders exactly, each with its event', async () => {
    const placements = [
      aPlacement({ clientOrderId: 'a "nasty" \\ {key}, NULL', ticker: 'BRK.B', side: 'SELL', timeInForce: 'FOK' }),
      aPlacement({ type: 'MARKET', price: null, quantity: amount('0.00000001') }),
      aPlacement({ quantity: amount('999999999999.99999999'), price: amount('999999999999.99999999') }),
      aPlacement({ clientOrderId: 'Null', ticker: 'NULL' }),
    ]
    const ids = placements.map(({ order }) => order.id)
    expect(await insert(...placements)).toEqual(new Set(ids))

    const read = await db.run((sql) => readOrders(sql, ids))
    expect(read.toSorted((a, b) => ids.indexOf(a.id) - ids.indexOf(b.id))).toEqual(placements.map(({ order }) => order))
    expect(await events()).toMatchObject(
      placements.map(({ order, event }) => ({ kind: 'PLACED', order_id: order.id, event_id: event.eventId })),
    )
  })

  test('keeps the traceparent, the ticker and the time of acceptance with the event', async () => {
    const placement = aPlacement({ ticker: 'MSFT', now: new Date('2026-01-02T03:04:05.678Z') })
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    await insert({ ...placement, event: { ...placement.event, traceparent } })
    const [row] = await sql<{ ticker: string; traceparent: string; occurred_at: Date }[]>`select * from outbox`
    expect(row).toMatchObject({ ticker: 'MSFT', traceparent, occurred_at: new Date('2026-01-02T03:04:05.678Z') })
  })

  for (const joins of [[], ['hashjoin'], ['hashjoin', 'mergejoin'], ['hashjoin', 'nestloop']])
    test(`draws positions in order of arrival, though keys go in by key and orders by id (without ${joins.join(', ') || 'nothing'})`, async () => {
      // However Postgres joins the rows that went in with their events.
      const session = database.session()
      for (const join of joins) await session.unsafe(`set enable_${join} = off`)
      const userId = crypto.randomUUID()
      // Neither the order of keys, nor of ids, nor of users is the order of arrival.
      const placements = Array.from({ length: 200 }, (_, i) =>
        aPlacement({
          userId: i % 3 === 0 ? userId : crypto.randomUUID(),
          clientOrderId: i % 2 === 0 ? `key-${(i * 7919) % 1000}-${i}` : null,
          id: newId(new Date(1_700_000_000_000 - i * 1000 - joins.length)),
        }),
      )
      await storeOrders(session, placements)
      const order = (await events()).map(({ order_id }) => order_id)
      expect(order).toEqual(placements.map((placement) => placement.order.id))
    })

  test('called again with the same orders stores nothing, for their ids are there', async () => {
    const placements = [aPlacement(), aPlacement({ clientOrderId: 'k' })]
    await insert(...placements)
    expect(await insert(...placements)).toEqual(new Set())
    expect(await events()).toHaveLength(2)
  })

  test('called as a first attempt stores the same; of orders that are stored it fails whole', async () => {
    const [known, keyed, fresh] = [aPlacement(), aPlacement({ clientOrderId: 'k' }), aPlacement()] as const
    const first = (...placed: Parameters<typeof storeOrders>[1]) => db.run((sql) => storeOrders(sql, placed, true))
    expect(await first(known, keyed)).toEqual(new Set([known.order.id, keyed.order.id]))
    const error = await failureOf(first(fresh, known))
    expect(storeFault(error)).toBe('data')
    expect(await db.run((sql) => readOrders(sql, [fresh.order.id]))).toEqual([])
    // A key that is held is no reason to fail: its order is not tried.
    expect(await first(fresh, aPlacement({ userId: keyed.order.userId, clientOrderId: 'k' }))).toEqual(
      new Set([fresh.order.id]),
    )
    expect((await events()).map(({ order_id }) => order_id)).toEqual([known, keyed, fresh].map(({ order }) => order.id))
  })

  test('stores only the first order of a key, within a batch as across batches', async () => {
    const key = { userId: crypto.randomUUID(), clientOrderId: 'once' }
    const first = aPlacement(key)
    const twin = aPlacement(key)
    const stranger = aPlacement({ clientOrderId: 'once' })
    const stored = await insert(first, twin, stranger)
    expect(stored.size).toBe(2)
    expect(stored.has(stranger.order.id)).toBe(true)
    expect(await insert(aPlacement(key))).toEqual(new Set())
    expect(await events()).toHaveLength(2)
  })

  test('takes orders without a key as often as they come', async () => {
    const userId = crypto.randomUUID()
    expect(await insert(aPlacement({ userId }), aPlacement({ userId }), aPlacement({ userId }))).toHaveProperty(
      'size',
      3,
    )
  })

  test('stores nothing at all where one row is illegal', async () => {
    const good = aPlacement()
    const error = await failureOf(insert(good, aPlacement({ ticker: 'lower' })))
    expect(storeFault(error)).toBe('data')
    expect(await db.run((sql) => readOrders(sql, [good.order.id]))).toEqual([])
    expect(await events()).toEqual([])
  })

  test('does not deadlock where two replicas bring the same keys in opposite orders', async () => {
    const userId = crypto.randomUUID()
    const keys = ['a', 'm', 'z']
    const at = Date.now()
    const batch = (sorted: readonly string[], firstMs: number) =>
      sorted.map((clientOrderId, i) => aPlacement({ userId, clientOrderId, id: newId(new Date(firstMs + i)) }))
    // A third one holds the key in the middle. Both replicas get as far as they can, and meet when it lets go.
    const third = database.session()
    await third.unsafe('begin')
    await storeOrders(third, batch(['m'], at))
    const one = insert(...batch(keys, at + 1000))
    const other = insert(...batch(keys.toReversed(), at + 2000))
    await untilBlocked(sql, 'with gate_lock', 2)
    await third.unsafe('rollback')
    const [ofOne, ofOther] = await Promise.all([one, other])
    expect(ofOne.size + ofOther.size).toBe(3)
    expect(await events()).toHaveLength(3)
  })

  test('does not deadlock over forty rounds of two replicas with shuffled keys', async () => {
    const replicas = [database.open({ connections: 1 }), database.open({ connections: 1 })]
    const shuffled = (keys: readonly string[]) =>
      keys
        .map((key) => ({ key, at: Math.random() }))
        .toSorted((a, b) => a.at - b.at)
        .map(({ key }) => key)
    for (let round = 0; round < 40; round++) {
      const userId = crypto.randomUUID()
      const keys = Array.from({ length: 100 }, (_, i) => `key-${i}`)
      const sizes = await Promise.all(
        replicas.map(async (replica) => {
          const placed = shuffled(keys).map((clientOrderId) => aPlacement({ userId, clientOrderId }))
          return (await replica.run((sql) => storeOrders(sql, placed))).size
        }),
      )
      expect(sizes[0]! + sizes[1]!).toBe(keys.length)
    }
  })

  test('gives later positions to what is accepted later, on whatever connection', async () => {
    const pools = Array.from({ length: 3 }, () => database.open({ connections: 1 }))
    const accepted: string[] = []
    for (let i = 0; i < 30; i++) {
      const placement = aPlacement()
      await pools[i % pools.length]!.run((sql) => storeOrders(sql, [placement]))
      accepted.push(placement.order.id)
    }
    expect((await events()).map(({ order_id }) => order_id)).toEqual(accepted)
  })
})

describe('areKeysFree', () => {
  const areFree = (...placements: ReturnType<typeof aPlacement>[]) =>
    db.run((sql) =>
      areKeysFree(
        sql,
        placements.map(({ order }) => order),
        true,
      ),
    )
  const key = () => ({ userId: crypto.randomUUID(), clientOrderId: 'k' })

  test('of several says so only if nobody holds any, and stores nothing', async () => {
    const [held, free, other] = [key(), key(), key()]
    await insert(aPlacement(held))
    const before = await events()
    expect(await areFree(aPlacement(free), aPlacement(other))).toBe(true)
    expect(await areFree(aPlacement(free), aPlacement(held), aPlacement(other))).toBe(false)
    expect(await areFree(aPlacement(other), aPlacement(free))).toBe(true)
    expect(await events()).toEqual(before)
  })

  test('says whether an order holds the key, and stores nothing either way', async () => {
    const user = key()
    const placement = aPlacement(user)
    expect(await areFree(placement)).toBe(true)
    expect(await events()).toEqual([])
    expect(await sql`select from orders where user_id = ${user.userId}`).toHaveLength(0)
    await insert(placement)
    expect(await areFree(aPlacement(user))).toBe(false)
    expect(await areFree(aPlacement({ ...user, clientOrderId: 'another' }))).toBe(true)
    expect(await areFree(aPlacement({ ...user, userId: crypto.randomUUID() }))).toBe(true)
    expect(await events()).toHaveLength(1)
    expect(await sql`select from orders where user_id = ${user.userId}`).toHaveLength(1)
  })

  test.each([
    ['commit', false],
    ['rollback', true],
  ] as const)('waits for a placement with that key that is under way, and its %s decides', async (end, free) => {
    const user = key()
    const rival = await database.sql.reserve()
    await rival`begin`
    await storeOrders(rival, [aPlacement(user)])
    const asked = areFree(aPlacement(user))
    await untilBlocked(sql, 'insert into order_keys')
    await rival.unsafe(end)
    rival.release()
    expect(await asked).toBe(free)
  })
})

describe('readKeyHolders', () => {
  test('finds by id and by key, each order once', async () => {
    const byId = aPlacement()
    const byBoth = aPlacement({ clientOrderId: 'both' })
    const byKey = aPlacement({ clientOrderId: 'key' })
    await insert(byId, byBoth, byKey, aPlacement({ clientOrderId: 'key' }))
    const orders = [
      byId.order,
      byBoth.order,
      { ...byKey.order, id: newId() },
      anOrder(),
      anOrder({ clientOrderId: 'key' }),
    ]
    const found = await db.run((sql) => readKeyHolders(sql, orders, true))
    expect(found.map(({ id }) => id).toSorted()).toEqual([byId.order.id, byBoth.order.id, byKey.order.id].toSorted())
  })
})

describe('readOrders', () => {
  test('leaves out what does not exist, and takes an empty list', async () => {
    const placement = aPlacement()
    await insert(placement)
    expect(await db.run((sql) => readOrders(sql, [newId(), placement.order.id]))).toEqual([placement.order])
    expect(await db.run((sql) => readOrders(sql, []))).toEqual([])
  })
})
