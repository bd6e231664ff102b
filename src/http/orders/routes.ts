// The routes of orders. No logic: parse, call, map.

import type { Service } from '../../app/service.ts'
import type { Order, Status } from '../../domain/order.ts'
import { readBody } from '../exchange/body.ts'
import { isAdmin, owns } from '../../app/caller.ts'
import type { Answer, Exchange, Handler } from '../exchange/exchange.ts'
import { fillPageJson, orderJson, orderPageJson } from './answers.ts'
import { invalid, problem, refused, type Problem } from '../exchange/problem.ts'
import { decodeFillsQuery, decodeListQuery } from './query.ts'
import { encodeCursor } from '../exchange/cursor.ts'
import type { UnknownFields } from '../exchange/decode.ts'
import { readId } from '../exchange/query.ts'
import { json, searchOf } from '../exchange/reply.ts'
import { decodePlaceOrder } from './decode.ts'

export type RouteOptions = {
  service: Service
  unknownFields: UnknownFields
  bodyMaxBytes: number
  bodyDeadlineMs: number
}

const unknownOrder = (): Problem => problem('NOT_FOUND', 'there is no such order')

const accepted = (order: Order, replayed: boolean): Response =>
  json(202, orderJson(order), {
    location: `/orders/${order.id}`,
    ...(replayed ? { 'idempotent-replayed': 'true' } : {}),
  })

/** Nothing is revealed: it is the caller's own words that are refused. */
const foreignUser = (): Problem =>
  problem('FORBIDDEN', 'userId must be your own, or left out', {
    errors: [{ pointer: '/userId', detail: 'is another user' }],
  })

/**
 * Whether the order is there for this caller: an order of somebody else is answered as one that is not. Its user never changes,
 * so what is read here still holds when the order is touched. Null: go on.
 */
const hidden = async ({ caller }: Exchange, orderId: string, service: Service): Promise<Problem | null> => {
  if (isAdmin(caller)) return null
  const result = await service.find(orderId)
  if (!result.ok) return refused(result.code)
  return result.order === null || !owns(caller, result.order.userId) ? unknownOrder() : null
}

export const notCancelable = (status: Status): Problem =>
  problem('CONFLICT', `only an order with status NEW can be canceled, this one is ${status}`, {
    title: 'Order cannot be canceled',
    members: { orderStatus: status },
  })

const placeOrder = async (
  { request, traceparent, caller }: Exchange,
  { service, unknownFields, bodyMaxBytes, bodyDeadlineMs }: RouteOptions,
): Promise<Answer> => {
  // Before its body is read: in a flood, what is turned away is paid for by those that are taken.
  const turned = service.turnAway()
  if (turned !== null) return refused(turned.code)
  const body = await readBody(request, { bytesMax: bodyMaxBytes, deadlineMs: bodyDeadlineMs })
  if (!body.ok) return body.problem
  const key = request.headers.get('idempotency-key')
  const decoded = decodePlaceOrder(body.text, { key, unknownFields, callerId: caller?.userId ?? null })
  if (!decoded.ok) return invalid('Invalid order', decoded.faults)
  const { terms, formerKey } = decoded.value
  if (!owns(caller, terms.userId)) return foreignUser()
  const result = await (formerKey === null
    ? service.place(terms, traceparent)
    : service.placeUnlessHeld({ terms, formerKey, traceparent }))
  if (result.ok) return accepted(result.order, result.replayed)
  if (result.code !== 'IDEMPOTENCY_MISMATCH') return refused(result.code)
  const { differing } = result
  return problem(
    'IDEMPOTENCY_MISMATCH',
    `this key already names another order: ${differing.join(', ')} differ; send the same order or a new key`,
    {
      errors: differing.map((name) => ({ pointer: `/${name}`, detail: 'differs from the order that holds the key' })),
    },
  )
}

const cancelOrder = async (exchange: Exchange, { service }: RouteOptions): Promise<Answer> => {
  const { params, traceparent } = exchange
  const orderId = readId(params, 'order')
  if (typeof orderId !== 'string') return orderId
  const unseen = await hidden(exchange, orderId, service)
  if (unseen !== null) return unseen
  const result = await service.cancel(orderId, traceparent)
  if (result.ok) return json(200, orderJson(result.order))
  switch (result.code) {
    case 'NOT_FOUND':
      return unknownOrder()
    case 'NOT_CANCELABLE':
      return notCancelable(result.status)
    case 'OVERLOADED':
    case 'OUTCOME_UNKNOWN':
    case 'INTERNAL':
      return refused(result.code)
  }
}

const getOrder = async ({ params, caller }: Exchange, { service }: RouteOptions): Promise<Answer> => {
  const orderId = readId(params, 'order')
  if (typeof orderId !== 'string') return orderId
  const result = await service.find(orderId)
  if (!result.ok) return refused(result.code)
  const { order } = result
  return order === null || !owns(caller, order.userId) ? unknownOrder() : json(200, orderJson(order))
}

/** Of the orders that the caller may see. Those of another user are none of them, whether there are any or not. */
const listOrders = async ({ request, caller }: Exchange, { service, unknownFields }: RouteOptions): Promise<Answer> => {
  const query = decodeListQuery(searchOf(request), unknownFields)
  if (!query.ok) return invalid('Invalid query', query.faults)
  const { filter, limit } = query.value
  const userId = isAdmin(caller) ? filter.userId : (filter.userId ?? caller?.userId ?? undefined)
  if (!isAdmin(caller) && (userId === undefined || !owns(caller, userId))) return json(200, orderPageJson([], null))
  const page = await service.list({ ...filter, userId }, limit)
  if (!page.ok) return refused(page.code)
  return json(200, orderPageJson(page.orders, encodeCursor('order', page.nextBefore)))
}

const listFills = async (exchange: Exchange, { service, unknownFields }: RouteOptions): Promise<Answer> => {
  const { request, params } = exchange
  const orderId = readId(params, 'order')
  if (typeof orderId !== 'string') return orderId
  const query = decodeFillsQuery(searchOf(request), unknownFields)
  if (!query.ok) return invalid('Invalid query', query.faults)
  const unseen = await hidden(exchange, orderId, service)
  if (unseen !== null) return unseen
  const { before, limit } = query.value
  // One more than the page has room for tells whether there is a next page.
  const page = await service.fills({ orderId, before, limit: limit + 1 })
  if (!page.ok) return refused(page.code)
  if (page.fills === null) return unknownOrder()
  const fills = page.fills.slice(0, limit)
  const next = page.fills.length > limit ? fills.at(-1)!.orderVersion : null
  return json(200, fillPageJson(fills, encodeCursor('fill', next)))
}

export const orderHandlers = (options: RouteOptions) =>
  ({
    placeOrder: (exchange) => placeOrder(exchange, options),
    listOrders: (exchange) => listOrders(exchange, options),
    getOrder: (exchange) => getOrder(exchange, options),
    listFills: (exchange) => listFills(exchange, options),
    cancelOrder: (exchange) => cancelOrder(exchange, options),
  }) satisfies Record<string, Handler>
