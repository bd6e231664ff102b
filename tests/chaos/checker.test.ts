// Proves: the checker finds nothing in a world where everything is right, and finds every kind of violation in a world with that
// one corruption of the clients' log, a topic or a table. The log of the service and its streams: checkerLog.test.ts; longer
// lives: checkerLives.test.ts; sessions of FIX: checkerFix.test.ts; halts, voids and cancels of many: checkerControl.test.ts.

import { describe, expect, test } from 'bun:test'
import { check } from './checker/check.ts'
import type { ControlViolationKind } from './checker/controlEvidence.ts'
import type {
  Answer,
  FixViolationKind,
  LifeViolationKind,
  LogLine,
  LogViolationKind,
  ViolationKind,
} from './checker/evidence.ts'
import { ids, sample, timeAt, type Sample } from './checker/sample.ts'

const kindsIn = (evidence: Sample): ViolationKind[] => [...new Set(check(evidence).violations.map(({ kind }) => kind))]

const order = ({ orders }: Sample, id: string) => orders.find((each) => each.id === id)!
const remove = <T>(list: T[], found: (item: T) => boolean): void => void list.splice(list.findIndex(found), 1)
const answerTo = ({ log }: Sample, n: number): Answer =>
  log.find((line): line is Answer => 'answer' in line && line.answer === n)!
const say = (evidence: Sample, answer: Omit<Answer, 'at'>): void =>
  void Object.assign(answerTo(evidence, answer.answer), answer)
const encoded = (text: string): Uint8Array => new TextEncoder().encode(text)

/** Corruptions of the world, by the kind of violation that the checker must find. It may find other kinds too. */
const corruptions: Record<
  Exclude<ViolationKind, LogViolationKind | LifeViolationKind | ControlViolationKind | FixViolationKind>,
  Record<string, (evidence: Sample) => void>
