// A topic with holes: its records are compacted before any consumer reads them, so that offsets are missing between batches,
// within them and at their ends.

import type { TestKafka } from '../../support/kafka.ts'
import { until } from '../../support/until.ts'
import { placeOf, type Journal } from './journal.ts'
import type { Pen } from './pen.ts'
import type { Sender } from './sender.ts'

export type CompactionOptions = {
  kafka: TestKafka
  topic: string
  journal: Journal
  sender: Sender
  pens: readonly Pen[]
}

const kindName = 'compacted'
const batches = 20
const recordsPerBatch = 5
const keys = ['AAPL', 'MSFT', 'TSLA', 'IBM', 'XOM', 'T', 'GE']
const secondMs = 1_000n
const deadlineMs = 120_000
const settleMs = 2_000

/** Each batch makes a new segment, and all segments but the newest are compacted at once. */
const compactEagerly = {
  'cleanup.policy': 'compact',
  'segment.ms': '10',
  'min.cleanable.dirty.ratio': '0',
  'min.compaction.lag.ms': '0',
}

/** Leaves each partition with holes; the entries that went are hidden in the journal. `after`: the settings to go back to. */
export const makeHoles = async (
  { kafka, topic, journal, sender, pens }: CompactionOptions,
  after: Record<string, string>,
): Promise<void> => {
  await kafka.alterTopic(topic, compactEagerly)
  for (const pen of pens)
    for (let batch = 0; batch < batches; batch++) {
      const timestamp = pen.now() + BigInt(batch - batches) * secondMs
      const records = Array.from({ length: recordsPerBatch }, () => {
        const value = pen.rng.weighted([
          [6, pen.good],
          [1, pen.stranger],
          [1, pen.bad],
          [1, (): Buffer | null => null],
        ] as const)()
        return pen.record({ key: Buffer.from(pen.rng.pick(keys)), value, timestamp })
      })
      await sender.take(kindName, pen.send(records))
    }
  const present = async (): Promise<Set<string>> => new Set((await kafka.read(topic)).map(placeOf))
  const sent = pens.length * batches * recordsPerBatch
  await until(async () => (await present()).size < sent / 2, { what: 'the topic is compacted', deadlineMs })
  await kafka.alterTopic(topic, after)
  const left = await until(
    async () => {
      const before = await present()
      await Bun.sleep(settleMs)
      const now = await present()
      return now.size === before.size && now
    },
    { what: 'the compaction is over', deadlineMs },
  )
  for (const entry of journal.entries) if (!left.has(placeOf(entry))) entry.state = 'hidden'
}
