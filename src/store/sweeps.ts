// Sweeps: cancels of many orders that must come to their end, whoever dies meanwhile. A sweep is a row of cancel_sweeps until every open order
// that it means was canceled. Any replica works on it; a lease keeps two from doing the same, and nothing depends on that. All times are the
// database's.

import type { Cause } from '../domain/history.ts'
import type { Side } from '../domain/terms.ts'
import type { CancelScope, Moment } from './covered.ts'
import { isOver } from './formerClock.ts'
import { textArray, type Sql } from './sql.ts'

/** `moment`: orders that were there then are canceled. */
export type Sweep = { id: string; scope: CancelScope; reasonCode: string; cause: Cause; moment: Moment }

type SweepRow = {
  id: string
  user_id: string | null
  ticker: string | null
  side: Side | null
  reason_code: string
  cause: Cause
  snapshot: string
  position: string
  floor: string
}

const sweepFromRow = (row: SweepRow): Sweep => ({
  id: row.id,
  scope: { userId: row.user_id, ticker: row.ticker, side: row.side },
  reasonCode: row.reason_code,
  cause: row.cause,
  moment: { snapshot: row.snapshot, floor: row.floor, below: row.position },
})

type Lease = { replicaId: string; leaseMs: number }

/**
 * Takes at most `limit` open sweeps that nobody works on, the oldest first. `at`: those that this replica is working on; another one of its
 * name is free, because the answer that gave it here was lost.
 */
export const takeSweeps = async (
  sql: Sql,
  { replicaId, leaseMs, limit, at }: Lease & { limit: number; at: readonly string[] },
): Promise<Sweep[]> => {
  const rows = await sql<SweepRow[]>`
    with free as materialized (
      select s.id from cancel_sweeps s
      where s.done_at is null and s.id <> all (${textArray(at)}::text[]::bigint[])
        and (s.worked_until is null or ${sql(isOver('s.worked_until'))} or s.worked_by = ${replicaId}::uuid)
      order by s.id
      limit ${limit}::integer
      for update skip locked
    )
    update cancel_sweeps s
    set worked_by = ${replicaId}::uuid, worked_until = clock_timestamp() + ${leaseMs}::integer * interval '1 millisecond'
    from free where s.id = free.id
    returning s.id, s.user_id, s.ticker, s.side, s.reason_code, s.cause, s.snapshot::text as snapshot, s.position::text as position,
              (select max(p.floor) from log_epochs p where p.floor < s.position)::text as floor`
  return rows.map(sweepFromRow)
}

/** Goes on with sweeps that this replica has taken. */
export const renewSweeps = async (sql: Sql, ids: readonly string[], { replicaId, leaseMs }: Lease): Promise<void> => {
  await sql`
    update cancel_sweeps set worked_until = clock_timestamp() + ${leaseMs}::integer * interval '1 millisecond'
    where id = any (${textArray(ids)}::text[]::bigint[]) and worked_by = ${replicaId}::uuid and done_at is null`
}

/** Leaves the sweeps of this replica to others. */
export const releaseSweeps = async (sql: Sql, replicaId: string): Promise<void> => {
  await sql`
    update cancel_sweeps set worked_by = null, worked_until = null
    where worked_by = ${replicaId}::uuid and done_at is null`
}

/** Says that every order that a sweep means is closed. Whoever found that out may say it, whatever became of the lease. */
export const finishSweep = async (sql: Sql, id: string): Promise<void> => {
  await sql`
    update cancel_sweeps set done_at = clock_timestamp(), worked_by = null, worked_until = null
    where id = ${id}::bigint and done_at is null`
}

/** How many rows one call of thinSweeps looks at. */
const thinnedMax = 1_000

/** Deletes sweeps that were done this long ago, of the oldest. */
export const thinSweeps = async (sql: Sql, keptMs: number): Promise<void> => {
  await sql`
    delete from cancel_sweeps
    where id = any (array(select s.id from cancel_sweeps s order by s.id limit ${thinnedMax}::integer))
      and done_at < statement_timestamp() - ${keptMs}::float8 * interval '1 millisecond'`
}
