// Proves: amounts come from the source text, whatever else is in the message, members count with their feature only, and trades
// and reports are written as the contract has them, with an id that any service must accept.

import { expect, test } from 'bun:test'
import * as fc from 'fast-check'
import { FEATURES } from './features.ts'
import {
  decodeCancelled,
  decodePlaced,
  decodeReport,
  encodeReport,
  encodeTrade,
  reportIdOf,
  tradeIdOf,
} from './messages.ts'

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
    display: null,
    postOnly: false,
  })
})

test('what an iceberg shows and whether an order is post-only are read exactly, by an engine that can do it', () => {
  const order =
    '{"orderId":"a","ticker":"A","side":"BUY","type":"LIMIT","timeInForce":"GTC","quantity":5,"price":1,' +
    '"displayQuantity":12345678901.00000002,"postOnly":true}'
  expect(decodePlaced(bytes(order))).toMatchObject({ display: null, postOnly: false })
  expect(decodePlaced(bytes(order), new Set(['display']))).toMatchObject({
    display: 1234567890100000002n,
    postOnly: false,
  })
  expect(decodePlaced(bytes(order), new Set(['post-only']))).toMatchObject({ display: null, postOnly: true })
  const everything = new Set(FEATURES)
  const without = order.replace('12345678901.00000002', 'null').replace('true', 'null')
  expect(decodePlaced(bytes(without), everything)).toMatchObject({ display: null, postOnly: false })
  for (const broken of [order.replace('12345678901.00000002', '0'), order.replace('true', '"true"')]) {
    expect(decodePlaced(bytes(broken), everything)).toBeNull()
    expect(decodePlaced(bytes(broken))).toMatchObject({ id: 'a' })
  }
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
    takerExecuted: null,
    timestamp: 1_767_323_045_678,
  } as const
  expect(encodeTrade({ ...trade, tradeId: 't', ticker: 'AAPL' })).toBe(
    '{"tradeId":"t","buyOrderId":"b","sellOrderId":"s","ticker":"AAPL","price":150.5,"quantity":0.00000001,' +
      '"timestamp":"2026-01-02T03:04:05.678Z"}',
  )
})

test('the pair of orders names the trade, taker and maker are not the same thing', () => {
  const pair = { takerId: 'a', makerId: 'b', takerExecuted: null }
  expect(tradeIdOf(pair)).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/)
  expect(tradeIdOf(pair)).toBe(tradeIdOf({ ...pair }))
  const others = [
    { ...pair, takerId: 'b', makerId: 'a' },
    { ...pair, takerExecuted: 0n },
    { ...pair, takerExecuted: 1n },
  ]
  expect(new Set([pair, ...others].map(tradeIdOf)).size).toBe(4)
})

test('a report is written with what the order executed, also when that is nothing, and under one id for ever', () => {
  const report = {
    orderId: 'o',
    ticker: 'AAPL',
    end: 'REMAINDER',
    executed: 15050000000n,
    timestamp: 1_767_323_045_678,
  } as const
  const reportId = reportIdOf(report)
  expect(encodeReport(report)).toBe(
    `{"reportId":"${reportId}","orderId":"o","ticker":"AAPL","kind":"CANCELED",` +
      '"reason":"nobody took what remained, and the order does not rest","cumulativeQuantity":150.5,' +
      '"timestamp":"2026-01-02T03:04:05.678Z"}',
  )
  expect(reportId).toBe(reportIdOf({ orderId: 'o', end: 'REMAINDER' }))
  expect(reportId).not.toBe(reportIdOf({ orderId: 'p', end: 'REMAINDER' }))
  expect(JSON.parse(encodeReport({ ...report, end: 'KILLED', executed: 0n }))).toMatchObject({
    kind: 'CANCELED',
    cumulativeQuantity: 0,
  })
  expect(JSON.parse(encodeReport({ ...report, end: 'WOULD_MATCH', executed: 0n }))).toMatchObject({ kind: 'REJECTED' })
  expect(decodeReport(bytes(encodeReport({ ...report, orderId: 'O' })))).toBe('o')
  for (const broken of ['{"orderId":"o"}', '{"reportId":"r"}', '[]', 'junk'])
    expect(decodeReport(bytes(broken))).toBeNull()
})
