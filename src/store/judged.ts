// What a batch of legs or of reports is judged against, as it is read: of each order only what decides or changes, because every column is
// paid for by every leg.

import { amountFromSql, notionalFromSql } from '../domain/decimal.ts'
import type { JudgedOrder } from '../domain/order.ts'
import type { OrderRow } from './orders.ts'
import type { Fragment, Sql } from './sql.ts'

/** `stamp`: the transaction that wrote the row last (its `xmin`). */
export type JudgedRow = Pick<
  OrderRow,
  | 'id'
  | 'ticker'
  | 'side'
  | 'quantity'
  | 'stop_price'
  | 'triggered_at'
  | 'status'
  | 'filled_quantity'
  | 'filled_notional'
  | 'last_fill_price'
  | 'reason_code'
  | 'reason_text'
  | 'updated_at'
  | 'version'
> & { stamp: string }

/** The columns of JudgedRow, of the table called `o`. */
export const judgedColumns = (sql: Sql): Fragment => sql`
  o.id, o.ticker, o.side, o.quantity, o.stop_price, o.triggered_at, o.status, o.filled_quantity, o.filled_notional, o.last_fill_price,
  o.reason_code, o.reason_text, o.updated_at, o.version, o.xmin::text as stamp`

export const judgedFromRow = (row: JudgedRow): JudgedOrder => ({
  id: row.id,
  ticker: row.ticker,
  side: row.side,
  quantity: amountFromSql(row.quantity),
  stopPrice: row.stop_price === null ? null : amountFromSql(row.stop_price),
  triggeredAt: row.triggered_at,
  status: row.status,
  filledQuantity: amountFromSql(row.filled_quantity),
  filledNotional: notionalFromSql(row.filled_notional),
  lastFillPrice: row.last_fill_price === null ? null : amountFromSql(row.last_fill_price),
  reason: row.reason_code === null ? null : { code: row.reason_code, text: row.reason_text },
  updatedAt: row.updated_at,
  version: row.version,
})

/** `R`: what is stored of one leg or report. */
export type JudgedState<R> = {
  orders: Map<string, JudgedOrder>
  /** By order id. */
  stamps: Map<string, string>
  /** By order id, then by the id of the trade or report. */
  records: Map<string, Map<string, R>>
}

/** Of rows of one snapshot, one a record: `idOf` names the trade or report that `recordOf` reads. */
export const stateOf = <Row extends JudgedRow, R>(
  rows: readonly Row[],
  idOf: (row: Row) => string,
  recordOf: (row: Row) => R,
): JudgedState<R> => {
  const state: JudgedState<R> = { orders: new Map(), stamps: new Map(), records: new Map() }
  for (const row of rows) {
    if (!state.orders.has(row.id)) {
      state.orders.set(row.id, judgedFromRow(row))
      state.stamps.set(row.id, row.stamp)
      state.records.set(row.id, new Map())
    }
    state.records.get(row.id)!.set(idOf(row), recordOf(row))
  }
  return state
}
