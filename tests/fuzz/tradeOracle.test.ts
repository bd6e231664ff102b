// Proves: the fuzzer's own judgement of trades is right: decoding, dispositions, and the checks of what trades left behind.

import { describe, expect, test } from 'bun:test'
import type { Received } from '../support/kafka.ts'
import { createExpectation, type KnownOrder } from './expectedLedger.ts'
import { expectTrade } from './expectedTrade.ts'
import { letterFaults } from './tradeTables.ts'

const user = '00000000-0000-4000-8000-000000000001'

describe('the oracle of trades', () => {
  const order: KnownOrder = { id: user, ticker: 'AAPL', side: 'BUY', quantity: 1_000_000_000n, canceled: false }
  const trade = (changes: Record<string, unknown> = {}): Buffer =>
    Buffer.from(
      JSON.stringify({
        tradeId: 't',
        buyOrderId: user,
        ticker: 'aapl',
        price: 1,
        quantity: 6,
        timestamp: 1767323045.678901,
        ...changes,
      }),
    )

  test('decodes', () => {
    expect(expectTrade(trade())).toEqual({
      tradeId: 't',
      ticker: 'AAPL',
      quantity: '6',
      price: '1',
      tradedAt: '2026-01-02T03:04:05.678901Z',
      legs: [{ side: 'BUY', orderId: user }],
    })
    for (const bad of [
      { price: 0 },
      { tradeId: '' },
      { tradeId: 'a\u0000' },
      { timestamp: 'now' },
      { buyOrderId: null },
      { ticker: 1 },
    ])
      expect(expectTrade(trade(bad))).toBe('MALFORMED')
    expect(expectTrade(null)).toBe('MALFORMED')
    expect(expectTrade(Buffer.from([0xff]))).toBe('MALFORMED')
    expect(expectTrade(trade({ timestamp: -1 }))).toBe('UNCLEAR')
  })

  test('gives every leg its disposition, in order', () => {
    const { expected, take } = createExpectation(new Map([[user, order]]))
    const messages = [
      trade(),
      trade(),
      trade({ price: 2 }),
      trade({ tradeId: 'u' }),
      trade({ ticker: 'X' }),
      trade({ sellOrderId: 'x' }),
      Buffer.from('?'),
    ]
    messages.forEach((message, i) => take(message, `0-${i}`))
    expect(expected.dispositions).toEqual({
      APPLIED: 1,
      DUPLICATE: 2,
      CONFLICT: 1,
      OVERFILL: 1,
      MISMATCH: 1,
      UNKNOWN_ORDER: 1,
      MALFORMED: 1,
    })
    expect([...expected.letters.keys()]).toEqual(['0-5', '0-6'])
    expect(expected.filled.get(user)).toBe(600_000_000n)
  })

  test('notices that a dead letter is missing, or has other bytes', () => {
    const { expected, take } = createExpectation(new Map())
    const message = { partition: 0, key: null, value: Buffer.from('?'), headers: [] }
    take(message.value, '0-0')
    const letter = (bytes: string): Received => ({
      topic: 'd',
      partition: 0,
      offset: 0n,
      key: null,
      value: bytes,
      bytes: Buffer.from(bytes),
      appendedAt: 0n,
      headerEntries: [],
      headers: { 'x-dead-letter-id': 'trades-0-0', 'x-disposition': 'MALFORMED' },
    })
    const sent = new Map([['0-0', message]])
    expect(letterFaults([letter('?')], expected, sent)).toEqual([])
    expect(letterFaults([], expected, sent)).toHaveLength(1)
    expect(letterFaults([letter('!')], expected, sent)).toHaveLength(1)
  })
})
