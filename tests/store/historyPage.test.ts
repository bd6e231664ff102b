// Proves: the history of an order has one event for each version, with the order as that version left it, whatever page is asked for;
// what older versions of the service left out is made good; and a page reads no more than itself.

import { describe, expect, test } from 'bun:test'
import { applyTrades } from '../../src/app/fill.ts'
import type { HistoryEvent } from '../../src/domain/history.ts'
import type { Order } from '../../src/domain/order.ts'
import { readHistory } from '../../src/store/historyPage.ts'
import { moveOrders } from '../../src/store/moves.ts'
import { readOrders } from '../../src/store/orders.ts'
import { aCancel, amount, anEvent, anOrder, aTrade, newId, type TradeChanges } from '../support/builders.ts'
import { createExplainer } from '../support/explain.ts'
import { ownDatabase } from '../support/ownDatabase.ts'
import { corrupt } from '../support/seed.ts'
import { storeOrders } from '../support/storeOrders.ts'

const { database, sql } = await ownDatabase()
const db = database.open({ plans: 'pages' })

const history = (orderId: string, { after = -1, limit = 100 } = {}): Promise<HistoryEvent[] | null> =>
  db.run((sql) => readHistory(sql, { orderId, after, limit }))

const find = async (id: string): Promise<Order> => (await db.run((sql) => readOrders(sql, [id])))[0]!

const fill = (orderId: string, quantity: string, { at = new Date(), ...changed }: TradeChanges & { at?: Date } = {}) =>
  applyTrades(db, [aTrade({ buy: orderId, quantity, ...changed })], {
    now: () => at,
    newId,
    signal: new AbortController().signal,
    onRetry: () => undefined,
  })

/** Every page of this size, one after the other. */
const walk = async (orderId: string, limit: number): Promise<HistoryEvent[]> => {
  const events: HistoryEvent[] = []
  for (;;) {
    const page = await history(orderId, { after: events.length - 1, limit })
    events.push(...page!)
    if (page!.length < limit) return events
  }
}

/** The same events at every page size, with contiguous versions, and the last one leaves the order as it is. */
const expectWhole = async (orderId: string): Promise<HistoryEvent[]> => {
  const events = (await history(orderId))!
  expect(events.map(({ order }) => order.version)).toEqual(events.map((_, version) => version))
  for (const limit of [1, 2, 3, events.length]) expect(await walk(orderId, limit)).toEqual(events)
  const order = await find(orderId)
  expect(events.at(-1)!.order).toEqual(order)
  return events
}

const place = async (origin = { requestId: 'a-request', subject: 'somebody' as string | null }): Promise<Order> => {
  const order = anOrder({ quantity: amount('100') })
  await db.run((sql) => storeOrders(sql, [{ order, origin, event: anEvent() }]))
  return order
}

describe('the history of an order', () => {
  test('that was filled', async () => {
    const order = await place()
    const seen: Order[] = [order]
    for (const [quantity, price] of [
      ['0.00000001', '150.5'],
      ['40', '149.12345678'],
      ['59.99999999', '150'],
    ] as const) {
      await fill(order.id, quantity, { price, partition: 3 })
      seen.push(await find(order.id))
    }
    const events = await expectWhole(order.id)
    expect(events.map((event) => event.order)).toEqual(seen)
    expect(events.map(({ kind }) => kind)).toEqual(['ACCEPTED', 'FILLED', 'FILLED', 'FILLED'])
    expect(events.map(({ at }) => at)).toEqual(seen.map(({ updatedAt }) => updatedAt))
    expect(events[0]).toMatchObject({
      fill: null,
      cause: { kind: 'request', requestId: 'a-request', subject: 'somebody' },
    })
    expect(events[2]).toMatchObject({
      fill: { side: 'BUY', quantity: amount('40'), price: amount('149.12345678'), late: false },
      cause: { kind: 'trade', partition: 3, offset: expect.any(String) },
    })
  })

  test('that was canceled and filled afterwards', async () => {
    const order = await place({ requestId: 'a-request', subject: null })
    await db.run((sql) => moveOrders(sql, [aCancel(order.id)], new Date()))
    const canceled = await find(order.id)
    await fill(order.id, '10')
    await fill(order.id, '90')
    const events = await expectWhole(order.id)
    expect(events[0]!.cause).toEqual({ kind: 'request', requestId: 'a-request' })
    expect(events.map(({ kind }) => kind)).toEqual(['ACCEPTED', 'CANCELED', 'FILLED', 'FILLED'])
    expect(events[1]).toEqual({
      kind: 'CANCELED',
      at: canceled.updatedAt,
      order: canceled,
      fill: null,
      reason: { code: 'USER_CANCELED', text: null },
      cause: { kind: 'request', requestId: 'a-request' },
    })
    expect(events[3]).toMatchObject({ order: { status: 'CANCELED' }, fill: { late: true } })
  })

  test('that somebody ended past the service', async () => {
    const { id } = await place()
    await sql`update orders set status = 'EXPIRED', version = 1 where id = ${id}`
    expect((await expectWhole(id))[1]).toMatchObject({
      kind: 'EXPIRED',
      reason: { code: 'UNKNOWN', text: null },
      cause: { kind: 'request' },
    })
  })

  test('of nobody', async () => {
    expect(await history(newId())).toBeNull()
    const { id } = await place()
    expect(await history(id, { after: 0 })).toEqual([])
    expect(await history(id, { after: 2 ** 31 - 1, limit: 500 })).toEqual([])
  })
})

