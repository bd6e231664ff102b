// Proves: a trade is decoded exactly, in both forms, or named malformed for a reason, never with an exception; events are written
// byte for byte as the contract has them.

import { describe, expect, test } from 'bun:test'
import * as fc from 'fast-check'
import type { Trade } from '../../src/domain/trade.ts'
import type { Malformed } from '../../src/kafka/decoding.ts'
import { decodeTrade, encoders } from '../../src/kafka/schema.ts'
import { eventOrder } from '../../src/store/outbox.ts'
import { anyAmount, newOrder, orderId } from '../domain/arbitraries.ts'
import { sameNumber } from '../domain/oracle.ts'
import { amount } from '../support/builders.ts'

const buyer = '6f1c2f52-3a39-4c3e-9d44-0d7a0a6a7c11'
const seller = '7a2d3e63-4b4a-4d4f-8e55-1e8b1b7b8d22'

const message = {
  tradeId: 'T-1',
  buyOrderId: buyer,
  sellOrderId: seller,
  ticker: 'AAPL',
  price: 150.5,
  quantity: 100,
  timestamp: '2026-01-02T03:04:05.678Z',
}

/** The JSON text of the message with members replaced by their JSON source; undefined leaves one out. */
const textWith = (sources: Record<string, string | undefined> = {}): string => {
  const own = Object.entries(message).map(([name, value]) => [name, JSON.stringify(value)])
  const members = Object.entries({ ...Object.fromEntries(own), ...sources } as Record<string, string | undefined>)
  const given = members.filter(([, source]) => source !== undefined)
  return `{${given.map(([name, source]) => `${JSON.stringify(name)}:${source}`).join(',')}}`
}

const bytes = (text: string) => new TextEncoder().encode(text)
const decode = (sources: Record<string, string | undefined> = {}) => decodeTrade(bytes(textWith(sources)))
const tradeOf = (sources: Record<string, string | undefined> = {}): Trade => {
  const trade = decode(sources)
  if ('malformed' in trade) throw new Error(trade.malformed)
  return trade
}
const reasonOf = (decoded: Trade | Malformed) => ('malformed' in decoded ? decoded.malformed : 'none: it is a trade')

describe('a trade', () => {
  test('with two legs', () => {
    expect(tradeOf()).toEqual({
      tradeId: 'T-1',
      ticker: 'AAPL',
      quantity: amount('100'),
      price: amount('150.5'),
      tradedAt: '2026-01-02T03:04:05.678000Z',
      sides: [
        { side: 'BUY', orderId: buyer },
        { side: 'SELL', orderId: seller },
      ],
    })
  })

  test('with one leg of somebody else: null or left out', () => {
    for (const none of ['null', undefined]) {
      expect(tradeOf({ buyOrderId: none }).sides).toEqual([{ side: 'SELL', orderId: seller }])
      expect(tradeOf({ sellOrderId: none }).sides).toEqual([{ side: 'BUY', orderId: buyer }])
    }
  })

  test('in the single-leg form, whose side is the order’s', () => {
    for (const none of ['null', undefined])
      expect(tradeOf({ buyOrderId: none, sellOrderId: none, orderId: `"${buyer}"` }).sides).toEqual([
        { side: null, orderId: buyer },
      ])
  })

  test('with legs and a single id: the legs count', () => {
    expect(tradeOf({ orderId: `"${orderId}"`, sellOrderId: 'null' }).sides).toEqual([{ side: 'BUY', orderId: buyer }])
  })

  test('between two legs of one order keeps both', () => {
    expect(tradeOf({ sellOrderId: `"${buyer.toUpperCase()}"` }).sides).toEqual([
      { side: 'BUY', orderId: buyer },
      { side: 'SELL', orderId: buyer },
    ])
  })

  test.each(['btc/usd', '^GSPC', 'EUR=X', 'a_:+&@#-.9'])('has the ticker %s', (ticker) => {
    expect(decode({ ticker: JSON.stringify(ticker) })).toMatchObject({ ticker: ticker.toUpperCase() })
  })

  test('is made canonical: ids in lower case, ticker in upper case, time cut to microseconds', () => {
    expect(
      tradeOf({
        buyOrderId: `"${buyer.toUpperCase()}"`,
        ticker: '"brk.b"',
        timestamp: '"2026-01-02T04:04:05.1234567+01:00"',
      }),
    ).toMatchObject({
      ticker: 'BRK.B',
      tradedAt: '2026-01-02T03:04:05.123456Z',
      sides: [{ orderId: buyer }, { orderId: seller }],
    })
  })

  test.each(['"o-17"', '""', '"6f1c2f523a394c3e9d440d7a0a6a7c11"', '17', '12345678901234567890'])(
    'keeps an order id that is no UUID as it came: %s',
    (source) => {
      const text = source.replaceAll('"', '')
      expect(tradeOf({ buyOrderId: source }).sides[0]).toEqual({ side: 'BUY', orderId: text })
    },
  )

  test('may have members that nobody knows, whatever is in them', () => {
    const unknown = { note: '"x"', __proto__x: '{}', nested: '{"tradeId":2,"a":[1,12345678901234567890]}' }
    expect(tradeOf(unknown)).toEqual(tradeOf())
    const withProto = bytes(`{"__proto__":{"orderId":"${orderId}"},${textWith().slice(1)}`)
    expect(decodeTrade(withProto)).toEqual(tradeOf())
  })

  test('may begin with a byte order mark', () => {
    expect(decodeTrade(bytes(`\ufeff${textWith()}`))).toEqual(tradeOf())
  })
})

