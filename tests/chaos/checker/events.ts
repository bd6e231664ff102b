// Compares the topics of events with the table of orders. Without repeats, each order has one placement and each canceled order
// one cancellation, under one eventId, with the terms of the order, and for each ticker in the order of acceptance.

import { partitionOf } from '../../engine/murmur2.ts'
import { amountOf, numberOf, parseExact } from './amounts.ts'
import { fieldsOf as membersOf } from './eventContent.ts'
import type { EventRecord, Evidence, OrderRow, Report } from './evidence.ts'
import type { History } from './history.ts'
import { isByClock, isEngines, isPublished, reasonOf } from './lives.ts'
import { acceptances, cancellations, checkTickerOrder, type Requests } from './requests.ts'

type Fields = Record<string, unknown>
/** The engine has no word for DAY and GTD: such an order goes out as good till canceled, and its end comes from elsewhere. */
const published = (timeInForce: string): string =>
  timeInForce === 'DAY' || timeInForce === 'GTD' ? 'GTC' : timeInForce
/** A stop goes out when its price is met, as what it has become. */
const publishedType = (type: string): string => ({ STOP: 'MARKET', STOP_LIMIT: 'LIMIT' })[type] ?? type

/** The first occurrence of each event, by its order. */
type Firsts = Map<string, EventRecord[]>

/** No members where the record is no JSON or no object. */
const fieldsOf = ({ value }: EventRecord): Fields => {
  try {
    return membersOf(parseExact(value ?? ''))
  } catch {
    return {}
  }
}

const at = ({ partition, offset }: EventRecord): string => `${partition}@${offset}`

/** What was filled when the engine was told, and why. */
const isLawfulEnd = ({ filledQuantity, reason }: Fields, order: OrderRow): boolean =>
  (numberOf(filledQuantity) ?? order.filled + 1n) <= order.filled &&
  typeof (reason as Fields | null)?.['code'] === 'string'

const sameContent = (fields: Fields, order: OrderRow, kind: string): boolean =>
  fields['userId'] === order.userId &&
  fields['ticker'] === order.ticker &&
  amountOf(fields['quantity']) === order.quantity &&
  (order.price === null ? fields['price'] === null : amountOf(fields['price']) === order.price) &&
  typeof fields['timestamp'] === 'string' &&
  ((kind === 'cancelled' && isLawfulEnd(fields, order)) ||
    (kind === 'placed' &&
      fields['side'] === order.side &&
      fields['type'] === publishedType(order.type) &&
      (order.displayQuantity === null
        ? !('displayQuantity' in fields)
        : amountOf(fields['displayQuantity']) === order.displayQuantity) &&
      ('postOnly' in fields ? fields['postOnly'] === true && order.postOnly : !order.postOnly) &&
      (order.expiresAt === null
        ? !('expiresAt' in fields)
        : fields['expiresAt'] === new Date(order.expiresAt).toISOString()) &&
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
    const owner = owners.get(String(record.eventId))
    if (record.eventId === null || (owner !== undefined && owner !== order.id))
      report('EVENT_ID_DIFFERS', `${kind} ${at(record)} of order ${order.id}: ${record.eventId}, of order ${owner}`)
    if (owner === order.id || record.eventId === null) continue
    owners.set(record.eventId, order.id)
    const earlier = firsts.get(order.id)
    if (earlier === undefined) firsts.set(order.id, [record])
    else earlier.push(record)
  }
  return firsts
}

/** Whether the engine has to be told that the order ends. */
const isCancellationDue = (order: OrderRow): boolean =>
  isPublished(order) && (order.status === 'CANCELED' || order.status === 'EXPIRED') && !isEngines(order.reasonCode)

/**
 * An end by the clock is told before the order has its status, which may become another one then. A late fill that leaves a remainder tells
 * the engine once more that the order has ended, also where the engine had said so.
 */
