// Finds out since when a topic of events surely holds everything: an event that retention deleted is not a loss.

import { partitionOf } from '../kafka/partition.ts'
import type { Span, TopicRecord } from '../kafka/topicReader.ts'
import type { TopicEvent } from './eventsSql.ts'

type PartitionRange = {
  /** True if nothing of ours was ever deleted. */
  whole: boolean
  /** When its oldest record was published that has a time. */
  publishedAtMs: number
  /** The earliest time of an event in it. */
  happenedAtMs: number
}

export type Retained = {
  addRecord: (record: TopicRecord) => void
  addEvent: (event: TopicEvent) => void
  /** The earliest time of an event, over the partitions that hold all they ever got. */
  oldestMs: () => number
  /** Since when an event of this ticker must be on the topic; Infinity if nothing can be said. */
  sinceMs: (ticker: string, fallbackMs: number) => number
}

/**
 * In a partition that lost its beginning, an event that happened after the oldest record was published was itself published later still, so
 * it stands behind that record; `slackMs` covers clocks that differ. A partition that holds all it ever got is complete since its oldest
 * event, and an empty partition since `fallbackMs`, because all partitions of a topic are created together.
 */
export const createRetained = (spans: readonly Span[], slackMs: number): Retained => {
  const empty = (whole: boolean): PartitionRange => ({ whole, publishedAtMs: Infinity, happenedAtMs: Infinity })
  const ranges = spans.map(({ start, begins = 0n }) => empty(start === begins))
  // A partition may be added while we read.
  const rangeOf = (partition: number): PartitionRange => (ranges[partition] ??= empty(true))
  return {
    addRecord({ partition, publishedAtMs }) {
      const range = rangeOf(partition)
      if (range.publishedAtMs === Infinity && publishedAtMs >= 0) range.publishedAtMs = publishedAtMs
    },
    addEvent({ partition, occurredAt }) {
      const range = rangeOf(partition)
      range.happenedAtMs = Math.min(range.happenedAtMs, Date.parse(occurredAt))
    },
    oldestMs: () => Math.min(...ranges.filter(({ whole }) => whole).map(({ happenedAtMs }) => happenedAtMs)),
    sinceMs(ticker, fallbackMs) {
      const range = ranges[partitionOf(ticker, spans.length)]!
      if (!range.whole) return range.publishedAtMs + slackMs
      return range.happenedAtMs === Infinity ? fallbackMs : range.happenedAtMs
    },
  }
}
