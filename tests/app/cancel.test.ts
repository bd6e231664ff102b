// Proves: an open order is canceled once, with one event, however many cancel it or fill it at the same moment; a lost answer is
// found again; no commit is announced that appended nothing.

import { describe, expect, test } from 'bun:test'
import { runBatch } from '../../src/app/batcher.ts'
import { cancelBatch, type CancelResult, type CancelTerms } from '../../src/app/cancel.ts'
import { applyTrades } from '../../src/app/fill.ts'
import { readOrders } from '../../src/store/orders.ts'
import { anEvent, byRequest, aPlacement, aTrade, newId } from '../support/builders.ts'
import { ownDatabase, ownProxy } from '../support/ownDatabase.ts'
import { storeOrders } from '../support/storeOrders.ts'

const { database, sql, db } = await ownDatabase()
const { proxy, through } = await ownProxy(database)

const placed = async (): Promise<string> => {
  const placement = aPlacement()
  await db.run((sql) => storeOrders(sql, [placement]))
  return placement.order.id
}

let commits = 0
const cancel = (ids: readonly string[], { on = db, again = false } = {}) =>
  cancelBatch(
    on,
    ids.map((id) => ({ id, cause: byRequest.cause, event: anEvent() })),
    {
      again,
      now: new Date(),
      onCommitted: () => {
        commits++
      },
    },
  )
const cancelAs = (terms: readonly (CancelTerms & { id: string })[], again = false) =>
  cancelBatch(
    db,
    terms.map((each) => ({ ...each, cause: byRequest.cause, event: anEvent() })),
    { again, now: new Date(), onCommitted: () => commits++ },
  )
/** As the service runs it, through the proxy. */
const cancelSurely = (ids: readonly string[]) =>
  runBatch(ids, {
    run: (items, { again }) => cancel(items, { on: through, again }),
    kind: 'write',
    onBug: (error) => {
      throw error
    },
    giveUpAt: performance.now() + 30_000,
  })
const fill = (orderId: string, quantity: string) =>
  applyTrades(db, [aTrade({ buy: orderId, quantity })], {
    now: () => new Date(),
    newId,
    signal: new AbortController().signal,
    onRetry: () => undefined,
  })
const cancellationsOf = async (id: string): Promise<number> => {
  const rows = await sql`select 1 from outbox where order_id = ${id} and kind = 'CANCELLED'`
  return rows.length
}
const statusOf = async (id: string): Promise<string> => (await db.run((sql) => readOrders(sql, [id])))[0]!.status

const notCancelable = (status: string) => ({ ok: false, code: 'NOT_CANCELABLE', status })

test('each of a batch has its own result, in order', async () => {
  const [fresh, partly, full, gone, absent] = [await placed(), await placed(), await placed(), await placed(), newId()]
  await fill(partly, '1')
  await fill(full, '100')
  await cancel([gone])
  commits = 0
  expect(await cancel([absent, full, fresh, partly, gone])).toMatchObject([
    { ok: false, code: 'NOT_FOUND' },
    notCancelable('FILLED'),
    { ok: true, order: { id: fresh, status: 'CANCELED' } },
    notCancelable('PARTIALLY_FILLED'),
    notCancelable('CANCELED'),
  ])
  expect(await cancellationsOf(fresh)).toBe(1)
  expect(commits).toBe(1)
})

test('a commit that appended nothing wakes nobody', async () => {
  commits = 0
  await cancel([newId()])
  expect(commits).toBe(0)
})

test('if a batch has two cancels of one order, the first succeeds', async () => {
  const [id, absent] = [await placed(), newId()]
  expect(await cancel([id, absent, id, absent])).toMatchObject([
    { ok: true, order: { id } },
    { ok: false, code: 'NOT_FOUND' },
    notCancelable('CANCELED'),
    { ok: false, code: 'NOT_FOUND' },
  ])
  expect(await cancellationsOf(id)).toBe(1)
})

test('of an order that a session holds locked it is refused; the others of its batch are canceled', async () => {
  const [locked, free] = [await placed(), await placed()]
  const impatient = database.open({ connections: 1, lockTimeoutMs: 100 })
  const session = database.session()
  const both = (again: boolean) => cancel([locked, free, locked], { on: impatient, again })
  try {
    await session`begin`
    await session`select from orders where id = ${locked} for update`
    commits = 0
    const refused = { ok: false, code: 'OVERLOADED' }
    expect(await both(false)).toMatchObject([refused, { ok: true, order: { id: free } }, refused])
    expect([await statusOf(locked), commits]).toEqual(['NEW', 1])
    const unknown = { ok: false, code: 'OUTCOME_UNKNOWN' }
    expect(await both(true)).toMatchObject([unknown, { ok: true, order: { id: free } }, unknown])
  } finally {
    await session`rollback`
  }
  expect(await cancel([locked])).toMatchObject([{ ok: true, order: { id: locked } }])
})

