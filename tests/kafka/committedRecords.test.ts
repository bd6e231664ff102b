// Proves: of the batches in a broker's answer, those of aborted transactions and the marks of transactions are left out, and no
// other, however the transactions of several producers interleave.

import { expect, test } from 'bun:test'
import type { RecordsBatch } from '@platformatic/kafka'
import { array, assert, constantFrom, integer, nat, property, record } from 'fast-check'
import { committedBatches, timestampOf } from '../../src/kafka/committedRecords.ts'

const transactional = 0x10
const control = 0x20

const batch = (firstOffset: number, producer: number, attributes: number, key: Buffer | null = null): RecordsBatch =>
  ({
    firstOffset: BigInt(firstOffset),
    lastOffsetDelta: 0,
    producerId: BigInt(producer),
    attributes,
    firstTimestamp: 5n,
    maxTimestamp: 9n,
    records: [{ key, timestampDelta: 2n }],
  }) as unknown as RecordsBatch

const mark = (offset: number, producer: number, kind: 'abort' | 'commit'): RecordsBatch =>
  batch(offset, producer, transactional | control, Buffer.from([0, 0, 0, kind === 'abort' ? 0 : 1]))

type Step = { producer: number; do: 'send' | 'abort' | 'commit' | 'plain' }

/** A log written step by step, the transactions that were aborted in it, and the offsets that count. */
const write = (steps: readonly Step[]) => {
  const log: RecordsBatch[] = []
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
      const offsets = committedBatches(log.slice(from, to), named).map(({ firstOffset }) => Number(firstOffset))
      // A broker names those that reach into the answer; of others, long ended, it may name none.
      const reach = named.filter(({ firstOffset, producerId }) => {
        const end = log.findIndex(
          (one, at) => at > firstOffset && one.producerId === producerId && (one.attributes & control) !== 0,
        )
        return end >= from
      })
      expect(committedBatches(log.slice(from, to), reach).map(({ firstOffset }) => Number(firstOffset))).toEqual(
        counted.filter(inside),
      )
      if (reach.length === named.length) expect(offsets).toEqual(counted.filter(inside))
    }),
    { numRuns: 2_000 },
  )
})

test('without transactions everything counts', () => {
  const log = [batch(0, -1, 0), batch(1, -1, 0)]
  expect(committedBatches(log, null)).toEqual(log)
})

test('a timestamp is the publisher’s, or the broker’s where the topic has it so', () => {
  const plain = batch(0, -1, 0)
  const appended = batch(0, -1, 0x08)
  expect([timestampOf(plain, plain.records[0]!), timestampOf(appended, appended.records[0]!)]).toEqual([7n, 9n])
})
