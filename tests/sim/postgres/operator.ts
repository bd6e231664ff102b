// Somebody with psql: a transaction that began long ago, and has its id since then, ends an order that was placed meanwhile. So a version
// of an order can have a lower id than the one before.

import { explained } from './filling.ts'
import { checkUpdate } from './guards.ts'
import type { OrderRecord, Postgres } from './state.ts'
import { isLocked, lockKey, putOrder, take, type Tx } from './transactions.ts'

/** Expires the newest order that can be, if there is one. */
export const expireNewest = (db: Postgres, tx: Tx): void => {
  const isFree = ({ id, status }: OrderRecord): boolean =>
    status === 'NEW' && !isLocked(db, tx, lockKey.order(id)) && !isLocked(db, tx, lockKey.newVersion(id))
  const before = [...db.orders.values()].findLast(isFree)
  if (before === undefined) return
  const at = new Date(Math.max(db.clock(), before.updated_at.getTime()))
  take(db, tx, lockKey.order(before.id))
  take(db, tx, lockKey.newVersion(before.id))
  const expired = { ...before, status: 'EXPIRED', updated_at: at, version: before.version + 1 } as const
  const after = explained(db, tx, before, expired)
  checkUpdate(before, after)
  putOrder(db, tx, before, after)
}
