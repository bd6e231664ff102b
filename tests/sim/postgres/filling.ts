// The fake of readLegState and writeFills.

import type { JudgedRow } from '../../../src/store/judged.ts'
import type { OrderRow } from '../../../src/store/orders.ts'
import { refuse, sqlState } from './errors.ts'
import { amountText, checkFill, checkUpdate, notionalText } from './guards.ts'
import { appendChange } from './moving.ts'
import { append } from './placing.ts'
import type { ExceptionRecord, LedgerRecord, OrderRecord, Postgres } from './state.ts'
import {
  logRow,
  appendTo,
  drawLogPosition,
  isLocked,
  lockKey,
  putOrder,
  take,
  type Steps,
  type Tx,
} from './transactions.ts'

type Column = (string | null)[]
type LegStateRow = JudgedRow & {
  trade_id: string
  fill_side: string | null
  fill_ticker: string | null
  fill_quantity: string | null
  fill_price: string | null
  exceptions: [string, string, string, string][] | null
}

export const readLegState = (db: Postgres, orderIds: Column, tradeIds: Column): LegStateRow[] =>
  orderIds.flatMap((orderId, i) => {
    const order = db.orders.get(orderId!)
    if (order === undefined) return []
    const tradeId = tradeIds[i]!
    const fill = db.ledger.get(orderId!)?.find((row) => row.trade_id === tradeId)
    const exceptions = (db.exceptions.get(orderId!) ?? []).filter((row) => row.trade_id === tradeId)
    return {
      ...order,
      stamp: String(db.stamps.get(orderId!)),
      trade_id: tradeId,
      fill_side: fill?.side ?? null,
      fill_ticker: fill?.ticker ?? null,
      fill_quantity: fill?.quantity ?? null,
      fill_price: fill?.price ?? null,
      exceptions:
        exceptions.length === 0
          ? null
          : exceptions.map((row): [string, string, string, string] => [row.side, row.ticker, row.quantity, row.price]),
    }
  })

export const rowsOf = (columns: Column[]): string[][] => columns[0]!.map((_, i) => columns.map((column) => column[i]!))

type Fill = Omit<LedgerRecord, 'xact' | 'position'>

const fillOf = (row: string[]): Fill => ({
  order_id: row[0]!,
  trade_id: row[1]!,
  side: row[2]!,
  ticker: row[3]!,
  ts: row[4]!,
  quantity: amountText(row[5]!),
  price: amountText(row[6]!),
  late: row[7] === 'true',
  applied_at: new Date(row[8]!),
  order_version: Number(row[9]),
  cumulative_quantity: amountText(row[10]!),
  cumulative_notional: notionalText(row[11]!),
  kafka_partition: Number(row[12]),
  kafka_offset: BigInt(row[13]!),
})

const exceptionRow = (row: string[]): ExceptionRecord => ({
  id: row[0]!,
  disposition: row[1]!,
  reason: row[2]!,
  order_id: row[3]!,
  trade_id: row[4]!,
  side: row[5]!,
  ticker: row[6]!,
  ts: row[7]!,
  quantity: amountText(row[8]!),
  price: amountText(row[9]!),
  kafka_topic: row[10]!,
  kafka_partition: Number(row[11]),
  kafka_offset: BigInt(row[12]!),
})

const byVersion = (a: Fill, b: Fill): number =>
  a.order_id === b.order_id ? a.order_version - b.order_version : a.order_id < b.order_id ? -1 : 1

const moved = (order: OrderRecord, move: string[]): OrderRecord => ({
  ...order,
  status: move[3] as OrderRow['status'],
  filled_quantity: amountText(move[4]!),
  filled_notional: notionalText(move[5]!),
  last_fill_price: move[6] === null ? null : amountText(move[6]!),
  updated_at: new Date(Math.max(Date.parse(move[7]!), order.updated_at.getTime())),
  version: Number(move[2]),
})

/** Skip locked: leaves out an order that another transaction locks, or whose row changed since the decision. */
export function* holdOrders<T extends Column>(db: Postgres, tx: Tx, moves: readonly T[]): Steps<T[]> {
  const matches = (move: T) => String(db.stamps.get(move[0]!)) === move[1]
  const ownMoves: T[] = []
  for (const move of moves.filter(matches).toSorted((a, b) => (a[0]! < b[0]! ? -1 : 1))) {
    yield null
    if (isLocked(db, tx, lockKey.order(move[0]!))) continue
    take(db, tx, lockKey.order(move[0]!))
    if (matches(move)) ownMoves.push(move)
  }
  return ownMoves
}

