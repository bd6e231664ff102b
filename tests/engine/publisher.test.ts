// Proves: batches keep the order and the trades of one taker together.

import { expect, test } from 'bun:test'
import * as fc from 'fast-check'
import { cutBetweenOrders } from './publisher.ts'
import type { Outgoing } from './publisher.ts'
import { addRecent, createRecent } from './recent.ts'

test('every trade is in one batch, in order; a taker is cut only when he alone is too many', () => {
  const takers = fc.array(fc.nat(12), { maxLength: 20 })
  fc.assert(
    fc.property(takers, fc.integer({ min: 1, max: 8 }), (sizes, max) => {
      const trades = sizes.flatMap((size, taker) =>
        Array.from({ length: size }, () => ({ orderId: `${taker}` }) as Outgoing),
      )
      const batches = cutBetweenOrders(trades, max)
      expect(batches.flat()).toEqual(trades)
      expect(batches.every((batch) => batch.length > 0 && batch.length <= max)).toBe(true)
      for (const [taker, size] of sizes.entries()) {
        const holding = batches.filter((batch) => batch.some((trade) => trade.orderId === `${taker}`))
        if (size > 0 && size <= max) expect(holding).toHaveLength(1)
      }
    }),
  )
})

test('a recent set knows its last entries and forgets in the end', () => {
  const recent = createRecent(2)
  expect(['a', 'b', 'c', 'b', 'a'].map((entry) => addRecent(recent, entry))).toEqual([true, true, true, false, false])
  for (const entry of ['d', 'e', 'f']) addRecent(recent, entry)
  expect(addRecent(recent, 'a')).toBe(true)
})
