// Proves: a trade's legs know whether both of them name one order.

import { expect, test } from 'bun:test'
import { legOf, type Trade } from '../../src/domain/trade.ts'
import { amount } from '../support/builders.ts'
import { orderId } from './arbitraries.ts'

const trade: Trade = {
  tradeId: 'T-1',
  ticker: 'AAPL',
  quantity: amount('10'),
  price: amount('150'),
  tradedAt: '2026-01-02T03:04:05.678000Z',
  sides: [],
}

test('the leg of a side is the trade as it concerns that order', () => {
  const [buy, sell] = [
    { side: 'BUY', orderId },
    { side: 'SELL', orderId: 'somebody else’s' },
  ] as const
  const both: Trade = { ...trade, sides: [buy, sell] }
  const leg = { tradeId: 'T-1', ticker: 'AAPL', quantity: amount('10'), price: amount('150'), sharesOrder: false }
  expect(legOf(both, buy)).toEqual({ ...leg, ...buy })
  expect(legOf(both, sell)).toEqual({ ...leg, ...sell })
})

test('both legs of a trade that names one order twice share it', () => {
  const sides = [
    { side: 'BUY', orderId },
    { side: 'SELL', orderId },
  ] as const
  for (const side of sides) expect(legOf({ ...trade, sides }, side).sharesOrder).toBeTrue()
})

test('a single leg shares its order with nobody', () => {
  const side = { side: null, orderId }
  expect(legOf({ ...trade, sides: [side] }, side)).toMatchObject({ side: null, sharesOrder: false })
})