/** The trigger for whoever ends an order without saying why: it gives a reason and writes the log. */
export const explained = (db: Postgres, tx: Tx, before: OrderRecord, after: OrderRecord): OrderRecord => {
  const ends = ['CANCELED', 'REJECTED', 'EXPIRED'].includes(after.status)
  if (after.status === before.status || !ends || after.reason_code !== null) return after
  const ended = { ...after, reason_code: after.status === 'CANCELED' ? 'USER_CANCELED' : 'UNKNOWN' }
  appendChange(db, tx, ended, { cause: '{"kind":"request"}' })
  return ended
}

const appendFill = (db: Postgres, tx: Tx, fill: Fill, own: Fill[]): void => {
  const row = { ...fill, position: drawLogPosition(db), xact: tx.xid! }
  checkFill(row)
  const rivals = [...(db.ledger.get(row.order_id) ?? []), ...own.filter((other) => other.order_id === row.order_id)]
  const twice = rivals.some((other) => other.trade_id === row.trade_id || other.order_version === row.order_version)
  refuse(twice, sqlState.uniqueViolation, 'duplicate key value violates a unique constraint of "ingested_fills"')
  own.push(row)
  appendTo(db.ledger, tx, row)
  const { order_id: orderId, order_version: version, xact, position } = row
  logRow(db, tx, { what: 'fill', orderId, version, xact, position })
}

const sameException = (a: ExceptionRecord, b: ExceptionRecord): boolean =>
  a.order_id === b.order_id &&
  a.trade_id === b.trade_id &&
  a.side === b.side &&
  a.ticker === b.ticker &&
  a.quantity === b.quantity &&
  a.price === b.price

/** On conflict do nothing; answers whether it stored the row. */
const keepException = (db: Postgres, tx: Tx, row: ExceptionRecord, own: ExceptionRecord[]): boolean => {
  if ([...(db.exceptions.get(row.order_id) ?? []), ...own].some((other) => sameException(other, row))) return false
  own.push(row)
  appendTo(db.exceptions, tx, row)
  return true
}

const byId = ([a]: string[], [b]: string[]): number => (a! < b! ? -1 : 1)

type WrittenRow = { kind: 'order' | 'exception'; id: string }

export function* writeFills(
  db: Postgres,
  tx: Tx,
  input: { moves: Column[]; ledger: Column[]; exceptions: Column[]; retold: Column[] },
): Steps<WrittenRow[]> {
  const ownMoves = yield* holdOrders(db, tx, rowsOf(input.moves))
  const ids = new Set(ownMoves.map(([id]) => id))
  const exceptions: ExceptionRecord[] = []
  for (const row of rowsOf(input.exceptions).map(exceptionRow))
    if (ids.has(row.order_id)) keepException(db, tx, row, exceptions)
  const fills: Fill[] = []
  for (const row of rowsOf(input.ledger).map(fillOf).toSorted(byVersion)) {
    if (!ids.has(row.order_id)) continue
    appendFill(db, tx, row, fills)
    yield null
  }
  for (const [orderId, eventId, ticker, at, filledQuantity, code, text] of rowsOf(input.retold).toSorted(byId)) {
    if (orderId === undefined || !ids.has(orderId)) continue
    append(db, tx, {
      event_id: eventId!,
      kind: 'CANCELLED',
      order_id: orderId,
      ticker: ticker!,
      occurred_at: new Date(at!),
      traceparent: null,
      filled_quantity: amountText(filledQuantity!),
      reason_code: code!,
      reason_text: text!,
    })
    yield null
  }
  // Parts of the statement whose rows nobody reads run last, the last of them first.
  for (const move of ownMoves) {
    const before = db.orders.get(move[0]!)!
    const after = explained(db, tx, before, moved(before, move))
    checkUpdate(before, after)
    take(db, tx, lockKey.newVersion(before.id))
    putOrder(db, tx, before, after)
    yield null
  }
  return [
    ...[...ids].map((id): WrittenRow => ({ kind: 'order', id: id! })),
    ...exceptions.map(({ id }): WrittenRow => ({ kind: 'exception', id })),
  ]
}
