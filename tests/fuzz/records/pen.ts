// Writes the values of generated records: each kind of record carries a trade that applies, a trade of an unknown order, a
// trade that no order can take, and bytes that are no trade.

import type { Random } from '../../support/random.ts'
import type { KnownOrder } from '../expectedLedger.ts'
import type { BatchPlan, RecordPlan } from './batch.ts'
import type { Step } from './sender.ts'

export type Pen = {
  rng: Random
  partition: number
  partitions: number
  /** A text that is unique in the run. */
  unique: () => string
  now: () => bigint
  /** The members of a trade that applies to an order of this partition. */
  trade: () => Record<string, unknown>
  good: () => Buffer
  stranger: () => Buffer
  /** Becomes an exception. */
  excessive: () => Buffer
  bad: () => Buffer
  record: (changes?: Partial<RecordPlan>) => RecordPlan
  send: (records: readonly RecordPlan[], batch?: Partial<BatchPlan>) => Step
  /** On other partitions too. */
  at: (partition: number) => Pen
}

export type PenOptions = {
  rng: Random
  partition: number
  groups: readonly (readonly KnownOrder[])[]
  unique: () => string
}

const timestamp = '2026-01-02T03:04:05.678901Z'
/** A trade of an order that is never filled. */
const tooMuch = 999_999_999_999

export const createPen = ({ rng, partition, groups, unique }: PenOptions): Pen => {
  const trade = (): Record<string, unknown> => {
    const { id, side, ticker } = rng.pick(groups[partition]!)
    const legs = side === 'BUY' ? { buyOrderId: id, sellOrderId: null } : { buyOrderId: null, sellOrderId: id }
    return { tradeId: unique(), ...legs, ticker, price: 100, quantity: 1, timestamp }
  }
  const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value))
  const now = (): bigint => BigInt(Date.now())
  const good = (): Buffer => json(trade())
  return {
    rng,
    partition,
    partitions: groups.length,
    unique,
    now,
    trade,
    good,
    stranger: () => json({ ...trade(), buyOrderId: rng.uuid(), sellOrderId: null }),
    excessive: () => json({ ...trade(), quantity: tooMuch }),
    bad: () => Buffer.from(`no trade: ${unique()}`),
    record: (changes = {}) => ({ key: Buffer.from('AAPL'), value: good(), headers: [], timestamp: now(), ...changes }),
    send: (records, batch = {}) => ({ do: 'send', partition, batch: { records, ...batch } }),
    at: (other) => createPen({ rng, partition: other, groups, unique }),
  }
}

/** The four values in records of one look, in one batch or in four. */
export const fourOf = (pen: Pen, look: () => Partial<RecordPlan>, batch: Partial<BatchPlan> = {}): Step[] => {
  const values = [pen.good(), pen.stranger(), pen.excessive(), pen.bad()]
  const records = values.map((value) => pen.record({ value, ...look() }))
  return pen.rng.chance(0.5) ? [pen.send(records, batch)] : records.map((record) => pen.send([record], batch))
}
