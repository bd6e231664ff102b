// Proves: a set of moves is made in one statement, each judged by the table of transitions under the lock of its row, and each
// with its event or without one; the statement and the database's own guards agree with the table for every status.

import { beforeEach, describe, expect, test } from 'bun:test'
import { decide, statuses, type Status } from '../../src/domain/order.ts'
import { moveOrders, type Move, type MoveEvent } from '../../src/store/moves.ts'
import { aCancel, amount, anEvent, byRequest, aPlacement, newId } from '../support/builders.ts'
import { createExplainer } from '../support/explain.ts'
import { ownDatabase } from '../support/ownDatabase.ts'
import { storeOrders } from '../support/storeOrders.ts'
import { untilBlocked } from '../support/waiting.ts'

const { database, sql, db } = await ownDatabase()

beforeEach(async () => {
  await sql`delete from outbox`
})

const insert = (...placed: Parameters<typeof storeOrders>[1]) => db.run((sql) => storeOrders(sql, placed))
const move = (moves: readonly Move[], now = new Date()) => db.run((sql) => moveOrders(sql, moves, now))
const cancel = (ids: readonly string[], now = new Date()) =>
  move(
    ids.map((id) => aCancel(id)),
    now,
  )
const events = async () => [
  ...(await sql<{ kind: string; order_id: string; event_id: string; traceparent: string | null }[]>`
    select kind, order_id, event_id, traceparent from outbox order by position`),
]

/** A lawful order in this status, stored by raw SQL. */
const stored = async (status: Status): Promise<string> => {
  const placement = aPlacement()
  await insert(placement)
  const { id } = placement.order
  if (status === 'PARTIALLY_FILLED' || status === 'FILLED')
    await sql`update orders set status = ${status}, version = 1, last_fill_price = 150, filled_notional = 150,
      filled_quantity = case ${status} when 'FILLED' then 100 else 1 end where id = ${id}`
  else if (status !== 'NEW') await sql`update orders set status = ${status}, version = 1 where id = ${id}`
  return id
}

const moveEvents = ['cancel', 'expire', 'reject'] as const satisfies readonly MoveEvent[]
const pairs = statuses.flatMap((status) => moveEvents.map((event) => [status, event] as const))

