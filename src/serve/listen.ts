// The ports of the service: one for everybody, and one for operators if they have their own.

import type { Config } from '../config/config.ts'
import { serverCertificateOf } from '../config/transport.ts'
import type { CallObserver } from '../grpc/door.ts'
import type { GrpcLimits, GrpcListener } from '../grpc/server.ts'
import type { Guard } from '../http/gates/guard.ts'
import {
  openLater,
  openPort,
  type Address,
  type LateListener,
  type Listener,
  type ServerCertificate,
} from '../http/listener.ts'
import type { Phase } from '../http/operators/health.ts'
import { createServer, type CallOperation, type ServerOptions } from '../http/server.ts'
import { readPage } from '../pageFiles.ts'
import { describe } from '../telemetry/log.ts'
import { commit, version } from '../version.ts'
import { managementOf } from './access.ts'
import { amountDigitsOf, contractsOf } from './contracts.ts'
import { componentsOf, type StatusSource } from './status.ts'

/** `management`: null if its routes are on the port of the others. `grpc`: null if there is no port for it. */
export type Listeners = {
  server: Listener
  /**
   * Opens the port of `server` if it is not open yet. One that is shared with other processes opens only when this one can serve: the
   * kernel deals out connections without asking who is ready. False: it cannot be opened; the reason is in the log.
   */
  openShared: () => boolean
  management: Listener | null
  grpc: GrpcListener | null
}

type Opened<L extends Listener = Listener> = { listener: L; call: CallOperation }

/**
 * The longest time that a client may wait in silence: for its body to be read, for the keys that check its credential (they are fetched
 * twice at most), for a look at the order or its key, and for the write.
 */
export const answerMaxMs = ({ REQUEST_DEADLINE_MS, AUTH_JWKS_URL, AUTH_JWKS_TIMEOUT_MS }: Config): number =>
  3 * REQUEST_DEADLINE_MS + (AUTH_JWKS_URL === '' ? 0 : 2 * AUTH_JWKS_TIMEOUT_MS) + graceMs
const graceMs = 1_000

/** How often a silent stream says that it is alive. Proxies close a connection that is silent for a minute. */
const heartbeatMs = 15_000

type Parts = Pick<
  ServerOptions,
  'service' | 'streams' | 'openStreams' | 'metrics' | 'observe' | 'observeStream' | 'tracing' | 'now' | 'log'
> & {
  status: StatusSource
  phase: () => Phase
  observeGrpc: CallObserver
}

/** What both ports have in common. */
const serverOptionsOf = ({ status, phase, ...parts }: Omit<Parts, 'observeGrpc'>): ServerOptions => {
  const { config } = status
  return {
    ...parts,
    unknownFields: config.ORDERS_UNKNOWN_FIELDS,
    javaCompatibility: config.JAVA_COMPATIBILITY,
    bodyMaxBytes: config.BODY_MAX_BYTES,
    batchBodyMaxBytes: config.BATCH_BODY_MAX_BYTES,
    amountDigits: amountDigitsOf(config),
    bodyDeadlineMs: config.REQUEST_DEADLINE_MS,
    eventsPageMax: config.EVENTS_PAGE_MAX,
    heartbeatMs,
    random: Math.random,
    started: () => phase() !== 'starting',
    draining: () => phase() === 'draining',
    corsOrigins: config.CORS_ALLOWED_ORIGINS,
    health: { phase, components: () => componentsOf(status), info: () => ({ name: 'orders', version, commit }) },
    contracts: contractsOf(config),
    blotter: config.BLOTTER ? readPage : null,
    idleTimeoutMs: config.SERVER_IDLE_TIMEOUT_MS,
    answerMaxMs: answerMaxMs(config),
  }
}

type Keys = { host: 'SERVER_HOST' | 'MANAGEMENT_HOST'; port: 'SERVER_PORT' | 'MANAGEMENT_PORT' }
type Opening = { config: Config; keys: Keys; options: ServerOptions; tls?: ServerCertificate | undefined }

/** @returns null if the port cannot be opened; the reason is in the log then */
const orLog = <T>({ config, keys, options: { log } }: Opening, open: () => T): T | null => {
  try {
    return open()
  } catch (error) {
    log.error(
      `cannot listen on ${config[keys.host]}:${config[keys.port]}: free the port or set ${keys.port}`,
      describe(error),
    )
    return null
  }
}

