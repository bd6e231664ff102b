// Proves: a mass cancel cancels what was there when it began and nothing that comes later, says of each order what became of it, and answers
// within its deadline: as a refusal only while nothing was canceled.

import { beforeEach, describe, expect, test } from 'bun:test'
import { cancelBatch } from '../../src/app/cancel.ts'
import { applyTrades } from '../../src/app/fill.ts'
import { createMassCancels, idsMax, type MassCanceled, type MassCancelsOptions } from '../../src/app/massCancel.ts'
import type { OrderTerms } from '../../src/domain/terms.ts'
import type { CancelScope } from '../../src/store/covered.ts'
import type { Database, Sql } from '../../src/store/sql.ts'
import { anEvent, aPlacement, aStop, aTrade, newId } from '../support/builders.ts'
import { ownDatabase } from '../support/ownDatabase.ts'
import { storeOrders } from '../support/storeOrders.ts'

const { database, sql, db } = await ownDatabase()
const reads = database.open({ plans: 'pages' })

let userId = ''
let bugs: unknown[] = []
beforeEach(() => {
  userId = crypto.randomUUID()
  bugs = []
})

const massCancels = (changes: Partial<MassCancelsOptions> = {}) =>
  createMassCancels({
    reads,
    changes: db,
    deadlineMs: 5_000,
    newId,
    now: () => new Date(),
    onCommitted: () => undefined,
    onBug: (error) => bugs.push(error),
    ...changes,
  })
const cancel = (scope: Partial<CancelScope> = {}, changes: Partial<MassCancelsOptions> = {}) =>
  massCancels(changes).submit({
    scope: { userId, ticker: null, side: null, ...scope },
    cause: { kind: 'mass-cancel', requestId: 'a-mass-cancel' },
    traceparent: null,
  })
const done = async (...args: Parameters<typeof cancel>): Promise<MassCanceled> => {
  const result = await cancel(...args)
  if (!result.ok) throw new Error(result.code)
  return result
}

const place = async (...terms: Partial<OrderTerms>[]): Promise<string[]> => {
  const placements = terms.map((some) => aPlacement({ userId, ...some }))
  await db.run((some) => storeOrders(some, placements))
  return placements.map(({ order }) => order.id)
}
const placeMany = (count: number) =>
  sql`insert into orders (rules_epoch, id, user_id, ticker, side, type, time_in_force, quantity, price, created_at, updated_at)
      select 1, (${newId().slice(0, 13)} || '-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, ${userId}, 'MANY', 'BUY', 'LIMIT', 'GTC', 1, 1, now(), now()
      from generate_series(1, ${count}::integer) n`
const openOrders = async (): Promise<number> =>
  (await sql`select from orders where user_id = ${userId} and open`).length

/** `db`, whose nth statement is run by `instead`. */
const withStatement = (nth: number, instead: (run: () => Promise<unknown>) => Promise<unknown>): Database => {
  let statements = 0
  return {
    ...db,
    run: <T>(statement: (some: Sql) => Promise<T>) =>
      (++statements === nth ? instead(() => db.run(statement)) : db.run(statement)) as Promise<T>,
  }
}
const failure = (code: string) => Object.assign(new Error(code), { code })
const fail = (code: string) => () => Promise.reject(failure(code))

