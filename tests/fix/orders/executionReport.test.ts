// Proves: each event of the log is reported as the table of the contract says, with the amounts of the order as that event left it.

import { describe, expect, test } from 'bun:test'
import type { Cause, HistoryEvent, HistoryKind } from '../../../src/domain/history.ts'
import { applyFill, type Order } from '../../../src/domain/order.ts'
import { reasonCodes, type Reason } from '../../../src/domain/reason.ts'
import { executionReport } from '../../../src/fix/orders/executionReport.ts'
import { concerns } from '../../../src/fix/orders/session.ts'
import { amount, anOrder } from '../../support/builders.ts'
import { userId } from '../../support/orderBody.ts'
import { now, session, shown } from './someSession.ts'

const id = '01890000-0000-7000-8000-000000000001'
const order = (changes: Partial<Order> = {}): Order => ({
  ...anOrder({ id, now, userId, clientOrderId: 'X', quantity: amount('100'), price: amount('150.5') }),
  ...changes,
})
const request: Cause = { kind: 'request', requestId: 'r' }
const eventOf = (kind: HistoryKind, of: Order, changes: Partial<HistoryEvent> = {}): HistoryEvent => ({
  kind,
  at: now,
  order: of,
  fill: null,
  reason: null,
  cause: request,
  ...changes,
})
const reportOf = (event: HistoryEvent, by = session(), origin: string | null = 'fix:desk') =>
  shown(executionReport({ event, origin }, by))

const filled = (of: Order, quantity: string, price: string, late = false): HistoryEvent => {
  const after = applyFill(of, { quantity: amount(quantity), price: amount(price), now })
  const fill = { tradeId: `t-${after.version}`, side: of.side, quantity: amount(quantity), price: amount(price), late }
  return eventOf('FILLED', after, { fill, cause: { kind: 'trade' } })
}
const ended = (of: Order, status: 'CANCELED' | 'EXPIRED' | 'REJECTED', reason: Reason, cause = request): HistoryEvent =>
  eventOf(status, { ...of, status, reason, version: of.version + 1 }, { reason, cause })

test('accepted: every field, in the order of the wire', () => {
  expect(executionReport({ event: eventOf('ACCEPTED', order()), origin: 'fix:desk' }, session())).toEqual({
    type: '8',
    body: [
      [37, id],
      [11, 'X'],
      [17, `${id}.0`],
      [150, '0'],
      [39, '0'],
      [55, 'AAPL'],
      [54, '1'],
      [38, '100'],
      [40, '2'],
      [44, '150.5'],
      [59, '1'],
      [151, '100'],
      [14, '0'],
      [6, '0'],
      [60, '20260102-03:04:05.678'],
    ],
  })
})

test('what the order asks for is in its report', () => {
  const all = order({
    side: 'SELL',
    type: 'STOP_LIMIT',
    timeInForce: 'GTD',
    stopPrice: amount('160'),
    displayQuantity: amount('0.5'),
    expiresAt: '2026-01-31T21:00:00.250Z',
  })
  const accounts = new Map([['ACC', userId]])
  expect(reportOf(eventOf('ACCEPTED', all), session({ accounts }))).toMatchObject({
    1: 'ACC',
    54: '2',
    40: '4',
    44: '150.5',
    99: '160',
    59: '6',
    126: '20260131-21:00:00.250',
    111: '0.5',
  })
  expect(reportOf(eventOf('ACCEPTED', order({ postOnly: true })))).toMatchObject({ 18: '6' })
  const day = reportOf(eventOf('ACCEPTED', order({ timeInForce: 'DAY', expiresAt: '2026-01-31T21:00:00.250Z' })))
  expect(day).toMatchObject({ 59: '0' })
  expect(day[126]).toBeUndefined()
})

test('a stop is accepted while it waits, and triggered later', () => {
  const stop = order({ type: 'STOP', price: null, stopPrice: amount('160') })
  expect(reportOf(eventOf('ACCEPTED', stop))).toMatchObject({ 150: '0', 39: '0', 40: '3', 151: '100' })
  const triggered = eventOf('TRIGGERED', { ...stop, triggeredAt: now, version: 1 })
  expect(reportOf(triggered)).toMatchObject({ 17: `${id}.1`, 150: 'L', 39: '0', 151: '100', 14: '0' })
})

