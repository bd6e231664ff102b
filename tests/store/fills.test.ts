// Proves: legs are read in one snapshot and written only where nothing changed since; the ledger and the exceptions are exact;
// and the pages of fills give each fill once.

import { describe, expect, test } from 'bun:test'
import { notionalOf } from '../../src/domain/decimal.ts'
import type { LegContent } from '../../src/domain/leg.ts'
import { applyFill, type JudgedOrder } from '../../src/domain/order.ts'
import { codeOf, storeFault } from '../../src/store/faults.ts'
import { readFills } from '../../src/store/fillPage.ts'
import { readLegState, writeFills, type ExceptionRow, type LedgerRow, type OrderMove } from '../../src/store/fills.ts'
import type { Database } from '../../src/store/sql.ts'
import { amount, type anOrder, aPlacement, newId } from '../support/builders.ts'
import { targetOf } from '../support/database.ts'
import { ownDatabase } from '../support/ownDatabase.ts'
import { startProxy } from '../support/proxy.ts'
import { storeOrders } from '../support/storeOrders.ts'
import { failureOf } from '../support/waiting.ts'

const { database, sql, db } = await ownDatabase()

const now = new Date('2026-01-02T03:04:06.000Z')
const source = { topic: 'trade.executed.v1', partition: 2, offset: 9_007_199_254_740_993n }
const content = (changes: Partial<LegContent> = {}): LegContent => ({
  side: 'BUY',
  ticker: 'AAPL',
  quantity: amount('10'),
  price: amount('150'),
  ...changes,
})

/** The stamps of the rows as they were when the orders were read. */
const stamps = new WeakMap<JudgedOrder, string>()

const stored = async (id: string): Promise<JudgedOrder> => {
  const state = await db.run((sql) => readLegState(sql, [{ orderId: id, tradeId: 'none' }]))
  const order = state.orders.get(id)!
  stamps.set(order, state.stamps.get(id)!)
  return order
}
const placed = async (changes: Parameters<typeof anOrder>[0] = {}): Promise<JudgedOrder> => {
  const placement = aPlacement({ now: new Date('2026-01-02T03:04:05.000Z'), ...changes })
  await db.run((sql) => storeOrders(sql, [placement]))
  return stored(placement.order.id)
}
const moveOf = (before: JudgedOrder, after: JudgedOrder = before): OrderMove => ({ after, stamp: stamps.get(before)! })

/** What it takes to apply a trade of 10 to this order as it was read. */
const filling = (before: JudgedOrder, tradeId: string, quantity = '10') => {
  const filled = content({ quantity: amount(quantity) })
  const after = applyFill(before, { ...filled, now })
  const row: LedgerRow = {
    orderId: before.id,
    tradeId,
    content: filled,
    tradedAt: '2026-01-02T03:04:05.678901Z',
    late: false,
    after,
    source,
  }
  return { move: moveOf(before, after), row }
}

type Write = { moves?: readonly OrderMove[]; ledger?: readonly LedgerRow[]; exceptions?: readonly ExceptionRow[] }
const write = ({ moves = [], ledger = [], exceptions = [] }: Write, on: Database = db) =>
  on.run((sql) => writeFills(sql, { moves, ledger, exceptions, now }))
const apply = (before: JudgedOrder, tradeId: string, on: Database = db) => {
  const { move, row } = filling(before, tradeId)
  return write({ moves: [move], ledger: [row] }, on)
}

const exception = (orderId: string, changes: Partial<ExceptionRow> = {}): ExceptionRow => ({
  id: newId(),
  disposition: 'OVERFILL',
  reason: 'the fill would pass the quantity of the order',
  orderId,
  tradeId: 't-1',
  content: content(),
  tradedAt: '2026-01-02T03:04:05.678901Z',
  source,
  key: new Uint8Array([0, 255, 92, 39]),
  message: new Uint8Array([123, 0, 34, 125]),
  ...changes,
})
const keep = (order: JudgedOrder, ...exceptions: ExceptionRow[]) => write({ moves: [moveOf(order)], exceptions })

const ledgerOf = (orderId: string) => sql<{ trade_id: string; order_version: number }[]>`
  select * from ingested_fills where order_id = ${orderId} order by order_version`

