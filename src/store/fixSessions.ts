// Sessions of FIX: who holds one, and its numbers. All times of leases are the database's. Whoever takes a session raises its epoch; every
// later statement says the epoch and changes nothing once another one has taken over.

import { isOver } from './formerClock.ts'
import { textArray, type Sql } from './sql.ts'

/** How far the log was reported in a session. `cursor`: see tail/cursor.ts; it never ages. */
export type SessionPlace = { logEpoch: number; cursor: string }

/** Whose numbers: `epoch` is the one that takeFixSession gave. */
export type FixLease = { session: string; epoch: string }

/** `nextIn`, `nextOut`: the numbers of the next message to come and to go. `series`: grows whenever they begin at 1 again. Null place: none was kept. */
export type FixNumbers = { series: string; nextIn: number; nextOut: number; place: SessionPlace | null }

export type TakenSession = FixLease & FixNumbers

type NumbersRow = {
  series: string
  next_in: string
  next_out: string
  log_epoch: number | null
  cursor: string | null
}

const numbersOf = (row: NumbersRow): FixNumbers => ({
  series: row.series,
  nextIn: Number(row.next_in),
  nextOut: Number(row.next_out),
  place: row.log_epoch === null ? null : { logEpoch: row.log_epoch, cursor: row.cursor! },
})

/**
 * Takes a session that nobody holds, or whose lease is over; also one that this replica holds itself: a connection of before loses it then.
 * Null: another replica holds it. A session that nobody ever took begins with number 1 both ways. Of two that ask at once one gets it. It waits
 * for whoever is storing messages of the session; read afterwards which of them wait for an answer, and answer these before anything else.
 */
export const takeFixSession = async (
  sql: Sql,
  { session, replicaId, ttlMs }: { session: string; replicaId: string; ttlMs: number },
): Promise<TakenSession | null> => {
  const [row] = await sql<(NumbersRow & { epoch: string })[]>`
    insert into fix_sessions as s (id, epoch, holder, expires_at)
    values (${session}::text, 1, ${replicaId}::uuid, clock_timestamp() + ${ttlMs}::integer * interval '1 millisecond')
    on conflict (id) do update set epoch = s.epoch + 1, holder = excluded.holder, expires_at = excluded.expires_at
    where s.holder is null or s.holder = excluded.holder or ${sql(isOver('s.expires_at'))}
    returning s.epoch, s.series, s.next_in, s.next_out, s.log_epoch, s.cursor`
  return row === undefined ? null : { session, epoch: row.epoch, ...numbersOf(row) }
}

/**
 * Renews leases; answers the sessions that are still ours. A lease that is over but that nobody took is renewed too. `skipLocked`: one whose session
 * somebody else has locked is passed by, and absent too.
 */
export const renewFixSessions = async (
  sql: Sql,
  { leases, ttlMs, skipLocked = false }: { leases: readonly FixLease[]; ttlMs: number; skipLocked?: boolean },
): Promise<Set<string>> => {
  const rows = await sql<{ id: string }[]>`
    with held as materialized (
      select s.id, s.epoch from fix_sessions s
      where s.id = any (${textArray(leases.map(({ session }) => session))}::text[])
      order by s.id
      ${skipLocked ? sql`for update skip locked` : sql`for update`}
    )
    update fix_sessions s set expires_at = clock_timestamp() + ${ttlMs}::integer * interval '1 millisecond'
    from held h
    join unnest(${textArray(leases.map(({ session }) => session))}::text[], ${textArray(leases.map(({ epoch }) => epoch))}::text[]) as l (id, epoch)
      on l.id = h.id and l.epoch::bigint = h.epoch
    where s.id = h.id and s.holder is not null
    returning s.id`
  return new Set(rows.map(({ id }) => id))
}

/** Gives a session back, so that the next connection need not wait for the end of the lease. It does nothing to a session of another epoch. */
export const releaseFixSession = async (sql: Sql, { session, epoch }: FixLease): Promise<void> => {
  await sql`
    update fix_sessions set holder = null, expires_at = '-infinity'
    where id = ${session}::text and epoch = ${epoch}::bigint`
}

/** Begins the numbers at 1 again, in a new series. What waits for an answer goes on waiting. Null: the session is another's. Call it once a logon. */
export const resetFixSession = async (sql: Sql, { session, epoch }: FixLease): Promise<FixNumbers | null> => {
  const [row] = await sql<NumbersRow[]>`
    update fix_sessions s set series = s.series + 1, next_in = 1, next_out = 1
    where s.id = ${session}::text and s.epoch = ${epoch}::bigint
    returning s.series, s.next_in, s.next_out, s.log_epoch, s.cursor`
  return row === undefined ? null : numbersOf(row)
}

/** The numbers of a session of ours, and the attempt that took numbers last. Null: the session is another's. */
export const readFixSession = async (
  sql: Sql,
  { session, epoch }: FixLease,
): Promise<(FixNumbers & { attempt: string | null; attemptOut: number | null }) | null> => {
  const [row] = await sql<(NumbersRow & { attempt: string | null; attempt_out: string | null })[]>`
    select s.series, s.next_in, s.next_out, s.log_epoch, s.cursor, s.attempt, s.attempt_out
    from fix_sessions s where s.id = ${session}::text and s.epoch = ${epoch}::bigint`
  if (row === undefined) return null
  const { attempt, attempt_out: attemptOut } = row
  return { ...numbersOf(row), attempt, attemptOut: attemptOut === null ? null : Number(attemptOut) }
}
