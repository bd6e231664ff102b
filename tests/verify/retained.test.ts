// Proves: the time since when a topic must hold everything is right.

import { expect, test } from 'bun:test'
import { partitionOf } from '../../src/kafka/partition.ts'
import { createRetained } from '../../src/verify/retained.ts'

const slackMs = 10
/** The first ticker of a partition of two. */
const tickerOf = (partition: number): string =>
  Array.from({ length: 100 }, (_, n) => `T${n}`).find((ticker) => partitionOf(ticker, 2) === partition)!

const record = (partition: number, publishedAtMs: number) => ({
  topic: 't',
  reasonCode: null,
  partition,
  offset: 0n,
  publishedAtMs,
  key: null,
  value: null,
  headers: [],
})
const event = (partition: number, atMs: number) => ({
  kind: 'PLACED' as const,
  eventId: '',
  orderId: '',
  key: '',
  terms: { ticker: '' },
  occurredAt: new Date(atMs).toISOString(),
  reasonCode: null,
  partition,
  offset: 0n,
})

test('a partition that was cut is complete since its oldest record was published, and the slack', () => {
  const retained = createRetained(
    [
      { start: 5n, end: 9n },
      { start: 0n, end: 9n },
    ],
    slackMs,
  )
  retained.addRecord(record(0, 1_000))
  retained.addRecord(record(0, 2_000))
  retained.addEvent(event(0, 100))
  expect(retained.sinceMs(tickerOf(0), 7)).toBe(1_010)
})

test('a record without a time says nothing of when it was published', () => {
  const retained = createRetained([{ start: 5n, end: 9n }], slackMs)
  retained.addRecord(record(0, -1))
  expect(retained.sinceMs('T', 7)).toBe(Infinity)
  retained.addRecord(record(0, 2_000))
  expect(retained.sinceMs('T', 7)).toBe(2_010)
})

test('a partition that was never cut is complete since its oldest event', () => {
  const retained = createRetained(
    [
      { start: 0n, end: 9n },
      { start: 0n, end: 9n },
    ],
    slackMs,
  )
  retained.addEvent(event(1, 300))
  retained.addEvent(event(1, 200))
  expect(retained.sinceMs(tickerOf(1), 7)).toBe(200)
  expect(retained.oldestMs()).toBe(200)
})

test('an empty one is as old as the others if nothing was cut, and says nothing if everything was', () => {
  const retained = createRetained(
    [
      { start: 0n, end: 0n },
      { start: 9n, end: 9n },
    ],
    slackMs,
  )
  expect(retained.sinceMs(tickerOf(0), 7)).toBe(7)
  expect(retained.sinceMs(tickerOf(1), 7)).toBe(Infinity)
  expect(retained.oldestMs()).toBe(Infinity)
})

test('a partition that is added meanwhile does no harm', () => {
  const retained = createRetained(
    [
      { start: 0n, end: 1n },
      { start: 0n, end: 1n },
    ],
    slackMs,
  )
  retained.addRecord(record(2, 1))
  retained.addEvent(event(2, 50))
  expect(retained.oldestMs()).toBe(50)
})
