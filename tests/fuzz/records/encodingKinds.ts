// Trades as other houses encode them, and JSON that few write. Messages that are no trades by the contract still name a
// real order: a service that guesses their meaning is found out.

import { int32, unsignedVarint, varint } from './bytes.ts'
import type { Kind } from './kinds.ts'
import type { Pen } from './pen.ts'

const one =
  (value: (pen: Pen) => Buffer): Kind =>
  (pen) => [pen.send([pen.record({ value: value(pen) }), pen.record()])]

const text = (value: unknown): string => JSON.stringify(value)

/** Avro with the id of a schema before it, as Confluent's clients write it. */
const avro = (pen: Pen): Buffer => {
  const fields = Object.values(pen.trade()).map((value) => Buffer.from(String(value)))
  return Buffer.concat([
    Buffer.from([0]),
    int32(1 + pen.rng.below(1_000)),
    ...fields.flatMap((field) => [varint(field.length), field]),
  ])
}

const protobuf = (pen: Pen): Buffer =>
  Buffer.concat(
    Object.values(pen.trade()).flatMap((value, i) => {
      const field = Buffer.from(String(value))
      return [unsignedVarint(((i + 1) << 3) | 2), unsignedVarint(field.length), field]
    }),
  )

const cloudEvent = (pen: Pen): Buffer =>
  Buffer.from(
    text({
      specversion: '1.0',
      id: pen.unique(),
      source: '/engine',
      type: 'trade.executed.v1',
      datacontenttype: 'application/json',
      data: pen.trade(),
    }),
  )
const structured = [[Buffer.from('content-type'), Buffer.from('application/cloudevents+json')]] as const

const utf16 = (pen: Pen): Buffer => Buffer.from(`\ufeff${text(pen.trade())}`, 'utf16le')

/** A trade with one member's source text as given. */
const withSource = (pen: Pen, member: string, source: string): Buffer =>
  Buffer.from(text({ ...pen.trade(), [member]: '@@' }).replace('"@@"', source))

export const encodingKinds = {
  avro: one(avro),
  'avro-json': one((pen) => Buffer.concat([Buffer.from([0, 0, 0, 0, 7]), pen.good()])),
  protobuf: one(protobuf),
  'cloud-event': (pen) => [pen.send([pen.record({ value: cloudEvent(pen), headers: structured }), pen.record()])],
  'utf16-le': one(utf16),
  'utf16-be': one((pen) => utf16(pen).swap16()),
  'utf16-without-mark': one((pen) => Buffer.from(text(pen.trade()), 'utf16le')),
  // The contract leaves open whether the mark is passed over: no order of ours is in this message.
  'utf8-mark': one((pen) => Buffer.concat([Buffer.from('\ufeff'), pen.stranger()])),
  'json-array': one((pen) => Buffer.from(text([pen.trade()]))),
  'json-text': one((pen) => Buffer.from(text(text(pen.trade())))),
  'json-lines': one((pen) => Buffer.concat([pen.good(), Buffer.from('\n'), pen.good()])),
  nested: one((pen) => withSource(pen, 'note', `${'['.repeat(100)}${']'.repeat(100)}`)),
  'nested-deep': one((pen) => Buffer.from(`${'['.repeat(100_000)}${pen.unique()}`)),
  'nested-deep-member': one((pen) =>
    Buffer.from(`${pen.stranger().toString().slice(0, -1)},"note":${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}}`),
  ),
  'long-number': one((pen) => withSource(pen, 'price', '9'.repeat(10_000))),
  'long-fraction': one((pen) => withSource(pen, 'quantity', `1.${'0'.repeat(10_000)}`)),
  'long-fraction-digits': one((pen) => withSource(pen, 'quantity', `1.${'3'.repeat(10_000)}`)),
  'long-exponent': one((pen) => withSource(pen, 'price', `1e${'9'.repeat(10_000)}`)),
  'long-unknown-number': one((pen) => withSource(pen, 'note', '7'.repeat(10_000))),
  'repeated-members': one((pen) => withSource(pen, 'quantity', '5,"quantity":1')),
  'proto-member': one((pen) => withSource(pen, 'note', '1,"__proto__":{"quantity":5}')),
  'nul-in-id': one((pen) => Buffer.from(text({ ...pen.trade(), tradeId: 'a\0b' }))),
  'lone-surrogate-id': one((pen) => withSource(pen, 'tradeId', '"\\ud800"')),
  spaces: one((pen) => Buffer.concat([Buffer.from(' \t\r\n'), pen.good(), Buffer.alloc(10_000, ' ')])),
  'trailing-nul': one((pen) => Buffer.concat([pen.good(), Buffer.from([0])])),
} satisfies Record<string, Kind>
