// Proves: the checker's own reading of a trade agrees with the contract, and leans on nothing else.

import { describe, expect, test } from 'bun:test'
import { decodeTrade } from './decode.ts'
import { ids } from './sample.ts'

const encoded = (text: string): Uint8Array => new TextEncoder().encode(text)

describe('the checker reads trades by the contract', () => {
  const lawful = { tradeId: 'T', orderId: ids.buy, ticker: 'aapl', quantity: 1, price: 1, timestamp: 1_767_323_045.5 }
  const read = (members: Record<string, unknown>) => decodeTrade(encoded(JSON.stringify({ ...lawful, ...members })))

  test('in every lawful form', () => {
    expect(read({})).toMatchObject({ ticker: 'AAPL', legs: [{ side: null, orderId: ids.buy }] })
    expect(read({ quantity: '1.50', price: 1e-7 })).toMatchObject({ quantity: 150_000_000n, price: 10n })
    expect(read({ orderId: undefined, buyOrderId: 'no-uuid', sellOrderId: null })).toMatchObject({
      legs: [{ side: 'BUY', orderId: 'no-uuid' }],
    })
    const exact = decodeTrade(encoded(JSON.stringify(lawful).replace('"price":1', '"price":123456789012.12345678')))
    expect(exact?.price).toBe(12_345_678_901_212_345_678n)
  })

  test('and refuses every other', () => {
    for (const members of [
      { tradeId: '' },
      { tradeId: 'x'.repeat(65) },
      { tradeId: 'a\u0000b' },
      { ticker: 'A B' },
      { quantity: 0 },
      { quantity: -1 },
      { quantity: '1e2' },
      { price: 1e12 },
      { price: '0.000000001' },
      { price: null },
      { timestamp: 'yesterday' },
      { timestamp: '2026-01-02T03:04:05' },
      { orderId: null },
    ])
      expect(read(members)).toBeNull()
    for (const text of ['', 'null', '[]', '7', '{']) expect(decodeTrade(encoded(text))).toBeNull()
    expect(decodeTrade(null)).toBeNull()
    expect(decodeTrade(new Uint8Array([0x7b, 0xff, 0x7d]))).toBeNull()
  })
})
