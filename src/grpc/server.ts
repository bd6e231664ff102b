// The gRPC server on its own port: orders.v1.Orders, grpc.health.v1.Health and reflection, over node:http2 in this process. This file is loaded
// only if GRPC_PORT is set.

import { Server, ServerCredentials, setLogger } from '@grpc/grpc-js'
import type { Log } from '../telemetry/log.ts'
import { observing } from './calls.ts'
import { renewableCredentials, type GrpcCertificate } from './certificate.ts'
import { openConnections } from './connections.ts'
import type { CallObserver, Door } from './door.ts'
import { addServices } from './services.ts'
import { resettingUntaken } from './untaken.ts'

export type GrpcLimits = {
  connectionsMax: number
  /** Calls of one connection at a time. */
  callsMax: number
  /** How long the handshake of TLS may take. */
  handshakeMs: number
  messageMaxBytes: number
  /** After this silence a client is asked whether it is there; it has the time-out to answer. */
  keepaliveMs: number
  keepaliveTimeoutMs: number
  /** How long a client may take over an answer that is ready. */
  untakenMs: number
  /** A connection without a call is closed after this time. */
  idleMs: number
  /** A connection takes no new call after this time; 0: never. */
  ageMs: number
}

export type GrpcListener = {
  port: number
  /** New connections see this certificate. */
  renew: (tls: GrpcCertificate) => void
  /** Accepts nothing new, and resolves once the calls under way have ended; they are cut off after `cutAfterMs`. */
  stop: (cutAfterMs: number) => Promise<void>
}

const channelOptionsOf = (limits: GrpcLimits) => ({
  'grpc.max_receive_message_length': limits.messageMaxBytes,
  'grpc.max_concurrent_streams': limits.callsMax,
  'grpc.keepalive_time_ms': limits.keepaliveMs,
  'grpc.keepalive_timeout_ms': limits.keepaliveTimeoutMs,
  'grpc.max_connection_idle_ms': limits.idleMs,
  ...(limits.ageMs === 0 ? {} : { 'grpc.max_connection_age_ms': limits.ageMs }),
  // Its own book of channels and calls; ours are the metrics.
  'grpc.enable_channelz': 0,
})

/** What the library has to say goes to the log. */
const logThrough = (log: Log): void => {
  const error = (...texts: unknown[]): void =>
    log.error('the gRPC library reports a fault', { detail: texts.join(' ') })
  setLogger({ error, info: () => undefined, debug: () => undefined })
}

/** How long a client may take over the last answers, once no call is under way, before the port closes. */
const lastAnswerMs = 2_000

/** Knows when no call is under way. */
const countCalls = (observe: CallObserver) => {
  let running = 0
  let onNone: (() => void) | null = null
  return {
    observe: {
      ...observe,
      onStart(method) {
        running += 1
        observe.onStart(method)
      },
      onEnd(call) {
        running -= 1
        observe.onEnd(call)
        if (running === 0) onNone?.()
      },
    } satisfies CallObserver,
    /** Calls it whenever the last call has ended, and now if there is none. */
    whenNone(then: () => void) {
      onNone = then
      if (running === 0) then()
    },
  }
}

type Address = { hostname: string; port: number; tls?: GrpcCertificate | undefined }

/** Rejects if the port cannot be opened. */
export const openGrpc = async (
  door: Door,
  { hostname, port, tls }: Address,
  limits: GrpcLimits,
): Promise<GrpcListener> => {
  logThrough(door.log)
  const calls = countCalls(door.observe)
  const interceptors = [observing(calls.observe), resettingUntaken(limits.untakenMs)]
  const server = new Server({ ...channelOptionsOf(limits), interceptors })
  const services = addServices(server, door)
  const secure = tls === undefined ? null : renewableCredentials(tls, limits.handshakeMs)
  const injector = server.createConnectionInjector(secure?.credentials ?? ServerCredentials.createInsecure())
  const connections = await openConnections({
    hostname,
    port,
    connectionsMax: limits.connectionsMax,
    take: (socket) => injector.injectConnection(socket),
    onOpen: door.observe.onConnections,
    onRefused: door.observe.onConnectionRefused,
  })
  return {
    port: connections.port,
    renew: (next) => secure?.renew(next),
    async stop(cutAfterMs) {
      const closed = connections.close()
      const timers = [setTimeout(connections.cut, cutAfterMs)]
      calls.whenNone(() => timers.push(setTimeout(connections.cut, Math.min(cutAfterMs, lastAnswerMs))))
      services.stop()
      // Tells the clients to open no further call here. Its callback says nothing: it may come before the calls have ended.
      server.tryShutdown(() => undefined)
      await closed
      timers.forEach(clearTimeout)
    },
  }
}
