// How far the log is published to its topic, and which replica publishes it. All times are the database's.

import { isOver } from './formerClock.ts'
import type { Sql } from './sql.ts'

/** `held`: the lease is ours for the time that was asked for. `now`: the database's time. */
export type PublicationLease = { held: boolean; now: Date }

/** Takes the lease if it is free, or renews it. Two replicas that ask at once wait for each other, and one gets it. */
export const renewPublicationLease = async (
  sql: Sql,
  { replicaId, ttlMs }: { replicaId: string; ttlMs: number },
): Promise<PublicationLease> => {
  const [row] = await sql<{ held: boolean; now: Date }[]>`
    with mine as (
      update event_publication_lease
      set holder = ${replicaId}::uuid, expires_at = clock_timestamp() + ${ttlMs}::integer * interval '1 millisecond'
      where holder = ${replicaId}::uuid or ${sql(isOver('expires_at'))}
      returning slot
    )
    select exists (select from mine) as held, clock_timestamp() as now`
  return { held: row!.held, now: row!.now }
}

/** Gives the lease back at shutdown, so that another replica need not wait for its end. */
export const releasePublicationLease = async (sql: Sql, replicaId: string): Promise<void> => {
  await sql`
    update event_publication_lease set holder = null, expires_at = '-infinity' where holder = ${replicaId}::uuid`
}

/** A place in the log up to which everything was acknowledged. `cursor`: see tail/cursor.ts. */
export type PublicationPlace = { number: bigint; epoch: number; cursor: string }

const placesMax = 100

/** The kept places, newest first. Empty: nothing was ever published. */
export const readPublicationPlaces = async (sql: Sql): Promise<PublicationPlace[]> => {
  const rows = await sql<{ number: string; epoch: number; cursor: string }[]>`
    select number, epoch, cursor from event_publication order by number desc limit ${placesMax}::integer`
  return rows.map((row) => ({ ...row, number: BigInt(row.number) }))
}

/**
 * Keeps a place behind all others, if the lease is ours. Of the older ones it leaves all of the last 20, one in 16 of the last 320, and one
 * in 256 of the last 5,120. False: the lease is another's.
 */
export const savePublicationPlace = async (
  sql: Sql,
  { replicaId, epoch, cursor }: { replicaId: string; epoch: number; cursor: string },
): Promise<boolean> => {
  const rows = await sql<{ number: string }[]>`
    with saved as (
      insert into event_publication (number, epoch, cursor)
      select coalesce((select max(p.number) from event_publication p), 0) + 1, ${epoch}::integer, ${cursor}::text
      from event_publication_lease l where l.holder = ${replicaId}::uuid
      returning number
    ), thinned as (
      delete from event_publication p using saved s
      where p.number <= s.number - 20 and p.number % 16 <> 0
         or p.number <= s.number - 320 and p.number % 256 <> 0
         or p.number <= s.number - 5120
    )
    select number from saved`
  return rows.length > 0
}
