// Proves: the hash is the Java client's. Vectors: Apache Kafka, UtilsTest.testMurmur2.

import { expect, test } from 'bun:test'
import { murmur2, partitionOf, positiveHash } from './murmur2.ts'

test.each([
  ['21', -973932308],
  ['foobar', -790332482],
  ['a-little-bit-long-string', -985981536],
  ['a-little-bit-longer-string', -1486304829],
  ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
  ['abc', 479470107],
])('the hash of %s', (key, hash) => {
  expect(murmur2(Buffer.from(key))).toBe(hash)
})

test('a negative hash loses its sign bit, it is not negated', () => {
  expect(positiveHash(Buffer.from('21'))).toBe(-973932308 + 2 ** 31)
  expect(partitionOf(Buffer.from('21'), 6)).toBe((-973932308 + 2 ** 31) % 6)
})
