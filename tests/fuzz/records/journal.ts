// The journal of sent records: where each stands, and whether a reader of committed records may see it.

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
  /** The broker's answers to batches that it did not take, by kind. */
  refused: Map<string, string>
  /** How far partitions with these ends can be read: records behind an open transaction wait with it. */
  stableEnds: (ends: readonly bigint[]) => bigint[]
}

/** The place of a record, as text. */
export const placeOf = ({ partition, offset }: Pick<Entry, 'partition' | 'offset'>): string => `${partition}-${offset}`

export const asMessage = ({ partition, record: { key, value } }: Entry): TradeMessage => ({
  partition,
  key,
  value,
  headers: [],
})

export const createJournal = (): Journal => {
  const entries: Entry[] = []
  return {
    entries,
    refused: new Map(),
    stableEnds: (ends) =>
      ends.map((end, own) =>
        entries
          .filter(({ partition, state }) => partition === own && state === 'open')
          .reduce((lowest, { offset }) => (offset < lowest ? offset : lowest), end),
      ),
  }
}
