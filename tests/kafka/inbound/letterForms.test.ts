// Proves: no form of a letter is larger than a message may be, and of the others none is passed over: as little as possible is left out.

import { expect, test } from 'bun:test'
import { messageBytesMax, sizeFault } from '../../../src/kafka/decoding.ts'
import { firstForm, type DeadLetter } from '../../../src/kafka/inbound/letterForms.ts'

const cutsOf = (parts: Partial<Pick<DeadLetter, 'key' | 'value' | 'headers'>>) =>
  firstForm(
    {
      source: { topic: 'trades', partition: 0, offset: 0n },
      timestamp: -1n,
      key: Buffer.from('AAPL'),
      value: Buffer.from('bad'),
      headers: new Map([[Buffer.from('a'), Buffer.from('b')]]),
      disposition: 'MALFORMED',
      reason: 'is no JSON',
      legs: [],
      ...parts,
    },
    new Date(),
  ).cuts.map((cut) => cut.join())

const large = Buffer.alloc(messageBytesMax + 1)
const most = Buffer.alloc(messageBytesMax - 100)
const half = Buffer.alloc(messageBytesMax / 2)

test.each([
  ['nothing is large', {}, ['', 'headers', 'value', 'headers,value', 'headers,value,key']],
  ['the value fits just so', { value: most }, ['', 'headers', 'value', 'headers,value', 'headers,value,key']],
  ['the value', { value: large }, ['value', 'headers,value', 'headers,value,key']],
  ['the value, and there are no headers', { value: large, headers: new Map() }, ['value', 'value,key']],
  ['the headers', { headers: new Map([[Buffer.from('a'), large]]) }, ['headers', 'headers,value', 'headers,value,key']],
  [
    'headers and value together',
    { value: half, headers: new Map([[half, null]]) },
    ['headers', 'value', 'headers,value', 'headers,value,key'],
  ],
  ['the key', { key: large }, ['headers,value,key']],
  ['the key, and there is nothing else', { key: large, value: null, headers: new Map() }, ['key']],
  ['all of it', { key: large, value: large, headers: new Map([[large, large]]) }, ['headers,value,key']],
] as const)('%s', (_, parts, cuts) => {
  expect(cutsOf(parts as Parameters<typeof cutsOf>[0])).toEqual([...cuts])
})

test('headers without a byte are large by their number', () => {
  const headers = new Map(Array.from({ length: 850_000 }, () => [Buffer.alloc(0), null] as const))
  expect(cutsOf({ headers })[0]).toBe('headers')
})

test('a message is too large from the first byte beyond the bound, its key counted', () => {
  const key = Buffer.from('AAPL')
  expect(sizeFault({ key, value: Buffer.alloc(messageBytesMax - 4) })).toBeNull()
  expect(sizeFault({ key, value: Buffer.alloc(messageBytesMax - 3) })).toEqual({ malformed: 'is larger than 8 MiB' })
  expect(sizeFault({ key: large, value: null })).not.toBeNull()
  expect(sizeFault({ key: null, value: null })).toBeNull()
})
