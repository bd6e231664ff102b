// Proves: an amount is read exactly or refused, and written back as the same number in plain notation.

import { describe, expect, test } from 'bun:test'
import * as fc from 'fast-check'
import { formatAmount, parseAmount } from './decimal.ts'

describe('reading an amount', () => {
  test.each([
    ['100', 100_00000000n],
    ['150.5', 150_50000000n],
    ['1e-8', 1n],
    ['1.5E+2', 150_00000000n],
    ['0.000000010000', 1n],
    ['123456789012.00000001', 12345678901200000001n],
  ])('%s is exact', (text, scaled) => {
    expect(parseAmount(text)).toBe(scaled)
  })

  test.each([
    '0',
    '-1',
    '1e-9',
    '0.000000001',
    '1.000000001',
    '11e-9',
    '1000000000000',
    '1e12',
    '1e999',
    '',
    '.5',
    '1.',
    'NaN',
    '1_000',
    '0x10',
  ])('%p is refused', (text) => {
    expect(parseAmount(text)).toBeNull()
  })
})

test('an amount is written in plain notation without trailing zeros, and reads back as the same', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 1n, max: 10n ** 20n - 1n }), (scaled) => {
      const text = formatAmount(scaled)
      expect(text).toMatch(/^\d+(\.\d{0,7}[1-9])?$/)
      expect(parseAmount(text)).toBe(scaled)
    }),
  )
  expect(formatAmount(1n)).toBe('0.00000001')
})