describe('the id of a trade', () => {
  test.each(['T-1', 'x', 'x'.repeat(64), 'with space', 'Ünïcödé ✓', '💹'.repeat(64), "'; --", '\\ "', '01', '1e5'])(
    '%j is compared as text',
    (tradeId) => {
      expect(tradeOf({ tradeId: JSON.stringify(tradeId) }).tradeId).toBe(tradeId)
    },
  )

  test.each([
    '',
    'x'.repeat(65),
    '💹'.repeat(65),
    'a\nb',
    'a\u0000',
    '\u007f',
    '\u0085',
    '\ud800',
    '\u2028',
    '\u2029',
    '\ue000',
    '\uffff',
  ])('%j is malformed', (tradeId) => {
    expect(reasonOf(decode({ tradeId: JSON.stringify(tradeId) }))).toBe('tradeId must be 1 to 64 printable characters')
  })
})

describe('amounts', () => {
  test.each([
    ['1e-7', '0.0000001'],
    ['1E+2', '100'],
    ['1.50', '1.5'],
    ['999999999999.99999999', '999999999999.99999999'],
    ['"999999999999.99999999"', '999999999999.99999999'],
    ['"0.00000001"', '0.00000001'],
  ])('%s is exactly %s', (source, exact) => {
    expect(tradeOf({ quantity: source, price: source })).toMatchObject({
      quantity: amount(exact),
      price: amount(exact),
    })
  })

  test.each([
    ['0', 'NOT_POSITIVE'],
    ['-1', 'NOT_POSITIVE'],
    ['1e400', 'TOO_MANY_INTEGER_DIGITS'],
    ['1000000000000', 'TOO_MANY_INTEGER_DIGITS'],
    ['1e-9', 'TOO_MANY_FRACTION_DIGITS'],
    ['0.1000000000000000055', 'TOO_MANY_FRACTION_DIGITS'],
    ['"1e2"', 'NOT_A_NUMBER'],
    ['null', 'NOT_A_NUMBER'],
    ['[]', 'NOT_A_NUMBER'],
  ])('%s is malformed: %s', (source, fault) => {
    const words = (name: string) =>
      `${name} is not a decimal > 0 of at most 12 integer and 8 fraction digits (${fault})`
    expect(reasonOf(decode({ quantity: source }))).toBe(words('quantity'))
    expect(reasonOf(decode({ price: source }))).toBe(words('price'))
  })
})