> = {
  ACKED_ORDER_MISSING: {
    'a 202 whose order is not there': (world) => remove(world.orders, ({ id }) => id === ids.sell),
  },
  ORDER_TERMS_DIFFER: {
    'a 202 whose order has another quantity': (world) => (order(world, ids.sell).quantity += 1n),
  },
  ORDER_FROM_NOWHERE: {
    'an order that nobody asked for': (world) =>
      world.orders.push({ ...order(world, ids.sell), id: ids.stranger, userId: 'nobody' }),
    'an order whose only request was answered 503': (world) =>
      world.orders.push({ ...order(world, ids.sell), id: ids.stranger, userId: 'refused' }),
    'an order whose only request found nobody listening': (world) => {
      say(world, { answer: 4, status: 0, error: 'refused' })
      world.orders.push({ ...order(world, ids.sell), id: ids.stranger, userId: 'refused' })
    },
  },
  KEY_MADE_TWO: {
    'two rows for one key': (world) => world.orders.push({ ...order(world, ids.buy), id: ids.stranger }),
    'two ids for one key': (world) =>
      world.log.push(
        { ...(world.log[0] as Extract<LogLine, { op: 'place' }>), sent: 10 },
        { answer: 10, at: timeAt(10), status: 202, orderId: ids.sell, replayed: true },
      ),
    'two rows for one request without a key': (world) =>
      world.orders.push({ ...order(world, ids.sell), id: ids.stranger }),
  },
  WRONG_ANSWER: {
    'a 400 to a lawful order': (world) => say(world, { answer: 4, status: 400 }),
    'a 422 though the key holds the same order': (world) => say(world, { answer: 1, status: 422 }),
    'a repetition that is not marked': (world) =>
      world.log.push(
        { ...(world.log[0] as Extract<LogLine, { op: 'place' }>), sent: 10 },
        { answer: 10, at: timeAt(10), status: 202, orderId: ids.buy, replayed: false },
      ),
    'a cancel refused because the order is NEW': (world) => say(world, { answer: 8, status: 409, orderStatus: 'NEW' }),
    'a 404 to a cancel of an acknowledged order': (world) => say(world, { answer: 8, status: 404 }),
    'a 404 to a read of an acknowledged order': (world) => say(world, { answer: 9, status: 404 }),
  },
  INTERNAL_ERROR: {
    'a 500 to an order': (world) => say(world, { answer: 4, status: 500 }),
    'a 500 to a cancel': (world) => say(world, { answer: 8, status: 500 }),
    'a 500 to a read': (world) => say(world, { answer: 9, status: 500 }),
  },
  CANCEL_LOST: { 'a 200 to a cancel, and the order is open': (world) => (order(world, ids.canceled).status = 'NEW') },
  CANCEL_FROM_NOWHERE: {
    'CANCELED though nobody canceled it': (world) =>
      (world.log = world.log.filter((line) => !('sent' in line && line.sent === 7))),
    'CANCELED though the only cancel was answered 503': (world) => say(world, { answer: 7, status: 503 }),
  },
  EVENT_MISSING: {
    'no placement': (world) => remove(world.placed, ({ eventId }) => eventId === 'event-placed-sell'),
    'no cancellation': (world) => (world.cancelled = []),
  },
  EVENT_FROM_NOWHERE: {
    'a placement of no order': (world) =>
      world.placed.push({ ...world.placed[0]!, eventId: 'x', value: `{"orderId":"${ids.stranger}"}` }),
    'a placement that is no JSON': (world) => (world.placed[3]!.value = 'no JSON'),
    'a placement that is null': (world) => (world.placed[3]!.value = 'null'),
    'a cancellation that is null': (world) => (world.cancelled[0]!.value = 'null'),
    'a cancellation of an order that is open': (world) =>
      world.cancelled.push({ ...world.placed[1]!, eventId: 'x', appendedAt: 200 }),
  },
  EVENT_ID_DIFFERS: {
    'a repeat under another id': (world) => (world.placed[2]!.eventId = 'another'),
    'one id for two events': (world) => (world.placed[3]!.eventId = world.placed[1]!.eventId),
    'no id': (world) => (world.placed[3]!.eventId = null),
  },
  EVENT_CONTENT_DIFFERS: {
    'another price': (world) => (world.placed[0]!.value = world.placed[0]!.value!.replace('1.5', '1.50000001')),
    'another key': (world) => (world.placed[0]!.key = 'MSFT'),
    'a word that no engine knows': (world) =>
      (world.placed[0]!.value = world.placed[0]!.value!.replace('"GTC"', '"DAY"')),
    'another partition': (world) => (world.placed[0]!.partition = 5 - world.placed[0]!.partition),
  },
  TICKER_ORDER: {
    'a placement behind one that was sent after its acknowledgement': (world) => {
      world.placed = [world.placed[1]!, world.placed[0]!, world.placed[3]!].map((each, offset) => ({ ...each, offset }))
    },
  },
  CANCEL_BEFORE_PLACEMENT: { 'a cancellation appended first': (world) => (world.cancelled[0]!.appendedAt = 12) },
  LEG_WITHOUT_DISPOSITION: {
    'a fill that is not in the ledger': (world) => remove(world.ledger, ({ tradeId }) => tradeId === 'T4'),
    'an over-filling leg without an exception': (world) => remove(world.exceptions, ({ tradeId }) => tradeId === 'T2'),
    'a fill of another amount': (world) => (world.ledger[0]!.quantity -= 1n),
  },
  LEDGER_ROW_UNEXPECTED: {
    'a fill of no trade': (world) => (world.ledger[0]!.tradeId = 'T9'),
    'a fill applied twice': (world) => world.ledger.push({ ...world.ledger[1]!, version: 2, offset: 1 }),
    'a late fill of an open order': (world) => (world.ledger[0]!.late = true),
    'a fill that came in time of a canceled order': (world) => (world.ledger[3]!.late = false),
  },
  LEDGER_OUT_OF_ORDER: {
    'fills applied the other way round': (world) => {
      world.ledger[0]!.version = 2
      world.ledger[2]!.version = 1
    },
  },
  EXCEPTION_UNEXPECTED: {
    'an exception of no leg': (world) => (world.exceptions[0]!.tradeId = 'T9'),
    'one kept twice': (world) => world.exceptions.push(world.exceptions[0]!),
  },
  EXCEPTION_DIFFERS: {
    'another disposition': (world) => (world.exceptions[0]!.disposition = 'OVERFILL'),
    'other bytes': (world) => (world.exceptions[0]!.message = encoded('x')),
  },
  DEAD_LETTER_MISSING: {
    'of a malformed message': (world) => remove(world.letters, ({ offset }) => offset === 7),
    'of an unknown leg': (world) => remove(world.letters, ({ offset }) => offset === 5),
  },
  DEAD_LETTER_UNEXPECTED: {
    'of a trade that was applied': (world) =>
      world.letters.push({
        ...world.letters[1]!,
        headers: { 'x-dead-letter-id': `trades-${world.trades[0]!.partition}-0` },
      }),
  },
  DEAD_LETTER_DIFFERS: {
    'other bytes': (world) => (world.letters[1]!.bytes = encoded('x')),
    'another disposition': (world) =>
      (world.letters[1]!.headers = { ...world.letters[1]!.headers, 'x-disposition': 'UNKNOWN_ORDER' }),
    'another leg': (world) =>
      (world.letters[0]!.headers = { ...world.letters[0]!.headers, 'x-legs': `BUY:${ids.buy}` }),
  },
  FILL_DIFFERS: {
    'filled quantity': (world) => (order(world, ids.sell).filled += 1n),
    notional: (world) => (order(world, ids.sell).notional += 1n),
    'last price': (world) => (order(world, ids.sell).lastPrice = 1n),
  },
  STATUS_DIFFERS: { 'FILLED by half': (world) => (order(world, ids.sell).status = 'FILLED') },
  VERSION_DIFFERS: {
    'a version too many': (world) => order(world, ids.sell).version++,
  },
  OVERFILLED: { 'more than was asked for': (world) => (order(world, ids.buy).filled += 1n) },
  FINAL_STATUS_CHANGED: {
    'FILLED and open again': (world) => {
      world.audit.push({ orderId: ids.buy, from: 'FILLED', to: 'PARTIALLY_FILLED' })
      world.audit.push({ orderId: ids.buy, from: 'PARTIALLY_FILLED', to: 'FILLED' })
    },
  },
  STATUS_UNLAWFUL: {
    'a change that no row stands for': (world) =>
      world.audit.push({ orderId: ids.sell, from: 'PARTIALLY_FILLED', to: 'CANCELED' }),
    'a status that nobody saw come': (world) => remove(world.audit, ({ to }) => to === 'CANCELED'),
  },
  STUCK_OUTBOX: { 'an event that waits': (world) => (world.rest.outbox = 1) },
  STUCK_LAG: { 'a trade that is not committed': (world) => (world.rest.lag = 1) },
  STUCK_SET_ASIDE: { 'a ticker that is set aside': (world) => (world.rest.setAside = 1) },
  NOT_READY: { 'a replica that is not ready': (world) => (world.rest.notReady = ['a: 503']) },
}