describe('several of one order in one batch', () => {
  const failed = (version: number) => ({ ok: false, code: 'PRECONDITION_FAILED', version })

  test('one that asks for another version stands in nobody\u2019s way', async () => {
    const id = await placed()
    commits = 0
    expect(
      await cancelAs([
        { id, versions: [5] },
        { id, versions: [] },
        { id, versions: [7, 0] },
        { id, remaining: true },
        { id },
        { id, versions: [0] },
        { id, remaining: true, versions: [9] },
      ]),
    ).toMatchObject([
      failed(0),
      failed(0),
      { ok: true, order: { id, version: 1 } },
      { ok: true, order: { id, version: 1 } },
      notCancelable('CANCELED'),
      notCancelable('CANCELED'),
      failed(0),
    ])
    expect([commits, await cancellationsOf(id)]).toEqual([1, 1])
  })

  test('one that needs the order NEW does not keep another from what remains', async () => {
    const [id, full] = [await placed(), await placed()]
    await fill(id, '1')
    await fill(full, '100')
    expect(
      await cancelAs([
        { id },
        { id: full, remaining: true },
        { id, remaining: true, versions: [0] },
        { id, remaining: true, versions: [0, 1] },
        { id, remaining: true },
      ]),
    ).toMatchObject([
      notCancelable('PARTIALLY_FILLED'),
      notCancelable('FILLED'),
      failed(1),
      { ok: true, order: { id, version: 2 } },
      { ok: true, order: { id, version: 2 } },
    ])
    expect(await cancellationsOf(id)).toBe(1)
  })

  test('many that ask for other versions take one statement', async () => {
    const id = await placed()
    let statements = 0
    const counted: typeof db = { ...db, run: (statement) => (statements++, db.run(statement)) }
    const many = Array.from({ length: 200 }, (_, i) => ({ id, versions: [i + 1] }))
    const results = await cancelBatch(
      counted,
      many.map((each) => ({ ...each, cause: byRequest.cause, event: anEvent() })),
      { again: false, now: new Date(), onCommitted: () => undefined },
    )
    expect(results).toEqual(many.map(() => failed(0) as never))
    expect(statements).toBe(1)
  })

  test('whose answer was lost: what asks for no version has canceled the order', async () => {
    const id = await placed()
    await cancelAs([{ id }])
    expect(await cancelAs([{ id, versions: [5] }, { id }, { id, remaining: true }], true)).toMatchObject([
      notCancelable('CANCELED'),
      { ok: true, order: { id } },
      { ok: true, order: { id } },
    ])
  })
})

describe('races', () => {
  test('between fifty cancels of one order have one winner, and one event', async () => {
    const id = await placed()
    const pools = [db, database.open(), database.open()]
    const results = (
      await Promise.all(Array.from({ length: 50 }, (_, i) => cancel([id], { on: pools[i % 3]! })))
    ).flat()
    expect(results.filter(({ ok }) => ok)).toHaveLength(1)
    expect(results.filter(({ ok }) => !ok)).toEqual(
      Array.from({ length: 49 }, () => notCancelable('CANCELED')) as never,
    )
    expect(await cancellationsOf(id)).toBe(1)
  })

  test('with a fill: the order is either canceled, and the fill late, or filled, and the cancel refused with that status', async () => {
    const other = database.open()
    const outcomes = new Set<string>()
    for (let round = 0; round < 40; round++) {
      const id = await placed()
      // Whoever starts later still wins now and then; both ways round are tried.
      const cancelFirst = round % 2 === 0
      const starting = cancelFirst ? cancel([id], { on: other }) : fill(id, '100')
      await Promise.resolve()
      const [canceling, filling] = cancelFirst ? [starting, fill(id, '100')] : [cancel([id], { on: other }), starting]
      const [[canceled], [filled]] = await Promise.all([
        canceling as Promise<CancelResult[]>,
        filling as ReturnType<typeof fill>,
      ])
      outcomes.add(filled!.disposition)
      if (filled!.disposition === 'LATE') {
        expect(canceled).toMatchObject({ ok: true })
        expect(await statusOf(id)).toBe('CANCELED')
      } else {
        expect(filled!.disposition).toBe('APPLIED')
        expect(canceled).toEqual(notCancelable('FILLED') as never)
        expect(await statusOf(id)).toBe('FILLED')
      }
      expect(await cancellationsOf(id)).toBe(canceled!.ok ? 1 : 0)
    }
    expect([...outcomes].every((disposition) => disposition === 'LATE' || disposition === 'APPLIED')).toBe(true)
  })

  test('of overlapping batches in opposite orders end without a deadlock, each order canceled once', async () => {
    const pools = [db, database.open()]
    for (let round = 0; round < 10; round++) {
      const ids = await Promise.all(Array.from({ length: 30 }, placed))
      const [one, other] = await Promise.all([
        cancel(ids, { on: pools[0]! }),
        cancel(ids.toReversed(), { on: pools[1]! }),
      ])
      ids.forEach((_, i) => expect([one[i]!.ok, other.at(-1 - i)!.ok].filter(Boolean)).toHaveLength(1))
    }
  })
})

describe('if the answer is lost after the commit', () => {
  test('another attempt finds the order CANCELED, and that counts as canceled by us', async () => {
    const [id, full, absent] = [await placed(), await placed(), newId()]
    await fill(full, '100')
    proxy.loseAnswer('held.status = any')
    expect(await cancelSurely([id, full, absent])).toMatchObject([
      { ok: true, order: { id, status: 'CANCELED', version: 1 } },
      notCancelable('FILLED'),
      { ok: false, code: 'NOT_FOUND' },
    ])
    expect(await cancellationsOf(id)).toBe(1)
  })

  test('of two for one order still only the first succeeds', async () => {
    const id = await placed()
    proxy.loseAnswer('held.status = any')
    expect(await cancelSurely([id, id])).toMatchObject([{ ok: true, order: { id } }, notCancelable('CANCELED')])
  })

  test('the answer of the look at the order may be lost as well', async () => {
    const id = await placed()
    proxy.loseAnswer('held.status = any')
    let looks = 0
    proxy.before((statement) => {
      if (statement.includes('any (') && !statement.includes('held.status = any') && ++looks === 1) proxy.cut()
    })
    expect(await cancelSurely([id])).toMatchObject([{ ok: true, order: { id } }])
    expect(looks).toBeGreaterThan(1)
    proxy.before(() => undefined)
    expect(await cancellationsOf(id)).toBe(1)
  })
})
