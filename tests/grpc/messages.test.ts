// Proves: what a message has beyond its type is refused and never dropped: an order without a term would be another order. And no bytes make a
// decoder throw.

import { describe, expect, test } from 'bun:test'
import { codecOf } from '../../src/grpc/messages.ts'
import { createRandom } from '../support/random.ts'
import { openDoor } from './harness.ts'

const codec = codecOf('orders.v1.PlaceRequest')
const many = codecOf('orders.v1.PlaceManyRequest')
const good = codec.encode({ ticker: 'AAPL', quantity: '10', postOnly: true })
const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex')
const after = (bytes: Buffer): Buffer => Buffer.concat([good, bytes])
const nested = (bytes: Buffer): Buffer => Buffer.concat([Buffer.from([0x0a, bytes.length]), bytes])

test('what was left out is not there, and what is false or empty is', () => {
  expect(codec.decode(good)).toEqual({ ok: true, value: { ticker: 'AAPL', quantity: '10', postOnly: true } })
  expect(codec.decode(codec.encode({ postOnly: false, price: '' }))).toEqual({
    ok: true,
    value: { postOnly: false, price: '' },
  })
})

describe('refused is', () => {
  test.each([
    ['an unknown field', after(hex('6a 01 41')), 'field 13 of PlaceRequest is not known here'],
    ['an unknown number', after(hex('f8 06 01')), 'field 111 of PlaceRequest is not known here'],
    ['an unknown group', after(hex('6b 6c')), 'field 13 of PlaceRequest is not known here'],
    ['a text that comes as a number', after(hex('18 01')), 'ticker of PlaceRequest has the wrong wire type'],
    ['a flag that comes as a text', after(hex('5a 01 41')), 'postOnly of PlaceRequest has the wrong wire type'],
    ['a text that is no UTF-8', after(hex('1a 02 c3 28')), 'ticker of PlaceRequest is not UTF-8'],
    ['half of a surrogate pair', after(hex('1a 03 ed a0 80')), 'ticker of PlaceRequest is not UTF-8'],
    ['a text that is longer than its message', after(hex('1a 7f 41')), 'these bytes are no PlaceRequest'],
    ['a number that does not end', after(hex('58 ff')), 'these bytes are no PlaceRequest'],
    ['field 0', after(hex('00 01')), 'field 0 of PlaceRequest is not known here'],
  ])('%s', (_, bytes, detail) => {
    expect(codec.decode(bytes)).toEqual({ ok: false, detail })
  })

  test('the same in a message inside another', () => {
    const detail = 'field 13 of PlaceRequest is not known here'
    expect(many.decode(nested(after(hex('6a 01 41'))))).toEqual({ ok: false, detail })
    expect(many.decode(nested(good))).toMatchObject({ ok: true, value: { orders: [{ ticker: 'AAPL' }] } })
  })
})

test('100,000 random messages are read or refused, and none throws', () => {
  const random = createRandom(17)
  for (let i = 0; i < 100_000; i++) {
    const bytes = Buffer.from(i % 2 === 0 ? good : nested(good))
    for (let n = 0; n < 1 + random.below(4); n++) bytes[random.below(bytes.length)] = random.below(256)
    const { ok } = (i % 2 === 0 ? codec : many).decode(bytes.subarray(0, random.below(bytes.length + 1)))
    expect([true, false]).toContain(ok)
  }
})

test('the door answers them as a bad request', async () => {
  const { client } = await openDoor()
  const answer = await client().callBytes('Place', after(hex('6a 01 41')))
  expect([answer.code, answer.detail]).toEqual([3, 'field 13 of PlaceRequest is not known here'])
})
