// Compares the topics of events with the table of orders. Without repeats, each order has one placement and each canceled order
// one cancellation, under one eventId, with the terms of the order, and for each ticker in the order of acceptance.

import { partitionOf } from '../../engine/murmur2.ts'
import { amountOf, parseExact } from './amounts.ts'
import type { EventRecord, Evidence, OrderRow, Report } from './evidence.ts'
import { acceptances, cancellations, checkTickerOrder, type Requests } from './requests.ts'

type Fields = Record<string, unknown>
/** The engine has no word for DAY: such an order goes out as good till canceled, and its end comes from elsewhere. */
const published = (timeInForce: string): string => (timeInForce === 'DAY' ? 'GTC' : timeInForce)

/** The first occurrence of each event, by its order. */
type Firsts = Map<string, EventRecord>

const fieldsOf = ({ value }: EventRecord): Fields => {
  try {
    return parseExact(value ?? '') as Fields
  } catch {
    return {}
  }
}

const at = ({ partition, offset }: EventRecord): string => `${partition}@${offset}`

const sameContent = (fields: Fields, order: OrderRow, kind: string): boolean =>
  fields['userId'] === order.userId &&
  fields['ticker'] === order.ticker &&
  amountOf(fields['quantity']) === order.quantity &&
  (order.price === null ? fields['price'] === null : amountOf(fields['price']) === order.price) &&
  typeof fields['timestamp'] === 'string' &&
  (kind === 'cancelled' ||
    (fields['side'] === order.side &&
      fields['type'] === order.type &&
      fields['timeInForce'] === published(order.timeInForce)))

/** The first occurrences by order; reports the faults of single records on the way. */
const readEvents = (kind: 'placed' | 'cancelled', evidence: Evidence, report: Report): Firsts => {
  const orders = new Map(evidence.orders.map((order) => [order.id, order]))
  const firsts: Firsts = new Map()
  const owners = new Map<string, string>()
  for (const record of evidence[kind]) {
    const fields = fieldsOf(record)
    const order = orders.get(String(fields['orderId']))
    if (order === undefined) {
      report('EVENT_FROM_NOWHERE', `${kind} ${at(record)} names order ${String(fields['orderId'])}, which is not there`)
      continue
    }
    const partition = partitionOf(Buffer.from(order.ticker), evidence.partitions)
    if (record.key !== order.ticker || record.partition !== partition || !sameContent(fields, order, kind))
      report('EVENT_CONTENT_DIFFERS', `${kind} ${at(record)} of order ${order.id}`)
    const first = firsts.get(order.id)
    const owner = owners.get(String(record.eventId))
    if (record.eventId === null || (first !== undefined && first.eventId !== record.eventId))
      report('EVENT_ID_DIFFERS', `${kind} ${at(record)} of order ${order.id}: ${record.eventId}, not ${first?.eventId}`)
    else if (owner !== undefined && owner !== order.id)
      report('EVENT_ID_DIFFERS', `${kind} ${at(record)}: ${record.eventId} is of order ${owner} already`)
    if (record.eventId !== null) owners.set(record.eventId, order.id)
    if (first === undefined) firsts.set(order.id, record)
  }
  return firsts
}

const checkPresence = (orders: readonly OrderRow[], placed: Firsts, cancelled: Firsts, report: Report): void => {
  for (const order of orders) {
    const canceled = order.status === 'CANCELED'
    const placement = placed.get(order.id)
    const cancellation = cancelled.get(order.id)
    if (placement === undefined) report('EVENT_MISSING', `order ${order.id} has no placement on the topic`)
    if (canceled && cancellation === undefined) report('EVENT_MISSING', `order ${order.id} has no cancellation`)
    if (!canceled && cancellation !== undefined)
      report('EVENT_FROM_NOWHERE', `order ${order.id} is ${order.status} and has a cancellation ${at(cancellation)}`)
    if (placement !== undefined && cancellation !== undefined && cancellation.appendedAt < placement.appendedAt)
      report('CANCEL_BEFORE_PLACEMENT', `order ${order.id}: ${at(cancellation)} was appended before ${at(placement)}`)
  }
}

const placesOf = (firsts: Firsts) =>
  [...firsts].map(([id, { key, offset }]) => ({ id, ticker: key ?? '', place: offset }))

/** Returns how many records were repeats. */
export const checkEvents = (requests: Requests, evidence: Evidence, report: Report): number => {
  const placed = readEvents('placed', evidence, report)
  const cancelled = readEvents('cancelled', evidence, report)
  checkPresence(evidence.orders, placed, cancelled, report)
  checkTickerOrder(placesOf(placed), acceptances(requests, evidence.orders), (text) =>
    report('TICKER_ORDER', `placements of ${text}`),
  )
  checkTickerOrder(placesOf(cancelled), cancellations(requests), (text) =>
    report('TICKER_ORDER', `cancellations of ${text}`),
  )
  return evidence.placed.length + evidence.cancelled.length - placed.size - cancelled.size
}
