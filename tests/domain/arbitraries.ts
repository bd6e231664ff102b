// Random numbers, orders and legs for the properties. Few trade ids and small amounts, so that duplicates, conflicts and
// overfills are as common as fills.

import * as fc from 'fast-check'
import type { Leg } from '../../src/domain/leg.ts'
import { acceptOrder, statuses, type Order } from '../../src/domain/order.ts'
import { sides, type OrderTerms } from '../../src/domain/terms.ts'
import { amount, someTerms } from '../support/builders.ts'
import { userId } from '../support/orderBody.ts'

export const anyAmount = fc.bigInt({ min: 1n, max: 10n ** 20n - 1n })

const digits = (maxLength: number) =>
  fc.array(fc.integer({ min: 0, max: 9 }), { maxLength }).map((list) => list.join(''))

/** JSON numbers in every notation: 1 to 15 integer digits, up to 20 fraction digits, exponents that bring them in and out of bounds. */
export const jsonNumber = fc
  .record({
    sign: fc.constantFrom('', '', '', '-'),
    integer: digits(15).map((text) => text.replace(/^0+/, '') || '0'),
    fraction: fc.option(fc.tuple(fc.integer({ min: 0, max: 9 }), digits(19)).map(([first, rest]) => `${first}${rest}`)),
    exponent: fc.option(
      fc.record({
        letter: fc.constantFrom('e', 'E'),
        sign: fc.constantFrom('', '+', '-'),
        value: fc.oneof(fc.nat(25).map(String), fc.constantFrom('00', '007', '60')),
      }),
    ),
  })
  .map(
    ({ sign, integer, fraction, exponent }) =>
      sign +
      integer +
      (fraction === null ? '' : `.${fraction}`) +
      (exponent === null ? '' : exponent.letter + exponent.sign + exponent.value),
  )

export const orderId = '0197a9b0-0000-7000-8000-000000000001'
export const placedAt = new Date('2026-01-02T03:04:05.678Z')

export const terms: OrderTerms = someTerms({ userId })

export const newOrder = (changed: Partial<OrderTerms> = {}): Order =>
  acceptOrder({ ...terms, ...changed }, { id: orderId, now: placedAt })

export const legFor = (order: Order, changed: Partial<Leg> = {}): Leg => ({
  tradeId: 'T-1',
  orderId: order.id,
  side: order.side,
  ticker: order.ticker,
  quantity: amount('10'),
  price: amount('150'),
  sharesOrder: false,
  ...changed,
})

const small = (max: number) => fc.integer({ min: 1, max }).map((n) => BigInt(n) * 10n ** 7n)

/** Orders of every side and status, open ones unfilled. */
export const anyOrder: fc.Arbitrary<Order> = fc
  .record({
    side: fc.constantFrom(...sides),
    quantity: small(30),
    status: fc.constantFrom('NEW', 'NEW', 'NEW', 'NEW', ...statuses.filter((status) => !status.includes('FILLED'))),
  })
  .map(({ status, ...changed }) => ({ ...newOrder(changed), status }))

/** A leg of one of a few trades; three of four are of the order's own ticker and side. */
const anyLeg: fc.Arbitrary<Leg> = fc
  .record({
    tradeId: fc.constantFrom('T-1', 'T-2', 'T-3', 'T-4', 'T-5', 'T-6'),
    side: fc.constantFrom('BUY', 'BUY', 'BUY', 'SELL', null, null),
    ticker: fc.constantFrom('AAPL', 'AAPL', 'AAPL', 'AAPL', 'AAPL', 'AAPL', 'AAPL', 'MSFT'),
    quantity: small(12),
    price: small(2),
    sharesOrder: fc.constantFrom(false, false, false, false, false, false, false, true),
  })
  .map((leg) => ({ ...leg, orderId }))

/** Legs among which some are met again word for word, as after a redelivery. */
export const anyLegs: fc.Arbitrary<Leg[]> = fc
  .array(fc.record({ leg: anyLeg, repeats: fc.option(fc.nat(20), { freq: 3 }) }), { maxLength: 24, size: 'max' })
  .map((items) =>
    items.reduce<Leg[]>(
      (legs, { leg, repeats }) => [...legs, (repeats === null ? undefined : legs[repeats]) ?? leg],
      [],
    ),
  )
