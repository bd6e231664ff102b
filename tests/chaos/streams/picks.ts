// What a stream client may ask for: users, tickers and orders that the clients' log has named a moment ago.

import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs'
import type { Random } from '../../support/random.ts'
import type { LogLine, StreamFilter } from '../checker/evidence.ts'
import { tickers } from '../orderMix.ts'

const tailBytes = 64 * 1024

const readTail = (file: string): LogLine[] => {
  if (!existsSync(file)) return []
  const descriptor = openSync(file, 'r')
  try {
    const from = Math.max(0, fstatSync(descriptor).size - tailBytes)
    const bytes = new Uint8Array(tailBytes)
    const length = readSync(descriptor, bytes, 0, tailBytes, from)
    // The first line may have lost its beginning.
    const lines = new TextDecoder().decode(bytes.subarray(0, length)).split('\n').slice(1)
    return lines
      .filter((line) => line.startsWith('{"') && line.endsWith('}'))
      .map((line) => JSON.parse(line) as LogLine)
  } finally {
    closeSync(descriptor)
  }
}

/** Users with a key place many orders; others place one. */
const usersIn = (log: readonly LogLine[]): string[] =>
  log.flatMap((line) => ('op' in line && line.op === 'place' && line.terms.key !== null ? [line.terms.userId] : []))
const ordersIn = (log: readonly LogLine[]): string[] =>
  log.flatMap((line) => ('answer' in line && line.status === 202 && line.orderId !== undefined ? [line.orderId] : []))

/** The kinds of filter. `any`: none at all, which only few clients can afford. */
export type Kind = 'any' | 'user' | 'ticker' | 'order' | 'userAndTicker'

/** Null: nobody has placed anything yet. */
export const pickFilter = (kind: Kind, logFile: string, rng: Random): StreamFilter | null => {
  if (kind === 'any') return {}
  if (kind === 'ticker') return { ticker: rng.pick(tickers) }
  const log = readTail(logFile)
  const found = kind === 'order' ? ordersIn(log) : usersIn(log)
  if (found.length === 0) return null
  if (kind === 'order') return { orderId: rng.pick(found) }
  const userId = rng.pick(found)
  return kind === 'user' ? { userId } : { userId, ticker: rng.pick(tickers) }
}
