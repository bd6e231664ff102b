// Proves: replicas share the shards fairly, a shard never has two holders, and leases go by the clock of the database.

import { beforeEach, describe, expect, test } from 'bun:test'
import { leaseMaxMs } from '../../src/store/formerClock.ts'
import { releaseLeases, renewLeases, type Leases, type Renewal } from '../../src/store/leases.ts'
import { shardCount } from '../../src/store/outbox.ts'
import { ownDatabase } from '../support/ownDatabase.ts'
import { until } from '../support/until.ts'

const { database, sql, db } = await ownDatabase()

beforeEach(async () => {
  await sql`update relay_leases set holder = null, expires_at = '-infinity', set_aside = '{}'`
  await sql`delete from replicas`
})

const replica = (n: number): string => `00000000-0000-4000-8000-00000000000${n}`
const renew = (n: number, changes: Partial<Renewal> = {}) =>
  db.run((sql) =>
    renewLeases(sql, {
      replicaId: replica(n),
      version: '1.4.0',
      ttlMs: leaseMaxMs,
      release: [],
      setAside: [],
      ...changes,
    }),
  )

/** Renews as the relay does: each replica gives back what exceeds its quota with its next renewal. */
const settle = async (replicas: readonly number[]): Promise<Map<number, Leases>> => {
  const leases = new Map<number, Leases>()
  for (let round = 0; round < 5; round++)
    for (const n of replicas) {
      const last = leases.get(n)
      leases.set(n, await renew(n, { release: last?.shards.slice(last.quota) ?? [] }))
    }
  return leases
}

const everyShard = Array.from({ length: shardCount }, (_, shard) => shard)
const heldBy = (leases: Iterable<Leases>): number[] =>
  [...leases].flatMap(({ shards }) => shards).toSorted((a, b) => a - b)

describe('the shards are shared out fairly:', () => {
  for (const [count, most] of [
    [1, 16],
    [2, 8],
    [3, 6],
    [4, 4],
  ] as const)
    test(`${count} of replicas hold at most ${most} each, and all 16 between them`, async () => {
      const replicas = Array.from({ length: count }, (_, i) => i + 1)
      const leases = await settle(replicas)
      for (const { shards, quota } of leases.values()) {
        expect(quota).toBe(most)
        expect(shards.length).toBeLessThanOrEqual(most)
        expect(shards.length).toBeGreaterThan(0)
      }
      expect(heldBy(leases.values())).toEqual(everyShard)
    })

  test('the first replica takes all at once', async () => {
    expect(await renew(1)).toEqual({ shards: everyShard, quota: 16 })
  })

  test('a second one takes nothing that is held, and gets its share as it is given back', async () => {
    await renew(1)
    expect(await renew(2)).toEqual({ shards: [], quota: 8 })
    // The first one learns of the second by its quota, and goes on holding all until it is ready.
    const first = await renew(1)
    expect(first).toEqual({ shards: everyShard, quota: 8 })
    const surplus = first.shards.slice(first.quota)
    expect((await renew(1, { release: surplus })).shards).toEqual(everyShard.slice(0, 8))
    expect((await renew(2)).shards).toEqual(surplus)
  })

  test('the shards of one that leaves go to those who stay', async () => {
    await settle([1, 2])
    await db.run((sql) => releaseLeases(sql, replica(1)))
    expect(await renew(2)).toEqual({ shards: everyShard, quota: 16 })
  })
})

describe('a lease', () => {
  test('ends by itself where its holder is gone, by the clock of the database', async () => {
    await renew(1)
    expect((await renew(2)).shards).toEqual([])
    await sql`update relay_leases set expires_at = now() where holder = ${replica(1)}`
    await sql`update replicas set seen_at = now() - interval '2 hours' where id = ${replica(1)}`
    expect(await renew(2)).toEqual({ shards: everyShard, quota: 16 })
  })

  test('of a replica that is gone ends when the clock of the database is set back', async () => {
    await renew(1)
    await sql`update relay_leases set expires_at = expires_at + interval '1 hour'`
    await sql`update replicas set seen_at = seen_at + interval '1 hour'`
    expect(await renew(2)).toEqual({ shards: everyShard, quota: 16 })
    expect((await renew(1)).shards).toEqual([])
  })

  test('ends after its time, not before', async () => {
    const ttlMs = 400
    await renew(1, { ttlMs })
    const [row] = await sql<{ ends: Date; now: Date }[]>`
      select min(expires_at) as ends, clock_timestamp() as now from relay_leases where holder = ${replica(1)}`
    const left = row!.ends.getTime() - row!.now.getTime()
    expect(left).toBeLessThanOrEqual(ttlMs)
    await until(async () => (await renew(2, { ttlMs })).shards.length === shardCount, { what: 'the leases have ended' })
    const [after] = await sql<{ passed: boolean }[]>`select clock_timestamp() >= ${row!.ends} as passed`
    expect(after!.passed).toBe(true)
  })

  test('is renewed by its holder even after its end, if nobody took it', async () => {
    await renew(1)
    await sql`update relay_leases set expires_at = now() - interval '1 second'`
    expect((await renew(1)).shards).toEqual(everyShard)
    const [row] = await sql<{ live: string }[]>`select count(*) as live from relay_leases where expires_at > now()`
    expect(row!.live).toBe('16')
  })

  test('of another replica is not released by us', async () => {
    await renew(1)
    await renew(2, { release: everyShard })
    await db.run((sql) => releaseLeases(sql, replica(2)))
    const [row] = await sql<{ held: string }[]>`select count(*) as held from relay_leases where holder = ${replica(1)}`
    expect(row!.held).toBe('16')
  })

  test('that is given back is free at once', async () => {
    await renew(1)
    expect((await renew(1, { release: [0, 15] })).shards).toEqual(everyShard.slice(1, 15))
    const free = await sql<{ shard: number }[]>`select shard from relay_leases where holder is null order by shard`
    expect(free.map(({ shard }) => shard)).toEqual([0, 15])
  })
})

