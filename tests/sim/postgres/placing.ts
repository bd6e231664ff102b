// The fake of insertOrders, readKeyHolders and readOrders.

import type { OrderRow } from '../../../src/store/orders.ts'
import { refuse, sqlState } from './errors.ts'
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

/** What events other than cancellations say of an end. */
export const noEnding = { filled_quantity: null, reason_code: null, reason_text: null }

const keyOf = (row: OrderRow): string | null =>
  row.client_order_id === null ? null : `${row.user_id} ${row.client_order_id}`

type Terms = Omit<OrderRecord, 'xact' | 'position'>

/** The columns of the statement, in their order. */
const columnNames = [
  'id',
  'user_id',
  'client_order_id',
  'ticker',
  'side',
  'type',
  'time_in_force',
  'quantity',
  'price',
  'stop_price',
  'display_quantity',
  'post_only',
  'expires_at',
  'created_at',
  'request_id',
  'subject',
  'reason_code',
  'reason_text',
  'event_id',
  'traceparent',
] as const
type Input = Record<(typeof columnNames)[number], string | null>

/** Postgres fills a shorter array up with nulls. */
const inputsOf = (columns: readonly Column[]): Input[] =>
  columns[0]!.map((_, i) => Object.fromEntries(columnNames.map((name, at) => [name, columns[at]![i] ?? null])) as Input)

const amountOrNull = (text: string | null): string | null => (text === null ? null : amountText(text))

const termsOf = (input: Input): Terms => ({
  id: input.id!,
  user_id: input.user_id!,
  client_order_id: input.client_order_id,
  ticker: input.ticker!,
  side: input.side as OrderRow['side'],
  type: input.type as OrderRow['type'],
  time_in_force: input.time_in_force as OrderRow['time_in_force'],
  quantity: amountText(input.quantity!),
  price: amountOrNull(input.price),
  stop_price: amountOrNull(input.stop_price),
  display_quantity: amountOrNull(input.display_quantity),
  post_only: input.post_only === 'true',
  expires_at: input.expires_at === null ? null : new Date(input.expires_at),
  triggered_at: null,
  filled_quantity: '0.00000000',
  last_fill_price: null,
  filled_notional: '0.0000000000000000',
  status: input.reason_code === null ? 'NEW' : 'REJECTED',
  created_at: new Date(input.created_at!),
  updated_at: new Date(input.created_at!),
  version: 0,
  request_id: input.request_id,
  subject: input.subject,
  reason_code: input.reason_code,
  reason_text: input.reason_text,
})

/** Positions in order of arrival, also for rows that will be in conflict. The id of the transaction is a default of the first row. */
const newRows = (db: Postgres, tx: Tx, input: readonly Input[]): OrderRecord[] =>
  input.map((row) => {
    const position = drawLogPosition(db)
    ensureXid(db, tx)
    return { ...termsOf(row), position, xact: tx.xid! }
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

/** `undone`: it fails if it has inserted anything. */
export function* insertOrders(
  db: Postgres,
  tx: Tx,
  columns: Column[],
  { undone } = { undone: false },
): Steps<{ id: string }[]> {
  const input = inputsOf(columns)
  const rows = newRows(db, tx, input)
  yield null
  const placed = new Set<string>()
  for (const row of rows.toSorted(byKey)) {
    checkOrder(row)
    if (yield* insertRow(db, tx, row)) placed.add(row.id)
    yield null
  }
  refuse(undone && placed.size > 0, sqlState.divisionByZero, 'division by zero')
  for (const [i, row] of rows.entries()) {
    if (!placed.has(row.id) || row.status === 'REJECTED' || row.stop_price !== null) continue
    const { event_id, traceparent } = input[i]!
    append(db, tx, {
      event_id: event_id!,
      kind: 'PLACED',
      order_id: row.id,
      ticker: row.ticker,
      occurred_at: row.created_at,
      traceparent,
      ...noEnding,
    })
    yield null
  }
  return [...placed].map((id) => ({ id }))
}

export const readOrders = (db: Postgres, ids: Column): OrderRow[] =>
  [...new Set(ids)].flatMap((id) => db.orders.get(id!) ?? [])

export const readByKey = (db: Postgres, users: Column, keys: Column): OrderRow[] => {
  const found = users.map((user, i) => (keys[i] === null ? undefined : db.keys.get(`${user} ${keys[i]}`)))
  return readOrders(
    db,
    found.filter((id) => id !== undefined),
  )
}

export const readKeyHolders = (db: Postgres, ids: Column, users: Column, keys: Column): OrderRow[] => {
  const found = readByKey(db, users, keys).map(({ id }) => id)
  return readOrders(db, [...ids, ...found])
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
    ? [{ id: null, end_place: null, standby: false }]
    : rows.map((row) => ({ ...row, place: row.id, end_place: null, standby: false }))
}
