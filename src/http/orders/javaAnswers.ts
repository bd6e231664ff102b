// What JAVA_COMPATIBILITY changes in the answers about orders: the form of an order everywhere, and two statuses of the calls that the Java
// service had. It changes nothing for gRPC, which comes through the same routes as a visit from its own door.

import type { Order } from '../../domain/order.ts'
import { javaOrderJson, orderJson } from '../../wire/order.ts'
import type { Exchange } from '../exchange/exchange.ts'
import { problem, type Problem } from '../exchange/problem.ts'
import type { RouteOptions } from './options.ts'
import { unknownOrder } from './problems.ts'

/** Writes an order as JSON. */
export type WriteOrder = (order: Order) => string

/** Whether the answer has to be that of the Java service. */
export const isJava = ({ visit }: Pick<Exchange, 'visit'>, { javaCompatibility }: RouteOptions): boolean =>
  javaCompatibility && visit === null

export const orderWriter = (exchange: Exchange, options: RouteOptions): WriteOrder =>
  isJava(exchange, options) ? javaOrderJson : orderJson

/** The Java service took an unknown id for a bad request, in these words. */
export const javaUnknownOrder = (): Problem => problem('BAD_REQUEST', 'order not found', { title: 'Unknown order' })

/** No order has the id in the path, on a route that the Java service had. */
export const noSuchOrder = (exchange: Exchange, options: RouteOptions): Problem =>
  isJava(exchange, options) ? javaUnknownOrder() : unknownOrder()
