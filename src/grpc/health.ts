// grpc.health.v1.Health: the readiness of HTTP, for the whole server ('') and for orders.v1.Orders.

import { status, type sendUnaryData, type ServerUnaryCall, type ServerWritableStream } from '@grpc/grpc-js'
import type { Door } from './door.ts'
import type { Plain, Received } from './messages.ts'
import { malformed } from './orders.ts'

const services = new Set(['', 'orders.v1.Orders'])
/** How often a watcher's answer is looked at, in ms. */
const everyMs = 500

const nameOf = (value: Plain): string => String(value['service'] ?? '')

export const createHealth = ({ ready }: Pick<Door, 'ready'>) => {
  const watchers = new Set<() => void>()
  let stopping = false
  const statusOfService = (name: string): string => {
    if (!services.has(name)) return 'SERVICE_UNKNOWN'
    return ready() && !stopping ? 'SERVING' : 'NOT_SERVING'
  }
  return {
    check(call: Pick<ServerUnaryCall<Received, Plain>, 'request'>, callback: sendUnaryData<Plain>): void {
      const { request } = call
      if (!request.ok) return callback(malformed(request.detail))
      const name = nameOf(request.value)
      if (!services.has(name)) return callback({ code: status.NOT_FOUND, details: 'there is no such service' })
      callback(null, { status: statusOfService(name) })
    },
    watch(call: ServerWritableStream<Received, Plain>): void {
      const { request } = call
      if (!request.ok) return void call.emit('error', malformed(request.detail))
      const name = nameOf(request.value)
      let last = ''
      const look = (): void => {
        const now = statusOfService(name)
        if (now !== last) call.write({ status: now })
        last = now
      }
      look()
      const timer = setInterval(look, everyMs)
      const end = (): void => {
        clearInterval(timer)
        watchers.delete(end)
        look()
        call.end()
      }
      watchers.add(end)
      call.once('cancelled', () => {
        clearInterval(timer)
        watchers.delete(end)
      })
    },
    /** Every watcher learns that nothing is served any more, and its stream ends. */
    stop(): void {
      stopping = true
      watchers.forEach((end) => end())
    },
  }
}
