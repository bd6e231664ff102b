// Makes the bodies and queries that change rules of business: mostly lawful, and always of tickers that no order of the fuzz names, because the
// oracle of orders knows no rules.

import type { Random } from '../support/random.ts'
import { hostileObject, renderObject, secret, type Member } from './mutate.ts'
import { amountSource } from './orderBodies.ts'

/** Each names a ticker, so that no change ever is of all. */
export const ruleTicker = (rng: Random): string =>
  rng.weighted([
    [8, '?ticker=RULE.1'],
    [4, '?ticker=rule.2'],
    [2, '?ticker=RULE%2B3%2FX'],
    [1, '?ticker=RULE+4'],
    [1, '?ticker='],
    [1, '?ticker=RULE.1&ticker=RULE.2'],
    [1, '?ticker=RULE.1&by'],
    [1, `?ticker=${secret.replaceAll(/[^a-z0-9]/g, '')}RULESRULESRULES`],
  ] as const)

const statement = (rng: Random): Member[] => [
  ['"by"', rng.pick(['"ops@desk"', '"a"', `"${'b'.repeat(200)}"`, `"${'b'.repeat(201)}"`])],
  ['"note"', rng.pick(['"fat finger"', `"${'n'.repeat(2_000)}"`, `"\\u2028 ${secret}"`, '""'])],
]

const someLimits = (rng: Random): Member[] =>
  ['tickSize', 'lotSize', 'quantityMin', 'quantityMax', 'notionalMax', 'referencePrice', 'priceBandPercent']
    .filter(() => rng.chance(0.4))
    .map((name): Member => [`"${name}"`, rng.chance(0.1) ? 'null' : amountSource(rng)])

const body = (rng: Random, members: readonly Member[]): Buffer =>
  rng.chance(0.7) ? Buffer.from(renderObject(rng, members)) : hostileObject(rng, members)

export const instrumentBody = (rng: Random): Buffer => body(rng, [...someLimits(rng), ...statement(rng)])

export const tradingBody = (rng: Random): Buffer => {
  const state: Member = ['"state"', rng.pick(['"HALTED"', '"HALTED"', '"ACTIVE"', '"halted"', 'null'])]
  const more: Member[] = rng.weighted([
    [6, []],
    [2, [['"cancelOpen"', rng.pick(['true', 'false', 'null', '1'])]]],
    [1, [['"limits"', renderObject(rng, someLimits(rng))]]],
  ] as const) as Member[]
  return body(rng, [state, ...more, ...statement(rng)])
}
