// Proves: the messages of a session of FIX are carried out in their order, many in one statement; every number that was consumed has an
// order, a cancel or a message that waits for its answer, whoever dies or takes over meanwhile; nothing is done twice.

import { afterAll, beforeEach, describe, expect, test } from 'bun:test'
import type { ServiceLimits } from '../../src/app/batchers.ts'
import type { Call, Caller } from '../../src/app/caller.ts'
import { fixLeaseMs, type FixSession, type FixUseCases } from '../../src/app/fix.ts'
import { createService, type Service } from '../../src/app/service.ts'
import type { OrderTerms } from '../../src/domain/terms.ts'
import { readFixSession } from '../../src/store/fixSessions.ts'
import type { Database } from '../../src/store/sql.ts'
import { aCall, newId, someTerms } from '../support/builders.ts'
import { allPools } from '../support/database.ts'
import { ownDatabase, ownProxy } from '../support/ownDatabase.ts'
import { createRandom } from '../support/random.ts'
import { until } from '../support/until.ts'

const { database, sql, db } = await ownDatabase()
const { proxy, through } = await ownProxy(database)
const services: Service[] = []
const bugs: unknown[] = []
let accepting = true
let batches: number[] = []

afterAll(() => {
  for (const service of services) service.close()
})
beforeEach(() => {
  accepting = true
  batches = []
  bugs.length = 0
})

const limits: ServiceLimits = { batchMax: 256, lanes: 2, queueMax: 10_000, deadlineMs: 30_000 }
const createReplica = (pool: Database = db): FixUseCases => {
  const service = createService({
    pools: allPools(pool),
    limits,
    accepting: () => accepting,
    onCommitted: () => undefined,
    onBug: (error) => bugs.push(error),
    onBatch: (_, { items }) => batches.push(items),
    log: { info: () => undefined },
    now: () => new Date(),
    newId,
    expiresAt: () => null,
    fixReplicaId: crypto.randomUUID(),
  })
  services.push(service)
  return service.fix!
}
const replica = createReplica()
const other = createReplica()

let sessions = 0
const newSession = (): string => `FIRM->ORDERS ${++sessions}`
const take = async (by: FixUseCases = replica, session = newSession()): Promise<FixSession> =>
  (await by.takeSession(session))!

const userId = crypto.randomUUID()
const firm: Caller = { subject: userId, userId, scopes: new Set(['orders:write']), credential: 'fix' }
const callOf = ({ taken }: FixSession): Call =>
  aCall({ caller: firm, requestId: 'r', door: { kind: 'fix', session: taken.session } })
const order = (session: FixSession, number: number, changes: Partial<OrderTerms> = {}) =>
  session.place({
    call: callOf(session),
    number,
    request: JSON.stringify({ number }),
    terms: someTerms({ userId, ...changes }),
  })
const cancel = (session: FixSession, number: number, clientOrderId: string) =>
  session.cancel({
    call: callOf(session),
    number,
    request: JSON.stringify({ number }),
    key: { userId, clientOrderId: `cancel ${session.taken.session} ${number}` },
    target: { clientOrderId },
  })
const body = Buffer.from('35=8\x01')
const at = new Date('2026-01-02T03:04:05.678Z')
const numbersOf = async ({ taken }: FixSession) => {
  const numbers = await db.run((sql) => readFixSession(sql, taken))
  return numbers === null ? null : { nextIn: numbers.nextIn, nextOut: numbers.nextOut }
}
const due = { ok: false, code: 'DUE' } as const
const lost = { ok: false, code: 'SESSION_LOST' } as const

