// Proves: `orders expire` begins the end of exactly the open orders that no clock ends and that are old enough, by the rule of every ending; a
// dry run changes nothing, and repeating it is safe.

import { beforeEach, describe, expect, test } from 'bun:test'
import { expireOld, type ExpireOld } from '../../src/app/expireOld.ts'
import { createExpiry } from '../../src/app/expiry.ts'
import { amount, aPlacement, newId } from '../support/builders.ts'
import { ownDatabase } from '../support/ownDatabase.ts'
import { quietLog } from '../support/quietLog.ts'
import { storeOrders } from '../support/storeOrders.ts'

const { database, sql, db } = await ownDatabase()

const hourMs = 3_600_000
const ago = (ms: number): Date => new Date(Date.now() - ms)
const expire = (changes: Partial<ExpireOld> = {}) =>
  expireOld(db, {
    ageMs: hourMs,
    userId: null,
    ticker: null,
    dryRun: false,
    onProgress: () => undefined,
    ...changes,
  })

const place = async (...changes: Parameters<typeof aPlacement>[0][]): Promise<string[]> => {
  const placements = changes.map((some) => aPlacement(some))
  await db.run((sql) => storeOrders(sql, placements))
  await sql`delete from outbox`
  return placements.map(({ order }) => order.id)
}
const endings = async () => [
  ...(await sql<{ order_id: string; outcome: string; reason_code: string; due: boolean }[]>`
    select order_id, outcome, reason_code, due_at <= clock_timestamp() as due from order_endings order by order_id`),
]
const old = { now: ago(2 * hourMs) }

beforeEach(async () => {
  await sql`delete from order_endings`
  await sql`update orders set status = 'CANCELED', version = version + 1 where open`
})

describe('orders expire', () => {
  test('begins the end of old orders without an expiresAt, and of no other', async () => {
    const [id, , , final] = await place(
      old,
      {},
      { ...old, timeInForce: 'GTD', expiresAt: new Date(Date.now() + hourMs).toISOString() },
      old,
    )
    await sql`update orders set status = 'CANCELED', version = 1 where id = ${final!}`
    expect(await expire({ dryRun: true })).toEqual({ known: 1, waiting: 0 })
    expect(await endings()).toEqual([])
    expect(await expire()).toEqual({ known: 1, waiting: 0 })
    expect(await endings()).toEqual([{ order_id: id!, outcome: 'EXPIRED', reason_code: 'EXPIRED_GTC', due: true }])
    expect(await expire()).toEqual({ known: 0, waiting: 0 })
  })

  test('of one user, of one ticker', async () => {
    const userId = crypto.randomUUID()
    const [ours, theirs, other] = await place({ ...old, userId }, old, { ...old, userId, ticker: 'MSFT' })
    expect(await expire({ userId, ticker: 'AAPL' })).toEqual({ known: 1, waiting: 0 })
    expect((await endings()).map(({ order_id }) => order_id)).toEqual([ours!])
    expect(await expire({ ticker: 'MSFT' })).toEqual({ known: 1, waiting: 0 })
    expect((await endings()).map(({ order_id }) => order_id).toSorted()).toEqual([ours!, other!].toSorted())
    expect(await expire({ dryRun: true })).toEqual({ known: 1, waiting: 0 })
    expect(theirs).toBeDefined()
  })

  test('ends stops that wait for their price at once', async () => {
    const [id] = await place({ ...old, type: 'STOP', price: null, stopPrice: amount('140') })
    expect(await expire()).toEqual({ known: 0, waiting: 1 })
    expect([...(await sql`select status, reason_code from orders where id = ${id!}`)]).toEqual([
      { status: 'EXPIRED', reason_code: 'EXPIRED_GTC' },
    ])
    expect([...(await sql`select from outbox`)]).toEqual([])
  })

  test('takes any number of them, page by page', async () => {
    const ids = await place(...Array.from({ length: 1_203 }, () => old))
    const seen: number[] = []
    expect(await expire({ onProgress: (orders) => void seen.push(orders) })).toEqual({ known: 1_203, waiting: 0 })
    expect(seen.slice(0, 3)).toEqual([500, 1_000, 1_203])
    expect((await endings()).map(({ order_id }) => order_id)).toEqual(ids.toSorted())
  })

  test('what it began goes on by the rule of every ending: the engine is told', async () => {
    const [id] = await place(old)
    await expire()
    const expiry = createExpiry({
      db: database.open({ plans: 'pages' }),
      topic: 'trades',
      settleMs: 0,
      graceMs: 0,
      newEventId: () => newId(),
      onCommitted: () => undefined,
      clock: () => performance.now(),
      log: quietLog().log,
    })
    await expiry.pass()
    expect([...(await sql`select order_id, kind, reason_code from outbox`)]).toEqual([
      { order_id: id!, kind: 'CANCELLED', reason_code: 'EXPIRED_GTC' },
    ])
  })
})
