// Queries of the lists, and odd parts of a path or a query.

import type { Random } from '../support/random.ts'
import { secret } from './mutate.ts'
import { wordsOf } from './words.ts'

const nil = '00000000-0000-0000-0000-000000000000'
const base64url = (text: string): string => Buffer.from(text).toString('base64url')

const oddParts = [
  ...wordsOf(`
    %00 %zz % %ff%fe %C0%80 %ED%A0%80 ..%2f..%2fetc%2fpasswd __proto__ constructor :id * %3Cscript%3E
    ${encodeURIComponent(secret)} ${secret}
    ' %27%20or%201=1-- \u00ff\u00fe %25%30%30 0 null [object%20Object] ;x=y %20`),
  'a'.repeat(3_000),
]
export const odd = (rng: Random): string => rng.pick(oddParts)

const params: Record<string, readonly string[]> = {
  userId: ['00000000-0000-4000-8000-000000000001', 'x'],
  ticker: ['AAPL', 'keys', 'BRK.B', 'TOOLONGTOOLONGTOO'],
  side: ['BUY', 'SELL', 'buy'],
  status: ['open', 'closed', 'NEW', 'CANCELED', 'new'],
  type: ['LIMIT', 'STOP', 'stop'],
  timeInForce: ['GTD', 'GTC', ''],
  triggered: ['true', 'false', '1'],
  expiresBefore: ['2026-01-02T03:04:05Z', '9999-12-31T23:59:59Z', '2026-02-30T00:00:00Z', '1'],
  createdAfter: wordsOf(
    '0000-01-01T00:00:00Z 9999-12-31T23:59:59Z 2026-02-30T00:00:00Z 1 2026-01-02T03:04:05.678901234%2B01:00',
  ),
  createdBefore: ['2026-01-02T03:04Z', '1969-12-31T23:59:59Z', '2099-01-01T00:00:00-23:59'],
  clientOrderId: ['key-1', '%20', '%00', '%E2%80%A8'],
  limit: ['1', '500', '0', '501', '-1', '1e2', '01', '9'.repeat(400)],
  // The bare forms of 1.1, the tagged ones, and a fill that no order has.
  cursor: ['', 'AAAA', ...['fill-1', 'fill-9999999999', nil, `order-${nil}`, `exception-${nil}`].map(base64url)],
  orderId: ['00000000-0000-4000-8000-000000000001', '1'],
  tradeId: ['t-1', '%00', '%F0%9F%98%80', 'a'.repeat(65), '%ED%A0%80'],
  disposition: ['OVERFILL', 'MISMATCH', 'CONFLICT', 'APPLIED'],
  resolved: ['true', 'false', 'TRUE', ''],
}

/** The query of a list, lawful or not. */
export const query = (rng: Random): string => {
  const count = rng.weighted([
    [4, 0],
    [4, 1],
    [3, 2],
    [1, 4],
    [0.1, 400],
  ] as const)
  if (count === 0) return rng.pick(['', '', '', '?', '?&&&', '??', '?='])
  const one = (): string => {
    const name = rng.chance(0.9)
      ? rng.pick(Object.keys(params))
      : rng.pick(['', '__proto__', 'toString', 'limit%00', 'limit[]', secret, odd(rng)])
    return `${name}=${rng.chance(0.8) && name in params ? rng.pick(params[name] ?? ['']) : odd(rng)}`
  }
  return `?${Array.from({ length: count }, one).join('&')}`.replaceAll(/[ #]/g, '+')
}