describe('readLegState', () => {
  test('gives the orders and what is recorded of each asked trade; unknown orders are left out', async () => {
    const [one, other, bare] = [await placed(), await placed(), await placed()]
    await apply(one, 'a')
    await apply(await stored(one.id), 'b')
    await keep(
      other,
      exception(other.id, { tradeId: 'x' }),
      exception(other.id, { tradeId: 'x', content: content({ price: 1n }) }),
    )
    const state = await db.run((sql) =>
      readLegState(sql, [
        { orderId: one.id, tradeId: 'a' },
        { orderId: one.id, tradeId: 'new' },
        { orderId: other.id, tradeId: 'x' },
        { orderId: bare.id, tradeId: 'a' },
        { orderId: newId(), tradeId: 'a' },
      ]),
    )
    expect([...state.orders.keys()].toSorted()).toEqual([one.id, other.id, bare.id].toSorted())
    expect(state.orders.get(one.id)).toEqual(await stored(one.id))
    expect(state.records.get(one.id)).toEqual(
      new Map([
        ['a', { ledger: content(), exceptions: [] }],
        ['new', { ledger: null, exceptions: [] }],
      ]),
    )
    const record = state.records.get(other.id)!.get('x')!
    expect(record.ledger).toBeNull()
    expect(record.exceptions.toSorted((a, b) => Number(b.price - a.price))).toEqual([content(), content({ price: 1n })])
    expect(state.records.get(bare.id)).toEqual(new Map([['a', { ledger: null, exceptions: [] }]]))
  })

  test('compares trade ids as text, whatever stands in them', async () => {
    const order = await placed()
    const tradeIds = ['Null', 'NULL', 'T', 't', '"quoted"', '{a,b}', 'back\\slash', "o'clock"]
    for (const tradeId of tradeIds) await apply(await stored(order.id), tradeId)
    const state = await db.run((sql) =>
      readLegState(
        sql,
        tradeIds.map((tradeId) => ({ orderId: order.id, tradeId })),
      ),
    )
    expect(
      [...state.records.get(order.id)!]
        .filter(([, { ledger }]) => ledger !== null)
        .map(([id]) => id)
        .toSorted(),
    ).toEqual(tradeIds.toSorted())
  })

  test('is one snapshot: a rival that fills as soon as anything was read is seen whole or not at all', async () => {
    const order = await placed()
    const proxy = await startProxy(database.url)
    const through = database.open({ connections: 1 }, targetOf(proxy.url))
    await through.run((sql) => sql`select 1`)
    // The rival applies the same trade between our first statement and the next one, if there is a next one.
    let statements = 0
    proxy.before(async () => {
      if (++statements === 2) await apply(order, 'rival')
    })
    const state = await through.run((sql) => readLegState(sql, [{ orderId: order.id, tradeId: 'rival' }]))
    const filled = state.orders.get(order.id)!.filledQuantity > 0n
    const recorded = state.records.get(order.id)!.get('rival')!.ledger !== null
    expect(recorded).toBe(filled)
    expect(statements).toBe(1)
    await proxy.stop()
  })
})

