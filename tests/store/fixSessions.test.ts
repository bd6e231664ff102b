// Proves: one replica at a time has a session of FIX, and whoever lost it changes nothing; numbers are given once, whatever answers are
// lost and whoever else calls; what was sent by number can be read again, reports from the log.

import { describe, expect, test } from 'bun:test'
import { applyTrades } from '../../src/app/fill.ts'
import {
  advanceFixSession,
  readAttempted,
  readDueMessages,
  readSent,
  reportInFixSessions,
  type FixReports,
  type FixStep,
} from '../../src/store/fixSent.ts'
import {
  readFixSession,
  releaseFixSession,
  renewFixSessions,
  resetFixSession,
  takeFixSession,
  type TakenSession,
} from '../../src/store/fixSessions.ts'
import { moveOrders } from '../../src/store/moves.ts'
import { aCancel, aPlacement, aTrade, newId } from '../support/builders.ts'
import { ownDatabase } from '../support/ownDatabase.ts'
import { storeOrders } from '../support/storeOrders.ts'
import { until } from '../support/until.ts'
import { untilBlocked } from '../support/waiting.ts'

const { database, sql } = await ownDatabase()
const db = database.open({ plans: 'keys' })
const [one, two] = [crypto.randomUUID(), crypto.randomUUID()]

let sessions = 0
const newSession = (): string => `FIRM->ORDERS ${++sessions}`
const take = (session: string, replicaId = one, ttlMs = 60_000) =>
  db.run((sql) => takeFixSession(sql, { session, replicaId, ttlMs }))
const taken = async (session = newSession()): Promise<TakenSession> => (await take(session))!

const at = new Date('2026-01-02T03:04:05.678Z')
const step = (session: TakenSession, changes: Partial<FixStep> = {}): FixStep => ({
  session: session.session,
  epoch: session.epoch,
  attempt: newId(),
  out: [],
  at,
  ...changes,
})
const advance = (step: FixStep) => db.run((sql) => advanceFixSession(sql, step))
const page = (session: TakenSession, changes: Partial<FixReports> = {}): FixReports => ({
  session: session.session,
  epoch: session.epoch,
  attempt: newId(),
  from: null,
  to: { logEpoch: 1, cursor: 'first' },
  events: [],
  at,
  ...changes,
})
const reportAll = (...pages: FixReports[]) => db.run((sql) => reportInFixSessions(sql, pages))
const report = async (page: FixReports) => (await reportAll(page))[0]!
const numbers = async (lease: TakenSession) => (await db.run((sql) => readFixSession(sql, lease)))!
const sent = (session: TakenSession, from = 1, to = 1_000, limit = 1_000) =>
  db.run((sql) => readSent(sql, { session: session.session, from, to, limit }))
const body = (text: string) => Buffer.from(text, 'latin1')

describe('a session', () => {
  test('whose lease is of before the clock was set back is of the next that asks', async () => {
    const session = await taken()
    expect(await take(session.session, two)).toBeNull()
    await sql`update fix_sessions set expires_at = expires_at + interval '1 hour' where id = ${session.session}`
    expect((await take(session.session, two))!.epoch).not.toBe(session.epoch)
  })

  test('is of whoever takes it first, until it is given back', async () => {
    const session = newSession()
    const first = await take(session)
    expect(first).toEqual({ session, epoch: '1', series: '1', nextIn: 1, nextOut: 1, place: null })
    expect(await take(session, two)).toBeNull()
    await db.run((sql) => releaseFixSession(sql, first!))
    expect(await take(session, two)).toMatchObject({ epoch: '2', nextIn: 1 })
  })

  test('goes to one of many that ask at once', async () => {
    const session = newSession()
    const all = await Promise.all(Array.from({ length: 20 }, () => take(session, crypto.randomUUID())))
    expect(all.filter((lease) => lease !== null)).toHaveLength(1)
  })

  test('is taken over once its lease is over, and kept while it is renewed', async () => {
    const lease = (await take(newSession(), one, 300))!
    const renewed = () => db.run((sql) => renewFixSessions(sql, { leases: [lease], ttlMs: 300 }))
    expect(await renewed()).toEqual(new Set([lease.session]))
    expect(await take(lease.session, two)).toBeNull()
    let later: TakenSession | null = null
    await until(async () => (later = await take(lease.session, two)) !== null, {
      what: 'the lease is over',
      deadlineMs: 10_000,
    })
    expect(later!).toMatchObject({ epoch: '2' })
    expect(await renewed()).toEqual(new Set())
    await db.run((sql) => releaseFixSession(sql, lease))
    expect(await take(lease.session, one)).toBeNull()
  })

  test('that is taken anew by its own replica is lost to the connection of before', async () => {
    const before = await taken()
    const after = await taken(before.session)
    expect(await advance(step(before, { nextIn: 2, out: [body('8')] }))).toBeNull()
    expect(await report(page(before))).toBeNull()
    expect(await db.run((sql) => resetFixSession(sql, before))).toBeNull()
    expect(await db.run((sql) => readFixSession(sql, before))).toBeNull()
    expect(await numbers(after)).toMatchObject({ nextIn: 1, nextOut: 1, place: null })
    expect(await sent(after)).toEqual([])
  })

  test('begins its numbers anew in a series of its own', async () => {
    const session = await taken()
    await advance(step(session, { nextIn: 8, out: [body('a'), body('b')] }))
    expect(await db.run((sql) => resetFixSession(sql, session))).toMatchObject({ series: '2', nextIn: 1, nextOut: 1 })
    expect(await sent(session)).toEqual([])
    expect(await advance(step(session, { out: [body('c')] }))).toBe(1)
    expect(await sent(session)).toEqual([{ number: 1, at, body: body('c') }])
  })
})

