// Orders and books for the tests of the book.

import { createBook, place } from './book.ts'
import type { Book, Order, Outcome } from './book.ts'

/** A market order where the price is null, else a limit order, good till cancelled. */
export const order = (
  id: string,
  side: 'BUY' | 'SELL',
  quantity: bigint,
  price: bigint | null,
  more: Partial<Order> = {},
): Order => {
  const type = price === null ? 'MARKET' : 'LIMIT'
  const plain = { timeInForce: 'GTC', display: null, postOnly: false, executed: 0n } as const
  return { id, side, quantity, price, type, ...plain, ...more }
}

export const bookWith = (...orders: Order[]): Book => {
  const book = createBook()
  for (const resting of orders) place(book, resting)
  return book
}

/** Maker, price and quantity of each fill. */
export const brief = ({ fills }: Outcome) => fills.map(({ makerId, price, quantity }) => [makerId, price, quantity])
