// Proves: what is no event of the log is answered as FIX has it, with a text that says what to change: refusals, duplicates, status, cancel
// rejects, mass cancels.

import { describe, expect, test } from 'bun:test'
import { statuses, type Order } from '../../../src/domain/order.ts'
import { businessReject, fieldMissing, notAllowed } from '../../../src/fix/orders/businessReject.ts'
import { statusCodes } from '../../../src/fix/orders/codes.ts'
import { decodeOrder } from '../../../src/fix/orders/decodeOrder.ts'
import {
  contradiction,
  decodeCancel,
  decodeMassCancel,
  decodeStatusRequest,
  requestKey,
  type OrderRequest,
} from '../../../src/fix/orders/decodeRequests.ts'
import type { Received } from '../../../src/fix/orders/fields.ts'
import { answerDuplicate, answerStatus, refuseOrder, refuseUnstored } from '../../../src/fix/orders/orderAnswers.ts'
import {
  cancelRefusal,
  cancelReject,
  massCancelRefusal,
  massCancelReport,
  replaceRefusal,
} from '../../../src/fix/orders/requestAnswers.ts'
import { amount, anOrder } from '../../support/builders.ts'
import { userId } from '../../support/orderBody.ts'
import { answering, newOrder, now, options, received, session, shown, type Fields } from './someSession.ts'

const id = '01890000-0000-7000-8000-000000000001'
const holder = (changes: Partial<Order> = {}) => ({
  order: {
    ...anOrder({ id, now, userId, clientOrderId: 'X', price: amount('150.5'), quantity: amount('100') }),
    ...changes,
  },
  origin: 'fix:desk',
})

describe('an order with faults', () => {
  const refused = (fields: Fields) => {
    const message = newOrder(fields)
    const decoded = decodeOrder(message, options())
    return decoded.ok ? null : shown(refuseOrder(message, decoded.faults, answering))
  }

  test('is refused as the order that it would be', () => {
    expect(refused({ 54: '5' })).toEqual({
      35: '8',
      37: 'NONE',
      11: 'X',
      17: 'answer-1',
      150: '8',
      39: '8',
      55: 'AAPL',
      54: '5',
      38: '100',
      40: '2',
      44: '150.5',
      59: '1',
      151: '0',
      14: '0',
      6: '0',
      60: '20260102-03:04:05.678',
      103: '11',
      58: '54 (Side) must be 1 (BUY), 2 (SELL)',
    })
  })

  test.each<[Fields, string, string]>([
    [{ 38: '0' }, '13', '38 (OrderQty) must be greater than 0'],
    [{ 111: '100' }, '13', '111 (MaxFloor) must be less than quantity'],
    [{ 55: 'A B' }, '1', '55 (Symbol) must be 1 to 16'],
    [{ 1: 'ACC' }, '15', '1 (Account) must be an account of this session'],
    [{ 44: '0' }, '99', '44 (Price) must be greater than 0'],
    [{ 40: '1' }, '11', '44 (Price) is forbidden for MARKET'],
    [{ 99: '1' }, '11', '99 (StopPx) is forbidden for LIMIT'],
    [{ 59: '3', 18: '6' }, '11', '18 (ExecInst) is forbidden for IOC'],
    [{ 110: '1' }, '11', '110 is not supported: leave it out'],
  ])('%j', (fields, reason, text) => {
    const answer = refused(fields)!
    expect(answer).toMatchObject({ 35: '8', 150: '8', 39: '8', 103: reason })
    expect(answer[58]).toStartWith(text)
  })

  test('that lacks what it needs is none yet: j', () => {
    expect(refused({ 44: null })).toEqual({
      35: 'j',
      45: '7',
      372: 'D',
      379: 'X',
      380: '5',
      58: '44 (Price) is required for LIMIT',
    })
    expect(refused({ 40: '3', 44: null, 99: null })).toMatchObject({ 380: '5', 58: '99 (StopPx) is required for STOP' })
    expect(refused({ 38: null, 54: '5' })![58]).toBe('54 (Side) must be 1 (BUY), 2 (SELL); 38 (OrderQty) is required')
  })
})

describe('an order that was not stored', () => {
  const answer = (refusal: Parameters<typeof refuseUnstored>[1], fields: Fields = {}) =>
    shown(refuseUnstored(newOrder(fields), refusal, answering))
  test('because of its end', () => {
    const detail = 'must be at least 1 s ahead'
    const text = (fields: Fields) => answer({ ok: false, code: 'EXPIRES_AT', detail }, { 59: '6', ...fields })
    expect(text({ 126: '20200101-00:00:00' })).toMatchObject({ 150: '8', 103: '99', 58: `126 (ExpireTime) ${detail}` })
    expect(text({ 432: '20200102' })).toMatchObject({ 58: `432 (ExpireDate) ${detail}` })
  })
  test('because too many were refused', () => {
    const text = answer({ ok: false, code: 'RATE_LIMITED', waitSeconds: 3 })[58]
    expect(text).toBe('too many orders of yours were refused: nothing was stored, send it again in 3 s')
  })
  test('because it cannot be taken now', () => {
    for (const code of ['OVERLOADED', 'STOPS_UNWATCHED'] as const)
      expect(answer({ ok: false, code })).toMatchObject({ 35: 'j', 380: '4', 379: 'X' })
    expect(answer({ ok: false, code: 'FORBIDDEN' })).toMatchObject({ 35: 'j', 380: '6' })
  })
})

