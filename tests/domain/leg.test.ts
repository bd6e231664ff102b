// Proves: every leg ends in exactly one disposition, judged in the order of the contract, from the order and what is recorded of
// the trade.

import { describe, expect, test } from 'bun:test'
import { formatNotional } from '../../src/domain/decimal.ts'
import { dispositions, judgeLeg, type Judgement, type LegContent, type TradeRecord } from '../../src/domain/leg.ts'
import { statuses, type Order } from '../../src/domain/order.ts'
import { amount } from '../support/builders.ts'
import { legFor, newOrder, placedAt } from './arbitraries.ts'

const now = new Date(placedAt.getTime() + 5_000)
const unknown: TradeRecord = { ledger: null, exceptions: [] }
const content: LegContent = { side: 'BUY', ticker: 'AAPL', quantity: amount('10'), price: amount('150') }
const other: LegContent = { ...content, quantity: amount('11') }
const inLedger: TradeRecord = { ledger: content, exceptions: [] }
const inExceptions: TradeRecord = { ledger: null, exceptions: [content] }

const partial: Order = {
  ...newOrder(),
  status: 'PARTIALLY_FILLED',
  filledQuantity: amount('95'),
  filledNotional: amount('95') * amount('150'),
  lastFillPrice: amount('150'),
  version: 3,
}
const canceled: Order = { ...newOrder(), status: 'CANCELED', version: 1 }
const waitingStop = newOrder({ type: 'STOP', price: null, stopPrice: amount('160') })
const reasonOf = (judgement: Judgement) => ('reason' in judgement ? judgement.reason : null)

test('there are eight dispositions', () => {
  expect([...dispositions] as string[]).toEqual([
    'MALFORMED',
    'UNKNOWN_ORDER',
    'MISMATCH',
    'DUPLICATE',
    'CONFLICT',
    'OVERFILL',
    'LATE',
    'APPLIED',
  ])
})

describe('no such order', () => {
  test('is UNKNOWN_ORDER, whatever is recorded', () => {
    for (const record of [unknown, inLedger, inExceptions])
      expect(judgeLeg(undefined, legFor(newOrder()), record, now)).toEqual({ disposition: 'UNKNOWN_ORDER' })
  })
})

describe('MISMATCH', () => {
  test.each([
    ['another ticker', newOrder(), { ticker: 'MSFT' }, 'the trade is of MSFT, the order of AAPL'],
    ['another side', newOrder(), { side: 'SELL' as const }, 'the leg is a SELL, the order a BUY'],
    ['a REJECTED order', { ...newOrder(), status: 'REJECTED' as const }, {}, 'the order is REJECTED'],
    ['both legs of one order', newOrder(), { sharesOrder: true }, 'both legs name this order'],
    ['a stop that no engine knows', waitingStop, {}, 'the order was not published: its stop price was not met'],
    [
      'one that ended without it',
      { ...waitingStop, status: 'CANCELED' as const },
      {},
      'the order was not published: its stop price was not met',
    ],
  ])('%s', (_, order, changed, reason) => {
    const judgement = judgeLeg(order, legFor(order, { side: 'BUY', ...changed }), unknown, now)
    expect(judgement.disposition).toBe('MISMATCH')
    expect(reasonOf(judgement)).toBe(reason)
  })

  test('no longer is a stop that has triggered', () => {
    const triggered = { ...waitingStop, triggeredAt: now }
    expect(judgeLeg(triggered, legFor(triggered), unknown, now).disposition).toBe('APPLIED')
  })

  test('keeps the content as it was said', () => {
    const judgement = judgeLeg(newOrder(), legFor(newOrder(), { side: 'SELL', ticker: 'MSFT' }), unknown, now)
    expect(judgement).toMatchObject({ content: { ...content, side: 'SELL', ticker: 'MSFT' } })
  })

  test('comes before DUPLICATE: a recorded mismatch met again is a MISMATCH again', () => {
    const leg = legFor(newOrder(), { side: 'SELL' })
    const record: TradeRecord = { ledger: null, exceptions: [{ ...content, side: 'SELL' }] }
    expect(judgeLeg(newOrder(), leg, record, now).disposition).toBe('MISMATCH')
  })

  test('comes before DUPLICATE where the very content is in the ledger', () => {
    expect(judgeLeg(newOrder(), legFor(newOrder(), { sharesOrder: true }), inLedger, now).disposition).toBe('MISMATCH')
    const rejected: Order = { ...newOrder(), status: 'REJECTED' }
    expect(judgeLeg(rejected, legFor(rejected), inExceptions, now).disposition).toBe('MISMATCH')
  })

  test('comes before CONFLICT and before OVERFILL', () => {
    const leg = legFor(partial, { ticker: 'MSFT', quantity: amount('1000') })
    expect(judgeLeg(partial, leg, unknown, now).disposition).toBe('MISMATCH')
    expect(judgeLeg(partial, leg, inLedger, now).disposition).toBe('MISMATCH')
  })
})

