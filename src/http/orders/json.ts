// Order and fill as JSON, written by hand: amounts leave as exact decimals, which JSON.stringify cannot write.

import { formatAmount, type Amount } from '../../domain/decimal.ts'
import { averageFillPrice, remainingQuantity, type Order } from '../../domain/order.ts'
import type { Fill } from '../../store/fillPage.ts'

const amountOrNull = (amount: Amount | null): string => (amount === null ? 'null' : formatAmount(amount))
const textOrNull = (text: string | null): string => (text === null ? 'null' : JSON.stringify(text))

/** The one shape of an order. Ids, ticker and enumerated members need no escape. */
export const orderJson = (order: Order): string =>
  `{"id":"${order.id}","userId":"${order.userId}","clientOrderId":${textOrNull(order.clientOrderId)},"ticker":"${order.ticker}",` +
  `"side":"${order.side}","type":"${order.type}","timeInForce":"${order.timeInForce}","quantity":${formatAmount(order.quantity)},` +
  `"price":${amountOrNull(order.price)},"status":"${order.status}","filledQuantity":${formatAmount(order.filledQuantity)},` +
  `"remainingQuantity":${formatAmount(remainingQuantity(order))},"lastFillPrice":${amountOrNull(order.lastFillPrice)},` +
  `"averageFillPrice":${amountOrNull(averageFillPrice(order))},"createdAt":"${order.createdAt.toISOString()}",` +
  `"updatedAt":"${order.updatedAt.toISOString()}","version":${order.version}}`

export const fillJson = (fill: Fill): string =>
  `{"tradeId":${JSON.stringify(fill.tradeId)},"side":"${fill.side}","ticker":"${fill.ticker}","quantity":${formatAmount(fill.quantity)},` +
  `"price":${formatAmount(fill.price)},"tradedAt":"${fill.tradedAt}","appliedAt":"${fill.appliedAt}","late":${fill.late}}`

/** A page: `{ [name]: items, nextCursor }`. */
export const pageJson = (name: string, items: readonly string[], nextCursor: string | null): string =>
  `{"${name}":[${items.join(',')}],"nextCursor":${textOrNull(nextCursor)}}`
