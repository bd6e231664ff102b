// The fake of the relay's statements: the outbox, the leases, and the marks of the floor.

import type { OrderRow } from '../../../src/store/orders.ts'
import type { EventRecord, LeaseRecord, Postgres } from './state.ts'
import { shardOf } from './tickers.ts'
import { ensureXid, isLocked, lock, lockKey, take, snapshotOf, xminOf, type Steps, type Tx } from './transactions.ts'

type Column = (string | null)[]

const byPosition = (db: Postgres): EventRecord[] =>
  db.outbox
    .values()
    .toArray()
    .toSorted((a, b) => (a.position < b.position ? -1 : 1))

export type OutboxQuery = {
  replicaId: string
  floor: bigint
  shards: Column
  except: Column
  only: Column | null
  limit: number
}

type EventRow = OrderRow &
  Omit<EventRecord, 'position' | 'filled_quantity'> & {
    position: string
    shard: number
    occurred_s: number
    read_s: number
    waited_ms: number
  }

const endingOf = (order: OrderRow, { filled_quantity, reason_code, reason_text }: EventRecord) => ({
  filled_quantity: filled_quantity ?? order.filled_quantity,
  reason_code: reason_code ?? order.reason_code,
  reason_text: reason_code === null ? order.reason_text : reason_text,
})

export const readOutbox = (db: Postgres, query: OutboxQuery): EventRow[] => {
  const { replicaId, floor, shards, except, only, limit } = query
  const now = db.clock()
  const isOurs = (shard: number): boolean => {
    const { holder, expiresAt } = db.leases.get(shard)!
    return holder === replicaId && expiresAt > now && shards.includes(String(shard))
  }
  return byPosition(db)
    .filter(({ position, ticker }) => {
      if (position <= floor || except.includes(ticker)) return false
      return (only === null || only.includes(ticker)) && isOurs(shardOf(ticker))
    })
    .slice(0, limit)
    .map((event) => ({
      ...db.orders.get(event.order_id)!,
      ...event,
      ...endingOf(db.orders.get(event.order_id)!, event),
      // The terms are those of the order's row.
      ticker: db.orders.get(event.order_id)!.ticker,
      position: String(event.position),
      shard: shardOf(event.ticker),
      occurred_s: event.occurred_at.getTime() / 1000,
      read_s: now / 1000,
      waited_ms: now - event.writtenAt,
    }))
}

export function* deleteEvents(db: Postgres, tx: Tx, positions: Column, eventIds: Column): Steps<[]> {
  tx.waits = false
  const visible = positions
    .map((text) => BigInt(text!))
    .filter((position) => db.outbox.has(position) && eventIds.includes(db.outbox.get(position)!.event_id))
  for (const position of visible) {
    yield* lock(db, tx, lockKey.event(position))
    if (db.outbox.has(position)) tx.writes.push(() => db.outbox.delete(position))
  }
  return []
}

/** It waits for a lock for a moment only. */
export function* deleteFreeEvents(db: Postgres, tx: Tx, positions: Column, eventIds: Column): Steps<[]> {
  tx.lockTimeoutMs = 2
  return yield* deleteEvents(db, tx, positions, eventIds)
}

const setAsideOf = (db: Postgres): Set<string> =>
  new Set(
    db.leases
      .values()
      .flatMap(({ setAside }) => setAside)
      .toArray(),
  )

export const readBacklog = (db: Postgres, floor: bigint, countMax: number, ageMaxMs: number) => {
  const aside = setAsideOf(db)
  const waiting = byPosition(db)
    .filter(({ position }) => aside.size > 0 || position > floor)
    .slice(0, countMax)
  const now = db.clock()
  const oldest = (events: EventRecord[]): number => Math.max(0, ...events.map(({ writtenAt }) => now - writtenAt))
  const overdue = waiting.filter(({ ticker, writtenAt }) => aside.has(ticker) && writtenAt < now - ageMaxMs)
  const tickers = [...new Set(overdue.map(({ ticker }) => ticker))].toSorted()
  return [
    {
      rows: String(waiting.length),
      age_ms: oldest(waiting),
      sendable_age_ms: oldest(waiting.filter(({ ticker }) => !aside.has(ticker))),
      overdue: tickers.length === 0 ? null : tickers,
    },
  ]
}