describe('DUPLICATE', () => {
  test('the same content in the ledger', () => {
    expect(judgeLeg(newOrder(), legFor(newOrder()), inLedger, now)).toEqual({ disposition: 'DUPLICATE' })
  })

  test('the same content among the exceptions, though it would fit by now', () => {
    expect(judgeLeg(newOrder(), legFor(newOrder()), inExceptions, now)).toEqual({ disposition: 'DUPLICATE' })
  })

  test('the second content of a conflict, met again', () => {
    const record: TradeRecord = { ledger: other, exceptions: [content] }
    expect(judgeLeg(newOrder(), legFor(newOrder()), record, now)).toEqual({ disposition: 'DUPLICATE' })
  })

  test('comes before OVERFILL and LATE, in every status but REJECTED', () => {
    for (const status of statuses.filter((each) => each !== 'REJECTED')) {
      const order: Order = { ...partial, status, filledQuantity: amount('100') }
      expect(judgeLeg(order, legFor(order), inLedger, now)).toEqual({ disposition: 'DUPLICATE' })
    }
  })

  test('a single-leg form is the same content as the two-legged one of the order’s side', () => {
    expect(judgeLeg(newOrder(), legFor(newOrder(), { side: null }), inLedger, now).disposition).toBe('DUPLICATE')
  })
})

describe('CONFLICT', () => {
  test.each([
    ['quantity', { quantity: amount('10.00000001') }],
    ['price', { price: amount('150.00000001') }],
  ])('another %s than the ledger has', (_, changed) => {
    const judgement = judgeLeg(newOrder(), legFor(newOrder(), changed), inLedger, now)
    expect(judgement).toMatchObject({ disposition: 'CONFLICT', content: { ...content, ...changed } })
  })

  test('comes before OVERFILL', () => {
    const leg = legFor(partial, { quantity: amount('1000') })
    expect(judgeLeg(partial, leg, inLedger, now).disposition).toBe('CONFLICT')
  })

  test('comes before LATE', () => {
    expect(judgeLeg(canceled, legFor(canceled, { price: 1n }), inLedger, now).disposition).toBe('CONFLICT')
  })
})

describe('OVERFILL', () => {
  test('one unit of the last place too many', () => {
    const judgement = judgeLeg(partial, legFor(partial, { quantity: amount('5.00000001') }), unknown, now)
    expect(judgement).toMatchObject({
      disposition: 'OVERFILL',
      reason: 'the fill would pass the quantity of the order',
    })
    expect(judgement).not.toHaveProperty('order')
  })

  test('exactly what remains is no overfill', () => {
    expect(judgeLeg(partial, legFor(partial, { quantity: amount('5') }), unknown, now)).toMatchObject({
      disposition: 'APPLIED',
      order: { status: 'FILLED', filledQuantity: amount('100') },
    })
  })

  test('a FILLED order', () => {
    const filled: Order = { ...partial, status: 'FILLED', filledQuantity: amount('100') }
    expect(judgeLeg(filled, legFor(filled, { quantity: 1n }), unknown, now).disposition).toBe('OVERFILL')
  })

  test('comes before LATE: a canceled order is never filled past its quantity either', () => {
    const leg = legFor(canceled, { quantity: amount('100.00000001') })
    expect(judgeLeg(canceled, leg, unknown, now).disposition).toBe('OVERFILL')
  })

  test('is judged afresh when its content differs: a corrected quantity is applied', () => {
    const record: TradeRecord = { ledger: null, exceptions: [{ ...content, quantity: amount('50') }] }
    expect(judgeLeg(partial, legFor(partial, { quantity: amount('5') }), record, now).disposition).toBe('APPLIED')
    expect(judgeLeg(partial, legFor(partial, { quantity: amount('6') }), record, now).disposition).toBe('OVERFILL')
    expect(judgeLeg(partial, legFor(partial, { quantity: amount('50') }), record, now).disposition).toBe('DUPLICATE')
  })
})

describe('LATE', () => {
  test.each(['CANCELED', 'EXPIRED'] as const)(
    'a fill of an order that is %s keeps the status and moves the amounts',
    (status) => {
      const order: Order = { ...canceled, status }
      expect(judgeLeg(order, legFor(order), unknown, now)).toMatchObject({
        disposition: 'LATE',
        content,
        order: {
          status,
          filledQuantity: amount('10'),
          filledNotional: amount('10') * amount('150'),
          lastFillPrice: amount('150'),
          updatedAt: now,
          version: 2,
        },
      })
    },
  )

  test('a canceled order filled to the full stays CANCELED', () => {
    const judgement = judgeLeg(canceled, legFor(canceled, { quantity: amount('100') }), unknown, now)
    expect(judgement).toMatchObject({
      disposition: 'LATE',
      order: { status: 'CANCELED', filledQuantity: canceled.quantity },
    })
  })
})

describe('APPLIED', () => {
  test('moves quantity, last price, notional, status and version', () => {
    const judgement = judgeLeg(newOrder(), legFor(newOrder(), { price: amount('150.12345678') }), unknown, now)
    if (judgement.disposition !== 'APPLIED') throw new Error(judgement.disposition)
    expect(judgement.order).toMatchObject({
      status: 'PARTIALLY_FILLED',
      filledQuantity: amount('10'),
      lastFillPrice: amount('150.12345678'),
      updatedAt: now,
      version: 1,
    })
    expect(formatNotional(judgement.order.filledNotional)).toBe('1501.2345678')
  })

  test('the single-leg form takes the side of the order', () => {
    const sell = newOrder({ side: 'SELL' })
    expect(judgeLeg(sell, legFor(sell, { side: null }), unknown, now)).toMatchObject({
      disposition: 'APPLIED',
      content: { ...content, side: 'SELL' },
    })
  })

  test('a fill may pass the price of the order: the engine’s word counts', () => {
    expect(judgeLeg(newOrder(), legFor(newOrder(), { price: amount('9999') }), unknown, now).disposition).toBe(
      'APPLIED',
    )
  })
})
