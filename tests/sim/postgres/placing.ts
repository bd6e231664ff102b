// The fake of insertOrders, readKeyHolders and readOrders.

import type { OrderRow } from '../../../src/store/orders.ts'
import { amountText, checkOrder } from './guards.ts'
import type { EventRecord, OrderRecord, Postgres } from './state.ts'
import {
  logRow,
  drawLogPosition,
  ensureXid,
  isLocked,
  lockKey,
  putOrder,
  take,
  type Steps,
  type Tx,
} from './transactions.ts'

type Column = (string | null)[]

/** The statement draws a position; a rollback does not give it back. */
export const append = (db: Postgres, tx: Tx, event: Omit<EventRecord, 'position' | 'writtenAt'>): void => {
  const written = { ...event, position: ++db.lastPosition, writtenAt: tx.startedAt }
  tx.writes.push(() => {
    db.outbox.set(written.position, written)
    db.onEvent(written, tx)
  })
}

const keyOf = (row: OrderRow): string | null =>
  row.client_order_id === null ? null : `${row.user_id} ${row.client_order_id}`

type Terms = Omit<OrderRecord, 'xact' | 'position'>

const termsOf = ([
  id,
  user,
  key,
  ticker,
  side,
  type,
  timeInForce,
  quantity,
  price,
  createdAt,
  ...rest
]: Column): Terms => ({
  id: id!,
  user_id: user!,
  client_order_id: key!,
  ticker: ticker!,
  side: side as OrderRow['side'],
  type: type as OrderRow['type'],
  time_in_force: timeInForce as OrderRow['time_in_force'],
  quantity: amountText(quantity!),
  price: price === null ? null : amountText(price!),
  filled_quantity: '0.00000000',
  last_fill_price: null,
  filled_notional: '0.0000000000000000',
  status: 'NEW',
  created_at: new Date(createdAt!),
  updated_at: new Date(createdAt!),
  version: 0,
  request_id: rest[0]!,
  subject: rest[1]!,
  reason_code: null,
  reason_text: null,
})

/** Positions in order of arrival, also for rows that will be in conflict. The id of the transaction is a default of the first row. */
const newRows = (db: Postgres, tx: Tx, input: readonly Column[]): OrderRecord[] =>
  input.map((columns) => {
    const position = drawLogPosition(db)
    ensureXid(db, tx)
    return { ...termsOf(columns), position, xact: tx.xid! }
  })

/**
 * On conflict do nothing: false if another row, also of this statement, has the id or the key. Waits for the end of a rival. The
 * indexes are checked one after the other, so it waits for a rival with the same id even if another row has the key already; and
 * it waits for the order that has the key while another transaction changes it, because that version of the row may be gone.
 */
function* insertRow(db: Postgres, tx: Tx, row: OrderRecord): Steps<boolean> {
  const key = keyOf(row)
  const unique = [{ name: lockKey.newOrder(row.id), owner: () => db.orders.get(row.id)?.id }]
  if (key !== null) unique.push({ name: lockKey.client(key), owner: () => db.keys.get(key) })
  for (let i = 0; i < unique.length; i++) {
    const { name, owner } = unique[i]!
    const holder = owner()
    const inTheWay = holder === undefined ? name : lockKey.newVersion(holder)
    if (!isLocked(db, tx, inTheWay)) {
      if (holder !== undefined || db.locks.get(name) === tx) return false
      continue
    }
    yield db.locks.get(inTheWay)!
    // Everything may have changed meanwhile.
    i = -1
  }
  const names = unique.map(({ name }) => name)
  for (const name of names) take(db, tx, name)
  if (key !== null) tx.writes.push(() => void db.keys.set(key, row.id))
  putOrder(db, tx, undefined, row)
  logRow(db, tx, { what: 'order', orderId: row.id, version: 0, xact: row.xact, position: row.position })
  return true
}

const byKey = (a: OrderRow, b: OrderRow): number => {
  const text = (row: OrderRow) => `${row.user_id} ${row.client_order_id ?? '\x7f'} ${row.id}`
  return text(a) < text(b) ? -1 : 1
}

export function* insertOrders(db: Postgres, tx: Tx, columns: Column[]): Steps<{ order_id: string }[]> {
  const input = columns[0]!.map((_, i) => columns.map((column) => column[i]!))
  const rows = newRows(db, tx, input)
  yield null
  const placed = new Set<string>()
  for (const row of rows.toSorted(byKey)) {
    checkOrder(row)
    if (yield* insertRow(db, tx, row)) placed.add(row.id)
    yield null
  }
  const answer: { order_id: string }[] = []
  for (const [i, row] of rows.entries()) {
    if (!placed.has(row.id)) continue
    const [eventId, traceparent] = input[i]!.slice(12)
    append(db, tx, {
      event_id: eventId!,
      kind: 'PLACED',
      order_id: row.id,
      ticker: row.ticker,
      occurred_at: row.created_at,
      traceparent: traceparent!,
    })
    answer.push({ order_id: row.id })
    yield null
  }
  return answer
}

export const readOrders = (db: Postgres, ids: Column): OrderRow[] =>
  [...new Set(ids)].flatMap((id) => db.orders.get(id!) ?? [])

export const readKeyHolders = (db: Postgres, ids: Column, users: Column, keys: Column): OrderRow[] => {
  const found = users.map((user, i) => (keys[i] === null ? undefined : db.keys.get(`${user} ${keys[i]}`)))
  return readOrders(db, [...ids, ...found.filter((id) => id !== undefined)])
}

export type PageQuery = {
  before: string
  from: string
  userId: string | null
  ticker: string | null
  statuses: Column
  limit: number
}

/** The newest orders between two ids. Their ids are UUIDv7, so these are their places. */
export const readOrderPage = (db: Postgres, query: PageQuery): object[] => {
  const { before, from, userId, ticker, statuses, limit } = query
  const rows = [...db.orders.values()]
    .filter(
      ({ id, user_id, ticker: its, status }) =>
        id < before &&
        id >= from &&
        (userId === null || user_id === userId) &&
        (ticker === null || its === ticker) &&
        statuses.includes(status),
    )
    .toSorted((a, b) => (a.id > b.id ? -1 : 1))
    .slice(0, limit)
  return rows.length === 0
    ? [{ id: null, end_place: null }]
    : rows.map((row) => ({ ...row, place: row.id, end_place: null }))
}