describe('a step', () => {
  test('moves the numbers and keeps what is sent, without what the session itself says', async () => {
    const session = await taken()
    const out = [body('first\x01\xff'), null, body('third')]
    expect(await advance(step(session, { expected: 1, nextIn: 2, out }))).toBe(1)
    expect(await advance(step(session, { out: [null] }))).toBe(4)
    expect(await numbers(session)).toMatchObject({ nextIn: 2, nextOut: 5 })
    expect(await sent(session)).toEqual([
      { number: 1, at, body: out[0]! },
      { number: 3, at, body: out[2]! },
    ])
  })

  test('whose answer was lost is not taken twice, and its number is known', async () => {
    const session = await taken()
    const once = step(session, { expected: 1, nextIn: 2, out: [body('8')] })
    expect(await advance(once)).toBe(1)
    expect(await advance(once)).toBeNull()
    expect(await numbers(session)).toMatchObject({ attempt: once.attempt, attemptOut: 1, nextIn: 2, nextOut: 2 })
  })

  test('that consumes no number is not taken twice either', async () => {
    const session = await taken()
    const once = step(session, { out: [body('8'), null] })
    expect(await advance(once)).toBe(1)
    expect(await advance(once)).toBeNull()
    expect(await numbers(session)).toMatchObject({ attemptOut: 1, nextOut: 3 })
  })

  test('that expects another number does nothing', async () => {
    const session = await taken()
    expect(await advance(step(session, { expected: 2, nextIn: 3, out: [body('8')] }))).toBeNull()
    expect(await numbers(session)).toMatchObject({ nextIn: 1, nextOut: 1 })
  })

  test('gives each number once to callers at the same time', async () => {
    const session = await taken()
    const firsts = await Promise.all(
      Array.from({ length: 16 }, () => advance(step(session, { out: [body('8'), null] }))),
    )
    expect(firsts.toSorted((a, b) => a! - b!)).toEqual(Array.from({ length: 16 }, (_, i) => 1 + 2 * i))
  })

  test('takes away what it answers, once', async () => {
    const session = await taken()
    await sql`
      insert into fix_due (session, series, in_number, reason, request, at)
      values (${session.session}, 1, 5, 'KNOWN_KEY', '{"11": "a"}', now()), (${session.session}, 1, 6, 'KNOWN_KEY', '{"11": "b"}', now())`
    const dues = await db.run((sql) => readDueMessages(sql, session.session, 10))
    expect(dues).toMatchObject([{ series: '1', number: 5, request: '{"11": "a"}' }, { number: 6 }])
    // Both have seen what waits before one of them answers it.
    const third = database.session()
    await third.unsafe(`begin; select from fix_sessions where id = '${session.session}' for update`)
    const answering = [1, 2].map(() => advance(step(session, { out: [body('8')], answered: [dues[0]!] })))
    await untilBlocked(sql, 'with dues', 2)
    await third.unsafe('rollback')
    const answers = await Promise.all(answering)
    expect(answers.filter((first) => first !== null)).toEqual([1])
    expect(await db.run((sql) => readDueMessages(sql, session.session, 10))).toEqual([dues[1]!])
  })
})

