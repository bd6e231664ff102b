// Proves: If-Match is read as RFC 9110 writes it, and the published pattern takes exactly what the reader takes.

import { describe, expect, test } from 'bun:test'
import { ifMatchPattern, readIfMatch } from '../../../src/http/orders/ifMatch.ts'
import { randomStream } from '../../support/random.ts'

const versionsOf = (header: string | null) => {
  const read = readIfMatch(header)
  return read.ok ? read.versions : 'refused'
}

test.each<[string | null, readonly number[] | undefined]>([
  [null, undefined],
  ['*', undefined],
  [' *\t', undefined],
  ['"0"', [0]],
  ['"2147483647"', [2_147_483_647]],
  ['"1", "3"', [1, 3]],
  ['"1","3" ,\t"7"', [1, 3, 7]],
  [', "1",,', [1]],
  ['', []],
  [',', []],
  // A weak tag matches nothing, and neither does a tag that no order has.
  ['W/"3"', []],
  ['W/"3", "4"', [4]],
  ['"03"', []],
  ['"2147483648"', []],
  ['"99999999999999999999"', []],
  ['"a,b", "5"', [5]],
  ['"1,2"', []],
  ['""', []],
  ['"-1"', []],
])('%j asks for the versions %j', (header, versions) => {
  expect(versionsOf(header)).toEqual(versions)
})

test.each(['3', "'3'", '"3', '3"', '"1" "2"', 'w/"3"', 'W/ "3"', '*, "1"', '"1", *', '**', '"a b"', '"\t"'])(
  '%j is refused: no order is canceled without the condition that was meant',
  (header) => {
    expect(versionsOf(header)).toBe('refused')
  },
)

describe('the published pattern', () => {
  test('takes what the reader takes', () => {
    const pattern = new RegExp(ifMatchPattern)
    const pieces = ['"', '1', ',', ' ', '*', 'W/', '"3"', 'W/"2"', 'é', '\t', '""']
    const counts = { taken: 0, refused: 0 }
    for (let i = 0; i < 20_000; i++) {
      const rng = randomStream(`if-match:${i}`)
      const header = Array.from({ length: rng.below(7) }, () => rng.pick(pieces)).join('')
      const isTaken = readIfMatch(header).ok
      if (isTaken !== pattern.test(header)) throw new Error(`${JSON.stringify(header)} taken: ${isTaken}`)
      counts[isTaken ? 'taken' : 'refused']++
    }
    expect(Math.min(counts.taken, counts.refused)).toBeGreaterThan(1_000)
  })
})
