// The calls of orders.v1.Orders with one answer: a message becomes the request of an operation, and its answer becomes a message.

import type { sendUnaryData, ServerUnaryCall } from '@grpc/grpc-js'
import { describe } from '../telemetry/log.ts'
import { placeResult, readAnswer, trailerOf } from './answers.ts'
import { headersOf, visitOf, type Door } from './door.ts'
import { textOf, type Plain, type Received } from './messages.ts'
import { failed, malformed } from './status.ts'

const origin = 'http://grpc'
const json = { 'content-type': 'application/json' }

type Asked = {
  id: Parameters<Door['call']>[0]
  request: (headers: (own?: Readonly<Record<string, string>>) => Headers) => Request
  params?: Record<string, string>
  /** The message of an answer. */
  answer: (value: Plain, response: Response) => Plain
}

const idOf = (message: Plain): { path: string; params: { id: string } } => {
  const id = textOf(message, 'id')
  return { path: `${origin}/orders/${encodeURIComponent(id)}`, params: { id } }
}

/** The members of a message as the parameters of a query; lists repeat theirs. */
export const queryOf = (message: Plain): string => {
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(message))
    for (const one of Array.isArray(value) ? value : [value]) search.append(name, String(one))
  return search.size === 0 ? '' : `?${search.toString()}`
}

const post = (path: string, body: Plain) => (headers: (own: Record<string, string>) => Headers) =>
  new Request(origin + path, { method: 'POST', body: JSON.stringify(body), headers: headers(json) })

/** By method: what each asks of HTTP's operations. */
const asks = {
  Place: (message) => ({
    id: 'placeOrder',
    request: post('/orders', message),
    answer: (order, { headers }) => ({ order, replayed: headers.has('idempotent-replayed') }),
  }),
  PlaceMany: (message) => ({
    id: 'placeBatch',
    request: post('/orders/batch', { orders: message['orders'] ?? [] }),
    answer: ({ results }) => ({ results: (results as Parameters<typeof placeResult>[0][]).map(placeResult) }),
  }),
  Cancel(message) {
    const { path, params } = idOf(message)
    const { version } = message
    const match = typeof version === 'number' ? { 'if-match': `"${version}"` } : {}
    return {
      id: 'deleteOrder',
      request: (headers) => new Request(path, { method: 'DELETE', headers: headers(match) }),
      params,
      answer: (order) => order,
    }
  },
  Get(message) {
    const { path, params } = idOf(message)
    return {
      id: 'getOrder',
      request: (headers) => new Request(path, { headers: headers() }),
      params,
      answer: (order) => order,
    }
  },
  List: (message) => ({
    id: 'listOrders',
    request: (headers) => new Request(`${origin}/orders${queryOf(message)}`, { headers: headers() }),
    answer: (page) => page,
  }),
} as const satisfies Record<string, (message: Plain) => Asked>

export type UnaryMethod = keyof typeof asks
export const unaryMethods = Object.keys(asks) as UnaryMethod[]

type UnaryCall = Pick<ServerUnaryCall<Received, Plain>, 'request' | 'metadata' | 'getPeer'>

/** Answers a call; never throws. */
export const unary =
  (method: UnaryMethod, door: Door) =>
  async (call: UnaryCall, callback: sendUnaryData<Plain>): Promise<void> => {
    try {
      if (!call.request.ok) return callback(malformed(call.request.detail))
      const asked: Asked = asks[method](call.request.value)
      const request = asked.request((own) => headersOf(call.metadata, own))
      const visit = visitOf(method, call)
      const response = await door.call(asked.id, { request, params: asked.params ?? {}, visit })
      const answer = await readAnswer(response)
      if (!answer.ok) return callback(answer.status)
      callback(null, asked.answer(answer.value, response), trailerOf(response))
    } catch (error) {
      door.log.error('a gRPC call failed', { method, ...describe(error) })
      callback(failed())
    }
  }