describe('reports', () => {
  const places = ['first', 'second'].map((cursor) => ({ logEpoch: 1, cursor }))
  const anOrderOf = async (): Promise<string> => {
    const placement = aPlacement()
    await db.run((sql) => storeOrders(sql, [placement]))
    return placement.order.id
  }

  test('are numbered with the new place, in order, and made again from the log', async () => {
    const session = await taken()
    const id = await anOrderOf()
    await applyTrades(db, [aTrade({ buy: id, quantity: '40' })], {
      now: () => at,
      newId,
      signal: new AbortController().signal,
      onRetry: () => undefined,
    })
    await db.run((sql) => moveOrders(sql, [aCancel(id)], at))
    const events = [0, 1, 2].map((version) => ({ orderId: id, version }))
    expect(await report(page(session, { to: places[0]!, events }))).toEqual(
      events.map((event, i) => ({ ...event, number: i + 1 })),
    )
    expect(await numbers(session)).toMatchObject({ nextOut: 4, place: places[0]! })
    const again = await sent(session)
    expect(again).toMatchObject([
      { number: 1, at, event: { kind: 'ACCEPTED', order: { id, version: 0, filledQuantity: 0n } } },
      {
        number: 2,
        event: {
          kind: 'FILLED',
          order: { id, version: 1, filledQuantity: 4_000_000_000n, status: 'PARTIALLY_FILLED' },
        },
      },
      {
        number: 3,
        event: { kind: 'CANCELED', order: { id, version: 2, filledQuantity: 4_000_000_000n, status: 'CANCELED' } },
      },
    ])
    expect(await sent(session, 2, 3, 1)).toEqual([again[1]!])
    expect(await sent(session, 3, 3)).toEqual([again[2]!])
  })

  test('whose answer was lost keep their numbers', async () => {
    const session = await taken()
    const events = [{ orderId: await anOrderOf(), version: 0 }]
    const once = page(session, { events })
    const given = await report(once)
    expect(await report(once)).toBeNull()
    const { attempt, attemptOut, series } = await numbers(session)
    expect(attempt).toBe(once.attempt)
    expect(await db.run((sql) => readAttempted(sql, once, { series, first: attemptOut! }))).toEqual(given)
  })

  test('of a page that another caller reported are not given twice', async () => {
    const session = await taken()
    const events = [{ orderId: await anOrderOf(), version: 0 }]
    const results = await Promise.all(Array.from({ length: 8 }, () => report(page(session, { events }))))
    expect(results.filter((numbered) => numbered !== null)).toEqual([[{ ...events[0]!, number: 1 }]])
    expect(await numbers(session)).toMatchObject({ nextOut: 2 })
  })

  test('of many sessions are numbered in one statement, each in its own numbers', async () => {
    const [a, lost, b] = [await taken(), await taken(), await taken()]
    await advance(step(b, { out: [body('a'), body('b')] }))
    await take(lost.session)
    const [first, second] = [await anOrderOf(), await anOrderOf()].map((orderId) => ({ orderId, version: 0 }))
    await report(page(a, { to: places[0]!, events: [first!] }))
    const pages = [
      page(b, { to: places[1]!, events: [second!, first!] }),
      page(lost, { events: [first!] }),
      page(a, { from: places[0]!, to: places[1]!, events: [first!, second!] }),
    ]
    expect(await reportAll(...pages)).toEqual([
      [
        { ...second!, number: 3 },
        { ...first!, number: 4 },
      ],
      null,
      [{ ...second!, number: 2 }],
    ])
    expect(await reportAll(...pages)).toEqual([null, null, null])
    expect([await numbers(a), await numbers(b)]).toMatchObject([
      { nextOut: 3, place: places[1]!, attempt: pages[2]!.attempt },
      { nextOut: 5, place: places[1]!, attempt: pages[0]!.attempt },
    ])
    expect(await sent(lost)).toEqual([])
  })

  test('of a place that went back are given only where they are new', async () => {
    const session = await taken()
    const [old, young] = [await anOrderOf(), await anOrderOf()].map((orderId) => ({ orderId, version: 0 }))
    await report(page(session, { to: places[0]!, events: [old!] }))
    expect(await report(page(session, { from: places[0]!, to: places[1]!, events: [old!, young!] }))).toEqual([
      { ...young!, number: 2 },
    ])
    expect(await report(page(session, { from: places[1]!, to: places[0]!, events: [] }))).toEqual([])
    expect(await numbers(session)).toMatchObject({ nextOut: 3, place: places[0]! })
  })

  test('and steps at the same time never share a number', async () => {
    const session = await taken()
    const events = [{ orderId: await anOrderOf(), version: 0 }]
    const [numbered, ...steps] = await Promise.all([
      report(page(session, { events })),
      ...Array.from({ length: 8 }, () => advance(step(session, { out: [body('8')] }))),
    ])
    expect([numbered[0]!.number, ...steps].toSorted((a, b) => a! - b!)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9])
    expect(await sent(session)).toHaveLength(9)
  })

  test('go on at a place that is a week old', async () => {
    const session = await taken()
    await report(page(session, { to: places[0]! }))
    await db.run((sql) => releaseFixSession(sql, session))
    await sql`update fix_sessions set expires_at = now() - interval '7 days' where id = ${session.session}`
    const later = (await take(session.session, two))!
    expect(later.place).toEqual(places[0]!)
    expect(await report(page(later, { from: later.place, to: places[1]! }))).toEqual([])
  })
})
