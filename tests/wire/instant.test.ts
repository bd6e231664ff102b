// Proves: times are read exactly to the microsecond, in each of the three notations, or refused.

import { describe, expect, test } from 'bun:test'
import * as fc from 'fast-check'
import { instantFromJson } from '../../src/wire/instant.ts'
import { parseExactJson } from '../../src/wire/json.ts'

/** From the JSON text of a value, as it stands in a message. */
const read = (json: string) => instantFromJson(parseExactJson(json))
const microsText = (ms: number, micros = 0) =>
  new Date(ms).toISOString().replace('Z', `${String(micros).padStart(3, '0')}Z`)

const instant = fc.integer({ min: 0, max: Date.UTC(9999, 11, 31) })

describe('an ISO string', () => {
  test.each([
    ['2026-01-02T03:04:05.678Z', '2026-01-02T03:04:05.678000Z'],
    ['2026-01-02T03:04:05Z', '2026-01-02T03:04:05.000000Z'],
    ['2026-01-02T03:04Z', '2026-01-02T03:04:00.000000Z'],
    ['2026-01-02t03:04:05z', '2026-01-02T03:04:05.000000Z'],
    ['2026-01-02T03:04:05,5Z', '2026-01-02T03:04:05.500000Z'],
    ['2026-01-02T03:04:05.123456789Z', '2026-01-02T03:04:05.123456Z'],
    ['2026-01-02T03:04:05.999999999Z', '2026-01-02T03:04:05.999999Z'],
    ['2026-01-02T03:04:05+05:30', '2026-01-01T21:34:05.000000Z'],
    ['2026-01-02T03:04:05+0530', '2026-01-01T21:34:05.000000Z'],
    ['2025-12-31T23:30:00.25-01:00', '2026-01-01T00:30:00.250000Z'],
    ['2026-01-02T03:04:05-00:00', '2026-01-02T03:04:05.000000Z'],
    ['2024-02-29T00:00:00Z', '2024-02-29T00:00:00.000000Z'],
    ['1970-01-01T00:00:00Z', '1970-01-01T00:00:00.000000Z'],
    ['9999-12-31T23:59:59.999999Z', '9999-12-31T23:59:59.999999Z'],
  ])('%s is %s', (text, utc) => {
    expect(instantFromJson(text)).toBe(utc)
  })

  test('says the same instant at any offset', () => {
    const shifts = fc.integer({ min: -14 * 60, max: 14 * 60 })
    const from = Date.UTC(1971)
    fc.assert(
      fc.property(instant, shifts, fc.nat(999_999), (at, shift, micros) => {
        const second = Math.max(Math.floor(at / 1000) * 1000, from)
        const local = new Date(second + shift * 60_000).toISOString().slice(0, 19)
        const pad = (n: number) => String(n).padStart(2, '0')
        const zone = `${shift < 0 ? '-' : '+'}${pad(Math.floor(Math.abs(shift) / 60))}:${pad(Math.abs(shift) % 60)}`
        const fraction = String(micros).padStart(6, '0')
        if (local.length === 19)
          expect(instantFromJson(`${local}.${fraction}${zone}`)).toBe(
            `${new Date(second).toISOString().slice(0, 19)}.${fraction}Z`,
          )
      }),
    )
  })

  test.each([
    '',
    'yesterday',
    '2026-01-02',
    '2026-01-02T03:04:05',
    '2026-01-02 03:04:05Z',
    '2026-02-30T00:00:00Z',
    '2025-02-29T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-00-01T00:00:00Z',
    '2026-01-00T00:00:00Z',
    '2026-01-02T24:00:00Z',
    '2026-01-02T03:60:00Z',
    '2026-12-31T23:59:60Z',
    '2026-01-02T03:04:05.Z',
    '2026-01-02T03:04:05.1234567890Z',
    '2026-01-02T03:04:05+99:99',
    '2026-01-02T03:04:05+24:00',
    '2026-01-02T03:04:05+05:60',
    '2026-01-02T03:04:05+5',
    '+002026-01-02T03:04:05Z',
    '-000001-01-02T03:04:05Z',
    '1969-12-31T23:59:59Z',
    '9999-12-31T23:59:59.999999-01:00',
    ' 2026-01-02T03:04:05Z',
    '1767323045',
    '20260102T030405Z',
  ])('%p is refused', (text) => {
    expect(instantFromJson(text)).toBeNull()
  })
})

describe('a number', () => {
  test.each([
    ['1767323045', '2026-01-02T03:04:05.000000Z'],
    ['1767323045.678', '2026-01-02T03:04:05.678000Z'],
    ['1767323045.123456789', '2026-01-02T03:04:05.123456Z'],
    ['1767323045.000001', '2026-01-02T03:04:05.000001Z'],
    ['1767323045678', '2026-01-02T03:04:05.678000Z'],
    ['1767323045678.5', '2026-01-02T03:04:05.678500Z'],
    ['1767323045678.123999', '2026-01-02T03:04:05.678123Z'],
    ['1.767323045E9', '2026-01-02T03:04:05.000000Z'],
    ['1.767323045678E12', '2026-01-02T03:04:05.678000Z'],
    ['0', '1970-01-01T00:00:00.000000Z'],
    ['99999999999', '5138-11-16T09:46:39.000000Z'],
    ['1e11', '1973-03-03T09:46:40.000000Z'],
    ['100000000000', '1973-03-03T09:46:40.000000Z'],
    ['1.7673230456789999e9', '2026-01-02T03:04:05.678999Z'],
    ['1.767323045678E+12', '2026-01-02T03:04:05.678000Z'],
    ['17673230456789e-4', '2026-01-02T03:04:05.678900Z'],
    ['253402300799999', '9999-12-31T23:59:59.999000Z'],
  ])('%s is %s', (json, utc) => {
    expect(read(json)).toBe(utc)
  })

  test('of milliseconds, and of seconds with a fraction, is exact', () => {
    fc.assert(
      fc.property(instant, fc.nat(999), (at, micros) => {
        if (at >= 1e11) expect(read(String(at))).toBe(microsText(at))
        const seconds = Math.floor(at / 1000)
        if (seconds < 1e11)
          expect(read(`${seconds}.${String(at % 1000).padStart(3, '0')}${String(micros).padStart(3, '0')}`)).toBe(
            microsText(at, micros),
          )
      }),
    )
  })

  test.each(['-1', '-1767323045', '253402300800000', '1e16', '1e21', '1e400', '17673230456789012'])(
    '%s is refused',
    (json) => {
      expect(read(json)).toBeNull()
    },
  )
})

test.each(['null', 'true', '{}', '[]', '[1767323045]', '{"epochSecond":1767323045}'])('%s is no time', (json) => {
  expect(read(json)).toBeNull()
})
