// The words of order.placed.v1. They are the original's for ever: its first readers stop their partition at any other. An order has
// more words than these here and in the API; the service itself does what the reader of an event need not know.

import type { OrderType, TimeInForce } from '../domain/terms.ts'

export const publishedTypes = ['LIMIT', 'MARKET'] as const
export const publishedTimesInForce = ['GTC', 'IOC', 'FOK'] as const

const publishedType = { LIMIT: 'LIMIT', MARKET: 'MARKET' } as const satisfies Record<
  OrderType,
  (typeof publishedTypes)[number]
>

/** What an order of each time in force is to whoever matches it. A DAY order stays until it is cancelled: its end is ours to say. */
const publishedTimeInForce = {
  GTC: 'GTC',
  IOC: 'IOC',
  FOK: 'FOK',
  DAY: 'GTC',
} as const satisfies Record<TimeInForce, (typeof publishedTimesInForce)[number]>

/** By term. What is not here is published in the words of the domain. */
export const publishedWords = { type: publishedType, timeInForce: publishedTimeInForce } as const
