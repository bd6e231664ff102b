// Proves: orders and trades have the distributions that the README states; wrk, pgbench, SQL and TypeScript mean the same order
// by the same number.

import { describe, expect, test } from 'bun:test'
import { join } from 'node:path'
import { randomStream } from '../../support/random.ts'
import { loadedId, openDigits, unknownFrom } from '../world/loader.ts'
import { drawBody, keyMark, tickerOf, userIdOf, withKey } from './orderMix.ts'
import { drawTrades } from './tradeMix.ts'
import { createZipf } from './zipf.ts'

const times = <T>(count: number, draw: () => T): T[] => Array.from({ length: count }, draw)
const share = <T>(values: readonly T[], is: (value: T) => boolean): number => values.filter(is).length / values.length

describe('Zipf', () => {
  const rng = randomStream('zipf')
  const draw = createZipf(200)
  const ranks = times(100_000, () => draw(rng))
  const harmonic = Array.from({ length: 200 }, (_, i) => 1 / (i + 1)).reduce((sum, part) => sum + part)

  test.each([1, 2, 5, 20])('rank %d is drawn as often as the law says', (rank) => {
    expect(share(ranks, (drawn) => drawn === rank)).toBeCloseTo(1 / rank / harmonic, 2)
  })

  test('every rank from the first to the last, and no other', () => {
    expect(Math.min(...ranks)).toBe(1)
    expect(Math.max(...ranks)).toBe(200)
    expect(new Set(ranks).size).toBe(200)
  })

  test('the ends of the random numbers stay within', () => {
    expect(draw({ next: () => 0 })).toBe(1)
    expect(draw({ next: () => 1 - 2 ** -32 })).toBe(200)
  })
})

describe('orders', () => {
  const rng = randomStream('orders')
  type Body = Record<string, unknown>
  const bodies = times(20_000, () => JSON.parse(drawBody(rng)) as Body)

  test('four fifths have a limit, and only they have a price', () => {
    expect(share(bodies, ({ type }) => type === 'LIMIT')).toBeCloseTo(0.8, 1)
    expect(bodies.every(({ type, price }) => (type === 'LIMIT') === (price !== undefined))).toBe(true)
  })

  test('half carry a key', () => {
    expect(share(bodies, ({ clientOrderId }) => clientOrderId === keyMark)).toBeCloseTo(0.5, 1)
  })

  test('come from a thousand users, each a UUID', () => {
    const users = new Set(bodies.map(({ userId }) => userId))
    expect(users.size).toBeGreaterThan(990)
    expect(userIdOf(0)).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/)
    expect(userIdOf(999)).toHaveLength(36)
  })

  test('are repeatable', () => {
    expect(drawBody(randomStream('same'))).toBe(drawBody(randomStream('same')))
  })

  test('get their key where the mark is', () => {
    expect(withKey(`{"clientOrderId":"${keyMark}"}`, 'k-1')).toBe('{"clientOrderId":"k-1"}')
  })
})

describe('the id of a loaded order', () => {
  const numbers = [1, 8_999, 9_000, 9_001, 1_000_000, 10_000_000, 60_000_000]

  test('is a UUIDv7 in form', () => {
    for (const n of numbers) expect(loadedId(n)).toMatch(/^[0-9]{8}-[0-9]{4}-7[0-9]{3}-8[0-9]{3}-[0-9]{12}$/)
  })

  test('rises with its number', () => {
    const ids = numbers.map(loadedId)
    expect(ids.toSorted()).toEqual(ids)
    expect(new Set(ids).size).toBe(ids.length)
  })

  test('is written the same way by pgbench and Lua', async () => {
    const read = (path: string) => Bun.file(join(import.meta.dir, '..', path)).text()
    const [l5, l6, l8, lua] = await Promise.all(
      ['limits/L5.sql', 'limits/L6.sql', 'limits/L8.sql', 'scripts/get.lua'].map(read),
    )
    for (const text of [l5!, l6!, l8!]) {
      expect(text).toMatch(/1000 \+ :?n \/ 9000/)
      expect(text).toMatch(/1000 \+ :?n % 9000/)
    }
    expect(lua).toContain("'GET /orders/0190' .. 1000 + math.floor(n / 9000) .. '-' .. 1000 + n % 9000 ..")
    for (const text of [l8!, lua!]) expect(text).toContain(String(unknownFrom))
    // Their fills go to open orders alone.
    for (const text of [l5!, l6!]) expect(text).toContain(`random(${openDigits[0]}, ${openDigits.at(-1)})`)
  })

  // pgbench and Lua write `1000 + n / 9000` and `1000 + n % 9000` without padding.
  test('needs no padding', () => {
    for (const n of numbers) {
      expect(1_000 + Math.floor(n / 9_000)).toBeLessThan(10_000)
      expect(1_000 + (n % 9_000)).toBeLessThan(10_000)
    }
  })
})

describe('trades', () => {
  const books = [1, 2, 3].map((rank) => ({
    ticker: tickerOf(rank),
    buys: Array.from({ length: 10 * rank }, (_, i) => loadedId(rank * 1_000 + 2 * i)),
    sells: Array.from({ length: 10 * rank }, (_, i) => loadedId(rank * 1_000 + 2 * i + 1)),
  }))
  const set = drawTrades(books, 20_000, 'test')
  const values = set.messages.map(({ value }) => JSON.parse(value) as { tradeId: string; quantity: number })

  test('a tenth repeat an earlier message, byte for byte', () => {
    const ids = new Set<string>()
    const repeats = set.messages.filter(({ value }) => ids.size === ids.add(value).size)
    expect(repeats).toHaveLength(set.duplicateLegs / 2)
    expect(repeats.length / values.length).toBeCloseTo(0.1, 2)
  })

  test('one in a hundred is of nobody’s orders', () => {
    const bookIds = new Set(books.flatMap(({ buys, sells }) => [...buys, ...sells]))
    const unknown = set.messages.filter(({ value }) => ![...bookIds].some((id) => value.includes(id)))
    expect(unknown).toHaveLength(set.unknownMessages)
    expect(unknown.length / values.length).toBeCloseTo(0.01, 2)
  })

  test('one in a hundred asks for more than there is', () => {
    expect(values.filter(({ quantity }) => quantity > 1_000_000)).toHaveLength(set.overfillLegs / 2)
  })

  test('both legs of all the others are to be applied', () => {
    const fills = new Set(values.map(({ tradeId }) => tradeId)).size - set.unknownMessages - set.overfillLegs / 2
    expect(set.legs.size).toBe(2 * fills)
  })

  test('a book with more orders has more trades', () => {
    const [small, , large] = books.map(({ ticker }) => set.messages.filter(({ key }) => key === ticker).length)
    expect(large! / small!).toBeGreaterThan(2.5)
  })
})