describe('the time of a trade', () => {
  test.each([
    ['"2026-01-02T03:04:05.678Z"', '2026-01-02T03:04:05.678000Z'],
    ['1767323045', '2026-01-02T03:04:05.000000Z'],
    ['1767323045.123456789', '2026-01-02T03:04:05.123456Z'],
    ['1767323045678', '2026-01-02T03:04:05.678000Z'],
  ])('%s', (source, tradedAt) => {
    expect(tradeOf({ timestamp: source }).tradedAt).toBe(tradedAt)
  })

  test.each(['null', '""', '"yesterday"', '"1767323045"', '-1', '1e300', 'true', '{}', '"2026-02-30T00:00:00Z"'])(
    '%s is malformed',
    (source) => {
      expect(reasonOf(decode({ timestamp: source }))).toBe(
        'timestamp is no ISO-8601 instant, epoch seconds or epoch milliseconds',
      )
    },
  )
})

describe('a message that is no trade', () => {
  test.each([
    [null, 'is empty'],
    [undefined, 'is empty'],
    [new Uint8Array(), 'is empty'],
    [new Uint8Array([0xff, 0xfe]), 'is no JSON in UTF-8'],
    [bytes('{"tradeId":"').subarray(0, 5), 'is no JSON in UTF-8'],
    [new Uint8Array([...bytes('{"tradeId":"'), 0xc3, ...bytes('"}')]), 'is no JSON in UTF-8'],
    [bytes('['.repeat(500_000)), 'is no JSON in UTF-8'],
    [bytes('hello'), 'is no JSON in UTF-8'],
    [bytes('\u0000'), 'is no JSON in UTF-8'],
    [bytes('null'), 'is no JSON object'],
    [bytes('17'), 'is no JSON object'],
    [bytes('12345678901234567890'), 'is no JSON object'],
    [bytes('"trade"'), 'is no JSON object'],
    [bytes(`[${textWith()}]`), 'is no JSON object'],
    [bytes('{}'), 'tradeId is missing or of the wrong type'],
  ])('%# is malformed', (value, reason) => {
    expect(decodeTrade(value)).toEqual({ malformed: reason })
  })

  test.each(['tradeId', 'ticker', 'price', 'quantity', 'timestamp'])('%s is missing', (name) => {
    expect(reasonOf(decode({ [name]: undefined }))).toBe(`${name} is missing or of the wrong type`)
  })

  test.each([
    ['tradeId', '17'],
    ['tradeId', 'null'],
    ['tradeId', '12345678901234567890'],
    ['ticker', '17'],
    ['ticker', '["AAPL"]'],
  ])('%s is %s', (name, source) => {
    expect(reasonOf(decode({ [name]: source }))).toBe(`${name} is missing or of the wrong type`)
  })

  test.each(['', 'AAPLAAPLAAPLAAPLX', 'AA PL', 'ſ', 'ÄÖ', 'AAPL\n'])('the ticker %j is malformed', (ticker) => {
    expect(reasonOf(decode({ ticker: JSON.stringify(ticker) }))).toBe(
      'ticker must be 1 to 16 of A-Z a-z 0-9 . - _ / : ^ = + & @ #',
    )
  })

  test('it names no order', () => {
    const nobody = { buyOrderId: 'null', sellOrderId: undefined, orderId: 'null' }
    expect(reasonOf(decode(nobody))).toBe('names no order: one of buyOrderId, sellOrderId or orderId is needed')
  })

  test.each(['buyOrderId', 'sellOrderId', 'orderId'])('%s is no id at all', (name) => {
    for (const source of ['true', '{}', '["x"]'])
      expect(reasonOf(decode({ [name]: source }))).toBe('an order id must be a string or null')
  })

  test('decoding is total for any bytes', () => {
    const anything = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.json().map(bytes),
      fc
        .dictionary(fc.constantFrom(...Object.keys(message), 'orderId'), fc.json({ maxDepth: 1 }))
        .map((sources) => bytes(textWith(sources))),
    )
    fc.assert(
      fc.property(anything, (value) => {
        const decoded = decodeTrade(value)
        if ('malformed' in decoded) expect(decoded.malformed).toBeString()
        else expect(decoded.sides.length === 1 || decoded.sides.length === 2).toBeTrue()
      }),
      { numRuns: 2_000 },
    )
  })
})