describe('tickers that are set aside', () => {
  const setAsideByShard = async (): Promise<Record<number, string[]>> => {
    const rows = await sql<{ shard: number; set_aside: string[] }[]>`
      select shard, set_aside from relay_leases where set_aside <> '{}' order by shard`
    return Object.fromEntries(rows.map(({ shard, set_aside }) => [shard, set_aside]))
  }
  const setAside = [
    { ticker: 'A', shard: 3 },
    { ticker: 'B', shard: 3 },
    { ticker: 'C', shard: 9 },
  ]

  test('are stored with the renewal of their shard, as they are now', async () => {
    await renew(1)
    await renew(1, { setAside })
    expect(await setAsideByShard()).toEqual({ 3: ['A', 'B'], 9: ['C'] })
    await renew(1, { setAside: [{ ticker: 'B', shard: 3 }] })
    expect(await setAsideByShard()).toEqual({ 3: ['B'] })
  })

  test('of a shard that is not ours are not stored', async () => {
    await renew(1)
    await renew(2, { setAside })
    expect(await setAsideByShard()).toEqual({})
  })

  test('stay known while their shard changes hands, until the new holder has tried', async () => {
    await renew(1)
    await renew(1, { setAside })
    await db.run((sql) => releaseLeases(sql, replica(1)))
    expect(await setAsideByShard()).toEqual({ 3: ['A', 'B'], 9: ['C'] })
    expect((await renew(2)).shards).toEqual(everyShard)
    expect(await setAsideByShard()).toEqual({ 3: ['A', 'B'], 9: ['C'] })
    await renew(2)
    expect(await setAsideByShard()).toEqual({})
  })
})

test('replicas that were not seen for ten minutes are forgotten', async () => {
  await sql`insert into replicas values (${replica(7)}, now() - interval '11 minutes'), (${replica(8)}, now() - interval '9 minutes')`
  await renew(1)
  const rows = await sql<{ id: string }[]>`select id from replicas order by id`
  expect(rows.map(({ id }) => id)).toEqual([replica(1), replica(8)])
})

test('no shard ever has two holders, though four replicas take, renew and give back all at once', async () => {
  const pool = database.open({ connections: 8 })
  const holders = new Map<number, Set<number>>()
  const conflicts: string[] = []
  const live = async (n: number): Promise<void> => {
    let held: number[] = []
    for (let round = 0; round < 40; round++) {
      // A replica no longer counts as the holder of a shard from the moment it begins to give it back.
      const release = held.filter(() => Math.random() < 0.3)
      holders.set(n, new Set(held.filter((shard) => !release.includes(shard))))
      const answer = await pool.run((sql) =>
        renewLeases(sql, { replicaId: replica(n), version: '1.4.0', ttlMs: leaseMaxMs, release, setAside: [] }),
      )
      held = answer.shards
      holders.set(n, new Set(held))
      for (const [other, shards] of holders)
        if (other !== n) for (const shard of held) if (shards.has(shard)) conflicts.push(`${shard}: ${n} and ${other}`)
    }
  }
  await Promise.all([1, 2, 3, 4].map(live))
  expect(conflicts).toEqual([])
})

test('a replica does not wait for shards that another one is just taking', async () => {
  const other = database.session()
  await other.unsafe('begin; select 1 from relay_leases where shard < 4 for update')
  expect((await renew(1)).shards).toEqual(everyShard.slice(4))
  await other.unsafe('rollback')
})