describe('the messages of a session', () => {
  test('are carried out in their order, none awaited before the next', async () => {
    const session = await take()
    const key = `k ${newId()}`
    const answers = await Promise.all([
      order(session, 1, { clientOrderId: key }),
      order(session, 2),
      cancel(session, 3, key),
      session.step({ expected: 4, nextIn: 5, out: [body, null], at }),
      order(session, 5, { clientOrderId: key }),
      cancel(session, 6, key),
    ])
    expect(answers).toMatchObject([{ ok: true }, { ok: true }, { ok: true }, { ok: true, first: 1 }, due, due])
    expect(await numbersOf(session)).toEqual({ nextIn: 7, nextOut: 3 })
    const { order: order1, door } = (await replica.lookUp([userId], { clientOrderId: key }))!
    expect(door).toEqual({ kind: 'fix', session: session.taken.session })
    expect(order1.status).toBe('CANCELED')
    expect((await replica.lookUp([crypto.randomUUID(), userId], { orderId: order1.id }))?.order).toEqual(order1)
    expect(await replica.lookUp([crypto.randomUUID()], { orderId: order1.id })).toBeNull()
    expect(await session.sent({ from: 1, to: 9, limit: 9 })).toEqual([{ number: 1, at, body }])
  })

  test('begin at 1 again after a reset, in its turn', async () => {
    const session = await take()
    const answers = await Promise.all([order(session, 1), session.reset(), order(session, 1), order(session, 2)])
    expect(answers).toMatchObject([
      { ok: true },
      { ok: true, numbers: { series: '2', nextIn: 1, nextOut: 1 } },
      { ok: true },
      { ok: true },
    ])
    expect(await numbersOf(session)).toEqual({ nextIn: 3, nextOut: 1 })
  })

  test('that come while a statement is under way share the next one', async () => {
    const session = await take()
    await Promise.all(Array.from({ length: 300 }, (_, i) => order(session, i + 1)))
    expect(batches).toEqual([256, 44])
    const rows = await sql`select from orders where origin = ${`fix:${session.taken.session}`}`
    expect(rows).toHaveLength(300)
  })

  test('count among the requests that wait and run, until they have their answers', async () => {
    const session = await take()
    const load = () => services[0]!.load().place
    const answered = Promise.all([order(session, 1), order(session, 2)]).then(() => true)
    const nextTurn = () => new Promise<false>((resolve) => setImmediate(() => resolve(false)))
    let most = 0
    while (!(await Promise.race([answered, nextTurn()]))) most = Math.max(most, load().queued + load().running)
    expect(most).toBe(2)
    expect(load()).toEqual({ queued: 0, running: 0 })
  })

  test('end with the first whose number is not the next', async () => {
    const session = await take()
    const answers = await Promise.all([order(session, 1), order(session, 3), order(session, 4)])
    expect(answers).toMatchObject([{ ok: true }, lost, lost])
    expect(await order(session, 2)).toEqual(lost)
  })

  test('one that Postgres refuses waits for its answer, and those behind it are carried out', async () => {
    await sql`alter table orders add constraint no_guilty_ticker check (ticker <> 'GUILTY') not valid`
    const session = await take()
    const answers = await Promise.all(
      [1, 2, 3, 4, 5, 6, 7].map((n) => order(session, n, n % 3 === 0 ? { ticker: 'GUILTY' } : {})),
    )
    expect(answers.map(({ ok }) => ok)).toEqual([true, true, false, true, true, false, true])
    expect(await session.dues(10)).toMatchObject([
      { number: 3, reason: 'INTERNAL' },
      { number: 6, reason: 'INTERNAL' },
    ])
    expect(bugs.length).toBeGreaterThan(0)
    expect(await numbersOf(session)).toMatchObject({ nextIn: 8 })
  })

  test('that cancel an order which somebody holds locked wait for their answer, and hold up no other session', async () => {
    const impatient = createReplica(database.open({ lockTimeoutMs: 100 }))
    const [one, two] = [await take(impatient), await take(impatient)]
    const keys = [`k ${newId()}`, `k ${newId()}`] as const
    await Promise.all([order(one, 1, { clientOrderId: keys[0] }), order(two, 1, { clientOrderId: keys[1] })])
    const { order: held } = (await replica.lookUp([userId], { clientOrderId: keys[0] }))!
    const holder = database.session()
    try {
      await holder`begin`
      await holder`select from orders where id = ${held.id} for update`
      expect(await Promise.all([cancel(one, 2, keys[0]), cancel(two, 2, keys[1])])).toEqual([due, { ok: true }])
      expect(await one.dues(10)).toMatchObject([{ number: 2, reason: 'LOCKED' }])
      expect(await order(one, 3)).toMatchObject({ ok: true })
    } finally {
      await holder`rollback`
    }
    expect(await cancel(one, 4, keys[0])).toEqual({ ok: true })
  })

  test('that may not be placed wait for their answer: no room, another user, too near an end', async () => {
    const session = await take()
    accepting = false
    expect(await order(session, 1)).toEqual(due)
    accepting = true
    expect(await order(session, 2, { userId: crypto.randomUUID() })).toEqual(due)
    expect(await order(session, 3, { timeInForce: 'GTD', expiresAt: new Date().toISOString() })).toEqual(due)
    expect((await session.dues(10)).map(({ reason }) => reason)).toEqual(['OVERLOADED', 'FORBIDDEN', 'EXPIRES_AT'])
  })

  test('whose answers were lost are done once', async () => {
    const session = await take(createReplica(through))
    const key = `k ${newId()}`
    proxy.loseAnswer('insert into fix_due')
    expect(
      await Promise.all([order(session, 1, { clientOrderId: key }), order(session, 2, { clientOrderId: key })]),
    ).toMatchObject([{ ok: true }, due])
    proxy.loseAnswer("'CANCELLED'")
    expect(await cancel(session, 3, key)).toEqual({ ok: true })
    proxy.loseAnswer('insert into fix_sent')
    const [first] = await session.dues(1)
    expect(await session.step({ out: [null, body], answered: [first!], at })).toEqual({ ok: true, first: 1 })
    const orderId = (await replica.lookUp([userId], { clientOrderId: key }))!.order.id
    const events = [{ orderId, version: 0 }]
    proxy.loseAnswer('insert into fix_sent')
    expect(await session.report({ from: null, to: { logEpoch: 1, cursor: 'c' }, events, at })).toEqual({
      ok: true,
      reports: [{ orderId, version: 0, number: 3 }],
    })
    expect(await numbersOf(session)).toEqual({ nextIn: 4, nextOut: 4 })
    expect(await session.dues(10)).toEqual([])
  })
})

