// Which replica relays which tickers. All times are the database's, so a replica whose clock jumps neither loses nor keeps a lease because
// of that.

import { isOfFormerClock, isOver } from './formerClock.ts'
import { shardCount } from './outbox.ts'
import { textArray, type Sql } from './sql.ts'

/** `shards`: those that are ours until the lease ends. `quota`: a fair share of all of them for the replicas alive now. */
export type Leases = { shards: number[]; quota: number }

/** A ticker whose events cannot be published now, and its shard. */
export type SetAsideTicker = { ticker: string; shard: number }

export type Renewal = {
  replicaId: string
  /** Of this binary. Replicas of 1.3 and older say none: so they are known. */
  version: string
  ttlMs: number
  release: readonly number[]
  setAside: readonly SetAsideTicker[]
}

/**
 * Says that this replica is alive, gives the shards in `release` back, renews its leases and takes free shards up to its quota. It never
 * takes a shard that another replica holds; a replica with more shards than its quota learns that from the answer and releases the surplus
 * once it is idle. A renewal also tells the others which tickers are set aside; for a shard just taken, what its last holder said still
 * counts.
 */
export const renewLeases = async (
  sql: Sql,
  { replicaId, version, ttlMs, release, setAside }: Renewal,
): Promise<Leases> => {
  const [row] = await sql<{ held: number[] | null; quota: number }[]>`
    with beat as (
      insert into replicas (id, version, seen_at) values (${replicaId}::uuid, ${version}::text, clock_timestamp())
      on conflict (id) do update set seen_at = excluded.seen_at
    ), forgotten as (
      delete from replicas where seen_at < clock_timestamp() - interval '10 minutes' and id <> ${replicaId}::uuid
    ), share as (
      select ceil(${shardCount}::float8 / (1 + count(*)))::integer as quota from replicas
      where id <> ${replicaId}::uuid and seen_at > clock_timestamp() - ${ttlMs}::integer * interval '1 millisecond'
        and not (${sql(isOfFormerClock('seen_at'))})
    ), giving as (select shard from unnest(${textArray(release.map(String))}::text[]::smallint[]) as g (shard)
    ), aside as (
      select ticker, shard from unnest(${textArray(setAside.map(({ ticker }) => ticker))}::text[],
                                       ${textArray(setAside.map(({ shard }) => String(shard)))}::text[]::smallint[]) as a (ticker, shard)
    ), released as (
      update relay_leases set holder = null, expires_at = '-infinity' where holder = ${replicaId}::uuid and shard in (select shard from giving)
    ), mine as materialized (
      select shard from relay_leases where holder = ${replicaId}::uuid and shard not in (select shard from giving) order by shard for update
    ), free as materialized (
      select shard from relay_leases
      where holder is distinct from ${replicaId}::uuid and ${sql(isOver('expires_at'))}
      order by shard
      limit (select greatest(0, quota - (select count(*) from mine)) from share)
      for update skip locked
    ), renewed as (
      update relay_leases l set holder = ${replicaId}::uuid, expires_at = clock_timestamp() + ${ttlMs}::integer * interval '1 millisecond',
        set_aside = case when s.taken then l.set_aside else array(select ticker from aside a where a.shard = l.shard) end
      from (select shard, false as taken from mine union all select shard, true from free) s
      where l.shard = s.shard
      returning l.shard
    )
    select (select array_agg(shard order by shard) from renewed) as held, (select quota from share) as quota`
  return { shards: row?.held ?? [], quota: row?.quota ?? 0 }
}

/** Gives everything back at shutdown, so that the others need not wait for the leases to end. */
export const releaseLeases = async (sql: Sql, replicaId: string): Promise<void> => {
  await sql`
    with gone as (delete from replicas where id = ${replicaId}::uuid)
    update relay_leases set holder = null, expires_at = '-infinity' where holder = ${replicaId}::uuid`
}
