// Requests that cancel many orders: queries of DELETE /orders, bodies of a switch, lawful and hostile.

import type { Random } from '../support/random.ts'
import { hostileObject, renderObject, secret, type Member } from './mutate.ts'

const users = ['00000000-0000-4000-8000-000000000001', '00000000-0000-4000-8000-00000000000A']
/** They place no orders, so that no switch cancels any without an answer. */
const switchUsers = ['00000000-0000-4000-9000-000000000001', '00000000-0000-4000-9000-0000000000aB']

const values: Record<string, readonly string[]> = {
  userId: [...users, ...users, 'x', '', '%00', '00000000-0000-4000-8000-00000000000'],
  ticker: ['KEYS', 'keys', 'BTC%2FUSD', '_:%2B%26@%23', 'AAPL+', '', 'TOOLONGTOOLONGTOO', '%C3%9F'],
  side: ['BUY', 'SELL', 'buy', ''],
}

/** The query of a cancel of many orders. */
export const scopeQuery = (rng: Random): string => {
  const names = ['userId', 'ticker', 'side'].filter(() => rng.chance(0.55))
  const more = rng.chance(0.12)
    ? [rng.pick(['userId', 'ticker', 'side', 'status', 'limit', '__proto__', '', secret])]
    : []
  const members = [...names, ...more].map((name) => `${name}=${rng.pick(values[name] ?? ['', '1', 'open'])}`)
  return members.length === 0 ? rng.pick(['', '?', '?&&', '??']) : `?${members.join('&')}`
}

const timeouts = [
  '0',
  '1000',
  '86400000',
  '1e3',
  '5000.0',
  '5000.0000000000000000000000',
  '0.0',
  '999',
  '86400001',
  '1000.5',
  '1',
  '1e400',
  '1e-400',
  '"1000"',
  'null',
  'true',
  '[]',
]

/** The body of a switch. */
export const switchBody = (rng: Random): Buffer => {
  const members: Member[] = [
    ['"userId"', rng.chance(0.9) ? `"${rng.pick(switchUsers)}"` : rng.pick(['"x"', 'null', '1'])],
    ['"timeoutMs"', rng.chance(0.7) ? `${1_000 + rng.below(86_000_000)}` : rng.pick(timeouts)],
  ]
  return rng.chance(0.7) ? Buffer.from(renderObject(rng, members)) : hostileObject(rng, members)
}
