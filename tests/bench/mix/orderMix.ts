// The orders of the clients in every workload, drawn from a seed; wrk gets the same bodies as a file, and the limits and the
// loader draw from the same distributions in SQL.

import { writeFileSync } from 'node:fs'
import { randomStream, type Random } from '../../support/random.ts'
import { createZipf } from './zipf.ts'

export const userCount = 1_000
export const tickerCount = 200
const limitShare = 0.8
const keyedShare = 0.5
const timesInForce = ['GTC', 'IOC', 'FOK', 'DAY'] as const

/** Decimal digits inside a UUID: pgbench and Lua can write them too. */
export const userIdOf = (n: number): string => `0b5e0000-0000-4000-8000-00000000${1_000 + n}`
export const tickerOf = (rank: number): string => `T${rank}`

/** A placeholder for the key of an order, which must be new in every request. */
export const keyMark = '@'

const drawRank = createZipf(tickerCount)

/** Prices are around 100.00, so that an engine finds something to match. `ticker`: instead of a drawn one. */
export const drawBody = (rng: Random, ticker?: string): string => {
  const limit = rng.chance(limitShare)
  const order = {
    userId: userIdOf(rng.int(0, userCount - 1)),
    ticker: ticker ?? tickerOf(drawRank(rng)),
    side: rng.pick(['BUY', 'SELL']),
    type: limit ? 'LIMIT' : 'MARKET',
    timeInForce: rng.pick(timesInForce),
    quantity: rng.int(1, 1_000),
    ...(limit ? { price: rng.int(9_900, 10_100) / 100 } : {}),
    ...(rng.chance(keyedShare) ? { clientOrderId: keyMark } : {}),
  }
  return JSON.stringify(order)
}

/** A body that nobody sent before. */
export const withKey = (body: string, key: string): string => body.replace(`"${keyMark}"`, `"${key}"`)

const bodyCount = 20_000

/** The bodies for wrk, one a line. */
export const writeBodies = (file: string): void => {
  const rng = randomStream('bodies')
  writeFileSync(file, Array.from({ length: bodyCount }, () => `${drawBody(rng)}\n`).join(''))
}
