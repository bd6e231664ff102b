// Proves: a cursor carries its place whole, is opaque and short, and nothing else is taken for one.

import { expect, test } from 'bun:test'
import * as fc from 'fast-check'
import { decodeFollowQuery } from '../../src/http/stream/query.ts'
import type { Place } from '../../src/store/log.ts'
import { decodeCursor, encodeCursor, pageCursors } from '../../src/tail/cursor.ts'

const ids = fc.bigInt({ min: 0n, max: 2n ** 62n })
const snapshots = fc
  .tuple(
    fc.bigInt({ min: 1n, max: 2n ** 62n }),
    fc.uniqueArray(fc.bigInt({ min: 1n, max: 5_000n }), { maxLength: 200 }),
  )
  .map(([least, distances]) => ({
    xmax: least + 5_000n,
    xip: distances.toSorted((a, b) => Number(b - a)).map((distance) => least + 5_000n - distance),
  }))
const places: fc.Arbitrary<Place> = fc.record({
  epoch: fc.nat(),
  snapshot: snapshots,
  witness: fc.option(fc.record({ xact: ids, position: ids, orderId: fc.uuid(), version: fc.nat() })),
  page: fc.option(fc.record({ end: snapshots, after: ids })),
})

test('is read as it was written, in characters of a URL', () => {
  fc.assert(
    fc.property(places, fc.nat(), (place, issuedAtMs) => {
      const text = encodeCursor(place, issuedAtMs)
      expect(text).toMatch(/^[\w-]+$/)
      expect(decodeCursor(text)).toEqual({ place, issuedAtMs })
      if (place.page !== null) expect(pageCursors(place, place.page.end, issuedAtMs)(place.page.after)).toBe(text)
    }),
  )
})

test('of a quiet database is short', () => {
  const witness = { xact: 10n ** 9n, position: 10n ** 9n, orderId: crypto.randomUUID(), version: 3 }
  const place = { epoch: 1, snapshot: { xmax: 10n ** 9n, xip: [] }, witness, page: null }
  expect(encodeCursor(place, Date.now()).length).toBeLessThan(120)
})

test('of a cluster in which hundreds write at the same time is taken where it comes back', () => {
  const running = (count: number) => ({
    xmax: 10n ** 9n,
    xip: Array.from({ length: count }, (_, i) => 10n ** 9n - BigInt(5 * (count - i))),
  })
  const witness = { xact: 10n ** 9n, position: 10n ** 9n, orderId: crypto.randomUUID(), version: 3 }
  const place = { epoch: 1, snapshot: running(500), witness, page: { end: running(500), after: 10n ** 9n } }
  const cursor = encodeCursor(place, Date.now())
  expect(decodeCursor(cursor)?.place).toEqual(place)
  const none = new URLSearchParams()
  expect(decodeFollowQuery(none, cursor)).toMatchObject({ ok: true, value: { cursor } })
  expect(decodeFollowQuery(new URLSearchParams({ cursor }), null)).toMatchObject({ ok: true, value: { cursor } })
})

test('any other text is none, and reading it does not throw', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.base64String(),
        places.map((place) => encodeCursor(place, 1)),
      ),
      fc.nat(),
      (text, at) => {
        const changed = text.slice(0, at % (text.length + 1)) + text.slice((at % (text.length + 1)) + 1)
        const cursor = decodeCursor(changed)
        if (cursor !== null) expect(decodeCursor(encodeCursor(cursor.place, cursor.issuedAtMs))).toEqual(cursor)
      },
    ),
  )
  expect(decodeCursor('A'.repeat(20_000))).toBeNull()
})

test.each(['0', '5.5', 'zz/0/0', 'zz/5.5/0'])(
  'with a snapshot that Postgres would not read (%s) it is none',
  (snapshots) => {
    const [seen, ...page] = snapshots.split('/')
    const text = (fields: string[]): string => Buffer.from(fields.join('/')).toString('base64url')
    expect(decodeCursor(text(['1', '1', 'zz', 'zz', '', 'zz', '1']))).not.toBeNull()
    expect(decodeCursor(text(['1', '1', 'zz', seen!, '', ...(page.length === 0 ? [''] : page)]))).toBeNull()
  },
)
