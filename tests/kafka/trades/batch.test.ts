// Proves: whatever fails while one message is handled is that message's fault. It becomes a dead letter with the reason, and the
// others of its batch have their dispositions. (Oddities of messages that are known: tests/e2e/clusterChanges.test.ts.)

import { expect, test } from 'bun:test'
import type { RawMessage } from '../../../src/kafka/client.ts'
import { createBatchHandler } from '../../../src/kafka/trades/batch.ts'
import type { Database } from '../../../src/store/sql.ts'
import { quietLog } from '../../support/quietLog.ts'

const traceparent = (last: string): string => `00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b${last}-01`

/** A trade of an order that cannot be ours, so that no database is asked. */
const message = (offset: number, trace: string): RawMessage => ({
  topic: 't',
  partition: offset % 2,
  offset: BigInt(offset),
  timestamp: 1_000n,
  key: null,
  value: Buffer.from(
    `{"tradeId":"t-${offset}","orderId":"x","ticker":"AAPL","price":1,"quantity":1,"timestamp":"2026-01-02T03:04:05Z"}`,
  ),
  headers: new Map([[Buffer.from('traceparent'), Buffer.from(trace)]]),
  leaderEpoch: 0,
  unreadable: null,
})

test('a message that nobody foresaw is a dead letter, wherever it stands, and the others are handled', async () => {
  const { log, lines } = quietLog()
  const handleBatch = createBatchHandler({
    db: { run: () => Promise.reject(new Error('no database here')) } as unknown as Database,
    // No stop waits.
    looks: { run: () => Promise.resolve(new Set()) } as unknown as Database,
    unknownToDeadLetters: true,
    stopToleranceMs: 0,
    onDisposition: () => undefined,
    log,
    // A part that fails on some messages: any other would do.
    tracing: {
      start({ parent }) {
        if (parent === traceparent('9')) throw new Error('a bug')
        return null
      },
      stop: () => Promise.resolve(),
    },
    now: () => new Date(0),
    newId: () => 'id',
  })
  const poisoned = [0, 3, 4, 9]
  const messages = Array.from({ length: 10 }, (_, n) => message(n, traceparent(poisoned.includes(n) ? '9' : '7')))
  const lettersOf = await handleBatch(messages, new AbortController().signal)
  for (const [partition, own] of lettersOf) expect(own.every(({ source }) => source.partition === partition)).toBe(true)
  const letters = [...lettersOf.values()].flat()
  const found = letters.map(({ source, disposition }) => [Number(source.offset), disposition] as const)
  expect(found.toSorted(([a], [b]) => a - b)).toEqual(
    messages.map((_, n) => [n, poisoned.includes(n) ? 'MALFORMED' : 'UNKNOWN_ORDER'] as const),
  )
  expect(letters.find(({ source }) => source.offset === 3n)!.reason).toBe('could not be handled: a bug')
  expect(lines.filter(({ message: text }) => text.includes('could not be handled'))).toHaveLength(poisoned.length)
})
