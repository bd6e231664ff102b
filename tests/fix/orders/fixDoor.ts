// The door of FIX messages to the domain: requests come in as fields, and what a session is told are fields. No session layer, no database, no
// clock: what becomes of an order is the domain's.

import { amountDigits } from '../../../src/domain/decimal.ts'
import type { Cause as LogCause, HistoryKind } from '../../../src/domain/history.ts'
import { acceptOrder, refuseOrder } from '../../../src/domain/order.ts'
import { nextClose } from '../../../src/domain/session.ts'
import { decodeOrder } from '../../../src/fix/orders/decodeOrder.ts'
import {
  contradiction,
  decodeCancel,
  decodeStatusRequest,
  type Target,
} from '../../../src/fix/orders/decodeRequests.ts'
import { executionReport, type OrderSeen } from '../../../src/fix/orders/executionReport.ts'
import type { Message } from '../../../src/fix/orders/fields.ts'
import { answerDuplicate, answerStatus } from '../../../src/fix/orders/orderAnswers.ts'
import { cancelRefusal, cancelReject } from '../../../src/fix/orders/requestAnswers.ts'
import { originOf } from '../../../src/fix/orders/session.ts'
import { calendar, happened, idOf, moved, now, type Entry } from '../domainDoor.ts'
import type { Cause } from '../forms.ts'
import type { Door, Seen } from '../play.ts'
import type { ClOrdId, ExecType, NewOrderSingle, OrderCancelRequest, OrdStatus } from '../words.ts'
import { received, session as sessionOf, shown, type Fields } from './someSession.ts'

const session = sessionOf()
const origin = originOf(session.id)
const day = '20260102'
const answering = { answerId: 'answer', now }

const execTypes: Readonly<Record<string, ExecType>> = {
  0: 'New',
  4: 'Canceled',
  8: 'Rejected',
  C: 'Expired',
  F: 'Trade',
  I: 'OrderStatus',
  L: 'Triggered',
}
const ordStatuses: Readonly<Record<string, OrdStatus>> = {
  0: 'New',
  1: 'PartiallyFilled',
  2: 'Filled',
  4: 'Canceled',
  8: 'Rejected',
  C: 'Expired',
}
const timesInForce = {
  Day: '0',
  GoodTillCancel: '1',
  ImmediateOrCancel: '3',
  FillOrKill: '4',
  GoodTillDate: '6',
} as const

/** The reason that names none. */
const other = '99'

const seenOf = (message: Message): Seen => {
  const { 35: type, 37: orderId, 39: status = '', 102: cxlRejReason, 103: ordRejReason, ...of } = shown(message)
  const named = orderId === 'NONE' ? ({ orderId: 'NONE' } as const) : {}
  if (type === '9') {
    const reason = Number(cxlRejReason) as 0 | 1
    return { message: 'OrderCancelReject', ordStatus: ordStatuses[status]!, cxlRejReason: reason, ...named }
  }
  return {
    message: 'ExecutionReport',
    execType: execTypes[of[150]!]!,
    ordStatus: ordStatuses[status]!,
    orderQty: Number(of[38]),
    cumQty: Number(of[14]),
    leavesQty: Number(of[151]),
    lastQty: Number(of[32] ?? '0'),
    avgPx: of[14] === '0' ? null : Number(of[6]),
    ...(ordRejReason === undefined || ordRejReason === other ? {} : { ordRejReason: Number(ordRejReason) as 6 | 11 }),
    ...named,
  }
}

const orderFields = ({ clOrdId, orderQty, timeInForce, stopPx, execInst }: NewOrderSingle): Fields => ({
  11: clOrdId,
  55: 'AAPL',
  54: '1',
  60: '20260102-03:04:05',
  38: String(orderQty),
  40: stopPx === undefined ? '2' : '3',
  44: stopPx === undefined ? '200' : null,
  99: stopPx === undefined ? null : String(stopPx),
  59: timesInForce[timeInForce ?? 'GoodTillCancel'],
  432: timeInForce === 'GoodTillDate' ? day : null,
  18: execInst === undefined ? null : '6',
})

const kinds: Partial<Record<ExecType, HistoryKind>> = {
  New: 'ACCEPTED',
  Rejected: 'REJECTED',
  Triggered: 'TRIGGERED',
  Trade: 'FILLED',
  Canceled: 'CANCELED',
  Expired: 'EXPIRED',
}

