// The door to the domain: its functions as they are, one order after the other, no database and no clock.

import { parsePlainAmount, type Amount } from '../../src/domain/decimal.ts'
import { judgeLeg } from '../../src/domain/leg.ts'
import {
  acceptOrder,
  refuseOrder,
  averageFillPrice,
  decide,
  remainingQuantity,
  type Order,
  type OrderEvent,
  type Status,
} from '../../src/domain/order.ts'
import { judgeReport } from '../../src/domain/report.ts'
import { nextClose, weekdays, type Calendar } from '../../src/domain/session.ts'
import { differingTerms, type OrderTerms } from '../../src/domain/terms.ts'
import type { Cause } from './forms.ts'
import type { Door, Seen, SeenReport } from './play.ts'
import type { ClOrdId, ExecType, NewOrderSingle, OrdStatus } from './words.ts'

const isWaitingStop = ({ status, stopPrice, triggeredAt }: Order): boolean =>
  status === 'NEW' && stopPrice !== null && triggeredAt === null

const unit = 100_000_000
const amount = (value: number): Amount => {
  if (value === 0) return 0n
  const parsed = parsePlainAmount(String(value))
  if (!parsed.ok) throw new Error(`no amount: ${value}`)
  return parsed.amount
}
const plain = (value: Amount): number => Number(value) / unit

const words: Record<Status, OrdStatus> = {
  NEW: 'New',
  PARTIALLY_FILLED: 'PartiallyFilled',
  FILLED: 'Filled',
  CANCELED: 'Canceled',
  REJECTED: 'Rejected',
  EXPIRED: 'Expired',
}
const timesInForce = {
  Day: 'DAY',
  GoodTillCancel: 'GTC',
  ImmediateOrCancel: 'IOC',
  FillOrKill: 'FOK',
  GoodTillDate: 'GTD',
} as const

export const now = new Date('2026-01-02T03:04:05.678Z')
export const calendar: Calendar = { close: '21:00', timeZone: 'UTC', days: weekdays, holidays: new Map() }
export const idOf = {
  X: '01890000-0000-7000-8000-000000000001',
  Y: '01890000-0000-7000-8000-000000000002',
  Z: '01890000-0000-7000-8000-000000000003',
} as const

const termsOf = ({
  clOrdId,
  orderQty,
  timeInForce = 'GoodTillCancel',
  stopPx,
  execInst,
}: NewOrderSingle): OrderTerms => ({
  userId: '6f1c2f52-3a39-4c3e-9d44-0d7a0a6a7c11',
  clientOrderId: clOrdId,
  ticker: 'AAPL',
  side: 'BUY',
  type: stopPx === undefined ? 'LIMIT' : 'STOP',
  timeInForce: timesInForce[timeInForce],
  quantity: amount(orderQty),
  price: stopPx === undefined ? amount(200) : null,
  stopPrice: stopPx === undefined ? null : amount(stopPx),
  displayQuantity: null,
  postOnly: execInst === undefined ? null : true,
  expiresAt: timeInForce === 'GoodTillDate' ? '2026-01-02T21:00:00.000Z' : null,
})

/** The order with what a client was told last of it: the kind of the event, and its quantity if it was a fill. */
export type Entry = { order: Order; execType: ExecType; lastQty: number }

const seenOf = ({ order, execType, lastQty }: Entry): SeenReport => {
  const average = averageFillPrice(order)
  return {
    message: 'ExecutionReport',
    execType,
    ordStatus: words[order.status],
    orderQty: plain(order.quantity),
    cumQty: plain(order.filledQuantity),
    leavesQty: plain(remainingQuantity(order)),
    lastQty,
    avgPx: average === null ? null : plain(average),
  }
}

/** What only engines can do is refused by the service before the order comes to life; its answer is the domain's. */
const place = (entries: Map<ClOrdId, Entry>, request: NewOrderSingle): Seen => {
  const terms = termsOf(request)
  const known = entries.get(request.clOrdId)
  if (known !== undefined)
    return differingTerms(known.order, terms).length === 0 && request.possResend === true
      ? seenOf({ ...known, execType: 'OrderStatus', lastQty: 0 })
      : { ...seenOf({ ...known, execType: 'Rejected', lastQty: 0 }), ordRejReason: 6 }
  const refusal = terms.postOnly === null ? null : { code: 'NOT_SUPPORTED_BY_ENGINE', text: null }
  const expiresAt = terms.timeInForce === 'DAY' ? nextClose(calendar, now).toISOString() : null
  const accepted = acceptOrder(terms, { id: idOf[request.clOrdId], now, expiresAt })
  const order = refusal === null ? accepted : refuseOrder(accepted, refusal)
  const entry: Entry = { order, execType: refusal === null ? 'New' : 'Rejected', lastQty: 0 }
  entries.set(request.clOrdId, entry)
  return refusal === null ? seenOf(entry) : { ...seenOf(entry), ordRejReason: 11 }
}

