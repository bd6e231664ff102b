// Keys, values and timestamps at the edges of what a record may hold.

import type { Kind } from './kinds.ts'
import { fourOf, type Pen } from './pen.ts'
import type { Step } from './sender.ts'

const megabyte = 1_000_000
const dayMs = 86_400_000n
const invalid = Buffer.from([0xc3, 0x28, 0xff, 0x00, 0xed, 0xa0, 0x80])
const longMax = 9_223_372_036_854_775_807n

const withKey =
  (key: () => Buffer | null): Kind =>
  (pen) =>
    fourOf(pen, () => ({ key: key() }))

/** Single records with odd values. */
const withValues =
  (values: (pen: Pen) => (Buffer | null)[]): Kind =>
  (pen) =>
    values(pen).map((value): Step => pen.send([pen.record({ value })]))

const withTimestamp =
  (timestamp: (now: bigint) => bigint): Kind =>
  (pen) =>
    fourOf(pen, () => ({ timestamp: timestamp(pen.now()) }))

/** A lawful trade of this many bytes. */
const padded = (pen: Pen, bytes: number): Buffer =>
  Buffer.from(JSON.stringify({ ...pen.trade(), note: 'x'.repeat(bytes) }))

export const valueKinds = {
  'null-key': withKey(() => null),
  'empty-key': withKey(() => Buffer.alloc(0)),
  'invalid-utf8-key': withKey(() => invalid),
  'huge-key': withKey(() => Buffer.alloc(megabyte, 'k')),
  'null-value': (pen) => [null, Buffer.from('AAPL')].map((key) => pen.send([pen.record({ key, value: null })])),
  'null-value-with-headers': (pen) => [
    pen.send([pen.record({ value: null, headers: [[Buffer.from('a'), Buffer.from('b')]] }), pen.record()]),
  ],
  'empty-value': withValues(() => [Buffer.alloc(0)]),
  'invalid-utf8-value': withValues((pen) => [invalid, Buffer.concat([pen.good(), Buffer.from([0xff])])]),
  'huge-value': withValues((pen) => [padded(pen, megabyte), Buffer.alloc(megabyte, 'v'), Buffer.alloc(megabyte, 0)]),
  'huge-stranger': (pen) => [
    pen.send([pen.record({ value: Buffer.concat([pen.stranger(), Buffer.alloc(megabyte, ' ')]) })]),
  ],
  'no-timestamp': withTimestamp(() => -1n),
  'timestamp-0': withTimestamp(() => 0n),
  'before-1970': withTimestamp(() => -2n),
  'year-1': withTimestamp(() => -62_135_596_800_000n),
  'two-days-ahead': withTimestamp((now) => now + 2n * dayMs),
  'year-9999': withTimestamp(() => 253_402_300_799_999n),
  'beyond-dates': withTimestamp(() => 8_640_000_000_000_001n),
  'last-timestamp': withTimestamp(() => longMax),
  'first-timestamp': withTimestamp(() => -longMax - 1n),
  'null-value-ahead': (pen) => [
    pen.send([pen.record({ key: null, value: null, timestamp: pen.now() + 2n * dayMs })]),
    pen.send([pen.record()]),
  ],
} satisfies Record<string, Kind>