test('a world in which everything is right has no violation', () => {
  const { violations, counts } = check(sample())
  expect(violations).toEqual([])
  expect(counts.ordersAcked).toBe(3)
  expect(counts.eventRepeats).toBe(1)
  expect(counts.dispositions).toEqual({
    MALFORMED: 1,
    UNKNOWN_ORDER: 1,
    MISMATCH: 1,
    DUPLICATE: 2,
    CONFLICT: 1,
    OVERFILL: 1,
    LATE: 1,
    APPLIED: 3,
  })
})

for (const [kind, stories] of Object.entries(corruptions))
  describe(`names ${kind}`, () => {
    for (const [story, corrupt] of Object.entries(stories))
      test(story, () => {
        const evidence = sample()
        corrupt(evidence)
        expect(kindsIn(evidence)).toContain(kind as ViolationKind)
      })
  })

describe('does not cry wolf', () => {
  test('an order whose answer was lost may exist', () => {
    const evidence = sample()
    say(evidence, { answer: 4, status: 504 })
    expect(kindsIn(evidence)).toEqual([])
  })

  test('events and dead letters may repeat', () => {
    const evidence = sample()
    evidence.placed.push({ ...evidence.placed[0]!, offset: 9, appendedAt: 300 })
    evidence.letters.push({ ...evidence.letters[0]!, offset: 9 })
    const { violations, counts } = check(evidence)
    expect(violations).toEqual([])
    expect([counts.eventRepeats, counts.letterRepeats]).toEqual([2, 1])
  })

  test('a mismatch that came twice may be kept from either message', () => {
    const evidence = sample()
    evidence.trades.push({ ...evidence.trades[4]!, offset: 8 })
    expect(kindsIn(evidence)).toEqual([])
    evidence.exceptions[2]!.offset = 8
    expect(kindsIn(evidence)).toEqual([])
    evidence.exceptions[2]!.offset = 2
    expect(kindsIn(evidence)).toContain('EXCEPTION_DIFFERS')
  })

  test('placements under way at the same time may stand either way round', () => {
    const evidence = sample()
    const [first, second, , fourth] = evidence.placed
    evidence.placed = [second!, first!, fourth!].map((each, offset) => ({ ...each, offset }))
    const sent = evidence.log.splice(4, 1)[0]!
    evidence.log.unshift(sent)
    expect(kindsIn(evidence)).toEqual([])
  })
})