describe('a known ClOrdID', () => {
  const answer = (message: Received, held: ReturnType<typeof holder> | null = holder(), by = session()) => {
    const decoded = decodeOrder(message, options({ session: by }))
    if (!decoded.ok) throw new Error('the order is lawful')
    return shown(answerDuplicate(message, { terms: decoded.terms, holder: held }, by, answering))
  }
  const part = holder({
    status: 'PARTIALLY_FILLED',
    filledQuantity: amount('30'),
    filledNotional: amount('30') * amount('150'),
  })

  test('is refused with the values of the order that has it', () => {
    expect(answer(newOrder({ 38: '200', 44: '1' }), part)).toMatchObject({
      35: '8',
      37: id,
      11: 'X',
      17: 'answer-1',
      150: '8',
      39: '1',
      38: '100',
      44: '150.5',
      14: '30',
      151: '70',
      6: '150',
      103: '6',
      58: '11 (ClOrdID) names another order with other values of 38, 44: send a new one',
    })
    expect(answer(newOrder(), part)).toMatchObject({
      150: '8',
      39: '1',
      103: '6',
      58: '11 (ClOrdID) names another order: send a new one',
    })
  })
  test('with PossResend and the same terms it is answered with the order as it is', () => {
    const again = answer(newOrder({}, { possResend: true }), part)
    expect(again).toMatchObject({ 37: id, 11: 'X', 17: '0', 150: 'I', 39: '1', 14: '30', 151: '70' })
    expect(again[103]).toBeUndefined()
    expect(answer(newOrder({ 38: '200' }, { possResend: true }), part)).toMatchObject({
      150: '8',
      103: '6',
      17: 'answer-1',
    })
    for (const status of statuses)
      expect(answer(newOrder({}, { possResend: true }), holder({ status }))).toMatchObject({
        150: 'I',
        39: statusCodes[status],
      })
  })
  test('that no order has, because it is void or a request has it', () => {
    for (const possResend of [true, false])
      expect(answer(newOrder({}, { possResend }), null)).toMatchObject({
        37: 'NONE',
        39: '8',
        150: '8',
        103: '6',
        14: '0',
      })
  })
  test('is repeated as it came where ids are those of a day', () => {
    const daily = session({ idsPerDay: true })
    const held = holder({ clientOrderId: '20260102:X' })
    expect(answer(newOrder({}, { possResend: true }), held, daily)).toMatchObject({ 150: 'I', 11: 'X' })
  })
})

const day = '20260102'
const cancelOf = (fields: Fields = {}, by = session()): OrderRequest => {
  const decoded = decodeCancel(received('F', { 11: 'Y', 41: 'X', 55: 'AAPL', 54: '1', ...fields }), {
    session: by,
    day,
  })
  if (!decoded.ok) throw new Error(`${decoded.missing} is missing`)
  return decoded.request
}

