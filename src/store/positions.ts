// The two sequences of positions, of the log and of the outbox, as a start has to find them. A copy of the tables by logical replication
// has rows, but its sequences begin at 1.

import { MigrationRefused } from './migrate.ts'
import type { Sql } from './sql.ts'

type Sequence = { name: string; cache: string; last: string; used: string; set: string }

/**
 * `last`: the position that was drawn last. `used`: the highest of the outbox; of the log, the highest of each table's last
 * transaction: there is no index by position. `set`: what brings the sequence there.
 */
const readSequences = (sql: Sql): Promise<Sequence[]> => sql<Sequence[]>`
  select q.name, s.seqcache as cache, q.last, coalesce(q.used, 0) as used, q.set
  from (
    select 'outbox_position_seq' as name, (select case when is_called then last_value else 0 end from outbox_position_seq) as last,
           (select max(position) from outbox) as used, 'select max(position) from outbox' as set
    union all
    select 'log_position', (select case when is_called then last_value else 0 end from log_position),
           greatest((select max(position) from orders where xact > '3' and xact = (select xact from orders where xact > '3' order by xact desc limit 1)),
                    (select max(position) from ingested_fills where xact > '3' and xact = (select xact from ingested_fills where xact > '3' order by xact desc limit 1)),
                    (select max(position) from order_changes where xact > '3' and xact = (select xact from order_changes where xact > '3' order by xact desc limit 1))),
           'select greatest((select max(position) from orders), (select max(position) from ingested_fills), (select max(position) from order_changes))'
  ) q
  join pg_sequence s on s.seqrelid = to_regclass(q.name)`

/**
 * The cache sizes of the two sequences, by what they count; 0: there is no such sequence. Anything but 1 would invert the order of tickers, or
 * the versions of an order in the log.
 */
export const readPositionCaches = async (sql: Sql): Promise<Record<string, number>> => {
  const rows = await sql<{ name: string; cache: string | null }[]>`
    select s.name, (select seqcache from pg_sequence where seqrelid = to_regclass(s.sequence)) as cache
    from (values ('outbox.position', 'outbox_position_seq'), ('log_position', 'log_position')) as s (name, sequence)`
  return Object.fromEntries(rows.map(({ name, cache }) => [name, Number(cache ?? 0)]))
}

/**
 * Throws MigrationRefused if a sequence hands out positions that are in use, or with a cache: then a later position may be handed out
 * before an earlier one.
 */
export const requirePositions = async (sql: Sql): Promise<void> => {
  for (const { name, cache, last, used, set } of await readSequences(sql)) {
    if (cache !== '1')
      throw new MigrationRefused(
        `The sequence ${name} has cache ${cache}, which inverts the order of events: alter it to cache 1.`,
      )
    if (BigInt(last) < BigInt(used))
      throw new MigrationRefused(
        `The sequence ${name} stands at ${last}, and position ${used} is in use: this is a copy without its sequences. Stop every replica, then: select setval('${name}', (${set}));`,
      )
  }
}
