// In a database that was taken over from the Java service, what stands on the topics before the take-over is Java's: its events have no identity,
// and its legs are in the ledger as Java applied them.

import type { Span, TopicReader } from '../kafka/topicReader.ts'
import type { Sql } from '../store/sql.ts'

/** By topic and partition. */
type Beginnings = ReadonlyMap<string, ReadonlyMap<number, bigint>>

/** Empty in a database that was not taken over. */
export const readBeginnings = async (sql: Sql): Promise<Beginnings> => {
  const rows = await sql<{ topic: string; partition: number; first_offset: string }[]>`
    select topic, partition, first_offset from adoption_beginnings`
  const byTopic = Map.groupBy(rows, ({ topic }) => topic)
  return new Map(
    [...byTopic].map(([topic, own]) => [topic, new Map(own.map((row) => [row.partition, BigInt(row.first_offset)]))]),
  )
}

/** A reader for whom the topics begin there. */
export const fromBeginnings = (reader: TopicReader, beginnings: Beginnings): TopicReader => ({
  ...reader,
  async spans(topic) {
    const own = beginnings.get(topic)
    const spans = await reader.spans(topic)
    if (own === undefined) return spans
    return spans.map((span, partition): Span => {
      const begins = own.get(partition) ?? 0n
      return { ...span, start: span.start > begins ? span.start : begins, begins }
    })
  },
})
