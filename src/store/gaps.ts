// Gaps: messages that the trade topic lost before they were read. A row of each stays for whoever has to find out what their fills were.

import type { Sql } from './sql.ts'

/** From offset `first` (inclusive) to `next` (exclusive). */
export type TradeGap = { topic: string; partition: number; first: bigint; next: bigint }

/** Idempotent: a gap that is met again, after a crash, keeps its first row. */
export const insertGap = async (sql: Sql, { topic, partition, first, next }: TradeGap): Promise<void> => {
  await sql`
    insert into trade_gaps (topic, kafka_partition, first_offset, next_offset, noticed_at)
    values (${topic}, ${partition}::integer, ${String(first)}::bigint, ${String(next)}::bigint, now())
    on conflict do nothing`
}
