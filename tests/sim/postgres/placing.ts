// The fake of the statements of src/store/orders.ts: placing, and reading by id and key.

import type { OrderRow } from '../../../src/store/orders.ts'
import { refuse, sqlState } from './errors.ts'
import { passGate } from './gating.ts'
import { amountText, checkOrder } from './guards.ts'
import { hasOlderOrder, insertKey, keyName, ofOrder } from './keying.ts'
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

type Terms = Omit<OrderRecord, 'xact' | 'position' | 'rules_epoch'>
type New = Terms & Pick<OrderRecord, 'position'>
/** `filled`: the index of old orders does not count. `fresh`: no row may be in conflict. */
type Insertion = { epoch: bigint; filled: boolean; fresh: boolean }

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

/** Positions in order of arrival, also for rows that will be in conflict. */
const newRows = (db: Postgres, input: readonly Input[]): New[] =>
  input.map((row) => ({ ...termsOf(row), position: drawLogPosition(db) }))

/**
 * False if another row has the id; if `fresh`, that is an error. Waits for the end of a rival, and for whoever changes the order that has
 * the id, because that version of the row may be gone. The id of the transaction is a default of the row.
 */
function* insertRow(db: Postgres, tx: Tx, row: New, { epoch, fresh }: Insertion): Steps<boolean> {
  const { id, position } = row
  ensureXid(db, tx)
  const inTheWay = (): string => (db.orders.has(id) ? lockKey.newVersion(id) : lockKey.newOrder(id))
  while (isLocked(db, tx, inTheWay())) yield db.locks.get(inTheWay())!
  const twice = db.orders.has(id) || db.locks.get(lockKey.newOrder(id)) === tx
  refuse(fresh && twice, sqlState.uniqueViolation, 'duplicate key value violates unique constraint "orders_pkey"')
  if (twice) return false
  take(db, tx, lockKey.newOrder(id))
  const xact = tx.xid!
  putOrder(db, tx, undefined, { ...row, xact, rules_epoch: String(epoch) })
  logRow(db, tx, { what: 'order', orderId: id, version: 0, xact, position })
  return true
}

const byKey = (a: OrderRow, b: OrderRow): number => {
  const text = (row: OrderRow) => `${row.user_id} ${row.client_order_id ?? '\x7f'} ${row.id}`
  return text(a) < text(b) ? -1 : 1
}

const byId = (a: OrderRow, b: OrderRow): number => (a.id < b.id ? -1 : 1)

/** Their keys first: an order whose key is held is not tried. */
function* insertKeyed(db: Postgres, tx: Tx, rows: readonly New[], insertion: Insertion): Steps<Set<string>> {
  const { filled } = insertion
  const placed = new Set<string>()
  const free = (row: New): boolean => filled || !hasOlderOrder(db, row.user_id, row.client_order_id!)
  const wanted = rows.filter((row) => row.client_order_id !== null && free(row))
  const keyed = new Set<string>()
  for (const { id, user_id, client_order_id } of wanted.toSorted(byKey)) {
    if (yield* insertKey(db, tx, keyName(user_id, client_order_id!), ofOrder(id))) keyed.add(id)
    yield null
  }
  const tried = rows.filter(({ id, client_order_id }) => client_order_id === null || keyed.has(id))
  for (const row of tried.toSorted(byId)) {
    checkOrder(row)
    if (yield* insertRow(db, tx, row, insertion)) placed.add(row.id)
    yield null
  }
  return placed
}

/** `judgedBy`: the epoch of the rules; nothing is stored if another one is in force. */
export function* insertOrders(
  db: Postgres,
  tx: Tx,
  columns: Column[],
  { judgedBy, ...insertion }: { judgedBy: bigint } & Omit<Insertion, 'epoch'>,
): Steps<object[]> {
  const epoch = yield* passGate(db, tx)
  if (epoch !== judgedBy) return [{ epoch: String(epoch), id: null }]
  const input = inputsOf(columns)
  const rows = newRows(db, input)
  yield null
  const placed = yield* insertKeyed(db, tx, rows, { epoch, ...insertion })
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
  const ids = placed.size === 0 ? [null] : [...placed]
  return ids.map((id) => ({ epoch: String(epoch), id }))
}

export const readOrders = (db: Postgres, ids: Column): OrderRow[] =>
  [...new Set(ids)].flatMap((id) => db.orders.get(id!) ?? [])

/** An order as often as its key is asked for. */
export const readByKey = (db: Postgres, users: Column, keys: Column): OrderRow[] =>
  users.flatMap((user, i) => {
    const id = keys[i] === null ? null : db.keys.get(keyName(user!, keys[i]!))?.order_id
    return db.orders.get(id ?? '') ?? []
  })

/** Each order once, as `union` does it. */
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