describe('a session that is taken over', () => {
  test('is lost to who had it, whatever waits there, and goes on where it stood', async () => {
    const session = await take()
    const key = `k ${newId()}`
    await Promise.all([order(session, 1, { clientOrderId: key }), order(session, 2, { clientOrderId: key })])
    // Its replica dies here: the answer to message 2 was never recorded.
    await session.release()
    const after = await take(other, session.taken.session)
    expect(after.taken).toMatchObject({ nextIn: 3, nextOut: 1 })
    expect(await Promise.all([order(session, 3), session.step({ out: [body], at })])).toEqual([lost, lost])
    const [waiting, ...more] = await after.dues(10)
    expect([waiting!.number, more]).toEqual([2, []])
    expect(await after.step({ out: [body], answered: [waiting!], at })).toEqual({ ok: true, first: 1 })
    expect(await order(after, 3)).toMatchObject({ ok: true })
    expect(await numbersOf(after)).toEqual({ nextIn: 4, nextOut: 2 })
  })

  test('is free within seconds once nobody renews it', async () => {
    const session = await take()
    expect(await replica.renewSessions([session.taken])).toEqual(new Set([session.taken.session]))
    const since = performance.now()
    expect(await other.takeSession(session.taken.session)).toBeNull()
    await until(() => other.takeSession(session.taken.session), { what: 'the lease is over' })
    expect(performance.now() - since).toBeLessThan(fixLeaseMs + 5_000)
    expect(await replica.renewSessions([session.taken])).toEqual(new Set())
  })

  test('is renewed while somebody holds the row of another one locked', async () => {
    const impatient = createReplica(database.open({ lockTimeoutMs: 100 }))
    const leases = [await take(), await take(), await take()].map(({ taken }) => taken)
    const ids = leases.map(({ session }) => session)
    await sql`update fix_sessions set expires_at = now() where id = any (${ids})`
    const isOver = async () =>
      (
        await sql<
          { is: boolean }[]
        >`select expires_at <= now() as is from fix_sessions where id = any (${ids}) order by id`
      ).map(({ is }) => is)
    const [, locked] = ids.toSorted()
    const holder = database.session()
    try {
      await holder`begin`
      await holder`select from fix_sessions where id = ${locked!} for update`
      expect(await impatient.renewSessions(leases)).toEqual(new Set(ids))
      expect(await isOver()).toEqual([false, true, false])
    } finally {
      await holder`rollback`
    }
    expect(await impatient.renewSessions(leases)).toEqual(new Set(ids))
    expect(await isOver()).toEqual([false, false, false])
  })

  test('at any moment, loses no message and does none twice', async () => {
    const random = createRandom(17)
    const session = newSession()
    const keys = Array.from({ length: 6 }, () => `k ${newId()}`)
    let next = 1
    const done: number[] = []
    for (let turn = 0; turn < 12; turn++) {
      const by = turn % 2 === 0 ? replica : other
      const before = await take(by, session)
      expect(before.taken.nextIn).toBe(next)
      // As its client does: it goes on with the number that is expected, and sends a few ahead.
      const sending = Array.from({ length: 20 }, (_, i) =>
        order(before, next + i, { clientOrderId: keys[random.below(6)]! }),
      )
      const answersFrom = next
      if (random.below(2) === 0) await Promise.resolve()
      await Promise.race([sending[random.below(20)]!, Bun.sleep(random.below(20))])
      // A new connection of the same replica, or after the end of the lease: the epoch is another one at once.
      await sql`update fix_sessions set expires_at = now() where id = ${session}`
      const after = await take(by === replica ? other : replica, session)
      const answers = await Promise.all(sending)
      next = after.taken.nextIn
      for (const [i, answer] of answers.entries()) {
        const consumed = answer.ok || answer.code === 'DUE'
        if (consumed) {
          expect(answersFrom + i).toBeLessThan(next)
          done.push(answersFrom + i)
        }
      }
      await after.release()
    }
    const rows = await sql<{ number: string }[]>`
      select in_number as number from fix_due where session = ${session}`
    const [stored] = await sql<{ orders: number }[]>`
      select count(*)::integer as orders from orders where origin = ${`fix:${session}`}`
    expect(rows.length + stored!.orders).toBe(next - 1)
    expect(done.length).toBeLessThanOrEqual(next - 1)
    expect(stored!.orders).toBeLessThanOrEqual(keys.length)
  })
})
