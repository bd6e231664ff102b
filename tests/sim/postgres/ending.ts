// The fake of src/store/endings.ts: which orders are due, and the cancellations that tell the engine.

import { sqlState, StatementError } from './errors.ts'
import { append } from './placing.ts'
import type { EndingRecord, OrderRecord, Postgres } from './state.ts'
import { awaitFree, isLocked, lock, lockKey, share, take, type Steps, type Tx } from './transactions.ts'

type Column = (string | null)[]
type NewEnding = Pick<EndingRecord, 'order_id' | 'outcome' | 'reason_code' | 'due_at'>

export const isOpen = ({ status }: OrderRecord): boolean => status === 'NEW' || status === 'PARTIALLY_FILLED'
const waits = ({ stop_price, triggered_at }: OrderRecord): boolean => stop_price !== null && triggered_at === null
export const isDue = (order: OrderRecord, at: number): boolean =>
  isOpen(order) && order.expires_at !== null && order.expires_at.getTime() <= at

export const byTime =
  <T>(timeOf: (row: T) => number, idOf: (row: T) => string) =>
  (a: T, b: T): number =>
    timeOf(a) - timeOf(b) || (idOf(a) < idOf(b) ? -1 : 1)

const byExpiry = byTime<OrderRecord>(
  ({ expires_at }) => expires_at!.getTime(),
  ({ id }) => id,
)

/** Skips what another transaction has locked, and looks again once the lock is its own. */
export function* readExpiringStops(db: Postgres, tx: Tx, limit: number): Steps<object[]> {
  const at = tx.startedAt
  const matches = (order: OrderRecord): boolean => isDue(order, at) && waits(order)
  const answer: object[] = []
  for (const { id } of [...db.orders.values()].filter(matches).toSorted(byExpiry)) {
    if (answer.length >= limit) break
    if (isLocked(db, tx, lockKey.order(id))) continue
    take(db, tx, lockKey.order(id))
    const order = db.orders.get(id)!
    if (!matches(order)) continue
    const { version, time_in_force } = order
    answer.push({ id, version, reason_code: `EXPIRED_${time_in_force}`, now: new Date(at) })
    yield null
  }
  return answer
}

const putEnding = (db: Postgres, tx: Tx, ending: EndingRecord): void => {
  take(db, tx, lockKey.newEnding(ending.order_id))
  tx.writes.push(() => void db.endings.set(ending.order_id, ending))
}

/** Its row is locked. */
export const dropEnding = (db: Postgres, tx: Tx, orderId: string): void => {
  take(db, tx, lockKey.newEnding(orderId))
  tx.writes.push(() => void db.endings.delete(orderId))
}

/** Whether a conflicting ending is replaced; null: it never is, and its row is not locked. */
type Replaces = ((old: EndingRecord, ending: NewEnding) => boolean) | null

/**
 * Inserts in order of the ids, on conflict do update or do nothing. It waits for whoever inserts, changes or deletes the ending of the same
 * order. The foreign keys are checked at the end of the statement: each waits for whoever has locked its order.
 */
function* insertEndings(db: Postgres, tx: Tx, endings: readonly NewEnding[], replaces: Replaces): Steps<object[]> {
  const fresh: string[] = []
  const answer: object[] = []
  for (const ending of endings.toSorted((a, b) => (a.order_id < b.order_id ? -1 : 1))) {
    const { order_id } = ending
    yield null
    yield* awaitFree(db, tx, lockKey.newEnding(order_id))
    if (db.endings.has(order_id)) {
      if (replaces === null) continue
      yield* lock(db, tx, lockKey.ending(order_id))
    }
    const old = db.endings.get(order_id)
    if (old === undefined) fresh.push(order_id)
    else if (replaces?.(old, ending) !== true) continue
    putEnding(db, tx, { ...(old ?? { told_at: null, outbox_position: null, acknowledged_at: null }), ...ending })
    answer.push({ order_id })
  }
  for (const id of fresh) {
    if (!db.orders.has(id))
      throw new StatementError(sqlState.foreignKeyViolation, 'the order of an ending does not exist')
    yield* share(db, tx, lockKey.order(id))
  }
  return answer
}

/** Shares the locks of the first `limit` of these orders; those that somebody has locked are left out. */
function* shareFree(db: Postgres, tx: Tx, orders: readonly OrderRecord[], limit: number): Steps<OrderRecord[]> {
  const free: OrderRecord[] = []
  for (const order of orders) {
    if (free.length >= limit) break
    const key = lockKey.order(order.id)
    if (db.locks.has(key) && db.locks.get(key) !== tx) continue
    yield* share(db, tx, key)
    free.push(order)
  }
  return free
}

type DueQuery = { after: { expiresAt: string; id: string }; limit: number }

