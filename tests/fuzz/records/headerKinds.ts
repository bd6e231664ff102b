// Headers as Kafka's format allows them.

import type { Header } from './batch.ts'
import type { Kind } from './kinds.ts'
import { fourOf } from './pen.ts'

const header = (name: string | Uint8Array, value: string | Uint8Array | null): Header => [
  Buffer.from(name as string),
  value === null ? null : Buffer.from(value as string),
]

const withHeaders =
  (...headers: Header[]): Kind =>
  (pen) =>
    fourOf(pen, () => ({ headers }))

const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
const invalid = Buffer.from([0xff, 0xfe, 0x00, 0x80, 0xc3])
/** The headers that a dead letter has, and those that redrive adds. */
const own = [
  'x-dead-letter-id',
  'x-disposition',
  'x-reason',
  'x-legs',
  'x-original-topic',
  'x-original-partition',
  'x-original-offset',
  'x-redriven-from',
  'x-left-out',
  'x-added',
]
const manyHeaders = Array.from({ length: 10_000 }, (_, i) => header(`h${i % 100}`, i % 3 === 0 ? '' : `${i}`))

export const headerKinds = {
  'null-header': withHeaders(header('a', null)),
  'null-headers-only': withHeaders(header('', null), header('', null), header('b', null)),
  'nameless-header': withHeaders(header('', 'v')),
  'empty-header': withHeaders(header('a', '')),
  'repeated-headers': withHeaders(header('x', '1'), header('x', '2'), header('y', ''), header('x', '1')),
  'repeated-null-headers': withHeaders(header('x', null), header('x', '2'), header('x', null)),
  'many-headers': withHeaders(...manyHeaders),
  'invalid-utf8-headers': withHeaders(header(invalid, invalid), header('a', invalid)),
  'odd-header-names': withHeaders(header('__proto__', 'v'), header('constructor', ''), header('a b\n\0', 'v')),
  'huge-header': withHeaders(header('a', Buffer.alloc(1_000_000, 'h'))),
  'huge-header-name': withHeaders(header('n'.repeat(100_000), 'v')),
  traceparent: withHeaders(header('traceparent', traceparent)),
  'null-traceparent': withHeaders(header('traceparent', null)),
  'repeated-traceparent': withHeaders(header('traceparent', traceparent), header('traceparent', traceparent)),
  'invalid-traceparent': withHeaders(header('traceparent', Buffer.alloc(55, 0xff))),
  'own-headers': withHeaders(...own.map((name) => header(name, 'v\nw'))),
  'own-headers-null': withHeaders(...own.map((name) => header(name, null))),
} satisfies Record<string, Kind>
