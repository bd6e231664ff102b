// The vocabulary of order.placed.v1. It stays the original one for ever, because the first readers stop their partition at any other
// value. The domain and the API have more values than these; the service itself does what a reader of the events need not know.

import type { OrderType, TimeInForce } from '../domain/terms.ts'

export const publishedTypes = ['LIMIT', 'MARKET'] as const
export const publishedTimesInForce = ['GTC', 'IOC', 'FOK'] as const

/** A stop is published when its price is met; from then on it is what it has become. */
const publishedType = {
  LIMIT: 'LIMIT',
  MARKET: 'MARKET',
  STOP: 'MARKET',
  STOP_LIMIT: 'LIMIT',
} as const satisfies Record<OrderType, (typeof publishedTypes)[number]>

/** What each time in force means to the matching engine. Orders of DAY and GTD rest until they are
 * canceled: this service ends them. */
const publishedTimeInForce = {
  GTC: 'GTC',
  IOC: 'IOC',
  FOK: 'FOK',
  DAY: 'GTC',
  GTD: 'GTC',
} as const satisfies Record<TimeInForce, (typeof publishedTimesInForce)[number]>

/** The published values, by term. A term that is not listed here is published with the values of the domain. */
export const publishedVocabulary = { type: publishedType, timeInForce: publishedTimeInForce } as const