export function* addDueEndings(db: Postgres, tx: Tx, { after, limit }: DueQuery): Steps<object[]> {
  const from = after.expiresAt === '-infinity' ? -Infinity : Date.parse(after.expiresAt)
  const isAfter = ({ expires_at, id }: OrderRecord): boolean =>
    expires_at!.getTime() > from || (expires_at!.getTime() === from && id > after.id)
  const hasEnding = ({ id, expires_at }: OrderRecord): boolean => {
    const ending = db.endings.get(id)
    return ending !== undefined && (ending.told_at !== null || ending.due_at <= expires_at!.getTime())
  }
  const found = [...db.orders.values()]
    .filter((order) => isDue(order, tx.startedAt) && isAfter(order) && !waits(order) && !hasEnding(order))
    .toSorted(byExpiry)
  const due = yield* shareFree(db, tx, found, limit)
  const endings = due.map(({ id, time_in_force, expires_at }): NewEnding => {
    return {
      order_id: id,
      outcome: 'EXPIRED',
      reason_code: `EXPIRED_${time_in_force}`,
      due_at: expires_at!.getTime(),
    }
  })
  yield* insertEndings(db, tx, endings, (old, ending) => old.told_at === null && old.due_at > ending.due_at)
  return due.map(({ id, expires_at }) => ({ expires_at: expires_at!.toISOString(), id }))
}

export const isImmediate = (order: OrderRecord): boolean =>
  isOpen(order) &&
  (order.time_in_force === 'IOC' ||
    order.time_in_force === 'FOK' ||
    order.type === 'MARKET' ||
    (order.type === 'STOP' && order.triggered_at !== null))

export function* addImmediateEndings(db: Postgres, tx: Tx, limit: number, graceMs: number): Steps<object[]> {
  const isInOutbox = (id: string): boolean => db.outbox.values().some(({ order_id }) => order_id === id)
  const found = [...db.orders.values()]
    .filter((order) => isImmediate(order) && !db.endings.has(order.id) && !isInOutbox(order.id))
    .toSorted((a, b) => (a.id < b.id ? -1 : 1))
  const leftOver = yield* shareFree(db, tx, found, limit)
  const endings = leftOver.map(({ id }): NewEnding => {
    return { order_id: id, outcome: 'CANCELED', reason_code: 'REMAINDER', due_at: db.clock() + graceMs }
  })
  return yield* insertEndings(db, tx, endings, null)
}

export const addEndings = (
  db: Postgres,
  tx: Tx,
  { ids, outcome, reasonCode }: { ids: Column; outcome: string; reasonCode: string },
): Steps<object[]> => {
  const endings = ids.map((id): NewEnding => {
    return {
      order_id: id!,
      outcome: outcome as EndingRecord['outcome'],
      reason_code: reasonCode,
      due_at: db.clock(),
    }
  })
  return insertEndings(db, tx, endings, null)
}

type DueEnding = { ending: EndingRecord; order: OrderRecord }

/** Locks the ending and its order; leaves out what somebody else has locked. The lock of an ending whose order is locked stays. */
function* holdDue(db: Postgres, tx: Tx, limit: number): Steps<DueEnding[]> {
  const matches = (ending: EndingRecord | undefined): boolean =>
    ending !== undefined && ending.told_at === null && ending.due_at <= tx.startedAt
  const due: DueEnding[] = []
  const found = [...db.endings.values()].filter(matches)
  for (const { order_id: id } of found.toSorted(
    byTime(
      ({ due_at }) => due_at,
      ({ order_id }) => order_id,
    ),
  )) {
    if (due.length >= limit) break
    if (isLocked(db, tx, lockKey.ending(id))) continue
    take(db, tx, lockKey.ending(id))
    if (isLocked(db, tx, lockKey.order(id))) continue
    take(db, tx, lockKey.order(id))
    const ending = db.endings.get(id)
    if (matches(ending)) due.push({ ending: ending!, order: db.orders.get(id)! })
    yield null
  }
  return due
}

export function* tellEndings(db: Postgres, tx: Tx, eventIds: Column): Steps<object[]> {
  const due = yield* holdDue(db, tx, eventIds.length)
  const told = due
    .filter(({ order }) => isOpen(order))
    .toSorted(
      byTime(
        ({ ending }) => ending.due_at,
        ({ order }) => order.id,
      ),
    )
  for (const [i, { ending, order }] of told.entries()) {
    append(db, tx, {
      event_id: eventIds[i]!,
      kind: 'CANCELLED',
      order_id: order.id,
      ticker: order.ticker,
      occurred_at: new Date(db.clock()),
      traceparent: null,
      filled_quantity: order.filled_quantity,
      reason_code: ending.reason_code,
      reason_text: null,
    })
    putEnding(db, tx, { ...ending, told_at: db.clock(), outbox_position: db.lastPosition })
    yield null
  }
  const over = due.filter(({ order }) => !isOpen(order))
  for (const { order } of over) dropEnding(db, tx, order.id)
  return due.map(({ ending: { order_id, reason_code }, order }) => ({ order_id, reason_code, told: isOpen(order) }))
}

export function* noteAcknowledged(db: Postgres, tx: Tx, limit: number): Steps<object[]> {
  const isGone = ({ told_at, acknowledged_at, outbox_position }: EndingRecord): boolean =>
    told_at !== null && acknowledged_at === null && !db.outbox.has(outbox_position!)
  const answer: object[] = []
  for (const { order_id: id } of [...db.endings.values()].filter(isGone)) {
    if (answer.length >= limit) break
    if (isLocked(db, tx, lockKey.ending(id))) continue
    take(db, tx, lockKey.ending(id))
    const ending = db.endings.get(id)
    if (ending === undefined || !isGone(ending)) continue
    putEnding(db, tx, { ...ending, acknowledged_at: db.clock() })
    answer.push({ order_id: id })
    yield null
  }
  return answer
}
