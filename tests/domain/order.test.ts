// Proves: the table of transitions, read aloud: final states are final, and a fill moves an order as the table says.

import { describe, expect, test } from 'bun:test'
import * as fc from 'fast-check'
import { InvariantBroken } from '../../src/domain/assert.ts'
import { formatAmount } from '../../src/domain/decimal.ts'
import {
  acceptOrder,
  applyFill,
  averageFillPrice,
  closedStatuses,
  decide,
  isFinal,
  openOf,
  openStatuses,
  pathOf,
  remainingQuantity,
  statuses,
  type Order,
  type OrderEvent,
  type Status,
} from '../../src/domain/order.ts'
import { differingTerms, orderTypes, typeRules } from '../../src/domain/terms.ts'
import { amount } from '../support/builders.ts'
import { newOrder, orderId, placedAt, terms } from './arbitraries.ts'

const events: readonly OrderEvent[] = ['fill', 'complete', 'cancel', 'reject', 'expire', 'trigger']
const nothing = {
  fill: undefined,
  complete: undefined,
  cancel: undefined,
  reject: undefined,
  expire: undefined,
  trigger: undefined,
}

/** The contract's table, written out: every status with every event. */
const aloud: Record<Status, Record<OrderEvent, Status | undefined>> = {
  NEW: {
    fill: 'PARTIALLY_FILLED',
    complete: 'FILLED',
    cancel: 'CANCELED',
    reject: 'REJECTED',
    expire: 'EXPIRED',
    trigger: 'NEW',
  },
  PARTIALLY_FILLED: {
    ...nothing,
    fill: 'PARTIALLY_FILLED',
    complete: 'FILLED',
    cancel: 'CANCELED',
    expire: 'EXPIRED',
  },
  FILLED: nothing,
  CANCELED: nothing,
  REJECTED: nothing,
  EXPIRED: nothing,
}

const later = new Date(placedAt.getTime() + 1_000)
const fill = (quantity: string, price: string, now = later) => ({
  quantity: amount(quantity),
  price: amount(price),
  now,
})

describe('the table of transitions', () => {
  const pairs = statuses.flatMap((status) => events.map((event) => [status, event, aloud[status][event]] as const))

  test.each(pairs)('%s, on %s: %p', (status, event, next) => {
    expect(decide(status, event)).toEqual(next === undefined ? { ok: false, status } : { ok: true, next })
  })

  test('has a row for every status of the contract and no other', () => {
    expect([...statuses].toSorted()).toEqual(Object.keys(aloud).toSorted() as Status[])
  })

  test('ends in four final states', () => {
    expect(closedStatuses).toEqual(['FILLED', 'CANCELED', 'REJECTED', 'EXPIRED'])
    expect(openStatuses).toEqual(['NEW', 'PARTIALLY_FILLED'])
  })

  test('lets a cancel through while anything remains', () => {
    expect(pathOf('cancel')).toEqual({ from: ['NEW', 'PARTIALLY_FILLED'], to: 'CANCELED' })
  })

  test.each(events)('%s leads to one status, wherever the table lets it happen', (event) => {
    const { from, to } = pathOf(event)
    expect(from).toEqual(statuses.filter((status) => aloud[status][event] !== undefined))
    for (const status of from) expect(aloud[status][event]).toBe(to)
  })

  test('no sequence of events leaves a final status', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...events), { maxLength: 12 }), (sequence) => {
        let status: Status = 'NEW'
        for (const event of sequence) {
          const decision = decide(status, event)
          const next: Status = decision.ok ? decision.next : status
          if (isFinal(status)) expect(next).toBe(status)
          status = next
        }
      }),
      { numRuns: 1_000 },
    )
  })
})