const checkCancellations = (history: History, records: readonly EventRecord[], report: Report): void => {
  const { order, entries } = history
  const byClock = records.filter((record) => isByClock(reasonOf(record)))
  const others = records.filter((record) => !byClock.includes(record))
  const late = entries.filter(({ fill }) => fill?.late === true).length
  const name = `order ${order.id}`
  const isDue = isCancellationDue(order)
  const isEngine = isEngines(order.reasonCode)
  if (byClock.length > 1 + late || others.length > (isEngine ? 0 : 1) + late)
    report('EVENT_ID_DIFFERS', `${name} has cancellations under ${records.map(({ eventId }) => eventId).join(', ')}`)
  if (isDue && !records.some((record) => reasonOf(record) === order.reasonCode))
    report('EVENT_MISSING', `${name} has no cancellation because of ${order.reasonCode}`)
  const stray = isDue ? undefined : others.find((record) => !isEngine || reasonOf(record) !== order.reasonCode)
  if (stray !== undefined)
    report('EVENT_FROM_NOWHERE', `${name} is ${order.status} and has a cancellation ${at(stray)}`)
  const isRetold = (record: EventRecord): boolean =>
    reasonOf(record) === order.reasonCode && numberOf(fieldsOf(record)['filledQuantity']) === order.filled
  if (late > 0 && order.filled < order.quantity && !records.some(isRetold))
    report('EVENT_MISSING', `${name} was filled late, and nothing tells the engine with ${order.filled} filled`)
}

const checkPresence = (
  histories: ReadonlyMap<string, History>,
  { placed, cancelled }: { placed: Firsts; cancelled: Firsts },
  report: Report,
): void => {
  for (const history of histories.values()) {
    const { order } = history
    const [placement, another] = placed.get(order.id) ?? []
    const cancellations = cancelled.get(order.id) ?? []
    if (placement === undefined && isPublished(order))
      report('EVENT_MISSING', `order ${order.id} has no placement on the topic`)
    if (placement !== undefined && !isPublished(order))
      report('EVENT_FROM_NOWHERE', `order ${order.id} waits for its price and has a placement ${at(placement)}`)
    if (another !== undefined)
      report('EVENT_ID_DIFFERS', `order ${order.id} was placed under ${placement?.eventId} and ${another.eventId}`)
    checkCancellations(history, cancellations, report)
    for (const cancellation of cancellations)
      if (placement !== undefined && cancellation.appendedAt < placement.appendedAt)
        report('CANCEL_BEFORE_PLACEMENT', `order ${order.id}: ${at(cancellation)} was appended before ${at(placement)}`)
  }
}

const placesOf = (firsts: Firsts, counts: (record: EventRecord, orderId: string) => boolean) =>
  [...firsts].flatMap(([id, records]) => {
    const first = records.find((record) => counts(record, id))
    return first === undefined ? [] : [{ id, ticker: first.key ?? '', place: first.offset }]
  })

/** Returns how many records were repeats. */
export const checkEvents = (
  requests: Requests,
  { evidence, histories }: { evidence: Evidence; histories: ReadonlyMap<string, History> },
  report: Report,
): number => {
  const placed = readEvents('placed', evidence, report)
  const cancelled = readEvents('cancelled', evidence, report)
  checkPresence(histories, { placed, cancelled }, report)
  // A stop has its place by its trigger, which no client sees.
  const accepted = placesOf(placed, (_, id) => histories.get(id)?.order.stopPrice === null)
  checkTickerOrder(accepted, acceptances(requests, evidence.orders), (text) =>
    report('TICKER_ORDER', `placements of ${text}`),
  )
  const canceled = placesOf(cancelled, (record) => reasonOf(record) === 'USER_CANCELED')
  checkTickerOrder(canceled, cancellations(requests), (text) => report('TICKER_ORDER', `cancellations of ${text}`))
  const firsts = [...placed.values(), ...cancelled.values()].reduce((sum, records) => sum + records.length, 0)
  return evidence.placed.length + evidence.cancelled.length - firsts
}