export const readLastPosition = (db: Postgres) => [{ last: String(db.lastPosition) }]

export function* drawTransactionId(db: Postgres, tx: Tx): Steps<{ xid: string }[]> {
  ensureXid(db, tx)
  yield null
  return [{ xid: String(tx.xid) }]
}

export const readSettled = (db: Postgres, floor: bigint, except: Column, shards: Column) => {
  const oldest = xminOf(snapshotOf(db))
  const theirs = [...db.leases]
    .filter(([shard]) => !shards.includes(String(shard)))
    .flatMap(([, { setAside }]) => setAside)
  const lowest = byPosition(db).find(
    ({ position, ticker }) => position > floor && !except.includes(ticker) && !theirs.includes(ticker),
  )
  return [{ oldest: String(oldest), lowest: lowest === undefined ? null : String(lowest.position) }]
}

const quotaOf = (db: Postgres, replicaId: string, ttlMs: number): number => {
  const since = db.clock() - ttlMs
  const others = db.replicas.entries().filter(([id, seenAt]) => id !== replicaId && seenAt > since)
  return Math.ceil(db.leases.size / (1 + others.toArray().length))
}

const setLease = (db: Postgres, tx: Tx, shard: number, lease: LeaseRecord): void =>
  void tx.writes.push(() => db.leases.set(shard, lease))

/** A lease without a holder; it keeps the tickers that were set aside. */
const withoutHolder = (db: Postgres, shard: number): LeaseRecord => ({
  ...db.leases.get(shard)!,
  holder: null,
  expiresAt: -Infinity,
})

export type Renewal = {
  replicaId: string
  ttlMs: number
  release: Column
  setAside: { ticker: string; shard: string }[]
}

export function* renewLeases(db: Postgres, tx: Tx, renewal: Renewal): Steps<object[]> {
  const { replicaId, ttlMs, release, setAside } = renewal
  const quota = quotaOf(db, replicaId, ttlMs)
  const seenAt = db.clock()
  tx.writes.push(() => db.replicas.set(replicaId, seenAt))
  ensureXid(db, tx)
  const isOurs = (shard: number): boolean => db.leases.get(shard)!.holder === replicaId
  const canTake = (shard: number): boolean => !isOurs(shard) && db.leases.get(shard)!.expiresAt <= db.clock()
  const own: number[] = []
  const shards = [...db.leases.keys()]
  const free = shards.filter(canTake)
  for (const shard of shards.filter(isOurs)) {
    yield* lock(db, tx, lockKey.lease(shard))
    if (!isOurs(shard)) continue
    if (release.includes(String(shard))) setLease(db, tx, shard, withoutHolder(db, shard))
    else own.push(shard)
  }
  yield null
  const limit = quota - own.length
  const additions: number[] = []
  for (const shard of free) {
    if (additions.length >= limit) break
    if (!canTake(shard) || isLocked(db, tx, lockKey.lease(shard))) continue
    take(db, tx, lockKey.lease(shard))
    additions.push(shard)
  }
  yield* lock(db, tx, lockKey.replica(replicaId))
  const renewed = [...own, ...additions].toSorted((a, b) => a - b)
  for (const shard of renewed) {
    const ownTickers = setAside.filter((aside) => aside.shard === String(shard)).map(({ ticker }) => ticker)
    const aside = additions.includes(shard) ? db.leases.get(shard)!.setAside : ownTickers
    setLease(db, tx, shard, { holder: replicaId, expiresAt: db.clock() + ttlMs, setAside: aside })
  }
  return [{ held: renewed.length === 0 ? null : renewed, quota }]
}

export function* releaseLeases(db: Postgres, tx: Tx, replicaId: string): Steps<[]> {
  const isThere = db.replicas.has(replicaId)
  // This delete does not see a row that another statement inserts meanwhile.
  if (isThere) tx.writes.push(() => db.replicas.delete(replicaId))
  const isOurs = (shard: number): boolean => db.leases.get(shard)!.holder === replicaId
  for (const shard of [...db.leases.keys()].filter(isOurs)) {
    yield* lock(db, tx, lockKey.lease(shard))
    if (isOurs(shard)) setLease(db, tx, shard, withoutHolder(db, shard))
  }
  if (isThere) yield* lock(db, tx, lockKey.replica(replicaId))
  return []
}
