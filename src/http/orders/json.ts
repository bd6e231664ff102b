// Order and fill as JSON, written by hand: amounts leave as exact decimals, which JSON.stringify cannot write.

import { formatAmount } from '../../domain/decimal.ts'
import { averageFillPrice, remainingQuantity, type Order } from '../../domain/order.ts'
import { terms } from '../../domain/terms.ts'
import type { Fill } from '../../store/fillPage.ts'
import { amountOrNull, membersWriter } from '../../wire/terms.ts'

const textOrNull = (text: string | null): string => (text === null ? 'null' : JSON.stringify(text))

const termMembers = membersWriter(terms)

/** The one shape of an order. Ids and enumerated members need no escape. */
export const orderJson = (order: Order): string =>
  `{"id":"${order.id}"${termMembers(order)},"status":"${order.status}","filledQuantity":${formatAmount(order.filledQuantity)},` +
  `"remainingQuantity":${formatAmount(remainingQuantity(order))},"lastFillPrice":${amountOrNull(order.lastFillPrice)},` +
  `"averageFillPrice":${amountOrNull(averageFillPrice(order))},"createdAt":"${order.createdAt.toISOString()}",` +
  `"updatedAt":"${order.updatedAt.toISOString()}","version":${order.version}}`

export const fillJson = (fill: Fill): string =>
  `{"tradeId":${JSON.stringify(fill.tradeId)},"side":"${fill.side}","ticker":"${fill.ticker}","quantity":${formatAmount(fill.quantity)},` +
  `"price":${formatAmount(fill.price)},"tradedAt":"${fill.tradedAt}","appliedAt":"${fill.appliedAt}","late":${fill.late}}`

/** A page: `{ [name]: items, nextCursor }`. */
export const pageJson = (name: string, items: readonly string[], nextCursor: string | null): string =>
  `{"${name}":[${items.join(',')}],"nextCursor":${textOrNull(nextCursor)}}`