describe('order.placed.v1', () => {
  const occurredAt = new Date('2026-01-02T03:04:05.678Z')

  test('of a LIMIT order, byte for byte', () => {
    const order = newOrder({ clientOrderId: 'not told', quantity: amount('999999999999.99999999'), price: 1n })
    expect(encoders.PLACED({ order: eventOrder(order), occurredAt, ending: null })).toBe(
      '{"orderId":"0197a9b0-0000-7000-8000-000000000001","userId":"6f1c2f52-3a39-4c3e-9d44-0d7a0a6a7c11","ticker":"AAPL",' +
        '"side":"BUY","type":"LIMIT","timeInForce":"GTC","quantity":999999999999.99999999,"price":0.00000001,' +
        '"timestamp":"2026-01-02T03:04:05.678Z"}',
    )
  })

  test('of a MARKET order has a price of null', () => {
    const order = newOrder({ type: 'MARKET', side: 'SELL', timeInForce: 'IOC', price: null, ticker: 'BRK.B' })
    expect(encoders.PLACED({ order: eventOrder(order), occurredAt, ending: null })).toBe(
      '{"orderId":"0197a9b0-0000-7000-8000-000000000001","userId":"6f1c2f52-3a39-4c3e-9d44-0d7a0a6a7c11","ticker":"BRK.B",' +
        '"side":"SELL","type":"MARKET","timeInForce":"IOC","quantity":100,"price":null,"timestamp":"2026-01-02T03:04:05.678Z"}',
    )
  })

  test('of an order with terms that the first readers do not know: members of their own, in the words of the first readers', () => {
    const order = newOrder({
      type: 'STOP_LIMIT',
      stopPrice: amount('151'),
      displayQuantity: amount('10'),
      timeInForce: 'GTD',
      expiresAt: '2026-02-01T00:00:00.000Z',
    })
    expect(encoders.PLACED({ order: eventOrder(order), occurredAt, ending: null })).toEndWith(
      '"side":"BUY","type":"LIMIT","timeInForce":"GTC","quantity":100,"price":150.5,"displayQuantity":10,' +
        '"expiresAt":"2026-02-01T00:00:00.000Z","timestamp":"2026-01-02T03:04:05.678Z"}',
    )
    const postOnly = newOrder({ postOnly: true })
    expect(encoders.PLACED({ order: eventOrder(postOnly), occurredAt, ending: null })).toContain('"postOnly":true,')
  })

  test('speaks of the order as it was placed, whatever became of it', () => {
    const later = { ...newOrder(), status: 'FILLED' as const, filledQuantity: amount('100'), version: 3 }
    expect(encoders.PLACED({ order: eventOrder(later), occurredAt, ending: null })).toBe(
      encoders.PLACED({ order: eventOrder(newOrder()), occurredAt, ending: null }),
    )
  })

  test('carries any amount exactly', () => {
    fc.assert(
      fc.property(anyAmount, anyAmount, (quantity, price) => {
        for (const encode of Object.values(encoders)) {
          const text = encode({ order: eventOrder(newOrder({ quantity, price })), occurredAt, ending: null })
          const [, writtenQuantity, writtenPrice] = /"quantity":([\d.]+),"price":([\d.]+),/.exec(text)!
          expect(sameNumber(writtenQuantity!, `${quantity}e-8`)).toBeTrue()
          expect(sameNumber(writtenPrice!, `${price}e-8`)).toBeTrue()
        }
      }),
    )
  })
})

describe('order.cancelled.v1', () => {
  const occurredAt = new Date('2026-01-02T03:04:06Z')
  const ending = { filledQuantity: amount('0.5'), reason: { code: 'EXPIRED_DAY', text: 'a "text"' } }

  test('byte for byte', () => {
    expect(encoders.CANCELLED({ order: eventOrder(newOrder({ price: amount('150.50') })), occurredAt, ending })).toBe(
      '{"orderId":"0197a9b0-0000-7000-8000-000000000001","userId":"6f1c2f52-3a39-4c3e-9d44-0d7a0a6a7c11","ticker":"AAPL",' +
        '"quantity":100,"price":150.5,"timestamp":"2026-01-02T03:04:06.000Z","filledQuantity":0.5,' +
        '"reason":{"code":"EXPIRED_DAY","text":"a \\"text\\""}}',
    )
  })

  test('of a MARKET order has a price of null', () => {
    expect(
      encoders.CANCELLED({ order: eventOrder(newOrder({ type: 'MARKET', price: null })), occurredAt, ending }),
    ).toContain('"quantity":100,"price":null,')
  })
})
