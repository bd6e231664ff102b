// The fake of what the relay asks: the outbox, the leases, and the marks of the floor.

import type { OrderRow } from '../../../src/store/orders.ts'
import { shardOf } from './tickers.ts'
import {
  ensureXid,
  isLocked,
  lock,
  lockKey,
  take,
  type EventRecord,
  type LeaseRecord,
  type Postgres,
  type Steps,
  type Tx,
} from './state.ts'

type Column = (string | null)[]

const byPosition = (db: Postgres): EventRecord[] =>
  db.outbox
    .values()
    .toArray()
    .toSorted((a, b) => (a.position < b.position ? -1 : 1))

export type Asked = {
  replicaId: string
  floor: bigint
  retiring: Column
  except: Column
  only: Column | null
  limit: number
}

type EventRow = OrderRow & Omit<EventRecord, 'position'> & { position: string; shard: number }

export const readOutbox = (db: Postgres, asked: Asked): EventRow[] => {
  const { replicaId, floor, retiring, except, only, limit } = asked
  const now = db.clock()
  const isOurs = (shard: number): boolean => {
    const { holder, expiresAt } = db.leases.get(shard)!
    return holder === replicaId && expiresAt > now && !retiring.includes(String(shard))
  }
  return byPosition(db)
    .filter(({ position, ticker }) => {
      if (position <= floor || except.includes(ticker)) return false
      return (only === null || only.includes(ticker)) && isOurs(shardOf(ticker))
    })
    .slice(0, limit)
    .map((event) => ({
      ...event,
      position: String(event.position),
      shard: shardOf(event.ticker),
      ...db.orders.get(event.order_id)!,
    }))
}

export function* deleteEvents(db: Postgres, tx: Tx, positions: Column): Steps<[]> {
  const seen = positions.map((text) => BigInt(text!)).filter((position) => db.outbox.has(position))
  for (const position of seen) {
    yield* lock(db, tx, lockKey.event(position))
    if (db.outbox.has(position)) tx.writes.push(() => db.outbox.delete(position))
  }
  return []
}

export const readBacklog = (db: Postgres, countMax: number) => {
  const [oldest] = byPosition(db)
  return [
    {
      rows: String(Math.min(db.outbox.size, countMax)),
      age_ms: oldest === undefined ? null : db.clock() - oldest.writtenAt,
    },
  ]
}

export const readLastPosition = (db: Postgres) => [{ last: String(db.lastPosition) }]

export function* drawTransactionId(db: Postgres, tx: Tx): Steps<{ xid: string }[]> {
  ensureXid(db, tx)
  yield null
  return [{ xid: String(tx.xid) }]
}

export const readSettled = (db: Postgres, except: Column) => {
  let oldest = db.nextXid
  for (const { xid } of db.open) if (xid !== null && xid < oldest) oldest = xid
  const lowest = byPosition(db).find(({ ticker }) => !except.includes(ticker))
  return [{ oldest: String(oldest), lowest: lowest === undefined ? null : String(lowest.position) }]
}

const quotaOf = (db: Postgres, replicaId: string, ttlMs: number): number => {
  const since = db.clock() - ttlMs
  const others = db.replicas.entries().filter(([id, seenAt]) => id !== replicaId && seenAt > since)
  return Math.ceil(db.leases.size / (1 + others.toArray().length))
}

const setLease = (db: Postgres, tx: Tx, shard: number, lease: LeaseRecord): void =>
  void tx.writes.push(() => db.leases.set(shard, lease))

const noLease: LeaseRecord = { holder: null, expiresAt: -Infinity }

export type Renewal = { replicaId: string; ttlMs: number; release: Column }

export function* renewLeases(db: Postgres, tx: Tx, { replicaId, ttlMs, release }: Renewal): Steps<object[]> {
  const quota = quotaOf(db, replicaId, ttlMs)
  const seenAt = db.clock()
  tx.writes.push(() => db.replicas.set(replicaId, seenAt))
  ensureXid(db, tx)
  const isOurs = (shard: number): boolean => db.leases.get(shard)!.holder === replicaId
  const canTake = (shard: number): boolean => !isOurs(shard) && db.leases.get(shard)!.expiresAt <= db.clock()
  const held: number[] = []
  const shards = [...db.leases.keys()]
  const free = shards.filter(canTake)
  for (const shard of shards.filter(isOurs)) {
    yield* lock(db, tx, lockKey.lease(shard))
    if (!isOurs(shard)) continue
    if (release.includes(String(shard))) setLease(db, tx, shard, noLease)
    else held.push(shard)
  }
  yield null
  const limit = quota - held.length
  const taken: number[] = []
  for (const shard of free) {
    if (taken.length >= limit) break
    if (!canTake(shard) || isLocked(db, tx, lockKey.lease(shard))) continue
    take(db, tx, lockKey.lease(shard))
    taken.push(shard)
  }
  yield* lock(db, tx, lockKey.replica(replicaId))
  const renewed = [...held, ...taken].toSorted((a, b) => a - b)
  for (const shard of renewed) setLease(db, tx, shard, { holder: replicaId, expiresAt: db.clock() + ttlMs })
  return [{ held: renewed.length === 0 ? null : renewed, quota }]
}

export function* releaseLeases(db: Postgres, tx: Tx, replicaId: string): Steps<[]> {
  const known = db.replicas.has(replicaId)
  tx.writes.push(() => db.replicas.delete(replicaId))
  const isOurs = (shard: number): boolean => db.leases.get(shard)!.holder === replicaId
  for (const shard of [...db.leases.keys()].filter(isOurs)) {
    yield* lock(db, tx, lockKey.lease(shard))
    if (isOurs(shard)) setLease(db, tx, shard, noLease)
  }
  if (known) yield* lock(db, tx, lockKey.replica(replicaId))
  return []
}