/** The entry after an event that is no fill; the same entry if the table forbids it. */
export const moved = (entry: Entry, event: OrderEvent, execType: ExecType): Entry => {
  const decision = decide(entry.order.status, event)
  if (!decision.ok) return entry
  const { order } = entry
  return { order: { ...order, status: decision.next, version: order.version + 1 }, execType, lastQty: 0 }
}

const triggered = (entry: Entry): Entry => {
  if (!isWaitingStop(entry.order)) return entry
  const after = moved(entry, 'trigger', 'Triggered')
  return { ...after, order: { ...after.order, triggeredAt: now } }
}

let records = 0

const filled = (entry: Entry, quantity: number, price: number): Entry => {
  const leg = {
    tradeId: `t-${++records}`,
    orderId: entry.order.id,
    side: 'BUY' as const,
    sharesOrder: false,
    ticker: 'AAPL',
    quantity: amount(quantity),
    price: amount(price),
  }
  const judgement = judgeLeg(entry.order, leg, { ledger: null, exceptions: [] }, now)
  return judgement.disposition === 'APPLIED' || judgement.disposition === 'LATE'
    ? { order: judgement.order, execType: 'Trade', lastQty: quantity }
    : entry
}

/** A report that has every fill before it: it is taken or not, and never waits. */
const reported = (entry: Entry, kind: 'CANCELED' | 'REJECTED', cumQty: number): Entry => {
  const report = {
    reportId: `r-${++records}`,
    orderId: entry.order.id,
    ticker: 'AAPL',
    kind,
    reason: null,
    cumulativeQuantity: amount(cumQty),
    reportedAt: '2026-01-02T03:04:06.000000Z',
  }
  const judgement = judgeReport(entry.order, report, { report: null, exceptions: [] }, now)
  if (judgement.disposition === 'STALE') return entry
  if (judgement.disposition !== 'APPLIED') throw new Error(`the report is ${judgement.disposition}`)
  return { order: judgement.order, execType: kind === 'CANCELED' ? 'Canceled' : 'Rejected', lastQty: 0 }
}

/** Nothing ends by the clock that has no end. */
const expired = (entry: Entry): Entry => {
  if (entry.order.expiresAt === null) throw new Error('the order has no end')
  return moved(entry, 'expire', 'Expired')
}

/** What the market, the engine or the clock does to the one order of the session. */
export const happened = (entry: Entry, cause: Exclude<Cause, { by: 'client' }>): Entry => {
  switch (cause.by) {
    case 'clock':
      return expired(entry)
    case 'market':
      return triggered(entry)
    case 'engine':
      if (cause.does === 'trade') return filled(entry, cause.quantity, cause.price)
      return reported(entry, cause.does === 'cancel' ? 'CANCELED' : 'REJECTED', cause.cumQty)
  }
}

export const domainDoor: Door = () => {
  const entries = new Map<ClOrdId, Entry>()
  const entryOf = (id: ClOrdId): Entry => {
    const entry = entries.get(id)
    if (entry === undefined) throw new Error('the domain looks up no order')
    return entry
  }
  const act = (cause: Cause): Seen => {
    if (cause.by !== 'client') {
      const entry = happened(entryOf('X'), cause)
      entries.set('X', entry)
      return seenOf(entry)
    }
    const { request } = cause
    if (request.message === 'NewOrderSingle') return place(entries, request)
    if (request.message === 'OrderStatusRequest')
      return seenOf({ ...entryOf(request.clOrdId), execType: 'OrderStatus', lastQty: 0 })
    const before = entryOf(request.origClOrdId)
    const after = moved(before, 'cancel', 'Canceled')
    if (after === before)
      return { message: 'OrderCancelReject', ordStatus: words[before.order.status], cxlRejReason: 0 }
    entries.set(request.origClOrdId, after)
    return seenOf(after)
  }
  return async (cause) => act(cause)
}
