// Proves: an amount is read exactly or refused by the name of its fault, written back as the same number in plain notation, and
// averages are exact. The judge is an oracle on fractions (oracle.ts).

import { describe, expect, test } from 'bun:test'
import * as fc from 'fast-check'
import {
  amountFromSql,
  averagePrice,
  formatAmount,
  formatNotional,
  notionalFromSql,
  notionalOf,
  parseJsonAmount,
  parsePlainAmount,
  wholeAmount,
  type ParsedAmount,
} from '../../src/domain/decimal.ts'
import { amount } from '../support/builders.ts'
import { anyAmount, jsonNumber } from './arbitraries.ts'
import { isHalfEven, judge, sameNumber } from './oracle.ts'

const verdict = (parsed: ParsedAmount) => (parsed.ok ? parsed.amount : parsed.fault)

describe('a JSON number', () => {
  test('is read as the oracle reads it, in whatever notation', () => {
    fc.assert(
      fc.property(jsonNumber, (text) => {
        expect(verdict(parseJsonAmount(text))).toBe(judge(text))
      }),
      { numRuns: 3_000 },
    )
  })

  test.each([
    ['100', 100_00000000n],
    ['1e-7', 10n],
    ['1E+2', 100_00000000n],
    ['1.50', 150000000n],
    ['1.5000000000000000', 150000000n],
    ['1e-8', 1n],
    ['0.00000001', 1n],
    ['10e-9', 1n],
    ['0.1e-7', 1n],
    ['0.0000001E1', 100n],
    ['999999999999.99999999', 99999999999999999999n],
    ['99999999999999999999e-8', 99999999999999999999n],
    ['1e00000000000000000002', 100_00000000n],
    ['1e11', 10n ** 19n],
  ])('%s is exact', (text, scaled) => {
    expect(verdict(parseJsonAmount(text))).toBe(scaled)
  })

  test.each([
    ['0', 'NOT_POSITIVE'],
    ['-0', 'NOT_POSITIVE'],
    ['-0.0', 'NOT_POSITIVE'],
    ['0e5', 'NOT_POSITIVE'],
    ['0e99999999999', 'NOT_POSITIVE'],
    ['-1', 'NOT_POSITIVE'],
    ['-1e400', 'NOT_POSITIVE'],
    ['1e12', 'TOO_MANY_INTEGER_DIGITS'],
    ['1000000000000', 'TOO_MANY_INTEGER_DIGITS'],
    ['1e400', 'TOO_MANY_INTEGER_DIGITS'],
    ['1e401', 'TOO_MANY_INTEGER_DIGITS'],
    ['1e99999999999999999999', 'TOO_MANY_INTEGER_DIGITS'],
    ['1e-9', 'TOO_MANY_FRACTION_DIGITS'],
    ['0.1000000000000000055', 'TOO_MANY_FRACTION_DIGITS'],
    ['1.000000001', 'TOO_MANY_FRACTION_DIGITS'],
    ['1e-400', 'TOO_MANY_FRACTION_DIGITS'],
    ['1e-401', 'TOO_MANY_FRACTION_DIGITS'],
    ['1e-99999999999999999999', 'TOO_MANY_FRACTION_DIGITS'],
  ])('%s is refused: %s', (text, fault) => {
    expect(verdict(parseJsonAmount(text))).toBe(fault as never)
  })

  test.each([
    '',
    ' 1',
    '1 ',
    '01',
    '-',
    '+1',
    '.5',
    '1.',
    '1e',
    '1e+',
    '1.e5',
    '0x10',
    'NaN',
    'Infinity',
    '1_000',
    '１',
  ])('%p is no number', (text) => {
    expect(verdict(parseJsonAmount(text))).toBe('NOT_A_NUMBER')
  })
})

describe('an amount in a string', () => {
  test('is read as the oracle reads it where the notation is plain, and refused otherwise', () => {
    fc.assert(
      fc.property(jsonNumber, (text) => {
        expect(verdict(parsePlainAmount(text))).toBe(/[eE-]/.test(text) ? 'NOT_A_NUMBER' : judge(text))
      }),
      { numRuns: 2_000 },
    )
  })

  test.each(['', '1e2', '-1', '+1', '01', '00', '.5', '5.', ' 5', '5 ', '5\n', '1,5', '1 000', 'five', '٣', '0x5'])(
    '%p is no amount',
    (text) => {
      expect(verdict(parsePlainAmount(text))).toBe('NOT_A_NUMBER')
    },
  )

  test('trailing zeros do not count, however many there are', () => {
    expect(verdict(parsePlainAmount(`1.5${'0'.repeat(60_000)}`))).toBe(150000000n)
    expect(verdict(parsePlainAmount(`1.5${'0'.repeat(60_000)}1`))).toBe('TOO_MANY_FRACTION_DIGITS')
  })
})