test('fills, the last fill, and fills that come late', () => {
  const first = filled(order(), '30', '150')
  expect(reportOf(first)).toMatchObject({
    17: `${id}.1`,
    150: 'F',
    39: '1',
    32: '30',
    31: '150',
    14: '30',
    151: '70',
    6: '150',
    527: 't-1',
  })
  const last = filled(first.order, '70', '149.99')
  expect(reportOf(last)).toMatchObject({
    17: `${id}.2`,
    150: 'F',
    39: '2',
    32: '70',
    14: '100',
    151: '0',
    6: '149.993',
  })
  // Each report is that of its own event, whatever came after.
  expect(reportOf(first)).toMatchObject({ 14: '30', 151: '70', 6: '150' })
  for (const [status, code] of [
    ['CANCELED', '4'],
    ['EXPIRED', 'C'],
  ] as const) {
    const end = ended(first.order, status, { code: 'USER_CANCELED', text: null })
    const late = filled(end.order, '20', '151', true)
    expect(reportOf(late)).toMatchObject({ 11: 'X', 150: 'F', 39: code, 32: '20', 14: '50', 151: '0', 6: '150.4' })
  }
})

test('AvgPx has eight decimals, rounded half-even from the exact sums', () => {
  const averageOf = (fills: readonly [string, string][]): string | undefined => {
    const [first, ...rest] = fills
    let event = filled(order({ quantity: amount('100') }), first![0], first![1])
    for (const [quantity, price] of rest) event = filled(event.order, quantity, price)
    return reportOf(event)[6]
  }
  expect(
    averageOf([
      ['1', '1'],
      ['2', '2'],
    ]),
  ).toBe('1.66666667')
  expect(
    averageOf([
      ['1', '0.00000001'],
      ['1', '0.00000002'],
    ]),
  ).toBe('0.00000002')
  expect(
    averageOf([
      ['1', '0.00000002'],
      ['1', '0.00000003'],
    ]),
  ).toBe('0.00000002')
  expect(
    averageOf([
      ['99', '999999999999.99999999'],
      ['1', '999999999999.99999998'],
    ]),
  ).toBe('999999999999.99999999')
})

describe('canceled', () => {
  const byRequest = (from: string, requestId = 'Y'): Cause => ({ kind: 'fix', session: from, requestId })
  const user: Reason = { code: 'USER_CANCELED', text: null }
  const part = filled(order(), '30', '150').order

  test('by an OrderCancelRequest: 11 is its id, 41 the order’s; fills are kept', () => {
    const report = reportOf(ended(part, 'CANCELED', user, byRequest('desk')))
    expect(report).toMatchObject({ 11: 'Y', 41: 'X', 150: '4', 39: '4', 14: '30', 151: '0', 6: '150' })
    expect(report[378]).toBeUndefined()
  })

  test('by a request of another session: the owner is told, the canceling session answered, a drop copy sees what the owner sees', () => {
    const own = ended(order(), 'CANCELED', user, byRequest('desk'))
    const foreign = ended(order(), 'CANCELED', user, byRequest('other'))
    expect(reportOf(foreign, session())).toMatchObject({ 11: 'X', 378: '99', 58: 'USER_CANCELED' })
    expect(reportOf(foreign, session())[41]).toBeUndefined()
    expect(reportOf(foreign, session({ id: 'other' }))).toMatchObject({ 11: 'Y', 41: 'X' })
    expect(reportOf(own, session({ id: 'copy', reports: 'all' }))).toMatchObject({ 11: 'Y', 41: 'X' })
    expect(reportOf(foreign, session({ id: 'copy', reports: 'all' }))).toMatchObject({ 11: 'X', 378: '99' })
  })

  test('by its own mass cancel: no request is named, and none is missing', () => {
    const cause: Cause = { kind: 'mass-cancel', session: 'desk', requestId: 'Y' }
    const report = reportOf(ended(order(), 'CANCELED', { code: 'MASS_CANCELED', text: null }, cause))
    expect(report).toMatchObject({ 11: 'X', 150: '4', 39: '4', 58: 'MASS_CANCELED' })
    expect([report[41], report[378]]).toEqual([undefined, undefined])
  })

  const expected = new Map(
    Object.entries({
      HALT: '6',
      CANCEL_AFTER: '7',
      ENGINE_CANCELED: '8',
      ENGINE_EXPIRED: '8',
      REMAINDER: '8',
    }),
  )
  test.each([...reasonCodes, 'A_CODE_OF_TOMORROW', 'toString'])('otherwise, %s', (code) => {
    const report = reportOf(ended(order(), 'CANCELED', { code, text: 'why' }))
    expect(report).toMatchObject({ 11: 'X', 150: '4', 39: '4', 378: expected.get(code) ?? '99', 58: `${code}: why` })
    expect(report[41]).toBeUndefined()
  })
})

