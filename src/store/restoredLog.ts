// The part of the log that was written in another cluster and copied here with the tables: what a place of that time has not seen. Only the
// publisher reads it; it is small, and read once.

import { historyFromRow, type HistoryRow } from './historyRows.ts'
import type { LogRow } from './log.ts'
import { eventColumns, ofTables, withOrders } from './logText.ts'
import { writeSnapshot, type Snapshot } from './snapshot.ts'
import type { Sql } from './sql.ts'
import { parameter, statementText } from './sqlText.ts'

/**
 * Transaction ids of the copy are compared among each other alone, never with those of this cluster. Rows of an epoch between that of the
 * place and the present one are of a third cluster: all of them are unseen.
 */
const arms = ofTables(({ name, t, columns }) => {
  const arm = statementText`select ${columns}, ${t}.xact, ${t}.position from ${name} ${t}
       where ${t}.xact > '3' and ${t}.position > w.after and ${t}.position <= w.upper`
  return statementText`(${arm} and ${t}.xact >= w.past and ${t}.position <= w.own)
      union all
      (${arm} and ${t}.xact = any (w.running) and ${t}.position <= w.own)
      union all
      (${arm} and w.own < w.upper and ${t}.position > w.own)`
})

/** Parameters: epoch, snapshot and position of the place, and the limit. */
const restoredText = statementText`
    select ${eventColumns}
    from (
      select pg_snapshot_xmax(s.seen) as past, array(select pg_snapshot_xip(s.seen)) as running,
             greatest(s.after, (select p.floor from log_epochs p where p.epoch = s.epoch)) as after,
             (select p.floor from log_epochs p where p.epoch > s.epoch order by p.epoch limit 1) as own,
             (select p.floor from log_epochs p order by p.epoch desc limit 1) as upper
      from (select ${parameter}::integer as epoch, ${parameter}::text::pg_snapshot as seen, ${parameter}::text::bigint as after) s
    ) w
    cross join lateral (
      select * from (
      ${arms}
      ) d order by d.position limit ${parameter}::integer
    ) e
    ${withOrders}`

/** What a place of an earlier epoch has not seen of the copied rows, after a position, by position. */
export const readRestored = async (
  sql: Sql,
  { epoch, snapshot, after }: { epoch: number; snapshot: Snapshot; after: bigint },
  limit: number,
): Promise<LogRow[]> => {
  const rows = await sql<(HistoryRow & { xact: string; position: string })[]>(
    restoredText,
    epoch,
    writeSnapshot(snapshot),
    String(after),
    limit,
  )
  return rows
    .map((row) => ({ history: historyFromRow(row), xact: BigInt(row.xact), position: BigInt(row.position) }))
    .toSorted((a, b) => (a.position < b.position ? -1 : 1))
}
