// Proves: amounts come from the source text, whatever else is in the message, and trades are written as the contract has them,
// with an id that any service must accept.

import { expect, test } from 'bun:test'
import * as fc from 'fast-check'
import { decodeCancelled, decodePlaced, encodeTrade, tradeIdOf } from './messages.ts'

const bytes = (text: string) => Buffer.from(text)

test('an order is read exactly, where a double would round', () => {
  const text =
    '{"orderId":"AB","ticker":"AAPL","side":"BUY","type":"LIMIT","timeInForce":"GTC",' +
    '"quantity" : 123456789012.00000001,"price":1e-8,"more":{"quantity":7}}'
  expect(decodePlaced(bytes(text))).toEqual({
    id: 'ab',
    ticker: 'AAPL',
    side: 'BUY',
    type: 'LIMIT',
    timeInForce: 'GTC',
    quantity: 12345678901200000001n,
    price: 1n,
  })
})

test('a market order has no price, a limit order must have one', () => {
  const order = {
    orderId: 'a',
    ticker: 'A',
    side: 'SELL',
    type: 'MARKET',
    timeInForce: 'IOC',
    quantity: 1,
    price: null,
  }
  expect(decodePlaced(bytes(JSON.stringify(order)))?.price).toBeNull()
  expect(decodePlaced(bytes(JSON.stringify({ ...order, type: 'LIMIT' })))).toBeNull()
})

test('a word that the first engine does not know is fatal, where anything else that cannot be read is null', () => {
  const order = { orderId: 'a', ticker: 'A', side: 'SELL', type: 'LIMIT', timeInForce: 'GTC', quantity: 1, price: 1 }
  const unknown = { side: 'SHORT', type: 'STOP', timeInForce: 'DAY' }
  for (const [member, word] of Object.entries(unknown)) {
    expect(() => decodePlaced(bytes(JSON.stringify({ ...order, [member]: word })))).toThrow(`${member} "${word}"`)
    expect(decodePlaced(bytes(JSON.stringify({ ...order, [member]: 7 })))).toBeNull()
    expect(decodePlaced(bytes(JSON.stringify({ ...order, [member]: undefined })))).toBeNull()
  }
})

test('text that looks like an amount stays text', () => {
  fc.assert(
    fc.property(
      fc.constantFrom('"quantity":5', '\\"price":5', '"quantity":1,"price":2'),
      fc.string(),
      (trap, noise) => {
        const text = JSON.stringify({ orderId: 'a', ticker: `${trap}${noise}`.slice(0, 64) })
        expect(decodeCancelled(bytes(text))?.ticker).toBe(`${trap}${noise}`.slice(0, 64))
      },
    ),
  )
})

test('a trade is written in plain numbers, both legs in their place', () => {
  const trade = {
    takerId: 's',
    takerSide: 'SELL',
    makerId: 'b',
    price: 15050000000n,
    quantity: 1n,
    timestamp: 1_767_323_045_678,
  } as const
  expect(encodeTrade({ ...trade, tradeId: 't', ticker: 'AAPL' })).toBe(
    '{"tradeId":"t","buyOrderId":"b","sellOrderId":"s","ticker":"AAPL","price":150.5,"quantity":0.00000001,' +
      '"timestamp":"2026-01-02T03:04:05.678Z"}',
  )
})

test('the pair of orders names the trade, taker and maker are not the same thing', () => {
  expect(tradeIdOf({ takerId: 'a', makerId: 'b' })).toMatch(
    /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/,
  )
  expect(tradeIdOf({ takerId: 'a', makerId: 'b' })).toBe(tradeIdOf({ takerId: 'a', makerId: 'b' }))
  expect(tradeIdOf({ takerId: 'a', makerId: 'b' })).not.toBe(tradeIdOf({ takerId: 'b', makerId: 'a' }))
})
