// Gaps: messages that an inbound topic lost before they were read. Each gap has a row, which stays for the operator who has to find out
// what was lost: fills, or reports of the engine.

import type { Sql } from './sql.ts'

/** From offset `first` (inclusive) to `next` (exclusive). */
export type Gap = { topic: string; partition: number; first: bigint; next: bigint }

/** Idempotent: a gap that is found again after a crash keeps its first row. */
export const insertGap = async (sql: Sql, { topic, partition, first, next }: Gap): Promise<void> => {
  await sql`
    insert into trade_gaps (topic, kafka_partition, first_offset, next_offset, noticed_at)
    values (${topic}, ${partition}::integer, ${String(first)}::bigint, ${String(next)}::bigint, now())
    on conflict do nothing`
}
