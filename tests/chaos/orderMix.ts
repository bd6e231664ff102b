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

/** Long enough for the first attempts of a request, short enough to end within the cycle. */
const endOf = (rng: Random): string => new Date(Date.now() + rng.int(3_000, 12_000)).toISOString()

export const drawTerms = (rng: Random, userId: string, key: string | null): Terms => {
  const type = rng.pick(['LIMIT', 'LIMIT', 'LIMIT', 'LIMIT', 'LIMIT', 'LIMIT', 'LIMIT', 'MARKET', 'STOP', 'STOP_LIMIT'])
  const isStop = type === 'STOP' || type === 'STOP_LIMIT'
  const atOnce = isStop ? [] : ['IOC', 'FOK']
  const timeInForce = rng.pick(['GTC', 'GTC', 'GTC', 'GTC', 'GTC', 'DAY', 'GTD', 'GTD', ...atOnce])
  const rests = type === 'LIMIT' && timeInForce !== 'IOC' && timeInForce !== 'FOK'
  const quantity = quantityOf(rng)
  return {
    userId,
    key,
    ticker: rng.pick(tickers),
    side: rng.pick(['BUY', 'SELL']),
    type,
    timeInForce,
    quantity,
    price: type === 'MARKET' || type === 'STOP' ? null : priceOf(rng),
    stopPrice: isStop ? priceOf(rng) : null,
    displayQuantity: (rests || type === 'STOP_LIMIT') && Number(quantity) > 1 && rng.chance(0.15) ? '0.75' : null,
    postOnly: rests && rng.chance(0.1),
    expiresAt: timeInForce === 'GTD' ? endOf(rng) : null,
  }
}

/** The body of a request; amounts as they are written, as numbers or as strings, and the key in the body or in a header. */
export const encodeOrder = (
  terms: Terms,
  { rng, keyInBody }: { rng: Random; keyInBody: boolean },
): { body: string; headers: Record<string, string> } => {
  const { userId, key, ticker, side, type, timeInForce, quantity, price, stopPrice, displayQuantity } = terms
  const quote = rng.chance(0.3) ? '"' : ''
  const inBody = key !== null && keyInBody
  const rest = JSON.stringify({
    userId,
    ticker,
    side,
    type,
    timeInForce,
    ...(inBody ? { clientOrderId: key } : {}),
    ...(terms.postOnly || rng.chance(0.05) ? { postOnly: terms.postOnly } : {}),
    ...(terms.expiresAt === null ? {} : { expiresAt: terms.expiresAt }),
  })
  const amounts = Object.entries({ quantity, price, stopPrice, displayQuantity })
    .filter(([, amount]) => amount !== null)
    .map(([name, amount]) => `"${name}":${quote}${amount}${quote}`)
    .join(',')
  const header: Record<string, string> = key === null || inBody ? {} : { 'idempotency-key': key }
  return { body: `${rest.slice(0, -1)},${amounts}}`, headers: { 'content-type': 'application/json', ...header } }
}
