// One message of the report topic for each (seed, number), always the same one: lawful reports, wrong ones, and bytes that are no report.

import { randomStream, type Random } from '../support/random.ts'
import { hostileObject, mutateBytes, renderObject, secret, type Member } from './mutate.ts'
import { amountSource } from './orderBodies.ts'
import { timestamp } from './tradeMessages.ts'

const quoted = (text: string): string => JSON.stringify(text)

const zeros = ['0', '0.0', '-0', '0e5', '0.00000000000000000000', '"0"', '"0.000"', '"-0"', '1e-400', '0.000000001']

const cumulative = (rng: Random): string =>
  rng.weighted<() => string>([
    [3, () => `${rng.below(200)}`],
    [2, () => amountSource(rng)],
    [2, () => quoted(amountSource(rng))],
    [2, () => rng.pick(zeros)],
    [1, () => rng.pick(['null', 'true', '{}', '""', '-1', '"x"', quoted(secret)])],
  ])()

const members = (rng: Random): Member[] => [
  [
    '"reportId"',
    rng.chance(0.95) ? quoted(`r-${rng.below(50)}`) : rng.pick(['""', '7', 'null', quoted('x'.repeat(65))]),
  ],
  ['"orderId"', rng.chance(0.9) ? quoted(rng.uuid()) : rng.pick(['null', '42', '"o-17"', '""', '[]', quoted(secret)])],
  ['"ticker"', quoted(rng.pick(['AAPL', 'aapl', 'BRK.B', '^GSPC', 'A B', '', 'X'.repeat(17)]))],
  [
    '"kind"',
    rng.chance(0.9)
      ? quoted(rng.pick(['REJECTED', 'CANCELED', 'EXPIRED']))
      : rng.pick(['"CANCELLED"', '"canceled"', '""', '1']),
  ],
  ...(rng.chance(0.7)
    ? [
        [
          '"reason"',
          rng.pick(['"no liquidity"', '"\\u0000\\ud800"', '""', 'null', '7', quoted('💹'.repeat(600))]),
        ] as const,
      ]
    : []),
  ...(rng.chance(0.8) ? [['"cumulativeQuantity"', cumulative(rng)] as const] : []),
  ['"timestamp"', timestamp(rng)],
  ...(rng.chance(0.1) ? [['"venue"', '{"name":"X","tags":[1,2,{}]}'] as const] : []),
]

/** Null: a tombstone. */
export const reportBytes = (seed: string, number: number): Buffer | null => {
  const rng = randomStream(`${seed}:report:${number}`)
  return rng.weighted<() => Buffer | null>([
    [10, () => Buffer.from(renderObject(rng, members(rng)))],
    [8, () => hostileObject(rng, members(rng))],
    [1, () => mutateBytes(rng, Buffer.from('{"reportId":"r","orderId":null}'))],
    [
      0.5,
      () =>
        rng.pick([null, Buffer.alloc(0), Buffer.from('null'), Buffer.from('\ufeff{}'), Buffer.from('['.repeat(1_000))]),
    ],
  ])()
}
