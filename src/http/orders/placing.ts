// The routes that place orders: one, many, and one on trial; and the one that makes a key void.

import { ownUser } from '../../app/caller.ts'
import type { PlaceCommand } from '../../app/orders.ts'
import { readBody } from '../exchange/body.ts'
import type { Decoded } from '../exchange/decode.ts'
import type { Answer, Exchange, Handler } from '../exchange/exchange.ts'
import { shownPath } from '../exchange/path.ts'
import { invalid, refused, type Problem } from '../exchange/problem.ts'
import { refuseQuery } from '../exchange/query.ts'
import { json, searchOf } from '../exchange/reply.ts'
import { batchAnswer } from './batchAnswer.ts'
import { decodePlaceBatch, decodePlaceOrder } from './decode.ts'
import { orderWriter } from './javaAnswers.ts'
import type { RouteOptions } from './options.ts'
import { foreignUser, placingProblem } from './problems.ts'
import { decodeVoid, voidedJson } from './void.ts'

/** What is refused before the body is read: in a flood, requests that are turned away must not slow down those that are accepted. */
const turnAway = ({ service }: RouteOptions): Problem | null => {
  const refusal = service.turnAway()
  return refusal === null ? null : refused(refusal.code)
}

const invalidOrder = (decoded: { ok: false; faults: readonly { pointer: string; detail: string }[] }): Problem =>
  invalid('Invalid order', decoded.faults)

/** The order of a body with the header Idempotency-Key, or the problem to answer with. */
const readOrder = async (
  { request, caller }: Exchange,
  { unknownFields, amountDigits, bodyMaxBytes, bodyDeadlineMs }: RouteOptions,
): Promise<{ ok: true; command: PlaceCommand } | { ok: false; problem: Problem }> => {
  const body = await readBody(request, { bytesMax: bodyMaxBytes, deadlineMs: bodyDeadlineMs })
  if (!body.ok) return body
  const key = request.headers.get('idempotency-key')
  const decoded = decodePlaceOrder(body.text, { key, unknownFields, callerId: ownUser(caller), amountDigits })
  return decoded.ok ? { ok: true, command: decoded.value } : { ok: false, problem: invalidOrder(decoded) }
}

const placeOrder = async (exchange: Exchange, options: RouteOptions): Promise<Answer> => {
  const refusal = turnAway(options)
  if (refusal !== null) return refusal
  const read = await readOrder(exchange, options)
  if (!read.ok) return read.problem
  const result = await options.service.place(exchange, read.command)
  if (!result.ok) return placingProblem(result)
  const { order, replayed } = result
  return json(202, orderWriter(exchange, options)(order), {
    location: `/orders/${order.id}`,
    ...(replayed ? { 'idempotent-replayed': 'true' } : {}),
  })
}

/** Younger than the Java service: it refuses what it does not know always. */
const validateOrder = async (exchange: Exchange, options: RouteOptions): Promise<Answer> => {
  const refusal = turnAway(options) ?? refuseQuery(searchOf(exchange.request))
  if (refusal !== null) return refusal
  const read = await readOrder(exchange, { ...options, unknownFields: 'refuse' })
  if (!read.ok) return read.problem
  const result = await options.service.validate(exchange, read.command)
  return result.ok ? json(200, '{"valid":true}') : placingProblem(result)
}

/** The orders of a batch with the faults of each, or the problem of the whole. */
const readBatch = async (
  { request, caller }: Exchange,
  { amountDigits, batchBodyMaxBytes, bodyDeadlineMs }: RouteOptions,
): Promise<{ ok: true; orders: Decoded<PlaceCommand>[] } | { ok: false; problem: Problem }> => {
  if (request.headers.has('idempotency-key')) {
    const detail = 'names one order: give each order of a batch its clientOrderId'
    return { ok: false, problem: invalid('Invalid header', [{ pointer: 'header:Idempotency-Key', detail }]) }
  }
  const body = await readBody(request, { bytesMax: batchBodyMaxBytes, deadlineMs: bodyDeadlineMs })
  if (!body.ok) return body
  const decoded = decodePlaceBatch(body.text, { callerId: ownUser(caller), amountDigits })
  if (!decoded.ok) return { ok: false, problem: invalid('Invalid batch', decoded.faults) }
  return { ok: true, orders: decoded.value }
}

/** Each order of a batch counts as a request of its caller; the request itself was counted before it came here. */
const overLimit = ({ takeTurn }: Exchange, at: number): Problem | null =>
  at === 0 || takeTurn === null ? null : takeTurn()

const placeBatch = async (exchange: Exchange, options: RouteOptions): Promise<Answer> => {
  const turnedAway = turnAway(options) ?? refuseQuery(searchOf(exchange.request))
  if (turnedAway !== null) return turnedAway
  const read = await readBatch(exchange, options)
  if (!read.ok) return read.problem
  const refusals = read.orders.map((order, at) => overLimit(exchange, at) ?? (order.ok ? null : invalidOrder(order)))
  const orders = read.orders.flatMap((order, at) => (order.ok && refusals[at] === null ? [order.value.terms] : []))
  const answers = (await options.service.placeMany(exchange, orders)).values()
  const occasion = { path: shownPath(exchange.request), at: options.now() }
  const { text, retryAfter } = batchAnswer(
    refusals.map((refusal) => refusal ?? answers.next().value!),
    occasion,
    orderWriter(exchange, options),
  )
  return json(200, text, retryAfter === null ? {} : { 'retry-after': retryAfter })
}

const voidKey = async (exchange: Exchange, options: RouteOptions): Promise<Answer> => {
  const query = refuseQuery(searchOf(exchange.request))
  if (query !== null) return query
  const { service, bodyMaxBytes, bodyDeadlineMs } = options
  const body = await readBody(exchange.request, { bytesMax: bodyMaxBytes, deadlineMs: bodyDeadlineMs })
  if (!body.ok) return body.problem
  const decoded = decodeVoid(body.text, ownUser(exchange.caller))
  if (!decoded.ok) return invalid('Invalid key', decoded.faults)
  const result = await service.void(exchange, decoded.value)
  if (result.ok) return json(200, voidedJson(result, orderWriter(exchange, options)))
  return result.code === 'FORBIDDEN' ? foreignUser() : refused(result.code)
}

export const placingHandlers = (options: RouteOptions) =>
  ({
    placeOrder: (exchange) => placeOrder(exchange, options),
    placeBatch: (exchange) => placeBatch(exchange, options),
    voidKey: (exchange) => voidKey(exchange, options),
    validateOrder: (exchange) => validateOrder(exchange, options),
  }) satisfies Record<string, Handler>
