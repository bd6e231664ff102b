// How far the trade topic was applied. A mark says of a partition: everything that was on it before `readUntil` (the database's clock) has its
// disposition. Whoever reads the partition raises it; any replica may act on it, so no rebalance matters.

import { textArray, type Sql } from './sql.ts'

export type TapeMark = { partition: number; readUntil: Date }

/**
 * `partitions`: how many the topic has. `goneUntil`: a moment until which no partition beside these had anything that was not applied, because
 * there was none; null: that is not sure.
 */
export type RaisedMarks = { partitions: number; goneUntil: Date | null; marks: readonly TapeMark[] }

/** The database's time, if somebody waits for the marks: an ending that the broker has acknowledged, or a report. Null: nobody does. */
export const readTapeNeed = async (sql: Sql): Promise<Date | null> => {
  const [row] = await sql<{ now: Date }[]>`
    select clock_timestamp() as now
    where exists (select from order_endings where acknowledged_at is not null)
       or exists (select from ingested_reports where settled_at is null)`
  return row?.now ?? null
}

/**
 * Raises these marks; one that stands higher stays. Partitions of the topic that have no mark get one that says nothing, so that whoever
 * waits for all of them waits for these too. The marks of partitions that it no longer has rise too, as it was created again with fewer: nobody
 * reads them, and whoever waits for all marks would wait for ever. They rise and are not deleted, because a partition with such a number may come
 * again.
 */
export const raiseTapeMarks = async (
  sql: Sql,
  { topic, partitions, goneUntil, marks }: RaisedMarks & { topic: string },
): Promise<void> => {
  await sql`
    with raised as (
      select partition, read_until
      from unnest(${textArray(marks.map(({ partition }) => String(partition)))}::text[]::integer[],
                  ${textArray(marks.map(({ readUntil }) => readUntil.toISOString()))}::text[]::timestamptz[]) as i (partition, read_until)
    )
    insert into tape_marks as m (topic, partition, read_until)
    select ${topic}::text, p.partition, coalesce(r.read_until, '-infinity')
    from generate_series(0, ${partitions}::integer - 1) as p (partition)
    left join raised r on r.partition = p.partition
    where r.partition is not null
       or not exists (select from tape_marks k where k.topic = ${topic}::text and k.partition = p.partition)
    union all
    select topic, partition, ${goneUntil?.toISOString() ?? null}::timestamptz
    from tape_marks
    where topic = ${topic}::text and partition >= ${partitions}::integer and read_until < ${goneUntil?.toISOString() ?? null}::timestamptz
    order by 2
    on conflict (topic, partition) do update set read_until = excluded.read_until where excluded.read_until > m.read_until`
}
