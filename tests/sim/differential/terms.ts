// Orders of every kind, and sometimes of a kind that no door lets in: then the database has to refuse it.

import { wholeAmount } from '../../../src/domain/decimal.ts'
import { acceptOrder, refuseOrder, type Order } from '../../../src/domain/order.ts'
import { timesInForce, type OrderTerms } from '../../../src/domain/terms.ts'
import { tickers } from '../postgres/tickers.ts'
import { newId, someId, someTime, type Memory } from './memory.ts'

export const someTerms = (memory: Memory): OrderTerms => {
  const { random, users } = memory
  const type = random.pick(['LIMIT', 'LIMIT', 'MARKET', 'STOP', 'STOP_LIMIT'] as const)
  // Checks refuse what does not belong to its type: sometimes it is there all the same, or is missing.
  const has = (belongs: boolean): boolean => (random.chance(0.99) ? belongs : !belongs)
  const [stops, limited] = [type === 'STOP' || type === 'STOP_LIMIT', type === 'LIMIT' || type === 'STOP_LIMIT']
  const timeInForce = random.pick(has(!stops) ? timesInForce : (['GTC', 'GTC', 'DAY', 'GTD'] as const))
  const [ends, atOnce] = [timeInForce === 'GTD', timeInForce === 'IOC' || timeInForce === 'FOK']
  // Of an order that has passed its end nothing is triggered.
  const end = random.chance(0.6) ? '2099-01-01T00:00:00.000Z' : someTime(memory).toISOString()
  return {
    userId: random.pick(users),
    clientOrderId: random.chance(0.6) ? random.pick(['k1', 'k2', 'k 3', 'NULL', '"\\,{}']) + random.int(0, 2) : null,
    ticker: random.chance(0.99) ? random.pick(stops ? tickers.slice(0, 3) : tickers) : 'no ticker',
    side: random.pick(['BUY', 'SELL']),
    type,
    timeInForce,
    quantity: wholeAmount(random.int(1, 12)) + (random.chance(0.3) ? 1n : 0n),
    price: has(limited) ? wholeAmount(random.int(1, 9)) : null,
    stopPrice: has(stops) ? wholeAmount(random.int(1, 9)) : null,
    displayQuantity: has(limited && !atOnce && random.chance(0.1)) ? 1n : null,
    postOnly: has(type === 'LIMIT' && !atOnce && random.chance(0.2)) ? true : null,
    expiresAt: has(ends || (timeInForce === 'DAY' && random.chance(0.5))) ? end : null,
  }
}

/** A key that somebody may have. */
export const someKey = (memory: Memory): { userId: string; clientOrderId: string } => {
  const { userId, clientOrderId } = someTerms(memory)
  return { userId, clientOrderId: clientOrderId ?? 'no order has this one' }
}

/** The order of these terms, also of those that no door lets in: then the database has to refuse it. */
export const someOrder = (memory: Memory): Order => {
  const kind = { ticker: 'AAPL', type: 'LIMIT', price: 1n, timeInForce: 'GTC' } as const
  const lawful = { ...kind, stopPrice: null, displayQuantity: null, postOnly: null, expiresAt: null }
  const terms = someTerms(memory)
  const id = memory.random.chance(0.9) ? newId(memory) : someId(memory)
  const refused = memory.random.chance(0.1)
  const refusal = refused ? { code: 'NOT_SUPPORTED_BY_ENGINE', text: memory.random.pick(['for people', null]) } : null
  const accepted = acceptOrder({ ...terms, ...lawful }, { id, now: someTime(memory) })
  return { ...(refusal === null ? accepted : refuseOrder(accepted, refusal)), ...terms }
}
