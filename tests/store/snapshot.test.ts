// Proves: the arithmetic of places agrees with the definition of what is visible, transaction by transaction, and a place never counts as
// finished a transaction above what was read.

import { expect, test } from 'bun:test'
import * as fc from 'fast-check'
import {
  advance,
  contains,
  isVisible,
  join,
  meet,
  parseSnapshot,
  withRunning,
  writeSnapshot,
  type Snapshot,
} from '../../src/store/snapshot.ts'

const idMax = 24
const ids = Array.from({ length: idMax + 4 }, (_, id) => BigInt(id))

const snapshots: fc.Arbitrary<Snapshot> = fc
  .tuple(fc.nat({ max: idMax }), fc.uniqueArray(fc.nat({ max: idMax })))
  .map(([xmax, running]) => ({
    xmax: BigInt(xmax),
    xip: running
      .filter((id) => id < xmax)
      .toSorted((a, b) => a - b)
      .map(BigInt),
  }))

/** By the definition: finished is what lies below xmax and does not run. */
const visible = ({ xmax, xip }: Snapshot): Set<bigint> => new Set(ids.filter((id) => id < xmax && !xip.includes(id)))

test('a text is read as Postgres writes it, and written so', () => {
  fc.assert(fc.property(snapshots, (snapshot) => expect(parseSnapshot(writeSnapshot(snapshot))).toEqual(snapshot)))
  expect(parseSnapshot('10:20:10,14,15')).toEqual({ xmax: 20n, xip: [10n, 14n, 15n] })
  expect(parseSnapshot('10:10:')).toEqual({ xmax: 10n, xip: [] })
  for (const text of ['', '1:2', '1:2:3', '1:9:4,3', 'a:b:', '1:2:,']) expect(parseSnapshot(text)).toBeNull()
})

test('visible, contained, met', () => {
  fc.assert(
    fc.property(snapshots, snapshots, (a, b) => {
      const [inA, inB] = [visible(a), visible(b)]
      for (const id of ids) expect(isVisible(a, id)).toBe(inA.has(id))
      expect(contains(a, b)).toBe(inB.isSubsetOf(inA))
      expect(visible(meet(a, b))).toEqual(inA.intersection(inB))
      expect(visible(join(a, b))).toEqual(inA.union(inB))
    }),
  )
})

test('what counts as still running is not visible, and everything else is as it was', () => {
  fc.assert(
    fc.property(snapshots, fc.uniqueArray(fc.nat({ max: idMax })), (snapshot, some) => {
      const running = some.map(BigInt).filter((id) => isVisible(snapshot, id))
      const next = withRunning(snapshot, running)
      expect(visible(next)).toEqual(visible(snapshot).difference(new Set(running)))
      expect(next.xip).toEqual(next.xip.toSorted((a, b) => Number(a - b)))
    }),
  )
})

test('what was read below a bound is added to what was seen, and nothing else', () => {
  fc.assert(
    fc.property(snapshots, snapshots, fc.nat({ max: idMax + 2 }), (from, read, bound) => {
      const before = BigInt(bound)
      const wanted = new Set([...visible(from), ...[...visible(read)].filter((id) => id < before)])
      const next = advance(from, read, before)
      expect(visible(next)).toEqual(wanted)
      expect(next.xmax).toBeLessThanOrEqual(before > from.xmax ? before : from.xmax)
      expect(next.xip).toEqual(next.xip.toSorted((a, b) => Number(a - b)))
    }),
  )
})
