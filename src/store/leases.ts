// Which replica relays which tickers. All times are the database's, so a replica whose clock jumps neither loses nor keeps a
// lease for it.

import { shardCount } from './outbox.ts'
import { textArray, type Sql } from './sql.ts'

/** `held`: the shards that are ours until the lease ends. `quota`: a fair share of all of them for the replicas alive now. */
export type Leases = { held: number[]; quota: number }

/**
 * Says that this replica is alive, gives `release` back, renews what it holds and takes free shards up to its quota. It never
 * takes what another replica holds; one with more than its quota finds out by the answer and releases the rest when they are idle.
 */
export const renewLeases = async (
  sql: Sql,
  { replicaId, ttlMs, release }: { replicaId: string; ttlMs: number; release: readonly number[] },
): Promise<Leases> => {
  const [row] = await sql<{ held: number[] | null; quota: number }[]>`
    with beat as (
      insert into replicas (id, seen_at) values (${replicaId}::uuid, clock_timestamp())
      on conflict (id) do update set seen_at = excluded.seen_at
    ), forgotten as (
      delete from replicas where seen_at < clock_timestamp() - interval '10 minutes' and id <> ${replicaId}::uuid
    ), share as (
      select ceil(${shardCount}::float8 / (1 + count(*)))::integer as quota from replicas
      where id <> ${replicaId}::uuid and seen_at > clock_timestamp() - ${ttlMs}::integer * interval '1 millisecond'
    ), given as (select shard from unnest(${textArray(release.map(String))}::text[]::smallint[]) as g (shard)
    ), released as (
      update relay_leases set holder = null, expires_at = '-infinity' where holder = ${replicaId}::uuid and shard in (select shard from given)
    ), mine as materialized (
      select shard from relay_leases where holder = ${replicaId}::uuid and shard not in (select shard from given) order by shard for update
    ), free as materialized (
      select shard from relay_leases
      where holder is distinct from ${replicaId}::uuid and expires_at <= clock_timestamp()
      order by shard
      limit (select greatest(0, quota - (select count(*) from mine)) from share)
      for update skip locked
    ), renewed as (
      update relay_leases l set holder = ${replicaId}::uuid, expires_at = clock_timestamp() + ${ttlMs}::integer * interval '1 millisecond'
      from (select shard from mine union all select shard from free) s
      where l.shard = s.shard
      returning l.shard
    )
    select (select array_agg(shard order by shard) from renewed) as held, (select quota from share) as quota`
  return { held: row?.held ?? [], quota: row?.quota ?? 0 }
}

/** Gives everything back at shutdown, so that the others need not wait for the leases to end. */
export const releaseLeases = async (sql: Sql, replicaId: string): Promise<void> => {
  await sql`
    with gone as (delete from replicas where id = ${replicaId}::uuid)
    update relay_leases set holder = null, expires_at = '-infinity' where holder = ${replicaId}::uuid`
}
