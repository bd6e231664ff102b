// Proves: of the batches in a broker's answer, those of aborted transactions and the marks of transactions are left out, and no
// other, however the transactions of several producers interleave.

import { expect, test } from 'bun:test'
import { array, assert, constantFrom, integer, nat, property, record } from 'fast-check'
import { createCommitted, timestampOf } from '../../src/kafka/committedRecords.ts'

const transactional = 0x10
const control = 0x20

type Batch = ReturnType<typeof batch>

const batch = (firstOffset: number, producer: number, attributes: number, key: Buffer | null = null) => ({
  firstOffset: BigInt(firstOffset),
  last: BigInt(firstOffset),
  producerId: BigInt(producer),
  attributes,
  key,
})

const mark = (offset: number, producer: number, kind: 'abort' | 'commit'): Batch =>
  batch(offset, producer, transactional | control, Buffer.from([0, 0, 0, kind === 'abort' ? 0 : 1]))

/** The offsets of the batches that count. */
const committed = (log: readonly Batch[], aborted: Parameters<typeof createCommitted>[0]): number[] => {
  const counts = createCommitted(aborted)
  return log.filter((one) => counts(one, () => one.key)).map(({ firstOffset }) => Number(firstOffset))
}

type Step = { producer: number; do: 'send' | 'abort' | 'commit' | 'plain' }

/** A log written step by step, the transactions that were aborted in it, and the offsets that count. */
const write = (steps: readonly Step[]) => {
  const log: Batch[] = []
  const open = new Map<number, number[]>()
  const aborted: { producerId: bigint; firstOffset: bigint }[] = []
  const counted: number[] = []
  steps.forEach(({ producer, do: what }, offset) => {
    const sent = open.get(producer) ?? []
    switch (what) {
      case 'plain':
        log.push(batch(offset, producer + 100, 0))
        counted.push(offset)
        return
      case 'send':
        log.push(batch(offset, producer, transactional))
        open.set(producer, [...sent, offset])
        return
      case 'abort':
      case 'commit':
        log.push(mark(offset, producer, what))
        open.delete(producer)
        if (what === 'commit') counted.push(...sent)
        else if (sent.length > 0) aborted.push({ producerId: BigInt(producer), firstOffset: BigInt(sent[0]!) })
    }
  })
  // Transactions that are still open lie behind the last stable offset: no answer holds them.
  const stable = Math.min(steps.length, ...[...open.values()].flat())
  return { log, aborted, counted: counted.filter((offset) => offset < stable).toSorted((a, b) => a - b), stable }
}

const step = record({
  producer: integer({ min: 1, max: 3 }),
  do: constantFrom('send' as const, 'send' as const, 'abort' as const, 'commit' as const, 'plain' as const),
})

test('any part of a log gives the batches that were committed in it', () => {
  assert(
    property(array(step, { maxLength: 40 }), nat(40), nat(40), (steps, from, length) => {
      const { log, aborted, counted, stable } = write(steps)
      const to = Math.min(from + length, stable)
      const inside = (offset: number): boolean => offset >= from && offset < to
      const named = aborted.filter(({ firstOffset }) => Number(firstOffset) < to)
      const offsets = committed(log.slice(from, to), named)
      // A broker names those that reach into the answer; of others, long ended, it may name none.
      const reach = named.filter(({ firstOffset, producerId }) => {
        const end = log.findIndex(
          (one, at) => at > firstOffset && one.producerId === producerId && (one.attributes & control) !== 0,
        )
        return end >= from
      })
      expect(committed(log.slice(from, to), reach)).toEqual(counted.filter(inside))
      if (reach.length === named.length) expect(offsets).toEqual(counted.filter(inside))
    }),
    { numRuns: 2_000 },
  )
})

test('without transactions everything counts', () => {
  expect(committed([batch(0, -1, 0), batch(1, -1, 0)], [])).toEqual([0, 1])
})

test('a timestamp is the publisher’s, or the broker’s where the topic has it so', () => {
  const times = { firstTimestamp: 5n, maxTimestamp: 9n }
  expect(timestampOf({ ...times, attributes: 0 }, 2n)).toBe(7n)
  expect(timestampOf({ ...times, attributes: 0x08 }, 2n)).toBe(9n)
})
