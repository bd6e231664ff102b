// How far the partitions of the inbound topics were handled, beside the offsets that the group has at the brokers and may lose there.

import { textArray, type Sql } from './sql.ts'

/** Everything before offset `next` of the partition was handled. `topicId`: of the topic that had the name then. */
export type KeptPlace = { partition: number; topicId: string; next: bigint }

type Row = { partition: number; topic_id: string; next_offset: string }

export const readTopicPlaces = async (sql: Sql, topic: string): Promise<KeptPlace[]> => {
  const rows = await sql<Row[]>`
    select partition, topic_id, next_offset from topic_places where topic = ${topic}::text order by partition`
  return rows.map(({ partition, topic_id, next_offset }) => ({
    partition,
    topicId: topic_id,
    next: BigInt(next_offset),
  }))
}

/**
 * A place only rises, because a replica that has lost the partition may still keep what it knew. One of a topic that was made anew replaces the
 * old one.
 */
export const keepTopicPlaces = async (
  sql: Sql,
  { topic, places }: { topic: string; places: readonly KeptPlace[] },
): Promise<void> => {
  await sql`
    insert into topic_places as p (topic, partition, topic_id, next_offset, kept_at)
    select ${topic}::text, i.partition, i.topic_id, i.next_offset, now()
    from unnest(${textArray(places.map(({ partition }) => String(partition)))}::text[]::integer[],
                ${textArray(places.map(({ topicId }) => topicId))}::text[],
                ${textArray(places.map(({ next }) => String(next)))}::text[]::bigint[]) as i (partition, topic_id, next_offset)
    order by 2
    on conflict (topic, partition) do update
      set topic_id = excluded.topic_id, next_offset = excluded.next_offset, kept_at = excluded.kept_at
      where p.topic_id <> excluded.topic_id or p.next_offset < excluded.next_offset`
}
