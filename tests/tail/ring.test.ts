// Proves: the ring serves a place only if it has everything that the place has not seen, forgets the oldest first, and what makes it
// longer backwards never counts as seen what comes later in it. A follower within it never takes a later chunk for one that is gone.

import { expect, test } from 'bun:test'
import type { LogRow, Place } from '../../src/store/log.ts'
import { isVisible } from '../../src/store/snapshot.ts'
import { createRing, hasSeen, towards, type RingChunk } from '../../src/tail/ring.ts'
import { goOn, type Paths, type Way } from '../../src/tail/stages.ts'
import { anOrder } from '../support/builders.ts'

const at = (xmax: bigint, ...xip: bigint[]): Place => ({ epoch: 1, snapshot: { xmax, xip }, witness: null, page: null })

const entry = (xact: bigint) => {
  const event = { position: xact, orderId: 'o', version: 0, userId: 'u', ticker: 'T', text: '{}' }
  return { xact, cursor: 'c', event }
}
const chunk = (from: Place, to: Place, ...xacts: bigint[]): RingChunk => ({
  start: from,
  end: to,
  entries: xacts.map(entry),
})

const row = (xact: bigint): LogRow => {
  const order = anOrder()
  const history = {
    kind: 'ACCEPTED',
    at: order.createdAt,
    order,
    fill: null,
    reason: null,
    cause: { kind: 'request' },
  } as const
  return { history, xact, position: xact }
}

test('a place is served if what it has not seen is there', () => {
  const ring = createRing({ eventsMax: 3, bytesMax: 10_000 })
  expect(ring.serves(at(10n))).toBe(false)
  ring.restart(at(10n, 7n))
  ring.append(chunk(at(10n, 7n), at(12n, 7n), 10n, 11n))
  expect(ring.serves(at(10n, 7n))).toBe(true)
  expect(ring.serves(at(10n))).toBe(true)
  expect(ring.serves(at(12n, 11n))).toBe(true)
  expect(ring.serves(at(9n, 7n))).toBe(false)
  expect(ring.serves(at(10n, 6n))).toBe(false)
  ring.append(chunk(at(12n, 7n), at(14n), 7n, 13n))
  expect(ring.size().events).toBe(2)
  expect(ring.serves(at(10n, 7n))).toBe(false)
  expect(ring.serves(at(12n, 7n))).toBe(true)
})

test('an event was seen if its transaction was, or its position of a page', () => {
  const place: Place = { ...at(10n, 7n), page: { end: { xmax: 20n, xip: [15n] }, after: 12n } }
  const seen = [6n, 7n, 9n, 10n, 12n, 13n].map((xact) => hasSeen(place, entry(xact)))
  expect(seen).toEqual([true, true, true, true, true, false])
  expect(hasSeen({ ...place, page: { end: { xmax: 20n, xip: [11n] }, after: 12n } }, entry(11n))).toBe(false)
})

test('what makes the ring longer ends where it begins', () => {
  const ringStart = at(10n, 7n)
  const later = towards(ringStart, {
    kind: 'chunk',
    start: at(4n),
    end: at(12n),
    rows: [5n, 7n, 11n].map(row),
    complete: true,
  })
  expect(later.rows.map(({ xact }) => xact)).toEqual([5n])
  // Transaction 7 was still running where the ring begins: the ring has it, so nobody may count it as seen before.
  expect(isVisible(later.end.snapshot, 7n)).toBe(false)
  expect(isVisible(later.end.snapshot, 11n)).toBe(false)
  const ring = createRing({ eventsMax: 100, bytesMax: 100_000 })
  ring.restart(ringStart)
  ring.append(chunk(ringStart, at(12n), 7n, 11n))
  ring.prepend([chunk(later.start, later.end, 5n)])
  expect(ring.serves(at(4n))).toBe(true)
  expect(ring.serves(later.end)).toBe(true)
})

test('a follower whose chunk is gone goes back, whatever was put before the ring since', () => {
  const ring = createRing({ eventsMax: 100, bytesMax: 100_000 })
  ring.restart(at(10n))
  ring.append(chunk(at(10n), at(12n), 10n, 11n))
  ring.append(chunk(at(12n), at(14n), 12n, 13n))
  ring.append(chunk(at(14n), at(16n), 14n, 15n))
  const way: Way = {
    filter: {},
    stage: { kind: 'ring', origin: at(10n), number: ring.first() + 1, place: at(12n) },
    arrive: () => undefined,
  }
  // The connection to Postgres is lost. Then somebody comes back who has seen more than this one.
  ring.restart(at(16n))
  ring.prepend([chunk(at(14n), at(15n), 14n), chunk(at(15n), at(16n), 15n)])
  expect(goOn(way, { ring } as Paths)).toBe(null)
  expect(way.stage).toMatchObject({ kind: 'behind', place: at(12n) })
})
