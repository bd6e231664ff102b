// Sends one request of the harness to a replica, and writes both sides of it into the clients' log.

import type { Random } from '../support/random.ts'
import type { BatchResult, Scope } from './checker/controlEvidence.ts'
import { requestIdOf, type Answer } from './checker/evidence.ts'
import type { ClientLog, Request } from './clientLog.ts'
import { encodeOrder } from './orderMix.ts'

export type Sender = (request: Request, timeoutMs: number) => Promise<Answer>
export type SenderOptions = { urls: readonly string[]; log: ClientLog; rng: Random }

type Encoded = { method: string; path: string; body?: string; headers?: Record<string, string> }

const json = (method: string, path: string, value: object): Encoded => ({
  method,
  path,
  body: JSON.stringify(value),
  headers: { 'content-type': 'application/json' },
})

const scopeQuery = (scope: Scope): string =>
  new URLSearchParams(Object.entries(scope).filter((entry): entry is [string, string] => entry[1] !== null)).toString()

const encode = (request: Request, rng: Random): Encoded => {
  switch (request.op) {
    case 'place':
      return { method: 'POST', path: '/orders', ...encodeOrder(request.terms, { rng, keyInBody: rng.chance(0.5) }) }
    case 'batch': {
      const orders = request.orders.map((terms) => encodeOrder(terms, { rng, keyInBody: true }).body)
      return { ...json('POST', '/orders/batch', {}), body: `{"orders":[${orders.join(',')}]}` }
    }
    case 'cancel':
      return { method: 'POST', path: `/orders/${request.orderId}/cancel` }
    case 'delete':
      return { method: 'DELETE', path: `/orders/${request.orderId}` }
    case 'get':
      return { method: 'GET', path: `/orders/${request.orderId}` }
    case 'void':
      return json('POST', '/orders/void', { userId: request.userId, clientOrderId: request.key })
    case 'mass':
      return { method: 'DELETE', path: `/orders?${scopeQuery(request.scope)}` }
    case 'arm':
      return json('POST', '/orders/cancel-after', { userId: request.userId, timeoutMs: request.timeoutMs })
    case 'trading': {
      const { ticker, state, cancelOpen } = request
      const query = ticker === null ? '' : `?ticker=${encodeURIComponent(ticker)}`
      const change = { state, by: 'the desk', note: 'chaos', ...(cancelOpen ? { cancelOpen } : {}) }
      return json('PUT', `/trading${query}`, change)
    }
  }
}

type OrderBody = { id?: string; status?: string | number }
type Body = OrderBody & {
  orderStatus?: string
  code?: string
  reason?: { code: string } | null
  order?: OrderBody
  results?: readonly { status: number; order?: OrderBody; problem?: Body; replayed?: boolean }[]
  voided?: boolean
  canceled?: string[]
  notCanceled?: { id: string; orderStatus: string }[]
  remaining?: boolean
  firesAt?: string | null
  fired?: boolean
}

/** What an order or a problem says of an order. */
const orderPartOf = (body: Body): Omit<BatchResult, 'status'> => {
  const { id, status } = body.order ?? body
  const orderStatus = body.orderStatus ?? (typeof status === 'string' ? status : undefined)
  return {
    ...(id === undefined ? {} : { orderId: id }),
    ...(orderStatus === undefined ? {} : { orderStatus }),
    ...(body.code === undefined ? {} : { code: body.code }),
    ...(body.code === 'ORDER_REJECTED' && body.reason ? { reason: body.reason.code } : {}),
  }
}

const resultOf = ({ status, order, problem, replayed }: NonNullable<Body['results']>[number]): BatchResult => ({
  status,
  ...orderPartOf(problem ?? order ?? {}),
  ...(replayed === true ? { replayed } : {}),
})

const answerOf = (body: Body): Partial<Answer> => {
  const { results, voided, canceled, notCanceled, remaining, firesAt, fired } = body
  return {
    ...orderPartOf(body),
    ...(results === undefined ? {} : { results: results.map(resultOf) }),
    ...(voided === undefined ? {} : { voided }),
    ...(canceled === undefined ? {} : { canceled }),
    ...(notCanceled === undefined
      ? {}
      : { notCanceled: notCanceled.map(({ id, orderStatus }) => ({ id, orderStatus })) }),
    ...(remaining === undefined ? {} : { remaining }),
    ...(firesAt === undefined ? {} : { firesAt: firesAt === null ? null : Date.parse(firesAt) }),
    ...(fired === undefined ? {} : { fired }),
  }
}

/** Sends without keep-alive: on a stale connection the library would repeat a request by itself, which the log would lack. */
export const createSender =
  ({ urls, log, rng }: SenderOptions): Sender =>
  async (request, timeoutMs) => {
    const { method, path, body = null, headers = {} } = encode(request, rng)
    const base = rng.pick(urls)
    const n = log.sent(request)
    let answer: Answer
    try {
      const response = await fetch(`${base}${path}`, {
        method,
        body,
        headers: { ...headers, 'x-request-id': requestIdOf(n) },
        keepalive: false,
        signal: AbortSignal.timeout(timeoutMs),
      })
      const part = answerOf((await response.json()) as Body)
      const replayed = response.headers.get('idempotent-replayed') === 'true' ? { replayed: true } : {}
      answer = { answer: n, at: Date.now(), status: response.status, ...part, ...replayed }
    } catch (error) {
      const refused = error instanceof Error && 'code' in error && error.code === 'ConnectionRefused'
      answer = { answer: n, at: Date.now(), status: 0, error: refused ? 'refused' : 'lost' }
    }
    log.answered(answer)
    return answer
  }