describe('a cancel request', () => {
  test('names its order by OrigClOrdID, or by OrderID', () => {
    expect(cancelOf().target).toEqual({ id: null, key: 'X' })
    expect(cancelOf({}, session({ idsPerDay: true })).target).toEqual({ id: null, key: '20260102:X' })
    expect(cancelOf({ 37: id.toUpperCase() }).target).toEqual({ id, key: null })
    expect(cancelOf({ 37: 'NONE' }).target).toEqual({ id: null, key: 'X' })
    expect(cancelOf({ 37: 'nonsense' }).target).toEqual({ id: null, key: null })
    expect(cancelOf({ 41: 'x'.repeat(65) }).target).toEqual({ id: null, key: null })
    for (const tag of [11, 41])
      expect(decodeCancel(received('F', { 11: 'Y', 41: 'X', [tag]: null }), { session: session(), day })).toEqual({
        ok: false,
        missing: tag,
      })
  })
  test('uses up an id of its own', () => {
    expect(requestKey(cancelOf(), { session: session(), day })).toEqual({ ok: true, key: 'Y' })
    expect(requestKey(cancelOf(), { session: session({ idsPerDay: true }), day })).toEqual({
      ok: true,
      key: '20260102:Y',
    })
    expect(requestKey(cancelOf({ 11: 'x'.repeat(65) }), { session: session(), day })).toMatchObject({
      ok: false,
      reason: 'other',
    })
  })
  test('reaches the orders of the session’s users alone', () => {
    const other = crypto.randomUUID()
    expect(cancelOf().users.has(holder().order.userId)).toBeTrue()
    expect(cancelOf().users.has(other)).toBeFalse()
    const accounts = new Map([['ACC', other]])
    expect(cancelOf({}, session({ accounts })).users.has(other)).toBeTrue()
  })
  test('must not contradict the order', () => {
    const of = (fields: Fields, by = session()) => contradiction(cancelOf(fields, by), holder(), by)
    expect(of({})).toBeNull()
    expect(of({ 55: 'aapl' })).toBeNull()
    expect(of({ 55: null, 54: null })).toBeNull()
    expect(of({ 55: 'MSFT' })).toBe('55 (Symbol) of this order is AAPL')
    expect(of({ 54: '2' })).toBe('54 (Side) of this order is 1')
    expect(of({ 37: id })).toBeNull()
    expect(of({ 37: id, 41: 'Z' })).toStartWith('37 (OrderID) and 41 (OrigClOrdID) name two orders')
  })

  const rejected = (found: ReturnType<typeof holder> | null, keyKnown = false, contrary: string | null = null) =>
    shown(cancelReject(cancelOf(), found, cancelRefusal(found, { keyKnown, contradiction: contrary }), now))

  test('of an unknown order: 102=1, 37=NONE', () => {
    expect(rejected(null)).toEqual({
      35: '9',
      37: 'NONE',
      11: 'Y',
      41: 'X',
      39: '8',
      60: '20260102-03:04:05.678',
      434: '1',
      102: '1',
      58: 'there is no such order of this session: one of another day or another door is named by 37 (OrderID)',
    })
  })
  test.each(['FILLED', 'CANCELED', 'REJECTED', 'EXPIRED'] as const)('of an order that is %s: too late', (status) => {
    expect(rejected(holder({ status }))).toMatchObject({ 37: id, 39: statusCodes[status], 434: '1', 102: '0' })
  })
  test('whose id is known: 102=6', () => {
    for (const found of [null, holder()]) expect(rejected(found, true)).toMatchObject({ 102: '6', 434: '1' })
  })
  test('that contradicts: 102=99', () => {
    expect(rejected(holder(), false, '55 (Symbol) of this order is AAPL')).toMatchObject({
      39: '0',
      102: '99',
      58: '55 (Symbol) of this order is AAPL',
    })
  })
  test('that lost a race to nobody is sent again: 102=2', () => {
    expect(rejected(holder())).toMatchObject({ 39: '0', 102: '2' })
  })
  test('whose order is locked: 102=2, unless it is too late by now', () => {
    const locked = (found: ReturnType<typeof holder>) =>
      shown(
        cancelReject(
          cancelOf(),
          found,
          cancelRefusal(found, { keyKnown: false, contradiction: null, isLocked: true }),
          now,
        ),
      )
    expect(locked(holder())).toMatchObject({
      37: id,
      39: '0',
      434: '1',
      102: '2',
      58: 'the order is locked at this moment: send the request again with a new id',
    })
    expect(locked(holder({ status: 'FILLED' }))).toMatchObject({ 102: '0' })
  })
})

test('a replace is answered with what to do instead', () => {
  const answer = (found: ReturnType<typeof holder> | null) =>
    shown(cancelReject(cancelOf(), found, replaceRefusal(found), now))
  expect(answer(holder())).toMatchObject({
    35: '9',
    37: id,
    11: 'Y',
    41: 'X',
    39: '0',
    434: '2',
    102: '2',
    58: 'orders are not replaced: cancel this one (F) and send a new one (D)',
  })
  expect(answer(null)).toMatchObject({ 37: 'NONE', 39: '8', 434: '2', 102: '1' })
})

describe('a status request', () => {
  const ask = (fields: Fields, found: ReturnType<typeof holder> | null) => {
    const decoded = decodeStatusRequest(received('H', { 11: 'X', 55: 'AAPL', 54: '2', ...fields }), {
      session: session(),
      day,
    })
    if (!decoded.ok) throw new Error('it is lawful')
    return { target: decoded.request.target, answer: shown(answerStatus(decoded, found, session(), now)) }
  }
  test.each([...statuses])('of an order that is %s', (status) => {
    const { answer } = ask({ 790: 'Q' }, holder({ status }))
    expect(answer).toMatchObject({
      35: '8',
      37: id,
      11: 'X',
      17: '0',
      150: 'I',
      39: statusCodes[status],
      38: '100',
      790: 'Q',
    })
  })
  test('of an unknown order', () => {
    expect(ask({ 790: 'Q' }, null).answer).toMatchObject({
      35: '8',
      37: 'NONE',
      11: 'X',
      17: '0',
      150: 'I',
      39: '8',
      55: 'AAPL',
      54: '2',
      38: '0',
      151: '0',
      14: '0',
      6: '0',
      790: 'Q',
    })
  })
  test('names the order by OrderID where there is one', () => {
    expect(ask({}, null).target).toEqual({ id: null, key: 'X' })
    expect(ask({ 37: id }, null).target).toEqual({ id, key: null })
    expect(decodeStatusRequest(received('H', { 55: 'AAPL' }), { session: session(), day })).toEqual({
      ok: false,
      missing: 11,
    })
  })
})