describe('writeFills', () => {
  test('moves the order and appends the ledger row, exactly', async () => {
    const order = await placed()
    const { move, row } = filling(order, 't-1', '0.00000003')
    expect(await write({ moves: [move], ledger: [row] })).toEqual({
      written: new Set([order.id]),
      newExceptions: new Set(),
    })
    expect(await stored(order.id)).toEqual(move.after)
    expect(move.after).toMatchObject({
      status: 'PARTIALLY_FILLED',
      version: 1,
      filledNotional: notionalOf(3n, amount('150')),
    })
    const rows = await sql`
      select trade_id, side, ticker, to_char(ts at time zone 'UTC', 'HH24:MI:SS.US') as ts, quantity, price, late, applied_at,
             order_version, kafka_partition, kafka_offset
      from ingested_fills where order_id = ${order.id}`
    expect([...rows]).toEqual([
      {
        trade_id: 't-1',
        side: 'BUY',
        ticker: 'AAPL',
        ts: '03:04:05.678901',
        quantity: '0.00000003',
        price: '150.00000000',
        late: false,
        applied_at: now,
        order_version: 1,
        kafka_partition: 2,
        kafka_offset: '9007199254740993',
      },
    ])
  })

  test('applies several fills of one order in one step, and many orders at once', async () => {
    const [one, other] = [await placed(), await placed({ side: 'BUY' })]
    const first = filling(one, 'a')
    const second = filling(first.move.after, 'b')
    const third = filling(other, 'c', '100')
    const { written } = await write({
      moves: [moveOf(one, second.move.after), third.move],
      ledger: [first.row, second.row, third.row],
    })
    expect(written).toEqual(new Set([one.id, other.id]))
    expect(await stored(one.id)).toMatchObject({ version: 2, filledQuantity: amount('20') })
    expect(await stored(other.id)).toMatchObject({ version: 1, status: 'FILLED' })
    expect(await ledgerOf(one.id)).toHaveLength(2)
  })

  test('writes nothing of an order that somebody changed since it was read, and all of the others', async () => {
    const [changed, same] = [await placed(), await placed()]
    await apply(changed, 'rival')
    const stale = filling(changed, 'ours')
    const fresh = filling(same, 'ours')
    const { written, newExceptions } = await write({
      moves: [stale.move, fresh.move],
      ledger: [stale.row, fresh.row],
      exceptions: [exception(changed.id)],
    })
    expect(written).toEqual(new Set([same.id]))
    expect(newExceptions).toEqual(new Set())
    expect(await stored(changed.id)).toMatchObject({ version: 1, filledQuantity: amount('10') })
    expect((await ledgerOf(changed.id)).map(({ trade_id }) => trade_id)).toEqual(['rival'])
    expect(await sql`select 1 from exceptions where order_id = ${changed.id}`).toHaveLength(0)
    expect(await ledgerOf(same.id)).toHaveLength(1)
  })

  test('writes nothing of an order whose records somebody added to since it was read, though its version is the same', async () => {
    const order = await placed()
    await keep(order, exception(order.id, { tradeId: 'ours', disposition: 'MISMATCH' }))
    const { move, row } = filling(order, 'ours')
    expect((await write({ moves: [move], ledger: [row] })).written).toEqual(new Set())
    expect(await ledgerOf(order.id)).toHaveLength(0)
    expect((await apply(await stored(order.id), 'ours')).written).toEqual(new Set([order.id]))
  })

  test('does not wait for an order that somebody holds, and writes the others', async () => {
    const [held, free] = [await placed(), await placed()]
    const holder = database.session()
    await holder.unsafe('begin')
    await holder`select 1 from orders where id = ${held.id} for update`
    const ours = [filling(held, 't'), filling(free, 't')]
    // Nobody lets go before it has answered: were it to wait, it would fail on its lock timeout.
    const { written } = await write(
      { moves: ours.map(({ move }) => move), ledger: ours.map(({ row }) => row) },
      database.open({ lockTimeoutMs: 2_000 }),
    )
    expect(written).toEqual(new Set([free.id]))
    await holder.unsafe('rollback')
    expect(await ledgerOf(held.id)).toHaveLength(0)
    expect((await apply(held, 't')).written).toEqual(new Set([held.id]))
  })

  test('lets one of two that decided on the same version write, never both', async () => {
    const orders = await Promise.all(Array.from({ length: 40 }, () => placed()))
    const batch = (who: string) => {
      const ours = orders.map((order) => filling(order, who))
      return { moves: ours.map(({ move }) => move), ledger: ours.map(({ row }) => row) }
    }
    const answers = await Promise.all(['one', 'two', 'three'].map((who) => write(batch(who))))
    for (const { id } of orders) {
      const winners = answers.filter(({ written }) => written.has(id)).length
      // All may skip an order that each saw locked by another at the moment; but whoever says written has written.
      expect(winners).toBeLessThanOrEqual(1)
      expect(await ledgerOf(id)).toHaveLength(winners)
      expect((await stored(id)).version).toBe(winners)
    }
  })

  test('fails loudly where a ledger row is there already: that would be a broken argument, not a repetition', async () => {
    const order = await placed()
    await apply(order, 't')
    const again = await failureOf(apply(await stored(order.id), 't'))
    expect(codeOf(again)).toBe('23505')
    expect(storeFault(again)).toBe('data')
    expect(await stored(order.id)).toMatchObject({ version: 1 })
  })

  test('is refused by the database where a decision would overfill', async () => {
    const order = await placed()
    const { move, row } = filling(order, 't', '100')
    const tooMuch = { ...move, after: { ...move.after, filledQuantity: amount('100.00000001') } }
    expect(storeFault(await failureOf(write({ moves: [tooMuch], ledger: [row] })))).toBe('data')
    expect(await ledgerOf(order.id)).toHaveLength(0)
  })

  test('keeps exceptions whole without moving their order', async () => {
    const order = await placed()
    const row = exception(order.id, { disposition: 'CONFLICT', reason: 'a "reason", {with} \\ NULL' })
    const bare = exception(order.id, { tradeId: 'other', key: null, message: new Uint8Array() })
    const { written, newExceptions } = await keep(order, row, bare)
    expect(written).toEqual(new Set([order.id]))
    expect(newExceptions).toEqual(new Set([row.id, bare.id]))
    expect(await stored(order.id)).toEqual(order)
    const rows = await sql`select * from exceptions where order_id = ${order.id} order by trade_id desc`
    expect(rows[0]).toMatchObject({
      id: row.id,
      disposition: 'CONFLICT',
      reason: row.reason,
      trade_id: 't-1',
      quantity: '10.00000000',
      price: '150.00000000',
      kafka_topic: source.topic,
      kafka_partition: 2,
      kafka_offset: '9007199254740993',
      recorded_at: now,
    })
    expect(new Uint8Array(rows[0]!['message_key'])).toEqual(row.key!)
    expect(new Uint8Array(rows[0]!['message'])).toEqual(row.message)
    expect(rows[1]).toMatchObject({ message_key: null })
  })

  test('keeps an exception once for its order, trade, side and content', async () => {
    const order = await placed()
    await keep(order, exception(order.id))
    const since = await stored(order.id)
    const again = exception(order.id)
    const others = [
      exception(order.id, { tradeId: 't-2' }),
      exception(order.id, { content: content({ side: 'SELL' }) }),
      exception(order.id, { content: content({ ticker: 'MSFT' }) }),
      exception(order.id, { content: content({ quantity: 1n }) }),
      exception(order.id, { content: content({ price: 1n }) }),
    ]
    const { newExceptions } = await keep(since, again, ...others)
    expect(newExceptions).toEqual(new Set(others.map(({ id }) => id)))
    expect(await sql`select 1 from exceptions where order_id = ${order.id}`).toHaveLength(6)
  })

  test('with nothing to write writes nothing', async () => {
    expect(await write({})).toEqual({ written: new Set(), newExceptions: new Set() })
  })
})

