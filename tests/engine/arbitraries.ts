// Random orders and messages for the properties: few prices and small quantities, so that most orders meet. Of the orders that
// rest some are icebergs, some post-only.

import * as fc from 'fast-check'
import type { Order } from './book.ts'
import type { Incoming } from './engine.ts'

type Shape = Omit<Order, 'id' | 'executed'>

export const orderShape: fc.Arbitrary<Shape> = fc
  .record({
    side: fc.constantFrom('BUY', 'SELL'),
    type: fc.constantFrom('LIMIT', 'LIMIT', 'LIMIT', 'MARKET'),
    timeInForce: fc.constantFrom('GTC', 'GTC', 'GTC', 'GTC', 'IOC', 'FOK'),
    quantity: fc.bigInt({ min: 1n, max: 20n }),
    price: fc.bigInt({ min: 1n, max: 6n }),
    display: fc.option(fc.bigInt({ min: 1n, max: 6n })),
    postOnly: fc.constantFrom(false, false, false, true),
  })
  .map((shape) => {
    const { type, timeInForce, display, quantity } = shape
    const rests = type === 'LIMIT' && timeInForce === 'GTC'
    return {
      ...shape,
      price: type === 'MARKET' ? null : shape.price,
      display: rests && display !== null && display < quantity ? display : null,
      postOnly: rests && shape.postOnly,
    }
  })

export type Action =
  | { kind: 'place'; shape: Shape }
  | { kind: 'cancel'; of: number }
  | { kind: 'reduce'; of: number; by: bigint }

/** An event of a book; `of` picks one of the orders placed so far, or a later one. */
const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('place' as const), shape: orderShape }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('cancel' as const), of: fc.nat(60) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('reduce' as const), of: fc.nat(60), by: fc.bigInt(1n, 20n) }) },
)

export const actions = fc.array(action, { maxLength: 60, size: 'max' })

export const message = (eventId: string | null, value: unknown): Incoming => ({
  eventId,
  value: Buffer.from(JSON.stringify(value)),
  timestamp: 1_767_323_045_678,
})

type Terms = Omit<Shape, 'display' | 'postOnly'> & Partial<Pick<Shape, 'display' | 'postOnly'>>

const number = (amount: bigint | null | undefined): number | null =>
  amount === null || amount === undefined ? null : Number(amount)

/**
 * The message of an order as the service would write it: amounts are whole units here, and members that an order does not
 * have are left out.
 */
export const placedMessage = (id: string, ticker: string, terms: Terms): Incoming => {
  const { side, type, timeInForce, quantity, price, display, postOnly } = terms
  const amounts = { quantity: number(quantity), price: number(price) }
  const extras = { ...(display && { displayQuantity: number(display) }), ...(postOnly && { postOnly }) }
  const order = { orderId: id, userId: 'u', ticker, side, type, timeInForce, ...amounts, ...extras }
  return message(`event of ${id}`, order)
}

export const cancelledMessage = (id: string, ticker: string): Incoming =>
  message(`cancel of ${id}`, { orderId: id, userId: 'u', ticker, quantity: 1, price: 1 })
