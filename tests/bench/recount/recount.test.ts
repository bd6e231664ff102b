// Proves: a recount finds every kind of fault: it accepts a right world, and names the fault in the same world with one thing
// wrong.

import { describe, expect, test } from 'bun:test'
import {
  judgeBacklog,
  judgeOrders,
  judgeRows,
  judgeTrades,
  mergeRecounts,
  type OrderEvidence,
  type TradeEvidence,
} from './recount.ts'
import { parseVerify } from './verify.ts'

const orders: OrderEvidence = {
  acked: 3,
  ackedIds: ['a', 'b', 'c'],
  unanswered: 1,
  stored: new Set(['a', 'b', 'c', 'd']),
  published: new Map([
    ['a', 'e1'],
    ['b', 'e2'],
    ['c', 'e3'],
    ['d', 'e4'],
  ]),
  publishedTwice: 0,
  repeats: 5,
  waiting: 0,
}

const trades: TradeEvidence = {
  expectedLegs: new Set(['a t1', 'b t1']),
  ledgerLegs: ['a t1', 'b t1'],
  expectedExceptions: 1,
  exceptions: 1,
  expectedLetters: 2,
  letters: 2,
  expectedDuplicates: 3,
  duplicates: 3,
  lag: 0,
}

describe('a recount of orders', () => {
  test('is content with a right world, repeats of an event included', () => {
    expect(judgeOrders(orders)).toEqual({
      ok: true,
      faults: [],
      facts: { acked: 3, stored: 4, published: 4, repeats: 5 },
    })
  })

  test('needs no ids where the generator reads none', () => {
    expect(judgeOrders({ ...orders, ackedIds: null }).ok).toBe(true)
  })

  const wrong: [string, Partial<OrderEvidence>, string][] = [
    ['an order that is gone', { acked: 5, ackedIds: null }, '1 acknowledged orders are not stored'],
    ['an order too many', { unanswered: 0 }, '1 orders are stored that nobody asked for'],
    ['another order in its place', { ackedIds: ['a', 'b', 'x'] }, '1 acknowledged ids are not stored'],
    ['one id for two answers', { ackedIds: ['a', 'b', 'b'] }, '1 ids were acknowledged twice'],
    ['an event that is missing', { published: new Map([['a', 'e1']]) }, '3 stored orders were not published'],
    [
      'an event of no order',
      { published: new Map([...orders.published, ['x', 'e9']]) },
      '1 published orders are not stored',
    ],
    ['an order under two events', { publishedTwice: 1 }, '1 orders were published under two event ids'],
    ['an outbox that is not empty', { waiting: 2 }, '2 events still wait'],
  ]
  test.each(wrong)('notices %s', (_, change, sentence) => {
    const { ok, faults } = judgeOrders({ ...orders, ...change })
    expect(ok).toBe(false)
    expect(faults.join()).toContain(sentence)
  })
})

describe('a recount of trades', () => {
  test('is content with a right world', () => {
    expect(judgeTrades(trades)).toMatchObject({
      ok: true,
      facts: { applied: 2, exceptions: 1, letters: 2, duplicates: 3 },
    })
  })

  const wrong: [string, Partial<TradeEvidence>, string][] = [
    ['a leg that was lost', { ledgerLegs: ['a t1'] }, '1 legs are not in the ledger'],
    ['a leg that was not to be applied', { ledgerLegs: ['a t1', 'b t1', 'c t1'] }, '1 legs are in the ledger that'],
    ['a leg that was applied twice', { ledgerLegs: ['a t1', 'b t1', 'b t1'] }, '1 legs are in the ledger twice'],
    ['an exception too few', { exceptions: 0 }, '0 exceptions, not 1'],
    ['a dead letter too many', { letters: 3 }, '3 messages on the dead-letter topic, not 2'],
    ['a duplicate that was not noticed', { duplicates: 2 }, '2 duplicate legs counted, not 3'],
    ['messages that were not committed', { lag: 4 }, '4 messages are not committed'],
  ]
  test.each(wrong)('notices %s', (_, change, sentence) => {
    expect(judgeTrades({ ...trades, ...change }).faults.join()).toContain(sentence)
  })
})

describe('the backlog', () => {
  const samples = (waiting: (i: number) => number) =>
    Array.from({ length: 40 }, (_, i) => ({ atMs: i * 500, waiting: waiting(i), published: i * 10_000 }))

  test('may go up and down', () => {
    expect(judgeBacklog(samples((i) => 3_000 + (i % 3) * 1_000)).ok).toBe(true)
  })

  test('may have grown at first', () => {
    expect(judgeBacklog(samples((i) => Math.min(i, 15) * 5_000)).ok).toBe(true)
  })

  test('may not grow over the last half', () => {
    const { ok, faults } = judgeBacklog(samples((i) => i * 1_000))
    expect(ok).toBe(false)
    expect(faults[0]).toContain('the backlog grew by 19000')
  })

  test('has to be looked at', () => {
    expect(judgeBacklog([]).ok).toBe(false)
    expect(judgeBacklog(samples(() => 0).slice(0, 1)).ok).toBe(false)
  })
})

test('a limit has stored what it says', () => {
  expect(judgeRows('orders', 7, 7).ok).toBe(true)
  expect(judgeRows('orders', 7, 6).faults).toEqual(['6 orders are stored, not 7'])
})

test('one fault of several recounts is a fault', () => {
  const merged = mergeRecounts(judgeRows('orders', 1, 1), judgeRows('fills', 2, 1))
  expect(merged).toEqual({ ok: false, faults: ['1 fills are stored, not 2'], facts: { orders: 1, fills: 1 } })
})

describe('verify', () => {
  test('is clean by its exit code and its last line', () => {
    expect(parseVerify(0, '10 orders, 2 fills, 0 violations\n10 of about 10 orders').ok).toBe(true)
  })

  test('tells violations', () => {
    const { ok, faults } = parseVerify(1, 'missing event: order a\n10 orders, 2 fills, 1 violations')
    expect(ok).toBe(false)
    expect(faults[0]).toContain('missing event: order a')
  })

  test('that could not run is not clean', () => {
    expect(parseVerify(2, 'orders: could not verify: no answer').faults[0]).toContain('could not verify')
    expect(parseVerify(1, '10 orders, 2 fills, 0 violations').ok).toBe(false)
  })
})
