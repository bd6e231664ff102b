// Kinds of whole batches: codecs, lengths, deltas, and batches that a broker ought to refuse.

import type { BatchPlan } from './batch.ts'
import { codecs, type Codec } from './codecs.ts'
import type { Kind } from './kinds.ts'
import { fourOf, type Pen } from './pen.ts'

const longMax = 9_223_372_036_854_775_807n
const threeMegabytes = 3_000_000

/** Bytes of all values, in different lengths. */
const mixed = (pen: Pen, count: number) =>
  Array.from({ length: count }, () =>
    pen.record({
      value: pen.rng.weighted([
        [8, pen.good],
        [1, pen.stranger],
        [1, pen.bad],
        [0.5, pen.excessive],
      ] as const)(),
    }),
  )

const inCodec =
  (codec: Codec): Kind =>
  (pen) => [
    pen.send(mixed(pen, 1 + pen.rng.below(200)), { codec }),
    pen.send([pen.record()], { codec }),
    ...fourOf(pen, () => ({ headers: [[Buffer.from('a'), Buffer.from('b')] as const] }), { codec }),
  ]

/** Small on the wire, large when it is read; and too large for a dead letter. */
const swollen =
  (codec: Codec): Kind =>
  (pen) => [
    pen.send(
      [
        pen.record({ value: Buffer.alloc(threeMegabytes, 'x') }),
        pen.record({ value: Buffer.concat([pen.good(), Buffer.alloc(threeMegabytes, ' ')]) }),
        pen.record({ value: pen.bad(), key: Buffer.alloc(threeMegabytes, 'k') }),
      ],
      { codec },
    ),
  ]

const refusable =
  (plan: (pen: Pen) => Partial<BatchPlan>): Kind =>
  (pen) => [pen.send([pen.record(), pen.record({ value: pen.bad() })], plan(pen))]

const perCodec = <T>(make: (codec: Codec) => T, prefix: string): Record<string, T> =>
  Object.fromEntries(codecs.map((codec) => [`${prefix}-${codec}`, make(codec)]))

export const batchKinds: Record<string, Kind> = {
  ...perCodec(inCodec, 'codec'),
  'swollen-gzip': swollen('gzip'),
  'swollen-zstd': swollen('zstd'),
  'long-batch': (pen) => [pen.send(mixed(pen, 1_000))],
  'wide-deltas': (pen) => [
    pen.send(
      [0n, longMax, -1n, 1n, pen.now()].map((timestamp) =>
        pen.record({ timestamp, value: pen.rng.pick([pen.good, pen.bad])() }),
      ),
    ),
    pen.send(mixed(pen, 3), { baseTimestamp: longMax }),
    pen.send(mixed(pen, 3), { baseTimestamp: -longMax }),
  ],
  'record-attributes': (pen) => fourOf(pen, () => ({ attributes: 0xff })),
  'attribute-bits': refusable(() => ({ attributes: 0x7f80 })),
  'append-time-bit': refusable(() => ({ attributes: 1 << 3 })),
  'delete-horizon-bit': refusable(() => ({ attributes: 1 << 6 })),
  'header-without-name': (pen) => [pen.send([pen.record({ headers: [[null, Buffer.from('v')]] })])],
  'control-batch': refusable(() => ({ attributes: 1 << 5 })),
  'codec-5': refusable(() => ({ lies: { codecBits: 5 } })),
  'codec-7': refusable(() => ({ lies: { codecBits: 7 } })),
  'offset-gap': refusable(() => ({ lies: { offsetDeltas: [0, 5] } })),
  'offsets-fall': refusable(() => ({ lies: { offsetDeltas: [1, 0] } })),
  'wrong-count': refusable(() => ({ lies: { count: 3 } })),
  'no-records': (pen) => [pen.send([])],
  'old-format': refusable(() => ({ lies: { magic: 1 } })),
  'wrong-checksum': refusable(() => ({ lies: { crc: 0 } })),
}
