// grpc.health.v1.Health: the readiness of HTTP, for the whole server ('') and for orders.v1.Orders.

import { status, type sendUnaryData, type ServerUnaryCall, type ServerWritableStream } from '@grpc/grpc-js'
import type { Door } from './door.ts'
import { textOf, type Plain, type Received } from './messages.ts'
import { malformed } from './status.ts'

const services = new Set(['', 'orders.v1.Orders'])
/** How often the answer of the watchers is looked at, in ms. */
const everyMs = 500
/** Nobody needs a credential to watch, so all watchers together are bounded. */
const watchersMax = 1_000

type Watcher = { call: Pick<ServerWritableStream<Received, Plain>, 'write' | 'end'>; name: string; last: string }

const nobody = { code: status.NOT_FOUND, details: 'there is no such service' }
const tooMany = { code: status.RESOURCE_EXHAUSTED, details: `more than ${watchersMax} watch already` }

export const createHealth = ({ ready }: Pick<Door, 'ready'>) => {
  const watchers = new Set<Watcher>()
  let stopping = false
  let timer: ReturnType<typeof setInterval> | undefined
  const statusOfService = (name: string): string => {
    if (!services.has(name)) return 'SERVICE_UNKNOWN'
    return ready() && !stopping ? 'SERVING' : 'NOT_SERVING'
  }
  const look = (watcher: Watcher): void => {
    const now = statusOfService(watcher.name)
    if (now !== watcher.last) watcher.call.write({ status: now })
    watcher.last = now
  }
  const remove = (watcher: Watcher): void => {
    watchers.delete(watcher)
    if (watchers.size > 0) return
    clearInterval(timer)
    timer = undefined
  }
  return {
    check: ({ request }: Pick<ServerUnaryCall<Received, Plain>, 'request'>, callback: sendUnaryData<Plain>): void => {
      if (!request.ok) return callback(malformed(request.detail))
      const name = textOf(request.value, 'service')
      callback(services.has(name) ? null : nobody, { status: statusOfService(name) })
    },
    watch: (call: ServerWritableStream<Received, Plain>): void => {
      if (!call.request.ok) return void call.emit('error', malformed(call.request.detail))
      if (watchers.size >= watchersMax) return void call.emit('error', tooMany)
      const watcher = { call, name: textOf(call.request.value, 'service'), last: '' }
      watchers.add(watcher)
      call.once('cancelled', () => remove(watcher))
      timer ??= setInterval(() => watchers.forEach(look), everyMs)
      look(watcher)
    },
    /** Every watcher learns that nothing is served any more, and its stream ends. */
    stop(): void {
      stopping = true
      for (const watcher of watchers) {
        look(watcher)
        watcher.call.end()
        remove(watcher)
      }
    },
  }
}
