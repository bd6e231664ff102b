// The checks and triggers of sql/ that could refuse a statement of the service.

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

const typeFits = ({ type, price, stop_price, display_quantity, post_only }: OrderRow): boolean => {
  const [limited, stopped, plain] = [price !== null, stop_price !== null, display_quantity === null && !post_only]
  switch (type) {
    case 'LIMIT':
      return limited && !stopped
    case 'MARKET':
      return !limited && !stopped && plain
    case 'STOP':
      return !limited && stopped && plain
    case 'STOP_LIMIT':
      return limited && stopped && !post_only
    default:
      return false
  }
}

const timeFits = ({ time_in_force, expires_at, stop_price, display_quantity, post_only }: OrderRow): boolean => {
  switch (time_in_force) {
    case 'GTC':
    case 'DAY':
      return true
    case 'GTD':
      return expires_at !== null
    case 'IOC':
    case 'FOK':
      return expires_at === null && stop_price === null && display_quantity === null && !post_only
    default:
      return false
  }
}

const stopFits = ({ quantity, stop_price, display_quantity, triggered_at, filled_quantity }: OrderRow): boolean => {
  const display = display_quantity === null ? null : amountFromSql(display_quantity)
  return (
    (stop_price === null || amountFromSql(stop_price) > 0n) &&
    (display === null || (display > 0n && display < amountFromSql(quantity))) &&
    (triggered_at === null || stop_price !== null) &&
    (stop_price === null || triggered_at !== null || amountFromSql(filled_quantity) === 0n)
  )
}

/** The check constraints of a row. */
export const checkOrder = (row: OrderRow): void => {
  const check = (condition: boolean, name: string) =>
    refuse(!condition, checkViolation, `new row violates check constraint "orders_${name}"`)
  const [quantity, filled] = [amountFromSql(row.quantity), amountFromSql(row.filled_quantity)]
  check(row.client_order_id === null || /^[ -~]{1,64}$/.test(row.client_order_id), 'client_order_id')
  check(/^[A-Z0-9._/:^=+&@#-]{1,16}$/.test(row.ticker), 'ticker')
  check(typeFits(row), 'type_and_terms')
  check(timeFits(row), 'time_in_force')
  check(stopFits(row), 'stop_and_display')
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
  (['NEW', 'PARTIALLY_FILLED'].includes(before) &&
    ['PARTIALLY_FILLED', 'FILLED', 'CANCELED', 'EXPIRED'].includes(after)) ||
  (before === 'NEW' && after === 'REJECTED')

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
  const triggers = after.triggered_at?.getTime() !== before.triggered_at?.getTime()
  const isFirst = before.triggered_at === null && before.status === 'NEW' && after.status === 'NEW'
  refuse(triggers && !isFirst, checkViolation, 'a stop triggers once, while it is NEW')
  refuse(!lawful(before.status, after.status), checkViolation, 'this status change is not in the table of transitions')
}
