// Messages that the trade topic lost before they were read, kept for whoever has to find out what their fills were.

import type { Sql } from './sql.ts'

/** From the offset `first` up to and without `next`. */
export type TradeGap = { topic: string; partition: number; first: bigint; next: bigint }

/** Once: a gap that is met again, after a crash, stays as it was noticed first. */
export const insertGap = async (sql: Sql, { topic, partition, first, next }: TradeGap): Promise<void> => {
  await sql`
    insert into trade_gaps (topic, kafka_partition, first_offset, next_offset, noticed_at)
    values (${topic}, ${partition}::integer, ${String(first)}::bigint, ${String(next)}::bigint, now())
    on conflict do nothing`
}
