// An order as the page keeps it: amounts are exact text, as the service wrote them, and decimals where they are compared.

import { formatAmount, type Amount } from '../../domain/decimal.ts'
import type { Status } from '../../domain/order.ts'
import type { OrderType, Side, TimeInForce } from '../../domain/terms.ts'
import { amountOrZeroFromJson } from '../../wire/json.ts'

/** The members of the service's order (wire/order.ts). Amounts in plain notation, instants as ISO-8601 UTC. */
export type Order = {
  readonly id: string
  readonly userId: string
  readonly clientOrderId: string | null
  readonly ticker: string
  readonly side: Side
  readonly type: OrderType
  readonly timeInForce: TimeInForce
  readonly quantity: string
  readonly price: string | null
  readonly stopPrice: string | null
  readonly displayQuantity: string | null
  readonly postOnly: boolean
  readonly expiresAt: string | null
  readonly status: Status
  readonly filledQuantity: string
  readonly remainingQuantity: string
  readonly lastFillPrice: string | null
  readonly averageFillPrice: string | null
  readonly triggeredAt: string | null
  readonly reason: { readonly code: string; readonly text: string | null } | null
  readonly createdAt: string
  readonly updatedAt: string
  readonly version: number
}

const amounts = [
  'quantity',
  'price',
  'stopPrice',
  'displayQuantity',
  'filledQuantity',
  'remainingQuantity',
  'lastFillPrice',
  'averageFillPrice',
] as const

/** An amount in parsed JSON as exact text in plain notation; null for null and for what is none. */
export const amountText = (value: unknown): string | null => {
  if (Number.isSafeInteger(value)) return String(value)
  const parsed = amountOrZeroFromJson(value)
  return parsed.ok ? formatAmount(parsed.amount) : null
}

/** An order of the service's, from JSON that lost no digit (parseExactJson). Members that the page does not know are dropped by nobody. */
export const orderFromJson = (json: unknown): Order => {
  const order = { ...(json as Record<string, unknown>) }
  for (const name of amounts) order[name] = amountText(order[name])
  order['version'] = Number(amountText(order['version']))
  return order as unknown as Order
}

/** The decimal of an amount's exact text. */
export const decimalOf = (text: string): Amount => {
  const parsed = amountOrZeroFromJson(text)
  if (!parsed.ok) throw new Error(`not an amount: ${text}`)
  return parsed.amount
}

const openStatuses: ReadonlySet<Status> = new Set<Status>(['NEW', 'PARTIALLY_FILLED'])
export const isOpen = ({ status }: Pick<Order, 'status'>): boolean => openStatuses.has(status)

/** Filled ÷ quantity, from 0 to 1: for the length of a bar and nothing else. */
export const filledShare = ({ filledQuantity, quantity }: Pick<Order, 'filledQuantity' | 'quantity'>): number =>
  Math.min(1, Number((decimalOf(filledQuantity) * 1_000n) / decimalOf(quantity)) / 1_000)
