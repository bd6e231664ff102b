// The routes of orders. They decode a request, call the service and write its result; they have no logic of their own.

import type { Order } from '../../domain/order.ts'
import { encodeCursor } from '../exchange/cursor.ts'
import type { Answer, Exchange, Handler } from '../exchange/exchange.ts'
import { invalid, refused } from '../exchange/problem.ts'
import { readId, refuseQuery } from '../exchange/query.ts'
import { json, searchOf } from '../exchange/reply.ts'
import { eventPageJson, fillPageJson, orderPageJson } from './answers.ts'
import { readIfMatch } from './ifMatch.ts'
import { isJava, noSuchOrder, orderWriter } from './javaAnswers.ts'
import { manyHandlers } from './many.ts'
import type { RouteOptions } from './options.ts'
import { placingHandlers } from './placing.ts'
import { notNew, notOpen, otherVersion, unknownOrder } from './problems.ts'
import { decodeEventsQuery, decodeFillsQuery, decodeListQuery } from './query.ts'

const etagOf = ({ version }: Order) => ({ etag: `"${version}"` })

/** `remaining`: what remains of an order (DELETE); else an order that is NEW (POST …/cancel). */
const cancelOrder = async (
  exchange: Exchange,
  options: RouteOptions,
  { remaining }: { remaining: boolean },
): Promise<Answer> => {
  const orderId = readId(exchange.params, 'order')
  if (typeof orderId !== 'string') return orderId
  // DELETE is younger than the Java service. A filter that means the other DELETE, of many orders, must not be passed over.
  const unknown = remaining ? refuseQuery(searchOf(exchange.request)) : null
  if (unknown !== null) return unknown
  const ifMatch = readIfMatch(exchange.request.headers.get('if-match'))
  if (!ifMatch.ok) return invalid('Invalid header', [{ pointer: 'header:If-Match', detail: ifMatch.detail }])
  const { versions } = ifMatch
  const repeatable = remaining || isJava(exchange, options)
  const result = await options.service.cancel(exchange, orderId, { remaining, repeatable, versions })
  if (result.ok) return json(200, orderWriter(exchange, options)(result.order), etagOf(result.order))
  switch (result.code) {
    case 'NOT_FOUND':
      return remaining ? unknownOrder() : noSuchOrder(exchange, options)
    case 'NOT_CANCELABLE':
      return remaining ? notOpen(result.status) : notNew(result.status)
    case 'PRECONDITION_FAILED':
      return otherVersion(result.version)
    case 'OVERLOADED':
    case 'OUTCOME_UNKNOWN':
    case 'INTERNAL':
      return refused(result.code)
  }
}

const getOrder = async (exchange: Exchange, options: RouteOptions): Promise<Answer> => {
  const orderId = readId(exchange.params, 'order')
  if (typeof orderId !== 'string') return orderId
  const result = await options.service.find(exchange, orderId)
  if (result.ok) return json(200, orderWriter(exchange, options)(result.order), etagOf(result.order))
  return result.code === 'NOT_FOUND' ? noSuchOrder(exchange, options) : refused(result.code)
}

const listOrders = async (exchange: Exchange, options: RouteOptions): Promise<Answer> => {
  const query = decodeListQuery(searchOf(exchange.request), options.unknownFields)
  if (!query.ok) return invalid('Invalid query', query.faults)
  const { filter, limit } = query.value
  const page = await options.service.list(exchange, filter, limit)
  if (!page.ok) return refused(page.code)
  return json(200, orderPageJson(page.items, encodeCursor('order', page.next), orderWriter(exchange, options)))
}

const listFills = async (exchange: Exchange, { service, unknownFields }: RouteOptions): Promise<Answer> => {
  const orderId = readId(exchange.params, 'order')
  if (typeof orderId !== 'string') return orderId
  const query = decodeFillsQuery(searchOf(exchange.request), unknownFields)
  if (!query.ok) return invalid('Invalid query', query.faults)
  const page = await service.fills(exchange, { orderId, ...query.value })
  if (page.ok) return json(200, fillPageJson(page.items, encodeCursor('fill', page.next)))
  return page.code === 'NOT_FOUND' ? unknownOrder() : refused(page.code)
}

const listEvents = async (exchange: Exchange, { service }: RouteOptions): Promise<Answer> => {
  const orderId = readId(exchange.params, 'order')
  if (typeof orderId !== 'string') return orderId
  const query = decodeEventsQuery(searchOf(exchange.request))
  if (!query.ok) return invalid('Invalid query', query.faults)
  const page = await service.history(exchange, { orderId, ...query.value })
  if (page.ok) return json(200, eventPageJson(page.items, encodeCursor('event', page.next)))
  return page.code === 'NOT_FOUND' ? unknownOrder() : refused(page.code)
}

export const orderHandlers = (options: RouteOptions) =>
  ({
    ...placingHandlers(options),
    ...manyHandlers(options),
    listOrders: (exchange) => listOrders(exchange, options),
    getOrder: (exchange) => getOrder(exchange, options),
    listFills: (exchange) => listFills(exchange, options),
    listEvents: (exchange) => listEvents(exchange, options),
    cancelOrder: (exchange) => cancelOrder(exchange, options, { remaining: false }),
    deleteOrder: (exchange) => cancelOrder(exchange, options, { remaining: true }),
  }) satisfies Record<string, Handler>