describe('rejected', () => {
  const expected = new Map(
    Object.entries({
      HALTED: '2',
      UNKNOWN_TICKER: '1',
      TICK_SIZE: '3',
      QUANTITY_LIMIT: '3',
      NOTIONAL_LIMIT: '3',
      PRICE_BAND: '3',
      LOT_SIZE: '13',
      NOT_SUPPORTED_BY_ENGINE: '11',
    }),
  )
  test.each([...reasonCodes, 'A_CODE_OF_TOMORROW', 'toString'])('%s', (code) => {
    const reason = { code, text: 'say it otherwise' }
    const event = eventOf('REJECTED', { ...order(), status: 'REJECTED', reason }, { reason })
    expect(reportOf(event)).toMatchObject({
      17: `${id}.0`,
      150: '8',
      39: '8',
      103: expected.get(code) ?? '99',
      58: `${code}: say it otherwise`,
      14: '0',
      151: '0',
    })
  })
})

test('expired', () => {
  const part = filled(order(), '30', '150').order
  expect(reportOf(ended(part, 'EXPIRED', { code: 'EXPIRED_DAY', text: null }))).toMatchObject({
    150: 'C',
    39: 'C',
    14: '30',
    151: '0',
    58: 'EXPIRED_DAY',
  })
})

test('texts of others end no field and are no longer than a line', () => {
  const event = ended(order(), 'CANCELED', { code: 'ENGINE_CANCELED', text: `a\u0001150=F\né${'x'.repeat(1_000)}` })
  const text = reportOf(event)[58]!
  expect(text).toStartWith('ENGINE_CANCELED: a?150=F??xx')
  expect(text).toHaveLength(255)
})

test('an event that nobody dated has the time of the order', () => {
  expect(reportOf(eventOf('ACCEPTED', order(), { at: null }))[60]).toBe('20260102-03:04:05.678')
})

describe('ids', () => {
  const key = { clientOrderId: '20260102:X' }
  test('the date leaves the ClOrdID where the session put it there', () => {
    const daily = session({ idsPerDay: true })
    expect(reportOf(eventOf('ACCEPTED', order(key)), daily)[11]).toBe('X')
    expect(reportOf(eventOf('ACCEPTED', order(key)), daily, null)[11]).toBe('20260102:X')
    expect(reportOf(eventOf('ACCEPTED', order(key)), session())[11]).toBe('20260102:X')
  })
  test('an order without a key has no ClOrdID', () => {
    expect(reportOf(eventOf('ACCEPTED', order({ clientOrderId: null })), session(), null)[11]).toBeUndefined()
  })
})

describe('a session hears', () => {
  const event = { origin: 'fix:desk', userId, cause: request }
  test('of its own orders, or of all of its users', () => {
    expect(concerns(session(), event)).toBeTrue()
    for (const origin of [null, 'grpc', 'fix:desk2', 'desk']) {
      expect(concerns(session(), { ...event, origin })).toBeFalse()
      expect(concerns(session({ reports: 'all' }), { ...event, origin })).toBeTrue()
    }
    expect(concerns(session({ reports: 'all' }), { ...event, origin: null, userId: crypto.randomUUID() })).toBeFalse()
    // An order that came through it stays its own, whoever its users are now.
    expect(concerns(session({ reports: 'all' }), { ...event, userId: crypto.randomUUID() })).toBeTrue()
    const accounts = new Map([['ACC', userId]])
    expect(concerns(session({ reports: 'all', user: null, accounts }), { ...event, origin: null })).toBeTrue()
  })
  test('of what it did to an order of another door', () => {
    for (const kind of ['fix', 'mass-cancel'] as const) {
      const cause: Cause = { kind, session: 'desk', requestId: 'Y' }
      expect(concerns(session(), { ...event, origin: null, cause })).toBeTrue()
      expect(concerns(session({ id: 'other' }), { ...event, origin: null, cause })).toBeFalse()
    }
  })
})
