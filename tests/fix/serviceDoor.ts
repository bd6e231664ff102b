// The door to the running service: the client speaks HTTP, the engine and the market are records on its topics. Nothing of src/ is in here.

import type { RunningService } from '../support/service.ts'
import { until } from '../support/until.ts'
import { reportOf, tradeOf, type World } from '../support/world.ts'
import type { Cause } from './forms.ts'
import type { Door, Seen, SeenReport } from './play.ts'
import type { ClOrdId, ExecType, NewOrderSingle, OrderCancelRequest, OrdStatus } from './words.ts'

/** `reports`: whether the engine says what it ended. If not, the clock ends it. */
export type Engine = { reports: boolean }

export type Json = Record<string, unknown>

const words: Readonly<Record<string, OrdStatus>> = {
  NEW: 'New',
  PARTIALLY_FILLED: 'PartiallyFilled',
  FILLED: 'Filled',
  CANCELED: 'Canceled',
  REJECTED: 'Rejected',
  EXPIRED: 'Expired',
}
const execTypes: Readonly<Record<string, ExecType>> = {
  ACCEPTED: 'New',
  FILLED: 'Trade',
  CANCELED: 'Canceled',
  REJECTED: 'Rejected',
  EXPIRED: 'Expired',
  TRIGGERED: 'Triggered',
}
const timesInForce = {
  Day: 'DAY',
  GoodTillCancel: 'GTC',
  ImmediateOrCancel: 'IOC',
  FillOrKill: 'FOK',
  GoodTillDate: 'GTD',
} as const
const finalStatuses = ['FILLED', 'CANCELED', 'REJECTED', 'EXPIRED']

/** Long enough for the fills that a row has before the end, on a machine that is busy with other things. */
export const goodForMs = 30_000
/** The close of the session may be that far away, and the trade topic has to be read to its end after it. */
const endsWithinMs = 240_000

const wordOf = <T>(table: Readonly<Record<string, T>>, name: unknown): T => {
  const word = table[String(name)]
  if (word === undefined) throw new Error(`FIX has no word for ${String(name)}`)
  return word
}

const bodyOf = (
  { clOrdId, orderQty, timeInForce = 'GoodTillCancel', stopPx, execInst }: NewOrderSingle,
  client: { userId: string; ticker: string; goodTill: string },
): Json => ({
  userId: client.userId,
  clientOrderId: clOrdId,
  ticker: client.ticker,
  side: 'BUY',
  ...(stopPx === undefined ? { type: 'LIMIT', price: 200 } : { type: 'STOP', stopPrice: stopPx }),
  timeInForce: timesInForce[timeInForce],
  ...(timeInForce === 'GoodTillDate' ? { expiresAt: client.goodTill } : {}),
  quantity: orderQty,
  ...(execInst === undefined ? {} : { postOnly: true }),
})

/** No order: what FIX answers for one that is unknown. */
const unknownOrder: SeenReport = {
  message: 'ExecutionReport',
  execType: 'OrderStatus',
  ordStatus: 'Rejected',
  orderQty: 0,
  cumQty: 0,
  leavesQty: 0,
  lastQty: 0,
  avgPx: null,
  orderId: 'NONE',
}

/** The order as `GET /orders/{id}` shows it. */
const asReport = (order: Json, execType: ExecType, lastQty: number): SeenReport => ({
  message: 'ExecutionReport',
  execType,
  ordStatus: wordOf(words, order['status']),
  orderQty: Number(order['quantity']),
  cumQty: Number(order['filledQuantity']),
  leavesQty: Number(order['remainingQuantity']),
  lastQty,
  avgPx: order['averageFillPrice'] === null ? null : Number(order['averageFillPrice']),
})

let clients = 0

