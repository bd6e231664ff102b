// The fake of src/store/sweeps.ts and src/store/covered.ts: the cancels of many orders that are rows, and the open orders that they mean.

import { isOpen } from './ending.ts'
import { snapshotFrom, textOf } from './following.ts'
import type { OrderRecord, Postgres, SweepRecord } from './state.ts'
import {
  drawLogPosition,
  ensureXid,
  isLocked,
  isVisible,
  lock,
  lockKey,
  snapshotOf,
  take,
  type Steps,
  type Tx,
} from './transactions.ts'

type Column = (string | null)[]

type NewSweep = Pick<SweepRecord, 'user_id' | 'ticker' | 'side' | 'reason_code' | 'cause' | 'due_at' | 'snapshot'>

/** Returns when it began. A rollback gives neither id nor position back. */
export const beginSweep = (db: Postgres, tx: Tx, sweep: NewSweep): number => {
  ensureXid(db, tx)
  const begun_at = db.clock()
  const row: SweepRecord = {
    ...sweep,
    id: ++db.lastSweepId,
    position: drawLogPosition(db),
    begun_at,
    worked_by: null,
    worked_until: null,
    done_at: null,
  }
  putSweep(db, tx, row)
  return begun_at
}

const putSweep = (db: Postgres, tx: Tx, row: SweepRecord): void =>
  void tx.writes.push(() => {
    db.sweeps.set(row.id, row)
    db.onSweep(row, tx)
  })

const byId = (a: SweepRecord, b: SweepRecord): number => (a.id < b.id ? -1 : 1)

type Taking = { replicaId: string; leaseMs: number; limit: number; at: Column }

export function* takeSweeps(db: Postgres, tx: Tx, { replicaId, leaseMs, limit, at }: Taking): Steps<object[]> {
  const isFree = ({ id, done_at, worked_by, worked_until }: SweepRecord): boolean =>
    done_at === null &&
    !at.includes(String(id)) &&
    (worked_until === null || worked_until < tx.startedAt || worked_by === replicaId)
  const taken: SweepRecord[] = []
  for (const { id } of [...db.sweeps.values()].filter(isFree).toSorted(byId)) {
    if (taken.length >= limit) break
    if (isLocked(db, tx, lockKey.sweep(id))) continue
    take(db, tx, lockKey.sweep(id))
    const row = db.sweeps.get(id)
    if (row !== undefined && isFree(row)) taken.push(row)
    yield null
  }
  const floor = String(db.epochs.at(-1)!.floor)
  return taken.map((row) => {
    putSweep(db, tx, { ...row, worked_by: replicaId, worked_until: db.clock() + leaseMs })
    const { id, user_id, ticker, side, reason_code, snapshot, position } = row
    const scope = { user_id, ticker, side }
    const cause = JSON.parse(row.cause) as object
    return {
      id: String(id),
      ...scope,
      reason_code,
      cause,
      snapshot: textOf(snapshot),
      position: String(position),
      floor,
    }
  })
}

/** Changes these sweeps where they are still so under their lock. */
function* updateSweeps(
  db: Postgres,
  tx: Tx,
  matches: (row: SweepRecord) => boolean,
  change: () => Partial<SweepRecord>,
): Steps<object[]> {
  for (const { id } of [...db.sweeps.values()].filter(matches)) {
    yield* lock(db, tx, lockKey.sweep(id))
    const row = db.sweeps.get(id)
    if (row !== undefined && matches(row)) putSweep(db, tx, { ...row, ...change() })
    yield null
  }
  return []
}

const isHeld =
  (replicaId: string) =>
  ({ worked_by, done_at }: SweepRecord): boolean =>
    worked_by === replicaId && done_at === null

export const renewSweeps = (
  db: Postgres,
  tx: Tx,
  { ids, replicaId, leaseMs }: { ids: Column; replicaId: string; leaseMs: number },
): Steps<object[]> =>
  updateSweeps(
    db,
    tx,
    (row) => ids.includes(String(row.id)) && isHeld(replicaId)(row),
    () => ({ worked_until: db.clock() + leaseMs }),
  )

const nobody = { worked_by: null, worked_until: null }

export const releaseSweeps = (db: Postgres, tx: Tx, replicaId: string): Steps<object[]> =>
  updateSweeps(db, tx, isHeld(replicaId), () => nobody)

export const finishSweep = (db: Postgres, tx: Tx, id: string): Steps<object[]> =>
  updateSweeps(
    db,
    tx,
    (row) => String(row.id) === id && row.done_at === null,
    () => ({ done_at: db.clock(), ...nobody }),
  )

export const readMoment = (db: Postgres): object[] => {
  const now = snapshotOf(db)
  const head = db.orders
    .values()
    .reduce<bigint | null>((most, { xact }) => (xact < now.xmax && xact > (most ?? 0n) ? xact : most), null)
  const floor = String(db.epochs.at(-1)!.floor)
  return [{ snapshot: textOf(now), standby: false, floor, ours: true, head: head === null ? null : String(head) }]
}

export type CoveredQuery = {
  userId: string | null
  ticker: string | null
  side: string | null
  before: string
  from: string
  below: string | null
  floor: string
  snapshot: string
  limit: number
}

/** Newest first. Their ids are UUIDv7, so these are their places. */
export const readCoveredPage = (db: Postgres, query: CoveredQuery): object[] => {
  const { userId, ticker, side, before, from, below, limit } = query
  const seen = snapshotFrom(query.snapshot)
  const wasThere = ({ xact, position }: OrderRecord): boolean =>
    (below === null || position < BigInt(below)) && (position <= BigInt(query.floor) || isVisible(seen, xact))
  const rows = [...db.orders.values()]
    .filter(
      (order) =>
        isOpen(order) &&
        (userId === null || order.user_id === userId) &&
        (ticker === null || order.ticker === ticker) &&
        (side === null || order.side === side) &&
        order.id < before &&
        order.id >= from &&
        wasThere(order),
    )
    .toSorted((a, b) => (a.id > b.id ? -1 : 1))
    .slice(0, limit)
  const at = new Date(db.clock())
  return rows.length === 0
    ? [{ id: null, place: null, end_place: null, at }]
    : rows.map(({ id }) => ({ id, place: id, end_place: null, at }))
}

export const readOpenTickers = (db: Postgres, after: string, limit: number): object[] => {
  const tickers = [...new Set([...db.orders.values()].filter(isOpen).map(({ ticker }) => ticker))]
  return tickers
    .filter((ticker) => ticker > after)
    .toSorted()
    .slice(0, limit)
    .map((ticker, i) => ({ ticker, is_open: true, number: i + 1 }))
}
