// Compares what a client was sent, orders and events, with the log: every member that the contract names.

import { numberOf } from './amounts.ts'
import type { LedgerRow, OrderRow } from './evidence.ts'
import { finals, type Entry, type History } from './history.ts'

type Fields = Record<string, unknown>

export const fieldsOf = (value: unknown): Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {}

const isoOf = (ms: number): string => new Date(ms).toISOString()

/** Half-even to the scale of an amount. */
export const average = ({ filled, notional }: Entry): bigint | null => {
  if (filled === 0n) return null
  const [whole, twice] = [notional / filled, 2n * (notional % filled)]
  return twice > filled || (twice === filled && whole % 2n === 1n) ? whole + 1n : whole
}

export const remaining = (order: OrderRow, { status, filled }: Entry): bigint =>
  finals.has(status) ? 0n : order.quantity - filled

/** Compares by name, and gives the names of what differs. */
const differences = (fields: Fields, expected: Readonly<Record<string, bigint | string | null>>): string[] =>
  Object.entries(expected)
    .filter(([name, value]) => (typeof value === 'bigint' ? numberOf(fields[name]) : (fields[name] ?? null)) !== value)
    .map(([name]) => name)

/** An order that was filled has no reason, and one that is open none yet. */
const endReasonDifferences = (value: unknown, { order }: History, { status }: Entry): string[] => {
  if (!finals.has(status) || status === 'FILLED') return (value ?? null) === null ? [] : ['reason']
  return differences(fieldsOf(value), { code: order.reasonCode, text: order.reasonText }).map(
    (name) => `reason.${name}`,
  )
}

const orderDifferences = (value: unknown, history: History, entry: Entry): string[] => [
  ...plainDifferences(fieldsOf(value), history, entry),
  ...endReasonDifferences(fieldsOf(value)['reason'], history, entry),
  ...(fieldsOf(value)['postOnly'] === history.order.postOnly ? [] : ['postOnly']),
]

const plainDifferences = (fields: Fields, { order, entries }: History, entry: Entry): string[] =>
  differences(fields, {
    id: order.id,
    userId: order.userId,
    clientOrderId: order.key,
    ticker: order.ticker,
    side: order.side,
    type: order.type,
    timeInForce: order.timeInForce,
    quantity: order.quantity,
    price: order.price,
    stopPrice: order.stopPrice,
    displayQuantity: order.displayQuantity,
    expiresAt: order.expiresAt === null ? null : isoOf(order.expiresAt),
    // Nothing happens to a stop before its price is met, or else it ends.
    triggeredAt: entry.version === 0 || order.triggeredAt === null ? null : isoOf(order.triggeredAt),
    status: entry.status,
    filledQuantity: entry.filled,
    remainingQuantity: remaining(order, entry),
    lastFillPrice: entry.lastPrice,
    averageFillPrice: average(entry),
    createdAt: isoOf(entries[0]!.at),
    updatedAt: isoOf(entry.at),
    version: BigInt(entry.version) * 100_000_000n,
  })

const fillDifferences = (value: unknown, fill: LedgerRow | null): string[] => {
  if (fill === null) return value === undefined ? [] : ['fill']
  const { tradeId, side, quantity, price, late } = fill
  const fields = fieldsOf(value)
  const found = differences(fields, { tradeId, side, quantity, price }).map((name) => `fill.${name}`)
  return fields['late'] === late ? found : [...found, 'fill.late']
}

const reasonDifferences = (value: unknown, { order }: History, { change, kind }: Entry): string[] => {
  const { reasonCode: code, reasonText: text } = change ?? order
  if (change === null && kind !== 'REJECTED') return value === undefined ? [] : ['reason']
  return differences(fieldsOf(value), { code, text }).map((name) => `reason.${name}`)
}

const causeDifferences = (value: unknown, { cause }: Entry): string[] => {
  const fields = fieldsOf(value)
  const names = new Set([...Object.keys(fields), ...Object.keys(cause)])
  const scalar = (wanted: unknown): bigint | string =>
    typeof wanted === 'number' ? BigInt(wanted) * 100_000_000n : String(wanted)
  return [...names]
    .filter((name) => !(name in cause) || differences(fields, { [name]: scalar(cause[name]) }).length > 0)
    .map((name) => `cause.${name}`)
}

/** What `{ event, order }` has otherwise than the log; empty: nothing. */
export const eventDifferences = (value: unknown, history: History, entry: Entry): string[] => {
  const { order } = history
  const { event: eventValue, order: orderValue } = fieldsOf(value)
  const event = fieldsOf(eventValue)
  return [
    ...differences(event, {
      orderId: order.id,
      version: BigInt(entry.version) * 100_000_000n,
      kind: entry.kind,
      at: isoOf(entry.at),
      status: entry.status,
      filledQuantity: entry.filled,
      remainingQuantity: remaining(order, entry),
    }),
    ...fillDifferences(event['fill'], entry.fill),
    ...reasonDifferences(event['reason'], history, entry),
    ...causeDifferences(event['cause'], entry),
    ...orderDifferences(orderValue, history, entry).map((name) => `order.${name}`),
  ]
}

/** What an order of a snapshot has otherwise than the log had at that version. */
export const snapshotDifferences = (value: unknown, history: History, entry: Entry): string[] =>
  orderDifferences(value, history, entry)