describe('what it cancels', () => {
  test('what remains of every open order of the user: the engine is told of those that it knows', async () => {
    const [untouched, partial] = await place({}, {})
    const stop = aStop({ userId })
    await db.run((some) => storeOrders(some, [stop]))
    await applyTrades(db, [aTrade({ order: partial! })], {
      now: () => new Date(),
      newId,
      signal: new AbortController().signal,
      onRetry: () => undefined,
    })
    const ids = [untouched!, partial!, stop.order.id]
    await sql`delete from outbox`
    const result = await done()
    expect(result.canceled.toSorted()).toEqual(ids.toSorted())
    expect(result).toMatchObject({ notCanceled: [], remaining: false })
    const rows =
      await sql`select status, filled_quantity::float8 as filled, reason_code, reason_text from orders where user_id = ${userId} order by id`
    const canceled = { status: 'CANCELED', reason_code: 'MASS_CANCELED', reason_text: null }
    expect([...rows]).toEqual([
      { ...canceled, filled: 0 },
      { ...canceled, filled: 10 },
      { ...canceled, filled: 0 },
    ])
    const events =
      await sql`select kind, order_id, reason_code from outbox where order_id in ${sql(ids)} order by order_id`
    expect([...events]).toEqual(
      [untouched!, partial!]
        .toSorted()
        .map((order_id) => ({ kind: 'CANCELLED', order_id, reason_code: 'MASS_CANCELED' })),
    )
    const causes = await sql`select distinct cause from order_changes where order_id in ${sql(ids)}`
    expect([...causes]).toEqual([{ cause: { kind: 'mass-cancel', requestId: 'a-mass-cancel' } }])
  })

  test('not an order that is placed once it has begun', async () => {
    await placeMany(501)
    let late: string[] = []
    const result = await done(
      {},
      {
        // Its first statement takes the snapshot, its second reads a page.
        reads: withStatement(2, async (run) => {
          late = await place({})
          return run()
        }),
      },
    )
    expect(result.canceled).toHaveLength(501)
    expect(result.remaining).toBe(false)
    expect(await sql`select id from orders where user_id = ${userId} and open`).toMatchObject([{ id: late[0]! }])
  })

  test('not one that became final between reading and canceling: the answer says what it is', async () => {
    const [one, other, third] = await place({}, {}, {})
    const changes = withStatement(1, async (run) => {
      await cancelBatch(db, [{ id: one!, cause: { kind: 'request' }, event: anEvent() }], {
        again: false,
        now: new Date(),
        onCommitted: () => undefined,
      })
      await applyTrades(db, [aTrade({ order: other!, quantity: '100' })], {
        now: () => new Date(),
        newId,
        signal: new AbortController().signal,
        onRetry: () => undefined,
      })
      return run()
    })
    const result = await done({}, { changes })
    expect(result.canceled).toEqual([third!])
    expect(new Map(result.notCanceled.map(({ id, status }) => [id, status]))).toEqual(
      new Map([
        [one!, 'CANCELED'],
        [other!, 'FILLED'],
      ]),
    )
    expect(result.remaining).toBe(false)
  })

  test('ten thousand orders at most; the next one goes on', async () => {
    await placeMany(idsMax + 3)
    const first = await done({}, { deadlineMs: 60_000 })
    expect([first.canceled.length, first.remaining]).toEqual([idsMax, true])
    expect(new Set(first.canceled).size).toBe(idsMax)
    expect(await done()).toMatchObject({ canceled: { length: 3 }, remaining: false })
    expect(await openOrders()).toBe(0)
    expect(
      await sql`select from order_changes c join orders o on o.id = c.order_id where o.user_id = ${userId}`,
    ).toHaveLength(idsMax + 3)
  })
})