/** The report of the event that made this entry. */
const reportOf = ({ order, execType, lastQty }: Entry, cause: LogCause): Message => {
  const { side, reason, lastFillPrice, version } = order
  const isFill = execType === 'Trade'
  const event = {
    kind: kinds[execType]!,
    at: now,
    order,
    fill: isFill
      ? { tradeId: `t-${version}`, side, quantity: BigInt(lastQty) * 10n ** 8n, price: lastFillPrice!, late: false }
      : null,
    reason: execType === 'Canceled' && cause.kind === 'fix' ? { code: 'USER_CANCELED', text: null } : reason,
    cause,
  }
  return executionReport({ event, origin }, session)
}

/** A report must carry the ids of what it is about. */
const expectIds = (message: Message, clOrdId: ClOrdId, origClOrdId?: ClOrdId): void => {
  const fields = shown(message)
  if (fields[11] !== clOrdId || fields[41] !== origClOrdId)
    throw new Error(`it names ${fields[11]} and ${fields[41]}, not ${clOrdId} and ${origClOrdId}`)
}

export const fixDoor: Door = () => {
  const entries = new Map<string, Entry>()
  const requests = new Set<string>()
  let last: Message | null = null

  const find = ({ key }: Target): OrderSeen | null => {
    const entry = key === null ? undefined : entries.get(key)
    return entry === undefined ? null : { order: entry.order, origin }
  }

  const place = (request: NewOrderSingle): Message => {
    const message = received('D', orderFields(request), { possResend: request.possResend === true })
    const decoded = decodeOrder(message, { session, day, calendar, digits: amountDigits })
    if (!decoded.ok) throw new Error(decoded.faults.map(({ text }) => text).join('; '))
    const { terms } = decoded
    const key = terms.clientOrderId!
    const holder = find({ id: null, key })
    if (holder !== null || requests.has(key)) return answerDuplicate(message, { terms, holder }, session, answering)
    const expiresAt = terms.timeInForce === 'DAY' ? nextClose(calendar, now).toISOString() : null
    const accepted = acceptOrder(terms, { id: idOf[request.clOrdId], now, expiresAt })
    const refused = terms.postOnly !== null
    const order = refused ? refuseOrder(accepted, { code: 'NOT_SUPPORTED_BY_ENGINE', text: null }) : accepted
    const entry: Entry = { order, execType: refused ? 'Rejected' : 'New', lastQty: 0 }
    entries.set(key, entry)
    return reportOf(entry, { kind: 'fix', session: session.id })
  }

  const cancel = ({ clOrdId, origClOrdId }: OrderCancelRequest): Message => {
    const message = received('F', { 11: clOrdId, 41: origClOrdId, 55: 'AAPL', 54: '1' })
    const decoded = decodeCancel(message, { session, day })
    if (!decoded.ok) throw new Error(`${decoded.missing} is missing`)
    const { request } = decoded
    const found = find(request.target)
    const before = found === null ? null : entries.get(origClOrdId)!
    const after = before === null ? null : moved(before, 'cancel', 'Canceled')
    const contrary = found === null ? null : contradiction(request, found, session)
    if (after === null || after === before || contrary !== null)
      return cancelReject(request, found, cancelRefusal(found, { keyKnown: false, contradiction: contrary }), now)
    entries.set(origClOrdId, after)
    requests.add(clOrdId)
    return reportOf(after, { kind: 'fix', session: session.id, requestId: clOrdId })
  }

  const status = (clOrdId: ClOrdId): Message => {
    const decoded = decodeStatusRequest(received('H', { 11: clOrdId, 55: 'AAPL', 54: '1' }), { session, day })
    if (!decoded.ok) throw new Error(`${decoded.missing} is missing`)
    return answerStatus(decoded, find(decoded.request.target), session, now)
  }

  const act = (cause: Cause): Message => {
    if (cause.by !== 'client') {
      const before = entries.get('X')!
      const after = happened(before, cause)
      // Nothing happened, and nothing is reported.
      if (after === before) return last!
      entries.set('X', after)
      const report = reportOf(after, { kind: 'trade' })
      expectIds(report, 'X')
      return report
    }
    const { request } = cause
    if (request.message === 'OrderCancelRequest') {
      const answer = cancel(request)
      expectIds(answer, request.clOrdId, request.origClOrdId)
      return answer
    }
    const answer = request.message === 'NewOrderSingle' ? place(request) : status(request.clOrdId)
    expectIds(answer, request.clOrdId)
    return answer
  }
  return async (cause) => seenOf((last = act(cause)))
}
