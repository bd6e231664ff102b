// Somebody with psql: a transaction that began long ago, and has its id since then, ends an order that was placed meanwhile. So a version
// of an order can have a lower id than the one before. It may lock some orders all the while, so that statements have to wait for it, and then
// roll back.

import type { Random } from '../../support/random.ts'
import { explained } from './filling.ts'
import { checkUpdate } from './guards.ts'
import type { OrderRecord, Postgres } from './state.ts'
import { isLocked, lockKey, putOrder, take, type Tx } from './transactions.ts'

const isFree = (db: Postgres, tx: Tx, { id }: OrderRecord): boolean =>
  !isLocked(db, tx, lockKey.order(id)) && !isLocked(db, tx, lockKey.newVersion(id))

const lockedMax = 3

/** Locks some of the newest open orders, those that wait for their price before others. */
export const lockSome = (db: Postgres, tx: Tx, random: Random): void => {
  const open = [...db.orders.values()].filter(({ status }) => status === 'NEW' || status === 'PARTIALLY_FILLED')
  const waiting = open.filter(({ stop_price, triggered_at }) => stop_price !== null && triggered_at === null)
  for (const order of (waiting.length > 0 ? waiting : open).slice(-random.int(1, lockedMax)))
    if (isFree(db, tx, order)) take(db, tx, lockKey.order(order.id))
}

/** Expires the newest order that can be, if there is one. */
export const expireNewest = (db: Postgres, tx: Tx): void => {
  const before = [...db.orders.values()].findLast((order) => order.status === 'NEW' && isFree(db, tx, order))
  if (before === undefined) return
  const at = new Date(Math.max(db.clock(), before.updated_at.getTime()))
  take(db, tx, lockKey.order(before.id))
  take(db, tx, lockKey.newVersion(before.id))
  const expired = { ...before, status: 'EXPIRED', updated_at: at, version: before.version + 1 } as const
  const after = explained(db, tx, before, expired)
  checkUpdate(before, after)
  putOrder(db, tx, before, after)
}