describe('moveOrders', () => {
  test.each(pairs)('of a %s order, %s: as the table of transitions has it', async (status, event) => {
    const id = await stored(status)
    await sql`delete from outbox`
    const [before] = await sql`select status, version, filled_quantity, updated_at from orders where id = ${id}`
    const now = new Date(Date.now() + 1_000)
    const { eventId } = anEvent()
    const outbox = { kind: 'CANCELLED', eventId, traceparent: 'trace' } as const
    const row = (await move([{ orderId: id, event, ...byRequest, outbox }], now)).get(id)!
    const [after] = await sql`select status, version, filled_quantity, updated_at from orders where id = ${id}`
    const decision = decide(status, event)
    if (decision.ok) {
      const version = Number(before!['version']) + 1
      expect(row).toMatchObject({
        before: status,
        beforeVersion: version - 1,
        order: { id, status: decision.next, version, updatedAt: now },
      })
      expect(after).toEqual({ ...before, status: decision.next, version, updated_at: now })
      expect(await events()).toEqual([{ kind: 'CANCELLED', order_id: id, event_id: eventId, traceparent: 'trace' }])
    } else {
      expect(row).toEqual({ before: status, beforeVersion: before!['version'], order: null })
      expect(after).toEqual(before)
      expect(await events()).toEqual([])
    }
  })

  test('makes moves of different kinds together, each with its own event or none, in the order of the moves', async () => {
    const [silent, expired, canceled, filled, rejected] = await Promise.all([
      stored('NEW'),
      stored('NEW'),
      stored('NEW'),
      stored('FILLED'),
      stored('NEW'),
    ])
    await sql`delete from outbox`
    const rows = await move([
      { orderId: rejected, event: 'reject', ...byRequest, outbox: { kind: 'CANCELLED', ...anEvent() } },
      { orderId: silent, event: 'expire', ...byRequest, outbox: null },
      aCancel(filled),
      { orderId: expired, event: 'expire', ...byRequest, outbox: { kind: 'CANCELLED', ...anEvent() } },
      aCancel(canceled),
    ])
    expect(rows.get(filled)).toEqual({ before: 'FILLED', beforeVersion: 1, order: null })
    const moved = [silent, expired, canceled, rejected].map((id) => rows.get(id)!.order!.status)
    expect(moved).toEqual(['EXPIRED', 'EXPIRED', 'CANCELED', 'REJECTED'])
    expect((await events()).map(({ order_id }) => order_id)).toEqual([rejected, expired, canceled])
  })

  test('leaves what was filled of an order as it is, whatever becomes of it', async () => {
    const id = await stored('PARTIALLY_FILLED')
    const fill = () => sql`select filled_quantity, filled_notional, last_fill_price from orders where id = ${id}`
    const before = await fill()
    for (const event of moveEvents) await move([{ orderId: id, event, ...byRequest, outbox: null }])
    expect(await fill()).toEqual(before)
  })

  test('moves an order only from the version that the caller knows, and says which one it has', async () => {
    const id = await stored('PARTIALLY_FILLED')
    await sql`delete from outbox`
    const stale = await move([{ ...aCancel(id), ifVersion: 0 }])
    expect(stale.get(id)).toEqual({ before: 'PARTIALLY_FILLED', beforeVersion: 1, order: null })
    expect(await events()).toEqual([])
    const { order } = (await move([{ ...aCancel(id), ifVersion: 1 }])).get(id)!
    expect(order).toMatchObject({ status: 'CANCELED', version: 2, reason: byRequest.reason })
  })

  test('tells no engine of the end of a stop that waits, but of one that was triggered', async () => {
    const stop = { type: 'STOP', price: null, stopPrice: amount('150') } as const
    const [waiting, triggered] = [aPlacement(stop), aPlacement(stop)]
    await insert(waiting)
    await insert(triggered)
    expect(await events()).toEqual([])
    await sql`update orders set triggered_at = now(), version = 1 where id = ${triggered.order.id}`
    await cancel([waiting.order.id, triggered.order.id])
    expect((await events()).map(({ order_id }) => order_id)).toEqual([triggered.order.id])
    const [row] = await sql`select filled_quantity, reason_code from outbox`
    expect(row).toEqual({ filled_quantity: '0.00000000', reason_code: 'USER_CANCELED' })
  })

  test('says nothing of an order that does not exist', async () => {
    expect(await cancel([newId()])).toEqual(new Map())
    expect(await cancel([])).toEqual(new Map())
  })

  test('judges each order of a batch by itself, with positions in order of arrival', async () => {
    const ids = [await stored('NEW'), await stored('FILLED'), await stored('NEW'), newId(), await stored('NEW')]
    await sql`delete from outbox`
    const order = ids.toReversed()
    const rows = await cancel(order)
    expect(order.map((id) => [rows.get(id)?.before, rows.get(id)?.order?.status])).toEqual([
      ['NEW', 'CANCELED'],
      [undefined, undefined],
      ['NEW', 'CANCELED'],
      ['FILLED', undefined],
      ['NEW', 'CANCELED'],
    ])
    expect((await events()).map(({ order_id }) => order_id)).toEqual([order[0]!, order[2]!, order[4]!])
  })

  test('never moves updated_at back, whatever the clock says', async () => {
    const placement = aPlacement({ now: new Date('2030-01-01T00:00:00Z') })
    await insert(placement)
    const rows = await cancel([placement.order.id], new Date('2026-01-01T00:00:00Z'))
    expect(rows.get(placement.order.id)?.order?.updatedAt).toEqual(new Date('2030-01-01T00:00:00Z'))
  })

  test('waits for a fill that holds the order, and answers with the status under the lock, not before it', async () => {
    for (const status of ['PARTIALLY_FILLED', 'FILLED'] as const) {
      const id = await stored('NEW')
      await sql`delete from outbox`
      const filler = database.session()
      await filler.unsafe('begin')
      await filler`update orders set status = ${status}, version = 1, last_fill_price = 150, filled_notional = 150,
        filled_quantity = case ${status} when 'FILLED' then 100 else 1 end where id = ${id}`
      const canceling = move([{ ...aCancel(id), onlyFrom: ['NEW'] }])
      await untilBlocked(sql, 'for update')
      await filler.unsafe('commit')
      expect((await canceling).get(id)).toEqual({ before: status, beforeVersion: 1, order: null })
      expect(await events()).toEqual([])
    }
  })

  test('lets one of two rivals cancel; the other sees CANCELED', async () => {
    const id = await stored('NEW')
    await sql`delete from outbox`
    const holder = database.session()
    await holder.unsafe('begin')
    await holder`select 1 from orders where id = ${id} for update`
    const rivals = [cancel([id]), cancel([id])]
    await untilBlocked(sql, 'for update', 2)
    await holder.unsafe('commit')
    const outcomes = (await Promise.all(rivals)).map((rows) => rows.get(id)!)
    expect(outcomes.map(({ before }) => before).toSorted()).toEqual(['CANCELED', 'NEW'])
    expect(outcomes.filter(({ order }) => order !== null)).toHaveLength(1)
    expect(await events()).toHaveLength(1)
  })

  test('does not deadlock where two batches name the same orders in opposite orders', async () => {
    const ids = [await stored('NEW'), await stored('NEW'), await stored('NEW')]
    const holder = database.session()
    await holder.unsafe('begin')
    await holder`select 1 from orders where id = ${ids[1]!} for update`
    const rivals = [cancel(ids), cancel(ids.toReversed())]
    await untilBlocked(sql, 'for update', 2)
    await holder.unsafe('commit')
    const outcomes = await Promise.all(rivals)
    for (const id of ids) expect(outcomes.map((rows) => rows.get(id)!.before).toSorted()).toEqual(['CANCELED', 'NEW'])
  })

  test('reads each order once by its key, however many there are', async () => {
    const count = 50
    // So many that no version of Postgres would rather read the table whole.
    const placements = Array.from({ length: 20_000 }, () => aPlacement())
    for (let at = 0; at < placements.length; at += 2_000) await insert(...placements.slice(at, at + 2_000))
    await sql.unsafe('analyze orders')
    const explainer = await createExplainer(database)
    await explainer.run((sql) =>
      moveOrders(
        sql,
        placements.slice(0, count).map(({ order }) => aCancel(order.id)),
        new Date(),
      ),
    )
    const [plan] = await explainer.plans()
    // Once to lock it, once to write it.
    expect(plan!.rowsScanned('orders')).toBeLessThanOrEqual(2 * count)
    expect(plan!.nodes).not.toContain('Seq Scan')
  })
})