describe('writing', () => {
  test('is read back as the same amount, in plain notation without trailing zeros', () => {
    fc.assert(
      fc.property(anyAmount, (scaled) => {
        const text = formatAmount(scaled)
        expect(text).toMatch(/^(0|[1-9]\d{0,11})(\.\d{0,7}[1-9])?$/)
        expect(sameNumber(text, `${scaled}e-8`)).toBeTrue()
        expect(verdict(parseJsonAmount(text))).toBe(scaled)
        expect(verdict(parsePlainAmount(text))).toBe(scaled)
      }),
      { numRuns: 1_000 },
    )
  })

  test('what was read in any notation is written as the same number', () => {
    fc.assert(
      fc.property(jsonNumber, (text) => {
        const parsed = parseJsonAmount(text)
        if (parsed.ok) expect(sameNumber(formatAmount(parsed.amount), text)).toBeTrue()
      }),
      { numRuns: 2_000 },
    )
  })

  test.each([
    [1n, '0.00000001'],
    [0n, '0'],
    [10n, '0.0000001'],
    [150_50000000n, '150.5'],
    [100_00000000n, '100'],
    [99999999999999999999n, '999999999999.99999999'],
  ])('%p is %s: never an exponent', (scaled, text) => {
    expect(formatAmount(scaled)).toBe(text)
  })

  test('a notional has sixteen places', () => {
    expect(formatNotional(1n)).toBe('0.0000000000000001')
    expect(formatNotional(notionalOf(amount('0.1'), amount('0.2')))).toBe('0.02')
  })
})

describe('Postgres', () => {
  test('a numeric(20,8) and a numeric(40,16) come back as they were sent', () => {
    fc.assert(
      fc.property(anyAmount, anyAmount, (quantity, price) => {
        const places = (value: bigint, count: number) => {
          const digits = value.toString().padStart(count + 1, '0')
          return `${digits.slice(0, -count)}.${digits.slice(-count)}`
        }
        expect(amountFromSql(places(quantity, 8))).toBe(quantity)
        expect(amountFromSql(formatAmount(quantity))).toBe(quantity)
        expect(notionalFromSql(places(quantity * price, 16))).toBe(quantity * price)
        expect(notionalFromSql(formatNotional(quantity * price))).toBe(quantity * price)
      }),
    )
    expect(amountFromSql('0.00000000')).toBe(0n)
    expect(amountFromSql('7')).toBe(wholeAmount(7))
  })
})

describe('an average price', () => {
  test('is the exact quotient, rounded half-even to eight places', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(anyAmount, anyAmount), { minLength: 1, maxLength: 5 }), (fills) => {
        const quantity = fills.reduce((sum, [filled]) => sum + filled, 0n)
        const notional = fills.reduce((sum, [filled, price]) => sum + notionalOf(filled, price), 0n)
        expect(isHalfEven(averagePrice(notional, quantity), notional, quantity)).toBeTrue()
      }),
      { numRuns: 1_000 },
    )
  })

  test('is half-even where ties are common', () => {
    fc.assert(
      fc.property(fc.bigInt(1n, 400n), fc.bigInt(1n, 8n), (notional, quantity) => {
        expect(isHalfEven(averagePrice(notional, quantity), notional, quantity)).toBeTrue()
      }),
      { numRuns: 2_000 },
    )
  })

  test.each([
    ['0.00000001', '0.00000002', '0.00000002'],
    ['0.00000002', '0.00000003', '0.00000002'],
    ['0.00000003', '0.00000004', '0.00000004'],
    ['150.5', '150.5', '150.5'],
    ['999999999999.99999999', '999999999999.99999999', '999999999999.99999999'],
  ])('one at %s and one at %s average %s', (a, b, average) => {
    const one = wholeAmount(1)
    const notional = notionalOf(one, amount(a)) + notionalOf(one, amount(b))
    expect(formatAmount(averagePrice(notional, 2n * one))).toBe(average)
  })

  test('a third is cut after eight places', () => {
    const notional = notionalOf(wholeAmount(1), amount('1')) + notionalOf(wholeAmount(2), amount('2'))
    expect(formatAmount(averagePrice(notional, wholeAmount(3)))).toBe('1.66666667')
  })
})
