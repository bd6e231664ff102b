// Orders as the service writes them, for the tests of the page.

import { orderFromJson, type Order } from '../../src/blotter/model/order.ts'
import { parseExactJson } from '../../src/wire/json.ts'

const plain = {
  userId: '"a11ce000-0000-4000-8000-000000000001"',
  clientOrderId: 'null',
  ticker: '"AAPL"',
  side: '"BUY"',
  type: '"LIMIT"',
  timeInForce: '"GTC"',
  quantity: '100',
  price: '150.5',
  stopPrice: 'null',
  displayQuantity: 'null',
  postOnly: 'false',
  expiresAt: 'null',
  status: '"NEW"',
  filledQuantity: '0',
  remainingQuantity: '100',
  lastFillPrice: 'null',
  averageFillPrice: 'null',
  triggeredAt: 'null',
  reason: 'null',
  createdAt: '"2026-11-27T10:00:00.000Z"',
  updatedAt: '"2026-11-27T10:00:00.000Z"',
  version: '0',
}

/** The JSON text of an order; each member by its JSON source. Ids grow with `n`. */
export const orderJson = (n: number, sources: Partial<Record<keyof typeof plain, string>> = {}): string => {
  const id = `"01a21972-0000-7000-8000-${String(n).padStart(12, '0')}"`
  const members = Object.entries({ id, ...plain, ...sources })
  return `{${members.map(([name, source]) => `"${name}":${source}`).join(',')}}`
}

export const orderOf = (n: number, sources: Partial<Record<keyof typeof plain, string>> = {}): Order =>
  orderFromJson(parseExactJson(orderJson(n, sources)))