const addressOf = ({ config, keys, options, tls }: Opening): Address => ({
  hostname: config[keys.host],
  port: config[keys.port],
  tls,
  idleTimeoutMs: options.idleTimeoutMs,
})

const listenAt = (opening: Opening): Opened | null => {
  const { app, call } = createServer(opening.options)
  const listener = orLog(opening, () => openPort(app, addressOf(opening)))
  return listener === null ? null : { listener, call }
}

const listenLater = (opening: Opening): Opened<LateListener> => {
  const { app, call } = createServer(opening.options)
  return { listener: openLater(app, { ...addressOf(opening), isShared: true }), call }
}

/** The port for everybody. */
const listenForAll = (opening: Opening): (Opened & Pick<Listeners, 'openShared'>) | null => {
  if (!opening.config.SERVER_REUSE_PORT) {
    const opened = listenAt(opening)
    return opened === null ? null : { ...opened, openShared: () => true }
  }
  const { listener, call } = listenLater(opening)
  const open = (): true => {
    listener.open()
    return true
  }
  return { listener, call, openShared: () => orLog(opening, open) ?? false }
}

/** For the handshake of TLS at the door of gRPC, as at that of FIX. */
const handshakeMs = 10_000
/** For an answer of gRPC: at most a page of 500 orders, or the results of a batch. */
const untakenMs = 30_000

const grpcLimitsOf = (config: Config): GrpcLimits => ({
  connectionsMax: config.GRPC_MAX_CONNECTIONS,
  callsMax: config.GRPC_CONNECTION_MAX_CALLS,
  messageMaxBytes: config.GRPC_MESSAGE_MAX_BYTES,
  keepaliveMs: config.GRPC_KEEPALIVE_MS,
  keepaliveTimeoutMs: config.GRPC_KEEPALIVE_TIMEOUT_MS,
  handshakeMs,
  untakenMs,
  idleMs: config.GRPC_CONNECTION_IDLE_MS,
  ageMs: config.GRPC_CONNECTION_AGE_MS,
})

/** @returns undefined if the port cannot be opened; the reason is in the log then. Its code is loaded here, and only if there is a port. */
const listenGrpc = async (
  {
    config,
    status,
    phase,
    log,
    observeGrpc,
  }: Pick<Parts, 'status' | 'phase' | 'log' | 'observeGrpc'> & {
    config: Config
  },
  call: CallOperation,
): Promise<GrpcListener | null | undefined> => {
  const { GRPC_PORT: port, GRPC_HOST: hostname } = config
  if (port === 0) return null
  const ready = (): boolean => phase() === 'serving' && componentsOf(status).db.status !== 'DOWN'
  try {
    const { openGrpc } = await import('../grpc/server.ts')
    const door = { call, ready, log, observe: observeGrpc }
    return await openGrpc(door, { hostname, port, tls: serverCertificateOf(config) }, grpcLimitsOf(config))
  } catch (error) {
    log.error(`cannot listen on ${hostname}:${port}: free the port or set GRPC_PORT`, describe(error))
    return undefined
  }
}

/** @returns null if one of the ports cannot be opened; the reason is in the log then */
export const listen = async (parts: Parts, guard: Guard): Promise<Listeners | null> => {
  const { config } = parts.status
  const options = serverOptionsOf(parts)
  const opened = listenForAll({
    config,
    keys: { host: 'SERVER_HOST', port: 'SERVER_PORT' },
    options: { ...options, guard, management: managementOf(config) },
    tls: serverCertificateOf(config),
  })
  if (opened === null) return null
  const grpc = await listenGrpc({ ...parts, config }, opened.call)
  if (grpc === undefined) return null
  const { listener: server, openShared } = opened
  if (config.MANAGEMENT_PORT === 0) return { server, openShared, management: null, grpc }
  const management = listenAt({
    config,
    keys: { host: 'MANAGEMENT_HOST', port: 'MANAGEMENT_PORT' },
    // It needs no guard: the address that it listens on protects it. No page of another origin has any business there.
    options: { ...options, corsOrigins: [], management: 'only' },
  })
  return management === null ? null : { server, openShared, management: management.listener, grpc }
}