describe('readFills', () => {
  const page = (orderId: string, before = 2 ** 31 - 1, limit = 10) =>
    db.run((sql) => readFills(sql, { orderId, before, limit }))

  test('shows the fills of an order, newest first, page by page', async () => {
    const order = await placed()
    for (const tradeId of ['a', 'b', 'c', 'd', 'e']) await apply(await stored(order.id), tradeId)
    const all = await page(order.id)
    expect(all!.map(({ tradeId }) => tradeId)).toEqual(['e', 'd', 'c', 'b', 'a'])
    const first = await page(order.id, undefined, 2)
    expect(first!.map(({ tradeId }) => tradeId)).toEqual(['e', 'd'])
    const second = await page(order.id, first!.at(-1)!.orderVersion, 2)
    expect(second!.map(({ tradeId }) => tradeId)).toEqual(['c', 'b'])
    expect((await page(order.id, second!.at(-1)!.orderVersion, 2))!.map(({ tradeId }) => tradeId)).toEqual(['a'])
    expect(await page(order.id, 1, 2)).toEqual([])
  })

  test('shows a fill exactly, its time to the microsecond', async () => {
    const order = await placed()
    const { move, row } = filling(order, 't', '0.00000003')
    await write({ moves: [move], ledger: [row] })
    expect(await page(order.id)).toEqual([
      {
        tradeId: 't',
        side: 'BUY',
        ticker: 'AAPL',
        quantity: 3n,
        price: amount('150'),
        tradedAt: '2026-01-02T03:04:05.678901Z',
        appliedAt: now.toISOString(),
        late: false,
        orderVersion: 1,
      },
    ])
  })

  test('tells an order without fills from no order', async () => {
    expect(await page((await placed()).id)).toEqual([])
    expect(await page(newId())).toBeNull()
  })
})