/** One client of the service, with orders on a ticker of its own. */
const clientOf = (service: RunningService) => {
  const client = {
    userId: crypto.randomUUID(),
    ticker: `FIX${++clients}`,
    goodTill: new Date(Date.now() + goodForMs).toISOString(),
  }
  const ids = new Map<ClOrdId, string>()
  /** An id that no order has, for a ClOrdID that no order has. */
  const idOf = (id: ClOrdId): string => ids.get(id) ?? crypto.randomUUID()
  const orderOf = async (id: ClOrdId): Promise<Json | null> => {
    const { status, json } = await service.http(`/orders/${idOf(id)}`)
    if (status !== 200 && status !== 404) throw new Error(`an order was answered ${status}`)
    return status === 200 ? json : null
  }
  /** The order with the newest event of its history. */
  const seen = async (id: ClOrdId): Promise<SeenReport> => {
    const order = await orderOf(id)
    const { json } = await service.http(`/orders/${idOf(id)}/events`)
    const newest = (json['events'] as Json[]).at(-1)!
    const fill = newest['fill'] as Json | undefined
    return asReport(order!, wordOf(execTypes, newest['kind']), Number(fill?.['quantity'] ?? 0))
  }
  const status = async (id: ClOrdId): Promise<SeenReport> => {
    const order = await orderOf(id)
    return order === null ? unknownOrder : asReport(order, 'OrderStatus', 0)
  }
  const place = async (request: NewOrderSingle): Promise<Seen> => {
    const { clOrdId } = request
    const answer = await service.post(bodyOf(request, client))
    if (answer.status === 202 && answer.headers.get('idempotent-replayed') === 'true') return status(clOrdId)
    if (answer.status === 202) {
      ids.set(clOrdId, String(answer.json['id']))
      return seen(clOrdId)
    }
    if (answer.json['code'] === 'IDEMPOTENCY_MISMATCH')
      return { ...(await status(clOrdId)), execType: 'Rejected', ordRejReason: 6 }
    if (answer.json['code'] !== 'ORDER_REJECTED') throw new Error(`an order was answered ${answer.text}`)
    ids.set(clOrdId, String((answer.json['order'] as Json)['id']))
    const code = (answer.json['reason'] as Json)['code']
    if (code !== 'NOT_SUPPORTED_BY_ENGINE') throw new Error(`FIX has no reason for ${String(code)}`)
    return { ...(await seen(clOrdId)), ordRejReason: 11 }
  }
  const cancel = async ({ origClOrdId }: OrderCancelRequest): Promise<Seen> => {
    const answer = await service.http(`/orders/${idOf(origClOrdId)}`, { method: 'DELETE' })
    if (answer.status === 200) return seen(origClOrdId)
    if (answer.status === 404)
      return { message: 'OrderCancelReject', ordStatus: 'Rejected', cxlRejReason: 1, orderId: 'NONE' }
    if (answer.status !== 409) throw new Error(`a cancel was answered ${answer.text}`)
    return { message: 'OrderCancelReject', ordStatus: wordOf(words, answer.json['orderStatus']), cxlRejReason: 0 }
  }
  return { ticker: client.ticker, idOf, orderOf, seen, status, place, cancel }
}

/** A client as the engine meets it: `orderOf` is the order as HTTP shows it. */
export type Met = { ticker: string; idOf: (id: ClOrdId) => string; orderOf: (id: ClOrdId) => Promise<Json | null> }

/** What the topics bring to the order X of the client. Each resolves when the service has dealt with it. */
export const engineOf = ({ ticker, idOf, orderOf }: Met, world: World, { reports }: Engine) => {
  const publishTrade = async (members: Json): Promise<void> => {
    await world.publishTrades(tradeOf({ ticker, timestamp: new Date().toISOString(), ...members }))
    await world.tradesConsumed()
  }
  const ended = async (): Promise<void> => {
    await until(async () => finalStatuses.includes(String((await orderOf('X'))?.['status'])), {
      what: `the order of ${ticker} has ended`,
      deadlineMs: endsWithinMs,
    })
  }
  const report = async (kind: string, cumulativeQuantity: number): Promise<void> => {
    if (reports) {
      await world.publishReports(reportOf({ ticker, orderId: idOf('X'), kind, cumulativeQuantity }))
      await world.reportsConsumed()
    }
    await ended()
  }
  return async (cause: Exclude<Cause, { by: 'client' }>): Promise<void> => {
    if (cause.by === 'clock') return ended()
    // Nobody's order of ours: a trade that only stops look at.
    if (cause.by === 'market')
      return publishTrade({
        buyOrderId: crypto.randomUUID(),
        sellOrderId: crypto.randomUUID(),
        quantity: 1,
        price: cause.price,
      })
    if (cause.does === 'trade')
      return publishTrade({ buyOrderId: idOf('X'), quantity: cause.quantity, price: cause.price })
    return report(cause.does === 'cancel' ? 'CANCELED' : 'REJECTED', cause.cumQty)
  }
}

export const serviceDoor = (world: World, service: RunningService, engine: Engine): Door => {
  return () => {
    const client = clientOf(service)
    const happen = engineOf(client, world, engine)
    return async (cause) => {
      if (cause.by !== 'client') {
        await happen(cause)
        return client.seen('X')
      }
      const { request } = cause
      if (request.message === 'NewOrderSingle') return client.place(request)
      if (request.message === 'OrderCancelRequest') return client.cancel(request)
      return client.status(request.clOrdId)
    }
  }
}
