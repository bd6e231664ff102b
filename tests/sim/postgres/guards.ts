// The checks and triggers of sql/0001_orders.sql and sql/0002_fills.sql that could refuse a statement of the service.

import { amountFromSql, notionalFromSql } from '../../../src/domain/decimal.ts'
import type { OrderRow } from '../../../src/store/orders.ts'
import { refuse, sqlState } from './errors.ts'

const { checkViolation, numericOverflow } = sqlState

/** As Postgres writes a `numeric(precision, scale)`. */
const numeric = (text: string, integerDigits: number, places: number): string => {
  const [integer = '', fraction = ''] = text.split('.')
  refuse(integer.length > integerDigits, numericOverflow, 'numeric field overflow')
  return `${integer}.${fraction.slice(0, places).padEnd(places, '0')}`
}
export const amountText = (text: string): string => numeric(text, 12, 8)
export const notionalText = (text: string): string => numeric(text, 24, 16)

const statusFits = (status: string, filled: bigint, quantity: bigint): boolean => {
  switch (status) {
    case 'NEW':
    case 'REJECTED':
      return filled === 0n
    case 'PARTIALLY_FILLED':
      return filled > 0n && filled < quantity
    case 'FILLED':
      return filled === quantity
    case 'CANCELED':
    case 'EXPIRED':
      return true
    default:
      return false
  }
}

/** The check constraints of a row. */
export const checkOrder = (row: OrderRow): void => {
  const check = (condition: boolean, name: string) =>
    refuse(!condition, checkViolation, `new row violates check constraint "orders_${name}"`)
  const [quantity, filled] = [amountFromSql(row.quantity), amountFromSql(row.filled_quantity)]
  check(row.client_order_id === null || /^[ -~]{1,64}$/.test(row.client_order_id), 'client_order_id')
  check(/^[A-Z0-9._/:^=+&@#-]{1,16}$/.test(row.ticker), 'ticker')
  check((row.type === 'LIMIT') === (row.price !== null), 'type_and_price')
  check(quantity > 0n, 'quantity')
  check(row.price === null || amountFromSql(row.price) > 0n, 'price')
  check(filled >= 0n && filled <= quantity, 'never_overfilled')
  check((filled === 0n) === (row.last_fill_price === null), 'fill_prices')
  check((filled === 0n) === (notionalFromSql(row.filled_notional) === 0n), 'fill_prices')
  check(statusFits(row.status, filled, quantity), 'status_and_fill')
}

/** The check of a ledger row's cumulative amounts. */
export const checkFill = (
  row: Record<'quantity' | 'price' | `cumulative_${'quantity' | 'notional'}`, string>,
): void => {
  const [quantity, price] = [amountFromSql(row.quantity), amountFromSql(row.price)]
  const fits =
    amountFromSql(row.cumulative_quantity) >= quantity && notionalFromSql(row.cumulative_notional) >= quantity * price
  refuse(!fits, checkViolation, 'new row violates check constraint "ingested_fills_cumulative"')
}

const lawful = (before: string, after: string): boolean =>
  before === after ||
  (['NEW', 'PARTIALLY_FILLED'].includes(before) && ['PARTIALLY_FILLED', 'FILLED'].includes(after)) ||
  (before === 'NEW' && ['CANCELED', 'REJECTED', 'EXPIRED'].includes(after))

/** The triggers of an update. */
export const checkUpdate = (before: OrderRow, after: OrderRow): void => {
  checkOrder(after)
  const same = Bun.deepEquals(after, before)
  const forward =
    (after.version > before.version || same) &&
    amountFromSql(after.filled_quantity) >= amountFromSql(before.filled_quantity) &&
    notionalFromSql(after.filled_notional) >= notionalFromSql(before.filled_notional) &&
    after.updated_at >= before.updated_at
  refuse(!forward, checkViolation, 'the version must rise, filled quantity, notional and updated_at never fall')
  refuse(!lawful(before.status, after.status), checkViolation, 'this status change is not in the table of transitions')
}