describe('where something fails', () => {
  test('a page whose answer was lost is tried again: its orders count as canceled', async () => {
    await placeMany(700)
    const changes = withStatement(2, async (run) => {
      await run()
      throw failure('CONNECTION_CLOSED')
    })
    expect(await done({}, { changes })).toMatchObject({ canceled: { length: 700 }, notCanceled: [], remaining: false })
  })

  test('after a page that was committed it answers what it did, whatever the failure', async () => {
    for (const code of ['CONNECT_TIMEOUT', '42501', 'no code of Postgres']) {
      await placeMany(600)
      const result = await done({}, { changes: withStatement(2, fail(code)) })
      expect(result).toMatchObject({ canceled: { length: 500 }, remaining: true })
      expect(await done()).toMatchObject({ canceled: { length: 100 }, remaining: false })
    }
    expect(bugs).toHaveLength(1)
  })

  test('before that it is refused: nothing was stored', async () => {
    await place({})
    expect(await cancel({}, { changes: withStatement(1, fail('ECONNREFUSED')) })).toEqual({
      ok: false,
      code: 'OVERLOADED',
    })
    expect(await cancel({}, { changes: withStatement(1, fail('a bug')) })).toEqual({ ok: false, code: 'INTERNAL' })
    expect(await openOrders()).toBe(1)
  })

  test('or the outcome is unknown, where the answer of the first page was lost for good', async () => {
    await place({})
    const changes: Database = { ...db, run: fail('CONNECTION_CLOSED') }
    expect(await cancel({}, { changes, deadlineMs: 500 })).toEqual({ ok: false, code: 'OUTCOME_UNKNOWN' })
  })

  test('it answers before its deadline, also while a statement hangs', async () => {
    await placeMany(600)
    const hang = () => new Promise<never>(() => undefined)
    for (const [nth, answer] of [
      [1, { ok: false, code: 'OUTCOME_UNKNOWN' }],
      [2, { ok: true, canceled: { length: 500 }, remaining: true }],
    ] as const) {
      const startedAt = performance.now()
      expect(await cancel({}, { changes: withStatement(nth, hang), deadlineMs: 1_000 })).toMatchObject(answer)
      expect(performance.now() - startedAt).toBeLessThan(1_000)
    }
  })

  test('after its answer it begins no further page', async () => {
    await placeMany(1_100)
    const { promise, resolve } = Promise.withResolvers<void>()
    const some = massCancels({ changes: withStatement(2, (run) => promise.then(run)), deadlineMs: 1_000 })
    const scope = { userId, ticker: null, side: null }
    expect(await some.submit({ scope, cause: { kind: 'mass-cancel' }, traceparent: null })).toMatchObject({
      canceled: { length: 500 },
      remaining: true,
    })
    resolve()
    await some.drained()
    expect(await openOrders()).toBe(100)
  })

  test('an order that Postgres refuses to change is left, and its neighbours are not', async () => {
    const [sick] = await place({}, {}, {})
    await sql.unsafe(`
      create function sick() returns trigger language plpgsql as $$ begin raise exception using errcode = 'check_violation'; end $$;
      create trigger sick before update on orders for each row when (old.id = '${sick!}') execute function sick()`)
    try {
      expect(await done()).toMatchObject({ canceled: { length: 2 }, remaining: true })
      expect(bugs).toHaveLength(1)
    } finally {
      await sql.unsafe('drop trigger sick on orders')
    }
  })
})

test('an order that a session holds locked is canceled last, if it is free in time, and holds up no other', async () => {
  const [locked] = await place({}, {}, {})
  const changes = database.open({ connections: 1, lockTimeoutMs: 100 })
  const session = database.session()
  try {
    await session`begin`
    await session`select from orders where id = ${locked!} for update`
    expect(await done({}, { changes, deadlineMs: 2_000 })).toMatchObject({ canceled: { length: 2 }, remaining: true })
    await place({})
    let freed = false
    const observed: Database = {
      ...changes,
      async run<T>(statement: (some: Sql) => Promise<T>) {
        try {
          return await changes.run(statement)
        } catch (error) {
          if (!freed) await session`rollback`
          freed = true
          throw error
        }
      },
    }
    const result = await done({}, { changes: observed })
    expect(result).toMatchObject({ canceled: { length: 2 }, remaining: false })
    expect(result.canceled.at(-1)).toBe(locked)
  } finally {
    await session`rollback`
  }
})

test('only a few run at a time', async () => {
  const { promise, resolve } = Promise.withResolvers<void>()
  const slow: Database = { ...reads, run: async (statement) => promise.then(() => reads.run(statement)) }
  const some = massCancels({ reads: slow })
  const submit = () =>
    some.submit({ scope: { userId, ticker: null, side: null }, cause: { kind: 'mass-cancel' }, traceparent: null })
  const running = [submit(), submit()]
  expect(await submit()).toEqual({ ok: false, code: 'OVERLOADED' })
  resolve()
  for (const result of await Promise.all(running)) expect(result.ok).toBe(true)
  await some.drained()
  expect((await submit()).ok).toBe(true)
})
