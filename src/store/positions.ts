// The sequences of positions, of the log and of the outbox, and that of the ids of sweeps, as a start has to find them. A copy of the tables by
// logical replication has rows, but its sequences begin at 1. (The rows of adoption_refused are numbered too: only a take-over adds to them, and
// it begins with an empty table.)

import { MigrationRefused } from './migrate.ts'
import type { Sql } from './sql.ts'

/** `last`: what was drawn last. `used`: the highest that is in use. `set`: what brings the sequence there. */
type Sequence = { name: string; last: string; used: string; set: string }

/**
 * Of the log, `used` is the highest of each table's last transaction and of the last sweep: there is no index by position. What the floor of an
 * epoch covers was drawn too, and nobody looks there again.
 */
const readPositions = (sql: Sql): Promise<(Sequence & { cache: string })[]> => sql<(Sequence & { cache: string })[]>`
  select q.name, s.seqcache as cache, q.last, coalesce(q.used, 0) as used, q.set
  from (
    select 'outbox_position_seq' as name, (select case when is_called then last_value else 0 end from outbox_position_seq) as last,
           (select max(position) from outbox) as used, 'select max(position) from outbox' as set
    union all
    select 'log_position', (select case when is_called then last_value else 0 end from log_position),
           greatest((select max(position) from orders where xact > '3' and xact = (select xact from orders where xact > '3' order by xact desc limit 1)),
                    (select max(position) from ingested_fills where xact > '3' and xact = (select xact from ingested_fills where xact > '3' order by xact desc limit 1)),
                    (select max(position) from order_changes where xact > '3' and xact = (select xact from order_changes where xact > '3' order by xact desc limit 1)),
                    (select position from cancel_sweeps order by id desc limit 1),
                    (select max(floor) from log_epochs)),
           'select greatest((select max(position) from orders), (select max(position) from ingested_fills), (select max(position) from order_changes), (select max(position) from cancel_sweeps), (select max(floor) from log_epochs))'
  ) q
  join pg_sequence s on s.seqrelid = to_regclass(q.name)`

/**
 * The ids of sweeps. One that is handed out twice fails the statement: then no halt cancels what is open, and no switch fires. Nothing goes by
 * their order, so a cache does no harm. Nothing is read for a role that may not: an identity takes no right to its sequence, and sql/roles.sql
 * of before 1.9.0 gives none where the tables are of an earlier login.
 */
export const readSweepIds = (sql: Sql): Promise<Sequence[]> => sql<Sequence[]>`
  select 'cancel_sweeps_id_seq' as name, coalesce(pg_sequence_last_value(q.sequence), 0) as last,
         (select coalesce(max(id), 0) from cancel_sweeps) as used, 'select max(id) from cancel_sweeps' as set
  from (select to_regclass('cancel_sweeps_id_seq') as sequence) q
  where has_sequence_privilege(q.sequence, 'select')`

/**
 * The cache sizes of the two sequences of positions, by what they count; 0: there is no such sequence. Anything but 1 would invert the order of
 * tickers, or the versions of an order in the log.
 */
export const readPositionCaches = async (sql: Sql): Promise<Record<string, number>> => {
  const rows = await sql<{ name: string; cache: string | null }[]>`
    select s.name, (select seqcache from pg_sequence where seqrelid = to_regclass(s.sequence)) as cache
    from (values ('outbox.position', 'outbox_position_seq'), ('log_position', 'log_position')) as s (name, sequence)`
  return Object.fromEntries(rows.map(({ name, cache }) => [name, Number(cache ?? 0)]))
}

const requireAhead = ({ name, last, used, set }: Sequence): void => {
  if (BigInt(last) < BigInt(used))
    throw new MigrationRefused(
      `The sequence ${name} stands at ${last}, and ${used} is in use: this is a copy without its sequences. Stop every replica, then: select setval('${name}', (${set}));`,
    )
}

/**
 * Throws MigrationRefused if a sequence hands out what is in use, or positions with a cache: then a later one may be handed out before an
 * earlier one.
 */
export const requirePositions = async (sql: Sql): Promise<void> => {
  const [positions, sweepIds] = await Promise.all([readPositions(sql), readSweepIds(sql)])
  for (const { name, cache } of positions)
    if (cache !== '1')
      throw new MigrationRefused(
        `The sequence ${name} has cache ${cache}, which inverts the order of events: alter it to cache 1.`,
      )
  for (const sequence of [...positions, ...sweepIds]) requireAhead(sequence)
}
