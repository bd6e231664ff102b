// Proves: a report of the engine is decoded exactly, or named malformed for a reason, never with an exception.

import { describe, expect, test } from 'bun:test'
import * as fc from 'fast-check'
import type { Report } from '../../src/domain/report.ts'
import type { Malformed } from '../../src/kafka/decoding.ts'
import { decodeReport } from '../../src/kafka/reportSchema.ts'
import { amount } from '../support/builders.ts'

const orderId = '6f1c2f52-3a39-4c3e-9d44-0d7a0a6a7c11'

const message = {
  reportId: 'R-1',
  orderId,
  ticker: 'AAPL',
  kind: 'CANCELED',
  reason: 'no liquidity',
  cumulativeQuantity: 12.5,
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
const decode = (sources: Record<string, string | undefined> = {}) => decodeReport(bytes(textWith(sources)))
const reportOf = (sources: Record<string, string | undefined> = {}): Report => {
  const report = decode(sources)
  if ('malformed' in report) throw new Error(report.malformed)
  return report
}
const faultOf = (decoded: Report | Malformed) => ('malformed' in decoded ? decoded.malformed : 'none: it is a report')

describe('a report', () => {
  test('with everything', () => {
    expect(reportOf()).toEqual({
      ...message,
      kind: 'CANCELED',
      cumulativeQuantity: amount('12.5'),
      reportedAt: '2026-01-02T03:04:05.678000Z',
      timestamp: undefined,
    } as never)
  })

  test('may leave out its quantity and its reason', () => {
    for (const none of ['null', undefined])
      expect(reportOf({ cumulativeQuantity: none, reason: none })).toMatchObject({
        cumulativeQuantity: null,
        reason: null,
      })
  })

  test('is made canonical: id in lower case, ticker in upper case, time cut to microseconds', () => {
    const sources = {
      orderId: `"${orderId.toUpperCase()}"`,
      ticker: '"brk.b"',
      timestamp: '"2026-01-02T04:04:05.1234567+01:00"',
    }
    expect(reportOf(sources)).toMatchObject({ orderId, ticker: 'BRK.B', reportedAt: '2026-01-02T03:04:05.123456Z' })
  })

  test.each(['"o-17"', '""', '17', '12345678901234567890'])(
    'keeps an order id that is no UUID as it came: %s',
    (source) => {
      expect(reportOf({ orderId: source }).orderId).toBe(source.replaceAll('"', ''))
    },
  )

  test('may have members that nobody knows', () => {
    expect(reportOf({ note: '{"kind":"x"}', trades: '[12345678901234567890]' })).toEqual(reportOf())
  })

  test.each(['REJECTED', 'CANCELED', 'EXPIRED'] as const)('of the kind %s', (kind) => {
    expect(reportOf({ kind: JSON.stringify(kind) }).kind).toBe(kind)
  })

  test.each([
    ['  two\nlines\t', 'two lines'],
    ['a\u0000b', 'a b'],
    ['\ud800', '\ufffd'],
    [' ', null],
    ['', null],
    ['x'.repeat(600), 'x'.repeat(500)],
    ['💹'.repeat(600), '💹'.repeat(500)],
  ])('has a reason that fits into one line: %j', (reason, kept) => {
    expect(reportOf({ reason: JSON.stringify(reason) }).reason).toBe(kept)
  })
})

describe('the quantity', () => {
  test.each([
    ['0', '0'],
    ['0.000', '0'],
    ['-0', '0'],
    ['0e9', '0'],
    ['0.00000000000000000', '0'],
    ['"0"', '0'],
    ['"0.00"', '0'],
    ['"1.50"', '1.5'],
    ['1e-8', '0.00000001'],
    ['999999999999.99999999', '999999999999.99999999'],
  ])('%s is exactly %s', (source, exact) => {
    expect(reportOf({ cumulativeQuantity: source }).cumulativeQuantity).toBe(exact === '0' ? 0n : amount(exact))
  })

  test.each([
    ['-1', 'NOT_POSITIVE'],
    ['-1e400', 'NOT_POSITIVE'],
    ['1e400', 'TOO_MANY_INTEGER_DIGITS'],
    ['1e-9', 'TOO_MANY_FRACTION_DIGITS'],
    ['"-0"', 'NOT_A_NUMBER'],
    ['"1e2"', 'NOT_A_NUMBER'],
    ['""', 'NOT_A_NUMBER'],
    ['true', 'NOT_A_NUMBER'],
    ['{}', 'NOT_A_NUMBER'],
  ])('%s is malformed: %s', (source, fault) => {
    expect(faultOf(decode({ cumulativeQuantity: source }))).toBe(
      `cumulativeQuantity is not a decimal ≥ 0 of at most 12 integer and 8 fraction digits (${fault})`,
    )
  })
})

describe('a message that is no report', () => {
  test.each([
    [null, 'is empty'],
    [new Uint8Array(), 'is empty'],
    [new Uint8Array([0xff, 0xfe]), 'is no JSON in UTF-8'],
    [bytes('null'), 'is no JSON object'],
    [bytes(`[${textWith()}]`), 'is no JSON object'],
    [bytes('{}'), 'reportId is missing or of the wrong type'],
  ])('%# is malformed', (value, reason) => {
    expect(decodeReport(value)).toEqual({ malformed: reason })
  })

  test.each(['reportId', 'ticker', 'kind', 'timestamp'])('%s is missing', (name) => {
    expect(faultOf(decode({ [name]: undefined }))).toBe(`${name} is missing or of the wrong type`)
  })

  test.each([
    ['kind', '"CANCELLED"', 'kind must be one of REJECTED, CANCELED, EXPIRED'],
    ['kind', '"canceled"', 'kind must be one of REJECTED, CANCELED, EXPIRED'],
    ['kind', '"FILLED"', 'kind must be one of REJECTED, CANCELED, EXPIRED'],
    ['kind', '7', 'kind is missing or of the wrong type'],
    ['reason', '7', 'reason is missing or of the wrong type'],
    ['ticker', '"AA PL"', 'ticker must be 1 to 16 of A-Z a-z 0-9 . - _ / : ^ = + & @ #'],
    ['reportId', '""', 'reportId must be 1 to 64 printable characters'],
    ['reportId', `"${'x'.repeat(65)}"`, 'reportId must be 1 to 64 printable characters'],
    ['timestamp', '"yesterday"', 'timestamp is no ISO-8601 instant, epoch seconds or epoch milliseconds'],
    ['orderId', 'null', 'names no order: orderId is needed'],
    ['orderId', undefined, 'names no order: orderId is needed'],
    ['orderId', '["x"]', 'an order id must be a string or null'],
  ])('%s is %s', (name, source, reason) => {
    expect(faultOf(decode({ [name]: source }))).toBe(reason)
  })

  test('decoding is total for any bytes', () => {
    const anything = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.json().map(bytes),
      fc
        .dictionary(fc.constantFrom(...Object.keys(message)), fc.json({ maxDepth: 1 }))
        .map((sources) => bytes(textWith(sources))),
    )
    fc.assert(
      fc.property(anything, (value) => {
        const decoded = decodeReport(value)
        if ('malformed' in decoded) expect(decoded.malformed).not.toBe('')
        else expect(decoded.reportId.length).toBeGreaterThan(0)
      }),
      { numRuns: 2_000 },
    )
  })
})
