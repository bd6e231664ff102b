// What the door is given: the operations of HTTP behind their gates, and whether the service is ready.

import { status, type Metadata } from '@grpc/grpc-js'
import type { Log } from '../telemetry/log.ts'
import type { Attributes } from '../telemetry/tracing.ts'
import { codeOf, statusName } from './status.ts'

/** See Visit in http/exchange/exchange.ts. */
export type Visit = {
  door: { kind: 'grpc' }
  name: string
  attributes: (answer: { code: string | null; requestId: string }) => Attributes
  address: string
  onSilence?: (ms: number) => void
  onStreamEnd?: (end: 'client' | 'lagging' | 'credential' | 'shutdown') => void
}

type OperationId = 'placeOrder' | 'placeBatch' | 'deleteOrder' | 'getOrder' | 'listOrders' | 'streamOrders'

/** Hears of what happens at this door. `method`: with its service, `orders.v1.Orders/Place`. */
export type CallObserver = {
  onStart: (method: string) => void
  /** `status`: the name of its code. `seconds`: of a stream until its end. */
  onEnd: (call: { method: string; status: string; seconds: number }) => void
  onConnections: (open: number) => void
  onConnectionRefused: () => void
}

export type Door = {
  call: (
    id: OperationId,
    call: { request: Request; params?: Record<string, string>; visit: Visit },
  ) => Promise<Response>
  /** Whether calls can be served: the readiness of HTTP. */
  ready: () => boolean
  log: Log
  observe: CallObserver
}

/** Metadata that means what the header of its name means over HTTP. */
const readHeaders = ['authorization', 'x-api-key', 'x-request-id', 'traceparent']

export const headersOf = (metadata: Metadata, own: Readonly<Record<string, string>> = {}): Headers => {
  const headers = new Headers(own)
  for (const name of readHeaders) for (const value of metadata.get(name)) headers.append(name, String(value))
  return headers
}

/** The address of a peer such as `10.0.0.1:40112` or `::1:40112`. */
const addressOf = (peer: string): string => peer.replace(/:\d+$/, '').replace(/^\[|\]$/g, '')

/** `method`: of orders.v1.Orders. The attributes have OpenTelemetry's names for RPC. */
export const visitOf = (method: string, call: { getPeer: () => string }): Visit => {
  const name = `orders.v1.Orders/${method}`
  return {
    door: { kind: 'grpc' },
    name,
    attributes: ({ code, requestId }) => ({
      'rpc.system.name': 'grpc',
      'rpc.method': name,
      'rpc.response.status_code': statusName(code === null ? status.OK : codeOf(code)),
      'rpc.request.metadata.x-request-id': [requestId],
    }),
    address: addressOf(call.getPeer()),
  }
}
