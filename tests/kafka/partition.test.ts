// Proves: the hash is the Java client's. Vectors: Apache Kafka, UtilsTest.testMurmur2.

import { expect, test } from 'bun:test'
import * as fc from 'fast-check'
import { keyHash, murmur2 } from '../../src/kafka/partition.ts'

const bytes = (text: string) => new TextEncoder().encode(text)

test.each([
  ['21', -973932308],
  ['foobar', -790332482],
  ['a-little-bit-long-string', -985981536],
  ['a-little-bit-longer-string', -1486304829],
  ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
  ['abc', 479470107],
])('the hash of %s is %d', (key, hash) => {
  expect(murmur2(bytes(key))).toBe(hash)
})

test('a negative hash loses its sign bit, it is not negated', () => {
  expect(keyHash(bytes('21'))).toBe(-973932308 + 2 ** 31)
  expect(keyHash(bytes('abc'))).toBe(479470107)
})

test('any bytes have a hash of 0 to 2^31 − 1, the same every time', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (key) => {
      const hash = keyHash(key)
      expect(Number.isInteger(hash) && hash >= 0 && hash < 2 ** 31).toBeTrue()
      expect(keyHash(Uint8Array.from(key))).toBe(hash)
    }),
  )
})