describe('an accepted order', () => {
  const order = acceptOrder(terms, { id: orderId, now: placedAt })

  test('is NEW, unfilled, at version 0', () => {
    expect(order).toEqual({
      ...terms,
      id: orderId,
      status: 'NEW',
      filledQuantity: 0n,
      filledNotional: 0n,
      lastFillPrice: null,
      triggeredAt: null,
      reason: null,
      createdAt: placedAt,
      updatedAt: placedAt,
      version: 0,
    })
  })

  test('remains to be filled whole and has no average', () => {
    expect(remainingQuantity(order)).toBe(order.quantity)
    expect(averageFillPrice(order)).toBeNull()
  })

  test('every type says whether it takes a price', () => {
    expect(orderTypes.map((type) => [type, typeRules[type].price])).toEqual([
      ['LIMIT', 'required'],
      ['MARKET', 'forbidden'],
      ['STOP', 'forbidden'],
      ['STOP_LIMIT', 'required'],
    ])
  })
})

describe('a fill', () => {
  test('that leaves some quantity makes the order PARTIALLY_FILLED', () => {
    const order = applyFill(newOrder(), fill('40', '150.1'))
    expect(order).toMatchObject({ status: 'PARTIALLY_FILLED', version: 1, updatedAt: later })
    expect(formatAmount(remainingQuantity(order))).toBe('60')
  })

  test('that leaves none makes it FILLED', () => {
    const order = applyFill(applyFill(newOrder(), fill('40', '150.1')), fill('60', '150.2'))
    expect(order).toMatchObject({ status: 'FILLED', version: 2, lastFillPrice: amount('150.2') })
    expect(remainingQuantity(order)).toBe(0n)
    expect(formatAmount(averageFillPrice(order)!)).toBe('150.16')
  })

  test('of a canceled order moves the amounts and keeps the status, up to the last share', () => {
    const canceled: Order = { ...newOrder(), status: 'CANCELED', version: 1 }
    const part = applyFill(canceled, fill('40', '150'))
    expect(part).toMatchObject({ status: 'CANCELED', filledQuantity: amount('40'), version: 2 })
    expect(remainingQuantity(part)).toBe(0n)
    expect(applyFill(part, fill('60', '150'))).toMatchObject({ status: 'CANCELED', filledQuantity: amount('100') })
  })

  test('leaves the terms and the order it was given alone', () => {
    const before = newOrder()
    const after = applyFill(before, fill('1', '1'))
    expect(before).toEqual(newOrder())
    expect(differingTerms(before, after)).toEqual([])
    expect(after.createdAt).toEqual(placedAt)
  })

  test('by a clock that runs behind never takes updatedAt back', () => {
    const earlier = new Date(placedAt.getTime() - 60_000)
    expect(applyFill(newOrder(), fill('1', '1', earlier)).updatedAt).toEqual(placedAt)
  })

  test('that does not fit is a bug of the caller', () => {
    expect(() => applyFill(newOrder(), fill('100.00000001', '1'))).toThrow(InvariantBroken)
    expect(() => applyFill(newOrder(), { quantity: 0n, price: 1n, now: later })).toThrow(InvariantBroken)
    expect(() => applyFill({ ...newOrder(), status: 'REJECTED' }, fill('1', '1'))).toThrow(InvariantBroken)
  })
})

describe('two requests with one key', () => {
  test('are the same where their canonical terms are', () => {
    expect(differingTerms(terms, { ...terms, quantity: amount('100.00') })).toEqual([])
  })

  test('differ by the names of the API, all of them', () => {
    const other = {
      ...terms,
      ticker: 'MSFT',
      side: 'SELL' as const,
      type: 'MARKET' as const,
      timeInForce: 'IOC' as const,
      quantity: 1n,
      price: null,
    }
    expect(differingTerms(terms, other)).toEqual(['ticker', 'side', 'type', 'timeInForce', 'quantity', 'price'])
    expect(differingTerms(terms, { ...terms, price: 1n })).toEqual(['price'])
  })
})

test('statuses that are asked for are open, closed, or mixed', () => {
  expect(openOf([])).toBeUndefined()
  expect(openOf(['NEW'])).toBe(true)
  expect(openOf(['NEW', 'PARTIALLY_FILLED'])).toBe(true)
  expect(openOf(['FILLED', 'REJECTED'])).toBe(false)
  expect(openOf(['NEW', 'FILLED'])).toBeUndefined()
})