/** Makes of an order what 1.2 would have left: no transaction, no positions, no amounts in the ledger, no row of the cancel. */
const makeOld = (orderId: string): Promise<void> =>
  corrupt(
    sql,
    `update orders set xact = '3', position = 0, request_id = null, subject = null, reason_code = null where id = '${orderId}';
     update ingested_fills set xact = '3', position = 0, cumulative_quantity = null, cumulative_notional = null where order_id = '${orderId}';
     delete from order_changes where order_id = '${orderId}'`,
  )

describe('the history of an order of before the log', () => {
  test('has its fills, with the amounts added up', async () => {
    const { id } = await place()
    for (const quantity of ['1', '20.5', '3', '75.5']) await fill(id, quantity)
    const before = await expectWhole(id)
    await makeOld(id)
    const events = await expectWhole(id)
    expect(events[0]!.cause).toEqual({ kind: 'before-log' })
    expect(events.slice(1)).toEqual(before.slice(1))
  })

  test('goes on with fills that have amounts', async () => {
    const { id } = await place()
    await fill(id, '1')
    await fill(id, '2')
    await makeOld(id)
    await fill(id, '3')
    // A replica of 1.2 beside it.
    await fill(id, '4')
    await corrupt(
      sql,
      `update ingested_fills set cumulative_quantity = null, cumulative_notional = null where order_id = '${id}' and order_version = 4`,
    )
    await fill(id, '5')
    const events = await expectWhole(id)
    expect(events.map(({ order }) => order.filledQuantity)).toEqual(
      ['0', '1', '3', '6', '10', '15'].map((text) => (text === '0' ? 0n : amount(text))),
    )
  })

  test('has its cancel, though nobody wrote down when', async () => {
    const { id } = await place()
    await db.run((sql) => moveOrders(sql, [aCancel(id)], new Date()))
    await makeOld(id)
    const canceled = await find(id)
    expect((await expectWhole(id))[1]).toEqual({
      kind: 'CANCELED',
      at: null,
      order: canceled,
      fill: null,
      reason: null,
      cause: { kind: 'before-log' },
    })
  })

  test('has its cancel before the fills that came late', async () => {
    const { id } = await place()
    await db.run((sql) => moveOrders(sql, [aCancel(id)], new Date()))
    await fill(id, '1')
    await makeOld(id)
    await fill(id, '2', { at: new Date(Date.now() + 1_000) })
    const all = (await history(id))!
    expect(all.map(({ kind }) => kind)).toEqual(['ACCEPTED', 'CANCELED', 'FILLED', 'FILLED'])
    expect(all[1]).toMatchObject({ at: null, order: { status: 'CANCELED', filledQuantity: 0n } })
    expect(all[1]!.order.updatedAt).toEqual(all[2]!.at!)
    expect(all[3]!.at).not.toEqual(all[2]!.at)
    expect(all[3]!.order).toEqual(await find(id))
    expect(await history(id, { after: 1 })).toEqual(all.slice(2))
    expect(await history(id, { after: 0, limit: 2 })).toEqual(all.slice(1, 3))
  })
})

describe('a page of an order with thousands of fills', () => {
  const fills = 5_000
  const orderId = newId()
  const limit = 50
  const scans = async (after: number) => {
    const explainer = await createExplainer(database, 'pages')
    const events = await explainer.run((sql) => readHistory(sql, { orderId, after, limit }))
    expect(events).toHaveLength(limit)
    const [plan] = await explainer.plans()
    expect(plan!.nodes).not.toContain('Seq Scan')
    return plan!.rowsScanned('ingested_fills')
  }
  const store = async (amounts: string) => {
    await sql.unsafe(`
      set local session_replication_role = replica;
      delete from ingested_fills where order_id = '${orderId}';
      delete from orders where id = '${orderId}';
      insert into orders (rules_epoch, id, user_id, ticker, side, type, time_in_force, quantity, price, created_at, updated_at, version, status,
                          filled_quantity, filled_notional, last_fill_price)
      values (1, '${orderId}', gen_random_uuid(), 'T', 'BUY', 'LIMIT', 'GTC', ${2 * fills}, 1, now(), now(), ${fills}, 'PARTIALLY_FILLED',
              ${fills}, ${fills}, 1);
      insert into ingested_fills (order_id, trade_id, side, ticker, ts, quantity, price, late, applied_at, order_version, kafka_partition,
                                  kafka_offset, cumulative_quantity, cumulative_notional)
      select '${orderId}', 'trade-' || n, 'BUY', 'T', now(), 1, 1, false, now(), n, 0, n, ${amounts}, ${amounts}
      from generate_series(1, ${fills}) n`)
  }

  test('costs the same at any depth', async () => {
    await store('n')
    for (const after of [0, 2_500, fills - limit]) expect(await scans(after)).toBeLessThanOrEqual(limit + 1)
  })

  test('adds up what 1.2 wrote once, not once a row', async () => {
    await store('null')
    // What was filled before the page: its quantity and its notional.
    for (const after of [0, 2_500, fills - limit]) expect(await scans(after)).toBeLessThanOrEqual(2 * after + limit + 1)
  })
})
