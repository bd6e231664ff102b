// What was sent, where it stands, and whether a reader of committed records may see it.

import type { TradeMessage } from '../tradeMessages.ts'
import type { RecordPlan } from './batch.ts'

export type Entry = {
  /** The generator's name of what is odd about it. */
  kind: string
  partition: number
  offset: bigint
  record: RecordPlan
  /**
   * `open`: its transaction has not ended. `hidden`: aborted, or gone by compaction. `unreadable`: in a batch that nobody can
   * read, which becomes a dead letter as a whole.
   */
  state: 'visible' | 'open' | 'hidden' | 'unreadable'
}

export type Journal = {
  entries: Entry[]
  /** By kind: what the broker said to batches that it did not take. */
  refused: Map<string, string>
  /** The offset after the last record of each partition that can be read now. */
  readable: (partitions: number) => bigint[]
}

/** Where a record stands, as text. */
export const placeOf = ({ partition, offset }: Pick<Entry, 'partition' | 'offset'>): string => `${partition}-${offset}`

export const asMessage = ({ partition, record: { key, value } }: Entry): TradeMessage => ({
  partition,
  key,
  value,
  headers: [],
})

/** Everything behind the first record of an open transaction waits with it. */
const readableOf = (entries: readonly Entry[]): bigint => {
  let [end, stop] = [0n, null as bigint | null]
  for (const { state, offset } of entries) if (state === 'open' && (stop === null || offset < stop)) stop = offset
  for (const { state, offset } of entries)
    if ((state === 'visible' || state === 'unreadable') && offset >= end && (stop === null || offset < stop))
      end = offset + 1n
  return end
}

export const createJournal = (): Journal => {
  const entries: Entry[] = []
  return {
    entries,
    refused: new Map(),
    readable: (partitions) =>
      Array.from({ length: partitions }, (_, own) => readableOf(entries.filter(({ partition }) => partition === own))),
  }
}
