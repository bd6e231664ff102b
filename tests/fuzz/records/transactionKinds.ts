// Transactions as engines with exactly-once producers use them: ended well, aborted, side by side, across partitions,
// larger than one answer of the broker, and left open until the round is over.

import type { Kind } from './kinds.ts'
import type { Pen } from './pen.ts'
import type { Step } from './sender.ts'

const trades = (pen: Pen, producer: string, count = 3): Step => ({
  ...(pen.send(Array.from({ length: count }, () => pen.record())) as Extract<Step, { do: 'send' }>),
  producer,
})
const commit = (producer: string): Step => ({ do: 'end', producer, committed: true })
const abort = (producer: string): Step => ({ do: 'end', producer, committed: false })

const hugeCount = 12
const largeBytes = 400_000

/** Together more than a consumer is given at once. */
const large = (pen: Pen, producer: string): Step[] =>
  Array.from({ length: hugeCount }, () => {
    const value = Buffer.concat([pen.good(), Buffer.alloc(largeBytes, ' ')])
    return { ...(pen.send([pen.record({ value })]) as Extract<Step, { do: 'send' }>), producer }
  })

const everywhere = (pen: Pen, producer: string): Step[] =>
  Array.from({ length: pen.partitions }, (_, partition) => trades(pen.at(partition), producer))

const withOne =
  (steps: (pen: Pen, producer: string) => Step[]): Kind =>
  (pen) =>
    steps(pen, pen.unique())

const withTwo =
  (steps: (pen: Pen, a: string, b: string) => Step[]): Kind =>
  (pen) =>
    steps(pen, pen.unique(), pen.unique())

export const transactionKinds = {
  committed: withOne((pen, one) => [trades(pen, one), commit(one)]),
  aborted: withOne((pen, one) => [trades(pen, one), abort(one)]),
  'aborted-twice': withOne((pen, one) => [trades(pen, one), abort(one), trades(pen, one), abort(one)]),
  'aborted-then-committed': withOne((pen, one) => [trades(pen, one), abort(one), trades(pen, one), commit(one)]),
  'committed-then-aborted': withOne((pen, one) => [trades(pen, one), commit(one), trades(pen, one), abort(one)]),
  interleaved: withTwo((pen, a, b) => [
    trades(pen, a),
    trades(pen, b),
    pen.send([pen.record()]),
    trades(pen, a),
    abort(a),
    trades(pen, b),
    commit(b),
  ]),
  'aborted-everywhere': withOne((pen, one) => [...everywhere(pen, one), abort(one)]),
  'committed-everywhere': withOne((pen, one) => [...everywhere(pen, one), commit(one)]),
  'aborted-large': withOne((pen, one) => [...large(pen, one), abort(one)]),
  'committed-large': withOne((pen, one) => [...large(pen, one), commit(one)]),
  'aborted-odd': withOne((pen, one) => [
    {
      do: 'send',
      partition: pen.partition,
      producer: one,
      batch: { records: [pen.record({ value: pen.bad(), headers: [[Buffer.from('a'), null]] })] },
    },
    abort(one),
  ]),
  'hanging-committed': withOne((pen, one) => [trades(pen, one), { do: 'hang', producer: one, committed: true }]),
  'hanging-aborted': withOne((pen, one) => [trades(pen, one), { do: 'hang', producer: one, committed: false }]),
} satisfies Record<string, Kind>
