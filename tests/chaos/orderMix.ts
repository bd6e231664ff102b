// The orders of the clients: prices so close that most orders match, quantities that fill partly, and amounts with all the
// digits that the contract allows.

import type { Random } from '../support/random.ts'
import type { Terms } from './checker/evidence.ts'

export const tickers = [
  'AAPL',
  'MSFT',
  'TSLA',
  'NVDA',
  'AMZN',
  'GOOG',
  'META',
  'NFLX',
  'ORCL',
  'IBM',
  'SAP.DE',
  'BRK.B',
  'BTC-USD',
  'ETH-USD',
  'X',
  'F',
  'ASML',
  'TSM',
  'BTC/USD',
  '^GSPC',
  'A+&@#=_:',
] as const

const quantityOf = (rng: Random): string => {
  if (rng.chance(0.08)) return '0.00000001'
  if (rng.chance(0.2)) return `${rng.int(0, 50)}.${rng.int(1, 99_999_999).toString().padStart(8, '0')}`
  return String(rng.int(1, 100))
}

const priceOf = (rng: Random): string =>
  rng.chance(0.1)
    ? `100.${rng.int(1, 99_999_999).toString().padStart(8, '0')}`
    : `${rng.int(98, 102)}.${rng.pick(['25', '5', '75'])}`

export const drawTerms = (rng: Random, userId: string, key: string | null): Terms => {
  const market = rng.chance(0.1)
  return {
    userId,
    key,
    ticker: rng.pick(tickers),
    side: rng.pick(['BUY', 'SELL']),
    type: market ? 'MARKET' : 'LIMIT',
    timeInForce: rng.pick(['GTC', 'GTC', 'GTC', 'GTC', 'GTC', 'GTC', 'DAY', 'IOC', 'FOK']),
    quantity: quantityOf(rng),
    price: market ? null : priceOf(rng),
  }
}

/** The body of a request; amounts as they are written, as numbers or as strings, and the key in the body or in a header. */
export const encodeOrder = (terms: Terms, rng: Random): { body: string; headers: Record<string, string> } => {
  const { userId, key, ticker, side, type, timeInForce, quantity, price } = terms
  const quote = rng.chance(0.3) ? '"' : ''
  const inBody = key !== null && rng.chance(0.5)
  const rest = JSON.stringify({ userId, ticker, side, type, timeInForce, ...(inBody ? { clientOrderId: key } : {}) })
  const amounts = `"quantity":${quote}${quantity}${quote}${price === null ? '' : `,"price":${quote}${price}${quote}`}`
  const header: Record<string, string> = key === null || inBody ? {} : { 'idempotency-key': key }
  return { body: `${rest.slice(0, -1)},${amounts}}`, headers: { 'content-type': 'application/json', ...header } }
}
