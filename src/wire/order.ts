// The one shape of an order, as every door writes it: its schema, and the function that writes it. A template, because every call pays for
// it; tests check its output against the schema.

import { Type } from '@sinclair/typebox'
import { formatAmount, type Amount } from '../domain/decimal.ts'
import { averageFillPrice, remainingQuantity, statuses, type Order as DomainOrder } from '../domain/order.ts'
import { reasonCodes, type Reason } from '../domain/reason.ts'
import { terms } from '../domain/terms.ts'
import { AmountOrNull, ExactAmount, Instant, oneOf, openList, orNull, Uuid } from './shapes.ts'
import { amountOrNull, membersWriter, termProperties } from './terms.ts'

export const Status = oneOf(statuses, {
  component: 'Status',
  title: 'Status',
  description:
    'An order begins as NEW. FILLED, CANCELED, REJECTED and EXPIRED are final: a status never leaves a final state.',
})

export const EndReason = Type.Object(
  { code: openList(reasonCodes, 'Why.'), text: orNull(Type.String()) },
  { description: 'How the order ended.' },
)

export const Order = Type.Object(
  {
    id: Uuid,
    ...termProperties,
    status: Status,
    filledQuantity: ExactAmount,
    remainingQuantity: ExactAmount,
    lastFillPrice: AmountOrNull,
    averageFillPrice: AmountOrNull,
    triggeredAt: orNull(Instant),
    reason: orNull(EndReason),
    createdAt: Instant,
    updatedAt: Instant,
    version: Type.Integer({ minimum: 0, description: 'Events applied since the order was accepted.' }),
  },
  {
    component: 'Order',
    description:
      'The one shape of an order. `remainingQuantity` is 0 once the status is final. ' +
      '`averageFillPrice` is the exact notional ÷ filled quantity, half-even to 8 places.',
  },
)

const instantOrNull = (at: Date | null): string => (at === null ? 'null' : `"${at.toISOString()}"`)

export const reasonJson = ({ code, text }: Reason): string =>
  `{"code":${JSON.stringify(code)},"text":${JSON.stringify(text)}}`

const termMembers = membersWriter(terms)

/** Ids and enumerated members need no escape. `remaining`: what is said of the order's remaining quantity. */
const writeOrder = (order: DomainOrder, remaining: Amount): string =>
  `{"id":"${order.id}"${termMembers(order)},"status":"${order.status}","filledQuantity":${formatAmount(order.filledQuantity)},` +
  `"remainingQuantity":${formatAmount(remaining)},"lastFillPrice":${amountOrNull(order.lastFillPrice)},` +
  `"averageFillPrice":${amountOrNull(averageFillPrice(order))},"triggeredAt":${instantOrNull(order.triggeredAt)},` +
  `"reason":${order.reason === null ? 'null' : reasonJson(order.reason)},"createdAt":"${order.createdAt.toISOString()}",` +
  `"updatedAt":"${order.updatedAt.toISOString()}","version":${order.version}}`

/** An order as JSON; all doors use this one shape. */
export const orderJson = (order: DomainOrder): string => writeOrder(order, remainingQuantity(order))

/** The same as the Java service said it: of a canceled order remains what was not filled. */
export const javaOrderJson = (order: DomainOrder): string =>
  order.status === 'CANCELED' ? writeOrder(order, order.quantity - order.filledQuantity) : orderJson(order)