describe('a mass cancel', () => {
  const decode = (fields: Fields, by = session()) =>
    decodeMassCancel(received('q', { 11: 'M', ...fields }), { session: by, day })
  const other = crypto.randomUUID()
  test('of all orders, or those of a ticker; of one side', () => {
    const both = session({ accounts: new Map([['ACC', other]]) })
    expect(decode({ 530: '7' }, both)).toEqual({
      ok: true,
      request: { clOrdId: 'M', type: '7', users: [userId, other], ticker: null, side: null },
    })
    expect(decode({ 530: '1', 55: 'brk.b', 54: '2' })).toEqual({
      ok: true,
      request: { clOrdId: 'M', type: '1', users: [userId], ticker: 'BRK.B', side: 'SELL' },
    })
  })
  test.each<[Fields, number]>([
    [{ 530: '1' }, 55],
    [{}, 530],
    [{ 11: null, 530: '7' }, 11],
  ])('%j lacks', (fields, missing) => {
    expect(decode(fields)).toEqual({ ok: false, missing })
  })
  const refusals: [Fields, string][] = [
    ...['2', '3', '4', '5', '6', '8', '9'].map((type): [Fields, string] => [{ 530: type, 55: 'AAPL' }, '0']),
    [{ 530: '7', 55: 'AAPL' }, '99'],
    [{ 530: '1', 55: 'A B' }, '1'],
    [{ 530: '7', 54: '5' }, '99'],
    [{ 530: '7', 11: 'x'.repeat(65) }, '99'],
  ]
  test.each(refusals)('%j is refused', (fields, reason) => {
    const decoded = decode(fields)
    if (decoded.ok || !('refused' in decoded)) throw new Error('it is refused')
    const answer = shown(massCancelRefusal(decoded.refused, answering))
    expect(answer).toMatchObject({ 35: 'r', 37: 'answer-1', 530: fields[530]!, 531: '0', 532: reason })
    expect(answer[58]).not.toBeUndefined()
  })
  test('is reported with the count of its orders', () => {
    const decoded = decode({ 530: '1', 55: 'AAPL', 54: '2' })
    if (!decoded.ok) throw new Error('it is lawful')
    expect(shown(massCancelReport(decoded.request, { canceled: 3, remaining: false }, answering))).toEqual({
      35: 'r',
      11: 'M',
      37: 'answer-1',
      530: '1',
      531: '1',
      533: '3',
      55: 'AAPL',
      54: '2',
      60: '20260102-03:04:05.678',
    })
    expect(shown(massCancelReport(decoded.request, { canceled: 10_000, remaining: true }, answering))).toMatchObject({
      533: '10000',
      58: 'more orders are open: send another request',
    })
  })
})

describe('a message', () => {
  test('needs the scope of what it does', () => {
    const reader = session({ scopes: new Set(['orders:read'] as const) })
    for (const type of 'DFGq') {
      expect(shown(notAllowed(received(type, { 11: 'X' }), reader)!)).toMatchObject({
        35: 'j',
        372: type,
        379: 'X',
        380: '6',
      })
    }
    for (const type of 'DFGHq') expect(notAllowed(received(type, {}), session())).toBeNull()
    expect(notAllowed(received('H', {}), reader)).toBeNull()
    const writer = session({ scopes: new Set(['orders:write'] as const) })
    expect(shown(notAllowed(received('H', {}), writer)!)).toMatchObject({
      380: '6',
      58: 'this session lacks the scope orders:read',
    })
  })
  test.each(['E', 'V', 'AE', 'toString'])('of type %s is not served', (type) => {
    expect(shown(notAllowed(received(type, {}), session())!)).toMatchObject({ 35: 'j', 45: '7', 372: type, 380: '3' })
  })
  test('that lacks a field is told which', () => {
    expect(shown(fieldMissing(received('q', { 11: 'M' }), 55))).toMatchObject({
      380: '5',
      379: 'M',
      58: '55 (Symbol) is required',
    })
  })
  test('is refused in plain ASCII', () => {
    expect(shown(businessReject(received('D', {}), 'notAvailable', 'é\u0001'))[58]).toBe('??')
  })
})
