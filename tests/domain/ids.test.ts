// Proves: a UUID has one canonical form, and a bound by time stands exactly where the ids of that time begin.

import { describe, expect, test } from 'bun:test'
import * as fc from 'fast-check'
import { canonicalUuid, leastIdAt } from '../../src/domain/ids.ts'

describe('a UUID', () => {
  test('is the same in either case', () => {
    fc.assert(
      fc.property(fc.uuid(), (id) => {
        expect(canonicalUuid(id.toUpperCase())).toBe(id)
        expect(canonicalUuid(id)).toBe(id)
      }),
    )
  })

  test('of any version or none will do: the engine’s ids are its own', () => {
    expect(canonicalUuid('FFFFFFFF-ffff-FFFF-ffff-FFFFFFFFFFFF')).toBe('ffffffff-ffff-ffff-ffff-ffffffffffff')
    expect(canonicalUuid('00000000-0000-0000-0000-000000000000')).toBe('00000000-0000-0000-0000-000000000000')
  })

  test.each([
    '',
    'o-1',
    '6f1c2f523a394c3e9d440d7a0a6a7c11',
    '{6f1c2f52-3a39-4c3e-9d44-0d7a0a6a7c11}',
    'urn:uuid:6f1c2f52-3a39-4c3e-9d44-0d7a0a6a7c11',
    ' 6f1c2f52-3a39-4c3e-9d44-0d7a0a6a7c11',
    '6f1c2f52-3a39-4c3e-9d44-0d7a0a6a7c11\n',
    '6f1c2f52-3a39-4c3e-9d44-0d7a0a6a7c1g',
    '6f1c2f52-3a39-4c3e-9d44-0d7a0a6a7c111',
    '６f1c2f52-3a39-4c3e-9d44-0d7a0a6a7c11',
  ])('is not %p', (text) => {
    expect(canonicalUuid(text)).toBeNull()
  })
})

describe('the least id of a millisecond', () => {
  const instant = fc.integer({ min: 0, max: Date.UTC(9999, 11, 31) })

  test('is at or below every id of that millisecond, and above every id before it', () => {
    fc.assert(
      fc.property(instant, (at) => {
        const least = leastIdAt(at)
        expect(canonicalUuid(least)).toBe(least)
        expect(least <= Bun.randomUUIDv7('hex', at)).toBeTrue()
        if (at > 0) expect(Bun.randomUUIDv7('hex', at - 1) < least).toBeTrue()
      }),
    )
  })

  test('stays a UUID outside the times that an id can say', () => {
    expect(leastIdAt(-1)).toBe('00000000-0000-0000-0000-000000000000')
    expect(leastIdAt(2 ** 50)).toBe('ffffffff-ffff-0000-0000-000000000000')
  })
})
